# SPDX-License-Identifier: Apache-2.0
"""What an audit finds, and what it leaves alone."""

import logging
import re

import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import audit
from hypervisor_affinity.operations.findings import Severity
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import both
from tests.cloud_of_records import server
from tests.unforeseen import SECRET
from tests.unforeseen import Unforeseen
from tests.unit.operations.audited import found


def test_a_cloud_in_order():
    servers = [
        server('a', QCOW2, 'kvm-1'),
        server('b', ISO, 'kvm-2'),
        server('c', VMDK, 'vc-1'),
        server('d', None, 'kvm-1'),
    ]
    assert found(both(servers=servers)) == []


def test_hosts_and_aggregates():
    source = both(
        hosts=[
            records.kvm('kvm-1'),
            records.kvm('kvm-2'),
            records.kvm('kvm-3'),
            records.kvm('odd', hypervisor_type='fake'),
            records.vcenter('vc-1'),
        ],
        aggregates=[
            Aggregate(
                'kvm', 'a-1', {'hypervisor_type': 'kvm'}, ('kvm-1', 'gone')
            ),
            Aggregate(
                'vmware',
                'a-2',
                {'hypervisor_type': 'vmware'},
                ('vc-1', 'kvm-2'),
            ),
            Aggregate(
                'typo',
                'a-3',
                {'hypervisor_affinity_reserve': 'half'},
                ('vc-1',),
            ),
            Aggregate('zone', 'a-4', {'availability_zone': 'z'}, ('gone',)),
        ],
    )
    assert found(source) == [
        (CloudCheck.HOST_CONTRADICTORY, 'kvm-2', Reason.CONTRADICTORY_HOST),
        (CloudCheck.HOST_UNTAGGED, 'kvm-3', ''),
        (CloudCheck.HOST_UNDETERMINED, 'odd', Reason.UNDETERMINED_HOST),
        (CloudCheck.AGGREGATE_HOST_UNKNOWN, 'kvm', ''),
        (CloudCheck.TAG_UNREADABLE, 'typo', ''),
    ]


@pytest.mark.parametrize('hosts', [0, 1, 500])
def test_an_aggregate_is_read_once_whatever_hosts_it_has(hosts):
    names = [f'kvm-{number}' for number in range(hosts)]
    metadata = {
        'hypervisor_type': 'kvm',
        'hypervisor_affinity_reserv': '20',
        'hypervisor_affinity_admit': 'requird',
    }
    source = both(
        hosts=[records.kvm(name) for name in names],
        aggregates=[Aggregate('kvm', 'a-1', metadata, tuple(names))],
        images=[],
    )
    findings = list(audit(source, Policy()))
    assert [f.check for f in findings] == [CloudCheck.TAG_UNREADABLE] * 2
    assert {(f.about.kind, f.about.id, f.about.host) for f in findings} == {
        ('aggregate', 'a-1', '')
    }
    assert sorted(finding.evidence for finding in findings) == [
        'hypervisor_affinity_admit=requird: is neither any nor required; '
        'ignored',
        'hypervisor_affinity_reserv=20: is not a known metadata key (did you '
        "mean 'hypervisor_affinity_reserve'?); ignored",
    ]


def test_a_tag_that_the_driver_contradicts_is_of_the_host():
    tagged = [
        Aggregate(name, name, {'hypervisor_type': name}, ('kvm-1',))
        for name in ('kvm', 'vmware')
    ]
    source = both(hosts=[records.kvm('kvm-1')], aggregates=tagged, images=[])
    assert found(source) == [(CloudCheck.HOST_TAG_IGNORED, 'kvm-1', '')]


def test_hosts_that_take_nothing_by_the_operators_word():
    policy = Policy(unclassified_hosts='none')
    source = both(aggregates=[], images=[])
    assert {reason for _, _, reason in found(source, policy)} == {
        Reason.UNCLASSIFIED_HOST
    }


def test_servers_are_read_one_by_one():
    def endless():
        yield server('a', VMDK, 'kvm-1')
        raise AssertionError('the second one was asked for')

    source = both()
    first = next(audit(source, Policy(), endless()))
    assert first.about.name == 'a'
    assert 'servers' not in source.read


BAD_IMAGE = Image('odd', 'i-odd', 'active', 'qcow2', 'bare', Unforeseen())

BAD_FLAVOR = Flavor('odd', 'f-odd', extra_specs=Unforeseen())

BAD_AGGREGATE = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-2',))


@pytest.mark.parametrize(
    ('sections', 'not_judged'),
    [
        (
            {'images': [BAD_IMAGE, VMDK]},
            {(CloudCheck.IMAGE_NOT_JUDGED, 'odd')},
        ),
        (
            {'flavors': [BAD_FLAVOR, *both().flavors()]},
            {(CloudCheck.FLAVOR_NOT_JUDGED, 'odd')},
        ),
        (
            {
                'servers': [
                    server('bad', ISO, 'kvm-1', flavor=BAD_FLAVOR),
                    server('wrong', VMDK, 'kvm-1'),
                ]
            },
            {(CloudCheck.SERVER_NOT_JUDGED, 'bad')},
        ),
        (
            {'aggregates': [BAD_AGGREGATE, *both().aggregates()]},
            {
                (CloudCheck.AGGREGATE_NOT_JUDGED, 'odd'),
                (CloudCheck.HOST_NOT_JUDGED, 'kvm-2'),
                (CloudCheck.SERVER_NOT_JUDGED, 'there'),
            },
        ),
    ],
    ids=['image', 'flavor', 'server', 'aggregate'],
)
def test_what_cannot_be_judged_does_not_hide_the_rest(sections, not_judged):
    usual = [server('wrong', VMDK, 'kvm-1'), server('there', ISO, 'kvm-2')]
    source = both(**{'servers': usual, **sections})
    findings = list(audit(source, Policy()))
    assert (CloudCheck.SERVER_MISPLACED, 'wrong') in {
        (finding.check, finding.about.name) for finding in findings
    }
    odd = [f for f in findings if f.check.endswith('not_judged')]
    assert {(f.check, f.about.name) for f in odd} == not_judged
    for finding in odd:
        assert re.fullmatch(
            r'unexpected RecursionError in [\w.]+, line \d+; all else was '
            'judged',
            finding.evidence,
        )
        assert finding.severity == Severity.WARNING


def test_why_it_cannot_be_judged_is_in_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    list(audit(both(images=[BAD_IMAGE]), Policy()))
    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    text = record.getMessage()
    assert 'image odd cannot be judged: RecursionError' in text
    assert 'unforeseen.py' in text
    # Of an error's text nobody knows what it cites.
    assert SECRET not in text


def test_a_source_that_fails_is_no_finding():
    class Failing(type(both())):
        def images(self):
            yield QCOW2
            raise SourceError('glance is down')

    with pytest.raises(SourceError, match='glance is down'):
        list(audit(Failing(), Policy()))
