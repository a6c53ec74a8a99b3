# SPDX-License-Identifier: Apache-2.0
"""What options, aggregates and hosts make of servers booted again."""

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import UnclassifiedHosts
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.audit.replay_checks import Gap
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import server
from tests.unit.operations.replayed import ELSEWHERE
from tests.unit.operations.replayed import NOT_KNOWN
from tests.unit.operations.replayed import OTHER_FIRST
from tests.unit.operations.replayed import REFUSED
from tests.unit.operations.replayed import STAYS
from tests.unit.operations.replayed import of


def tagged(name, hosts, **metadata):
    return Aggregate(name, f'a-{name}', metadata, tuple(hosts))


@pytest.mark.parametrize(
    ('policy', 'image', 'host', 'expected'),
    [
        (
            Policy(preferred_hypervisors=('vmware', 'kvm')),
            *(ISO, 'kvm-1'),
            (OTHER_FIRST, Reason.NOT_PREFERRED, 'KVM>VMware'),
        ),
        (
            Policy(preferred_hypervisors=('xen', 'vmware')),
            *(ISO, 'kvm-1'),
            (OTHER_FIRST, Reason.NOT_PREFERRED, 'KVM>VMware'),
        ),
        (
            Policy(preferred_hypervisors=()),
            *(ISO, 'vc-1'),
            (STAYS, Reason.SUITABLE, 'VMware>VMware'),
        ),
        (
            Policy(weight_multiplier=0.0),
            *(ISO, 'vc-1'),
            (STAYS, Reason.SUITABLE, 'VMware>VMware'),
        ),
        (
            Policy(flexible_placement=FlexiblePlacement.STRICT),
            *(ISO, 'vc-1'),
            (ELSEWHERE, Reason.NOT_PREFERRED, 'VMware>KVM'),
        ),
        (
            Policy(
                flexible_placement=FlexiblePlacement.STRICT,
                preferred_hypervisors=('xen',),
            ),
            *(ISO, 'vc-1'),
            (REFUSED, Reason.NOT_PREFERRED, 'VMware>'),
        ),
    ],
)
def test_the_options_count(policy, image, host, expected):
    assert of(server('a', image, host), policy=policy) == [expected]


def test_hosts_that_nobody_has_classified():
    policy = Policy(unclassified_hosts=UnclassifiedHosts.NONE)
    given = server('a', ISO, 'kvm-1')
    aggregates = [tagged('kvm', ['kvm-2'], hypervisor_type='kvm')]
    assert of(given, policy=policy, aggregates=aggregates) == [
        (ELSEWHERE, Reason.UNCLASSIFIED_HOST, 'KVM>KVM')
    ]
    assert of(given, policy=policy, aggregates=[]) == [
        (REFUSED, Reason.UNCLASSIFIED_HOST, 'KVM>')
    ]


def test_modes_do_not_count():
    observing = {'hypervisor_affinity_mode': 'observe'}
    aggregates = [
        tagged('kvm', ['kvm-1'], hypervisor_type='kvm', **observing),
        tagged('vmware', ['vc-1'], hypervisor_type='vmware', **observing),
    ]
    servers = [server('a', QCOW2, 'vc-1'), server('b', ISO, 'vc-1')]
    for policy in (Policy(), Policy(mode=Mode.OBSERVE)):
        for tags in ([], aggregates):
            found = of(*servers, policy=policy, aggregates=tags)
            assert [check for check, _, _ in found] == [ELSEWHERE, OTHER_FIRST]


def test_a_reserve_keeps_nobody_out():
    metadata = {'hypervisor_affinity_reserve': '100'}
    aggregates = [tagged('kvm', ['kvm-1', 'kvm-2'], **metadata)]
    assert of(server('a', QCOW2, 'kvm-1'), aggregates=aggregates) == [
        (STAYS, Reason.SUITABLE, 'KVM>KVM')
    ]


def test_an_aggregate_that_admits_only_who_needs_it():
    metadata = {'hypervisor_affinity_admit': 'required'}
    aggregates = [tagged('vmware', ['vc-1'], **metadata)]
    assert of(server('a', ISO, 'vc-1'), aggregates=aggregates) == [
        (ELSEWHERE, Reason.ADMITS_REQUIRED_ONLY, 'VMware>KVM')
    ]


def test_a_weight_of_an_aggregate_is_no_other_hypervisor():
    metadata = {'hypervisor_affinity_weight_multiplier': '500'}
    aggregates = [tagged('fast', ['kvm-2'], **metadata)]
    assert of(
        server('a', ISO, 'kvm-1'),
        server('b', ISO, 'vc-1'),
        aggregates=aggregates,
    ) == [
        (STAYS, Reason.SUITABLE, 'KVM>KVM'),
        (OTHER_FIRST, Reason.NOT_PREFERRED, 'VMware>KVM'),
    ]


def test_hypervisors_that_weigh_the_same():
    policy = Policy(preferred_hypervisors=('xen',))
    hosts = [
        records.kvm('kvm-1'),
        records.vcenter('vc-1'),
        records.kvm('odd', hypervisor_type='fake'),
    ]
    wrong = msgspec.structs.replace(ISO, properties={'hw_vif_model': 'e1000'})
    flexible, bound = server('a', wrong, 'vc-1'), server('b', VMDK, 'odd')
    assert of(
        flexible, bound, images=[wrong, VMDK], hosts=hosts, policy=policy
    ) == [
        (STAYS, Reason.SUITABLE, 'VMware>VMware'),
        (ELSEWHERE, Reason.UNDETERMINED_HOST, 'undetermined>VMware'),
    ]


def test_hosts_that_an_operator_has_disabled_take_nothing():
    disabled = {'status': 'disabled', 'disabled_reason': 'firmware'}
    by_driver = {
        'status': 'disabled',
        'disabled_reason': 'set by vmwareapi host_state',
    }
    given = server('a', VMDK, 'kvm-1')
    for fields, check in (
        (disabled, REFUSED),
        (by_driver, ELSEWHERE),
        ({'state': 'down'}, ELSEWHERE),
    ):
        hosts = [records.kvm('kvm-1'), records.vcenter('vc-1', **fields)]
        assert [found for found, _, _ in of(given, hosts=hosts)] == [check]


def test_a_server_on_a_host_that_is_disabled_is_compared_with_that():
    hosts = [
        records.kvm('kvm-1', status='disabled', disabled_reason=''),
        records.kvm('kvm-2'),
        records.vcenter('vc-1'),
    ]
    assert of(server('a', QCOW2, 'kvm-1'), hosts=hosts) == [
        (STAYS, Reason.SUITABLE, 'KVM>KVM')
    ]


def test_no_host_takes_servers():
    hosts = [records.kvm('kvm-1', status='disabled', disabled_reason='')]
    assert of(server('a', QCOW2, 'kvm-1'), hosts=hosts) == [
        (NOT_KNOWN, Gap.NO_HOST_ENABLED, 'KVM>')
    ]
