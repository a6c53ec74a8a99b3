# SPDX-License-Identifier: Apache-2.0
"""What would become of servers that are booted again."""

import collections
import logging

import msgspec
import pytest

from hypervisor_affinity.cloud import adapters
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import nearest
from hypervisor_affinity.operations.audit import Wanted
from hypervisor_affinity.operations.audit.replay import replay
from hypervisor_affinity.operations.audit.replay_checks import Gap
from tests import case_records
from tests import case_table
from tests import cloud_of_records as records
from tests import reference_cloud
from tests.case_table import Case
from tests.case_verdicts import policy_of
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.cloud_of_records import server
from tests.unforeseen import SECRET
from tests.unforeseen import Unforeseen
from tests.unit.operations.replayed import ELSEWHERE
from tests.unit.operations.replayed import NOT_KNOWN
from tests.unit.operations.replayed import OTHER_FIRST
from tests.unit.operations.replayed import REFUSED
from tests.unit.operations.replayed import STAYS
from tests.unit.operations.replayed import VOLUME
from tests.unit.operations.replayed import WRONG
from tests.unit.operations.replayed import of

OURS = 'hypervisor_affinity:hypervisor_type'


@pytest.mark.parametrize(
    ('image', 'host', 'expected'),
    [
        (QCOW2, 'kvm-1', (STAYS, Reason.SUITABLE, 'KVM>KVM')),
        (VMDK, 'vc-1', (STAYS, Reason.SUITABLE, 'VMware>VMware')),
        (ISO, 'kvm-1', (STAYS, Reason.SUITABLE, 'KVM>KVM')),
        (VOLUME, 'kvm-2', (STAYS, Reason.SUITABLE, 'KVM>KVM')),
        (QCOW2, 'vc-1', (ELSEWHERE, Reason.CANNOT_BOOT_HERE, 'VMware>KVM')),
        (VMDK, 'kvm-1', (ELSEWHERE, Reason.OTHER_HYPERVISOR, 'KVM>VMware')),
        (ISO, 'vc-1', (OTHER_FIRST, Reason.NOT_PREFERRED, 'VMware>KVM')),
        (VOLUME, 'vc-1', (OTHER_FIRST, Reason.NOT_PREFERRED, 'VMware>KVM')),
        (WRONG, 'vc-1', (REFUSED, Reason.CANNOT_BOOT, 'VMware>')),
    ],
    ids=str,
)
def test_a_server(image, host, expected):
    images = [QCOW2, ISO, VMDK, WRONG]
    assert of(server('a', image, host), images=images) == [expected]


def test_the_reference_case_as_stock_nova_places_it():
    found = collections.Counter(
        (f.check, f.reason, f.about.origin, f.about.destination)
        for f in replay(reference_cloud.read(), Policy())
    )
    assert found == {
        (STAYS, 'suitable', 'VMware', 'VMware'): 50,
        (ELSEWHERE, 'cannot_boot_here', 'VMware', 'KVM'): 180,
        (OTHER_FIRST, 'not_preferred', 'VMware', 'KVM'): 70,
    }


def is_replayed(case: Case) -> bool:
    """Tell whether a server of a row can be there again with all it had."""
    is_boot = case.runs_on is None and not case.rebuild
    formats = adapters.FORMAT_NAMES & (case.image or {}).keys()
    return is_boot and not (case.volume and formats)


@pytest.mark.parametrize(
    'case', filter(is_replayed, case_table.cases()), ids=str
)
def test_the_case_table(case):
    """On each host of a row, the row's reason says what becomes of it."""
    hosts = [host for host, _ in case.expected]
    image = adapters.read_formats(case.image or {})
    image = msgspec.structs.replace(image, id='i')
    flavor = Flavor('f', extra_specs=case.extra_specs)
    has_image = case.image is not None and not case.volume
    source = records.Records(
        hosts=[*map(case_records.record_of, hosts)],
        aggregates=[a for h in hosts for a in case_records.aggregates_of(h)],
        images=[image],
        flavors=[],
        servers=[
            server(
                host.name,
                image if has_image else None,
                host.name,
                flavor=flavor,
                image_properties=image.properties,
            )
            for host in hosts
        ],
    )
    # Room is not asked for.
    reasons = [
        Reason.SUITABLE if code == Reason.RESERVED else Reason(code)
        for _, code in case.expected
    ]
    found = list(replay(source, policy_of(case)))
    assert len(found) == len(hosts)
    for finding, reason in zip(found, reasons, strict=True):
        if Reason.SUITABLE not in reasons:
            of_all = case.refusal or nearest(reasons)
            assert (finding.check, finding.reason) == (REFUSED, of_all)
        elif reason is Reason.SUITABLE:
            assert finding.check in (STAYS, OTHER_FIRST)
        else:
            assert (finding.check, finding.reason) == (ELSEWHERE, reason)


@pytest.mark.parametrize(
    ('given', 'gap'),
    [
        (server('a', ISO, None), Gap.ON_NO_HOST),
        (server('a', ISO, 'gone'), Gap.HOST_NOT_FOUND),
        (server('a', Image('b', 'i-gone'), 'kvm-1'), Gap.IMAGE_DELETED),
        (
            server('a', VOLUME, 'kvm-1', image_properties=None),
            Gap.VOLUME_NOT_KNOWN,
        ),
    ],
)
def test_what_nobody_tells(given, gap):
    ((check, reason, _),) = of(given)
    assert (check, reason) == (NOT_KNOWN, gap)


def test_an_image_that_nova_boots_nothing_from():
    off = msgspec.structs.replace(ISO, status='deactivated')
    (found,) = replay(
        both(servers=[server('a', ISO, 'kvm-1')], images=[off]), Policy()
    )
    assert (found.check, found.reason) == (NOT_KNOWN, Gap.IMAGE_NOT_ACTIVE)
    assert found.evidence == 'image i-iso is deactivated'


def test_images_and_flavors_are_as_they_are_now():
    mended = msgspec.structs.replace(
        QCOW2, disk_format='vmdk', properties={'hypervisor_type': 'vmware'}
    )
    tied = msgspec.structs.replace(SMALL, extra_specs={OURS: 'vmware'})
    esxi = 'VMware>VMware'
    assert of(server('a', QCOW2, 'vc-1'), images=[mended]) == [
        (STAYS, Reason.SUITABLE, esxi)
    ]
    assert of(server('a', ISO, 'vc-1'), flavors=[tied]) == [
        (STAYS, Reason.SUITABLE, esxi)
    ]
    # Of a flavor that is gone, the server's own copy is left.
    assert of(server('a', ISO, 'vc-1', flavor=tied), flavors=[]) == [
        (STAYS, Reason.SUITABLE, esxi)
    ]


def test_the_image_of_a_volume_is_as_it_was():
    properties = {'hypervisor_type': 'vmware'}
    given = server('a', VOLUME, 'kvm-1', image_properties=properties)
    assert of(given) == [(ELSEWHERE, Reason.OTHER_HYPERVISOR, 'KVM>VMware')]


def test_an_empty_cloud():
    assert list(replay(records.Records(), Policy())) == []


def test_what_it_rests_on():
    servers = [
        server('a', WRONG, 'vc-1'),
        server('b', QCOW2, 'vc-1'),
        server('c', ISO, 'vc-1'),
        server('d', QCOW2, 'kvm-1'),
    ]
    source = both(servers=servers, images=[WRONG, QCOW2, ISO])
    assert [found.evidence for found in replay(source, Policy())] == [
        'image needs VMware (hypervisor_type=esx), which cannot boot an image '
        'with disk_format=qcow2; hosts rejected: 3 cannot_boot',
        'image cannot boot on VMware (disk_format=qcow2); aggregate vmware '
        'hypervisor_type=vmware; driver hypervisor_type=VMware vCenter Server',
        'can run on any hypervisor, KVM first; it is on VMware',
        'image cannot boot on VMware (disk_format=qcow2)',
    ]


def test_servers_of_a_part_of_the_cloud():
    servers = [
        server('a', QCOW2, 'kvm-1', project='red'),
        server('b', VMDK, 'kvm-2', project='blue'),
    ]
    source = both(servers=servers)

    def names(**wanted):
        found = replay(source, Policy(), wanted=Wanted(**wanted))
        return [finding.about.server.name for finding in found]

    assert names() == ['a', 'b']
    assert names(projects=['blue']) == ['b']
    assert names(hosts=['kvm-1']) == ['a']
    assert names(aggregates=['kvm']) == ['a', 'b']
    with pytest.raises(Missing, match="no host 'kvm-9'"):
        names(hosts=['kvm-9'])
    # The other hosts count as destinations.
    (found,) = replay(source, Policy(), wanted=Wanted(hosts=['kvm-2']))
    assert found.check is ELSEWHERE


def test_a_server_that_cannot_be_judged_hides_no_other(caplog):
    caplog.set_level(logging.DEBUG)
    odd = Flavor('odd', extra_specs=Unforeseen())
    source = both(
        servers=[
            server('bad', ISO, 'kvm-1', flavor=odd),
            server('good', ISO, 'kvm-1'),
        ]
    )
    bad, good = replay(source, Policy())
    assert (bad.check, bad.reason) == (NOT_KNOWN, Gap.NOT_JUDGED)
    assert bad.evidence.startswith('unexpected RecursionError in ')
    assert good.check is STAYS
    assert SECRET not in caplog.text + bad.evidence


def test_a_host_that_cannot_be_judged():
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('vc-1',))
    servers = [
        server('a', VMDK, 'kvm-1'),
        server('b', QCOW2, 'kvm-1'),
        server('c', QCOW2, 'vc-1'),
        server('d', WRONG, 'kvm-1'),
    ]
    found = of(*servers, aggregates=[odd], images=[VMDK, QCOW2, WRONG])
    assert [(check, reason) for check, reason, _ in found] == [
        # The host might be the one that can.
        (NOT_KNOWN, Gap.NOT_JUDGED),
        (STAYS, Reason.SUITABLE),
        (NOT_KNOWN, Gap.NOT_JUDGED),
        (REFUSED, Reason.CANNOT_BOOT),
    ]


def test_servers_are_read_one_by_one():
    def endless():
        number = 0
        while True:
            number += 1
            yield server(f'{number}', ISO, 'kvm-1')

    source = both()
    found = replay(source, Policy(), endless())
    assert next(found).check is STAYS
    assert 'servers' not in source.read


def test_servers_that_are_alike_share_an_answer():
    found = list(replay(reference_cloud.read(), Policy()))
    assert len(found) == 300
    # Of as many steps in the scenario, each of one image.
    assert len({id(finding.evidence) for finding in found}) == 10
