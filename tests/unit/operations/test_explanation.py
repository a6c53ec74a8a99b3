# SPDX-License-Identifier: Apache-2.0
"""Why hosts would take a request, or not."""

import pytest

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.adapters import needs
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.explanation import Check
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from tests import case_table
from tests import case_verdicts
from tests import cloud_of_records as records
from tests.case_verdicts import policy_of
from tests.cloud_of_records import ISO
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import VMDK


def explained(hosts, image=ISO, flavor=SMALL, aggregates=(), **arguments):
    policy = Policy()
    demand = classify(flat(image), flavor.extra_specs, policy)
    return explain(
        Request('a request', demand, flavor),
        hosts,
        HostOffers(aggregates, policy),
        policy,
        **arguments,
    )


def reasons(explanation):
    return {
        answer.check: answer.reason
        for answer in explanation.hosts[0].answers
        if not answer.passes
    }


@pytest.mark.parametrize('case', case_table.cases(), ids=str)
def test_the_case_table(case):
    for host, expected in case.expected:
        used = {'used': host.used * case_table.RAM_MB // 100}
        record = Host(
            host.name,
            hypervisor_type=host.driver['hypervisor_type'],
            supported=tuple(host.driver['supported']),
            memory_mb=Inventory(case_table.RAM_MB, **used),
            vcpus=Inventory(
                case_table.VCPUS, used=host.used * case_table.VCPUS // 100
            ),
            disk_gb=Inventory(100),
        )
        aggregates = [
            Aggregate(
                f'{host.name}-{number}', metadata=metadata, hosts=(host.name,)
            )
            for number, metadata in enumerate(host.aggregates)
        ]
        policy = policy_of(case)
        tenth = Flavor(
            'tenth',
            vcpus=case_table.VCPUS // 10,
            memory_mb=case_table.RAM_MB // 10,
        )
        found = explain(
            Request(str(case), case_verdicts.demand_of(case), tenth),
            [record],
            HostOffers(aggregates, policy),
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
    assert reasons(found) == {Check.SERVICE: expected}
    assert found.passing == 0


def test_why_it_is_disabled():
    host = records.vcenter(
        'vc-1',
        status='disabled',
        disabled_reason='set by vmwareapi host_state',
    )
    (found,) = explained([host], VMDK).hosts
    assert ('nova-compute', 'disabled=set by vmwareapi host_state') in (
        found.decisive.evidence
    )


@pytest.mark.parametrize(
    ('inventory', 'expected'),
    [
        (Inventory(1024), None),
        (Inventory(1023), Obstacle.TOO_LARGE),
        (Inventory(2048, used=1024), None),
        (Inventory(2048, used=1025), Obstacle.NO_ROOM),
        (Inventory(2048, reserved=1024), None),
        (Inventory(2048, reserved=1025), Obstacle.TOO_LARGE),
        (Inventory(512, allocation_ratio=2.0), None),
        (Inventory(65536, max_unit=1023), Obstacle.TOO_LARGE),
        (Inventory(65536, max_unit=1024), None),
        (None, Obstacle.NO_INVENTORY),
    ],
)
def test_room_by_placements_arithmetic(inventory, expected):
    found = explained([records.kvm('kvm-1', memory_mb=inventory)])
    assert reasons(found) == ({Check.ROOM: expected} if expected else {})


def test_a_shortage_says_of_what_and_how_much():
    host = records.vcenter('vc-1', vcpus=Inventory(32, max_unit=8, used=30))
    large = Flavor('large', vcpus=9, memory_mb=1024, disk_gb=2001)
    (found,) = explained([host], VMDK, large).hosts
    assert [text for _, text in found.decisive.evidence] == [
        'vcpus: 9 asked, 2 of 32 free, 8 at most for one server',
        'disk_gb: 2001 asked, 2000 of 2000 free',
    ]


@pytest.mark.parametrize(
    ('volume', 'expected'), [(False, 10 + 5 + 2), (True, 5 + 2)]
)
def test_disk_as_nova_asks_placement_for_it(volume, expected):
    flavor = Flavor('f', disk_gb=10, ephemeral_gb=5, swap_mb=1025)
    assert needs(flavor, volume=volume)['DISK_GB'] == expected


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
        {} if passes else {Check.PROJECT: Obstacle.OTHER_PROJECTS}
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
        Check.HYPERVISOR: Reason.RESERVED
    }
    assert reasons(explained(hosts, VMDK, aggregates=aggregates)) == {}


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
