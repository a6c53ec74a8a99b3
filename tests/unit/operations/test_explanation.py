# SPDX-License-Identifier: Apache-2.0
"""Why hosts would take a request, or not."""

import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import HostCheck
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from tests import case_records
from tests import case_table
from tests import case_verdicts
from tests import cloud_of_records as records
from tests.case_verdicts import policy_of
from tests.cloud_of_records import ISO
from tests.cloud_of_records import VMDK
from tests.unforeseen import Unforeseen
from tests.unit.operations.explained import an_image
from tests.unit.operations.explained import doubts
from tests.unit.operations.explained import explained
from tests.unit.operations.explained import reasons

# It answers no question about a resize.
ANSWERED = [c for c in case_table.cases() if c.has == case_table.ASKED]


@pytest.mark.parametrize('case', ANSWERED, ids=str)
def test_the_case_table(case):
    for host, expected in case.expected:
        policy = policy_of(case)
        tenth = Flavor(
            'tenth',
            vcpus=case_table.VCPUS // 10,
            memory_mb=case_table.RAM_MB // 10,
        )
        found = explain(
            Request(str(case), case_verdicts.demand_of(case), tenth),
            [case_records.record_of(host)],
            HostOffers(case_records.aggregates_of(host), policy),
            policy,
        )
        (answered,) = found.hosts
        assert answered.answers[0].reason == expected, host.name


def test_a_host_that_would_take_it():
    found = explained([records.kvm('kvm-1')])
    assert found.passing == 1
    assert found.hosts[0].decisive.reason is Reason.SUITABLE


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'state': 'down'}, Obstacle.SERVICE_DOWN),
        ({'status': 'disabled'}, Obstacle.SERVICE_DISABLED),
        (
            {'state': 'down', 'status': 'disabled'},
            Obstacle.SERVICE_DISABLED,
        ),
    ],
)
def test_nova_compute_has_to_be_there(fields, expected):
    found = explained([records.kvm('kvm-1', **fields)])
    assert reasons(found) == {HostCheck.SERVICE: expected}
    assert found.passing == 0


def test_why_it_is_disabled():
    host = records.vcenter(
        'vc-1',
        status='disabled',
        disabled_reason='set by vmwareapi host_state',
    )
    (found,) = explained([host], VMDK).hosts
    assert listed(found.decisive.evidence) == (
        'nova-compute disabled=set by vmwareapi host_state'
    )


@pytest.mark.parametrize(
    ('metadata', 'passes'),
    [
        ({}, True),
        ({'filter_tenant_id': 'p1'}, True),
        ({'filter_tenant_id': 'p2'}, False),
        ({'filter_tenant_id': 'p2, p1'}, True),
        ({'filter_tenant_id': 'p2', 'filter_tenant_id3': 'p1'}, True),
    ],
)
def test_hosts_for_other_projects(metadata, passes):
    aggregates = [Aggregate('a', metadata=metadata, hosts=('kvm-1',))]
    hosts = [records.kvm('kvm-1')]
    found = explained(hosts, aggregates=aggregates, project='p1')
    assert reasons(found) == (
        {} if passes else {HostCheck.PROJECT: Obstacle.OTHER_PROJECTS}
    )
    assert reasons(explained(hosts, aggregates=aggregates)) == {}


def test_what_is_kept_for_others_is_not_free():
    aggregates = [
        Aggregate(
            'vmware',
            metadata={
                'hypervisor_type': 'vmware',
                'hypervisor_affinity_reserve': '50',
            },
            hosts=('vc-1',),
        )
    ]
    half = Inventory(65536, max_unit=16384, used=32768)
    hosts = [records.vcenter('vc-1', memory_mb=half)]
    assert reasons(explained(hosts, ISO, aggregates=aggregates)) == {
        HostCheck.HYPERVISOR: Reason.RESERVED
    }
    assert reasons(explained(hosts, VMDK, aggregates=aggregates)) == {}


def test_a_server_on_the_wrong_hypervisor_cannot_move():
    image = an_image(hypervisor_type='vmware')
    server = records.server('a', image, 'kvm-1')
    policy = Policy()
    found = explain(
        requests.move(server, None, frozenset({'kvm'}), policy),
        [records.kvm('kvm-1'), records.kvm('kvm-2'), records.vcenter('vc-1')],
        HostOffers((), policy),
        policy,
    )
    assert [found.decisive.reason for found in found.hosts] == [
        Obstacle.OWN_HOST,
        Obstacle.IMAGE_PROPERTIES_DIFFER,
        Reason.OTHER_HYPERVISOR,
    ]


@pytest.mark.parametrize(
    ('traits', 'more'),
    [
        ((), []),
        (
            ('COMPUTE_SAME_HOST_COLD_MIGRATE',),
            [
                'Placement with COMPUTE_SAME_HOST_COLD_MIGRATE: a cold '
                'migration may stay here'
            ],
        ),
    ],
)
def test_no_server_moves_to_the_host_it_is_on(traits, more):
    server = records.server('a', ISO, 'vc-1')
    policy = Policy()
    hosts = [
        records.vcenter('vc-1', traits=traits),
        records.vcenter('vc-2', traits=traits),
    ]
    found = explain(
        requests.move(server, ISO, frozenset({'vmware'}), policy),
        hosts,
        HostOffers((), policy),
        policy,
    )
    own, other = found.hosts
    assert found.passing == 1
    assert other.passes
    assert own.decisive.check == HostCheck.MOVE
    assert list(map(str, own.decisive.evidence)) == [
        'server is on this host',
        *more,
    ]


def test_a_boot_and_a_rebuild_leave_no_host():
    server = records.server('a', ISO, 'vc-1')
    policy = Policy()
    for request in (
        requests.boot(ISO, records.SMALL, policy),
        requests.rebuild(server, ISO, policy),
    ):
        found = explain(
            request, [records.vcenter('vc-1')], HostOffers((), policy), policy
        )
        checks = {answer.check for answer in found.hosts[0].answers}
        assert HostCheck.MOVE not in checks
        assert found.passing == 1


@pytest.mark.parametrize(
    ('frozen', 'expected'),
    [
        ({}, []),
        (None, ['server image properties: whether the driver supports them']),
    ],
)
def test_a_server_whose_image_properties_nobody_tells(frozen, expected):
    server = records.server('a', None, 'kvm-1', image_properties=frozen)
    policy = Policy()
    found = explain(
        requests.move(server, None, frozenset({'kvm'}), policy),
        [records.kvm('kvm-2')],
        HostOffers((), policy),
        policy,
    )
    assert doubts(found) == expected


def test_those_that_pass_for_sure_come_first():
    hosts = [
        records.kvm('kvm-1'),
        records.kvm('kvm-2'),
        records.kvm('kvm-3', supported=('kvm', 'qemu')),
        records.kvm('kvm-4', supported=('qemu',)),
    ]
    found = explained(hosts, an_image(hypervisor_type='kvm'))
    assert (found.passing, found.uncertain) == (3, 2)
    assert [
        (group.answer.reason, len(group.hosts), len(group.undetermined))
        for group in found.groups()
    ] == [
        (Reason.SUITABLE, 1, 0),
        (Reason.SUITABLE, 2, 1),
        (Obstacle.IMAGE_PROPERTIES_DIFFER, 1, 0),
    ]


def test_of_a_host_that_fails_nothing_need_be_known():
    host = records.kvm('kvm-1', state='down')
    found = explained([host], an_image(hypervisor_type='kvm'))
    assert (found.passing, found.uncertain, doubts(found)) == (0, 0, [])


def test_groups_show_what_passes_first_then_the_largest():
    hosts = [
        records.vcenter('vc-1', state='down'),
        records.kvm('kvm-1'),
        records.kvm('kvm-2'),
        records.vcenter('vc-2'),
    ]
    groups = explained(hosts, VMDK).groups()
    assert [
        (group.answer.reason, [found.host.name for found in group.hosts])
        for group in groups
    ] == [
        (Reason.SUITABLE, ['vc-2']),
        (Reason.OTHER_HYPERVISOR, ['kvm-1', 'kvm-2']),
        (Obstacle.SERVICE_DOWN, ['vc-1']),
    ]


def test_what_cannot_be_judged_does_not_hide_other_hosts():
    hosts = [records.kvm('kvm-1'), records.kvm('kvm-2')]
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-1',))
    found = explained(hosts, aggregates=[odd], project='blue')
    assert (found.passing, found.not_judged) == (1, 1)
    assert reasons(found) == {
        HostCheck.HYPERVISOR: Obstacle.NOT_JUDGED,
        HostCheck.PROJECT: Obstacle.NOT_JUDGED,
    }
    # A page has as many columns for each host.
    assert len({len(host.answers) for host in found.hosts}) == 1


def test_what_fails_anyhow_need_not_be_judged():
    host = records.kvm('kvm-1', state='down')
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-1',))
    found = explained([host], aggregates=[odd])
    assert (found.passing, found.not_judged) == (0, 0)
