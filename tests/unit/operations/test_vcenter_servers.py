# SPDX-License-Identifier: Apache-2.0
"""Servers and VMs that do not fit, and what only seems not to."""

import pytest

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import vcenter_records as records
from tests.unit.operations import test_vcenter_clusters
from tests.unit.operations import test_vcenter_computes
from tests.unit.operations import test_vcenter_inventories
from tests.unit.operations.vcenter_servers import KVM
from tests.unit.operations.vcenter_servers import LEFT
from tests.unit.operations.vcenter_servers import LOST
from tests.unit.operations.vcenter_servers import NOVA
from tests.unit.operations.vcenter_servers import ORPHAN
from tests.unit.operations.vcenter_servers import SECOND_NOVA
from tests.unit.operations.vcenter_servers import STRAY
from tests.unit.operations.vcenter_servers import TEST
from tests.unit.operations.vcenter_servers import TEST_NOVA
from tests.unit.operations.vcenter_servers import cloud
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import found
from tests.vcenter_records import server
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms

ON_THE_WAY = ['BUILD', 'MIGRATING', 'RESIZE', 'REVERT_RESIZE', 'VERIFY_RESIZE']

CASES = {
    'in order': (
        cloud(
            server(1, NOVA),
            server(2, TEST_NOVA, status='SHUTOFF'),
            server(3, SECOND_NOVA),
            server(4, KVM),
            server(5, status='SHELVED_OFFLOADED'),
            here=[1],
            there=[2],
            away=[3],
        ),
        [],
    ),
    **{
        f'no VM of a server that is {status}': (
            cloud(server(1, NOVA, status=status)),
            expected,
        )
        for status, expected in {
            'ACTIVE': LOST,
            'SHUTOFF': LOST,
            'SHELVED': LOST,
            'SOFT_DELETED': LOST,
            'SUSPENDED': LOST,
            'VERIFY_RESIZE': LOST,
            'BUILD': [],
            'ERROR': [],
            'DELETED': [],
            'SHELVED_OFFLOADED': [],
            'UNKNOWN': [],
            # nova's driver deletes the VM and makes another one.
            'REBUILD': [],
        }.items()
    },
    'no VM of a server on a KVM host': (cloud(server(1, KVM)), []),
    'a VM without a server': (cloud(here=[1]), ORPHAN),
    # What an interrupted evacuation leaves.
    'a VM of a server on a KVM host': (cloud(server(1, KVM), here=[1]), STRAY),
    'a VM of a server on no host': (
        cloud(server(1, status='SHELVED_OFFLOADED'), here=[1]),
        LEFT,
    ),
    # A boot that failed: nova has taken the host from the server.
    'a VM of a server that failed': (
        cloud(server(1, status='ERROR'), here=[1]),
        LEFT,
    ),
    # An evacuation that failed later: on the other host it may run.
    'a VM of a server that failed on a KVM host': (
        cloud(server(1, KVM, status='ERROR'), here=[1]),
        STRAY,
    ),
    **{
        f'a VM elsewhere of a server in {status}': (
            cloud(server(1, KVM, status=status), here=[1]),
            [],
        )
        for status in ON_THE_WAY
    },
    # vCenter has no two VMs of one id: it runs once, and is to stay on.
    'a VM in another cluster of the vCenter': (
        cloud(server(1, TEST_NOVA), here=[1]),
        [(VCenterCheck.SERVER_IN_OTHER_CLUSTER, 'test', 's-1')],
    ),
    # As a move that broke off may leave it.
    'a VM in another cluster of a server that failed': (
        cloud(server(1, TEST_NOVA, status='ERROR'), here=[1]),
        [(VCenterCheck.SERVER_IN_OTHER_CLUSTER, 'test', 's-1')],
    ),
    'a VM in another cluster of a server that moves': (
        cloud(server(1, TEST_NOVA, status='MIGRATING'), here=[1]),
        [],
    ),
    **{
        f'{what} with a task': (source, [])
        for what, source in {
            'a server without a VM': cloud(server(1, NOVA, task='deleting')),
            'a VM elsewhere of a server': cloud(
                server(1, KVM, task='spawning'), here=[1]
            ),
            'a VM in another cluster of a server': cloud(
                server(1, TEST_NOVA, task='migrating'), here=[1]
            ),
        }.items()
    },
    'a VM in another vCenter': (
        cloud(server(1, SECOND_NOVA), here=[1]),
        [(VCenterCheck.SERVER_WITHOUT_VM, 'second', 's-1'), *STRAY],
    ),
    'a VM in each of two vCenters': (
        cloud(server(1, NOVA), here=[1], away=[1]),
        [(VCenterCheck.VM_OF_SERVER_ELSEWHERE, 'second', 's-1')],
    ),
    'a VM without a server in each of two vCenters': (
        cloud(here=[1], away=[1]),
        [
            (VCenterCheck.VM_WITHOUT_SERVER, 'production', 's-1'),
            (VCenterCheck.VM_WITHOUT_SERVER, 'second', 's-1'),
        ],
    ),
}

CASES['a VM in another cluster, by another name of the vCenter'] = (
    records.cloud(
        hosts=[NOVA, TEST_NOVA],
        servers=[server(1, TEST_NOVA)],
        vcenters=[
            vcenter(cluster(vms=vms(1))),
            vcenter(
                cluster(id=TEST, name='test'),
                name='192.0.2.1',
                computes=(conf(host='vc-2', cluster='test'),),
            ),
        ],
    ),
    [(VCenterCheck.SERVER_IN_OTHER_CLUSTER, 'test', 's-1')],
)


@pytest.mark.parametrize(
    ('source', 'expected'), CASES.values(), ids=CASES.keys()
)
def test_servers(source, expected):
    assert found(source) == expected


def test_no_check_is_without_a_case():
    cases = [
        case
        for module in (
            test_vcenter_clusters,
            test_vcenter_computes,
            test_vcenter_inventories,
        )
        for case in module.CASES.values()
    ]
    assert {
        finding[0]
        for _, expected in [*cases, *CASES.values()]
        for finding in expected
    } == set(VCenterCheck)


def test_all_servers_go_to_who_asks_for_them():
    seen = []
    source = cloud(server(1, KVM), server(2, NOVA), here=[2])
    assert list(health.check(source, Policy(), None, seen.extend)) == []
    assert [one.id for one in seen] == ['s-1', 's-2']
    assert source.read.count('servers') == 1
