# SPDX-License-Identifier: Apache-2.0
"""Servers and VMs that do not fit, and what only seems not to."""

import collections

import pytest

from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.servers import SecondLook
from tests import cloud_of_records
from tests import vcenter_records as records
from tests.unit.operations import test_vcenter_clusters
from tests.unit.operations import test_vcenter_computes
from tests.unit.operations import test_vcenter_inventories
from tests.vcenter_records import MOID
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import found
from tests.vcenter_records import nova
from tests.vcenter_records import server
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms

TEST = 'domain-c1008'
KVM = cloud_of_records.kvm('kvm-1')
NOVA = nova()
TEST_NOVA = nova('vc-2', moid=TEST)
SECOND_NOVA = nova('vc-3', uuid=records.OTHER_UUID)
ON_THE_WAY = ['BUILD', 'MIGRATING', 'RESIZE', 'REVERT_RESIZE', 'VERIFY_RESIZE']


def cloud(*servers, here=(), there=(), away=()):
    """Return a cloud of two clusters of a vCenter and one of another.

    :param here, there, away: numbers of the servers that have a VM there
    """
    return records.cloud(
        hosts=[KVM, NOVA, TEST_NOVA, SECOND_NOVA],
        servers=list(servers),
        vcenters=[
            vcenter(
                cluster(vms=vms(*here)),
                cluster(id=TEST, name='test', vms=vms(*there)),
                computes=(conf(), conf(host='vc-2', cluster='test')),
            ),
            vcenter(
                cluster(name='second', vms=vms(*away)),
                name='second.example.org',
                uuid=records.OTHER_UUID,
                computes=(conf(host='vc-3', cluster='second'),),
            ),
        ],
    )


LOST = [(VCenterCheck.SERVER_WITHOUT_VM, 'production', 's-1')]
STRAY = [(VCenterCheck.VM_OF_SERVER_ELSEWHERE, 'production', 's-1')]
ORPHAN = [(VCenterCheck.VM_WITHOUT_SERVER, 'production', 's-1')]

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
        STRAY,
    ),
    'a VM of a server that failed': (
        cloud(server(1, status='ERROR'), here=[1]),
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


class Now:
    """The cloud when it is asked again.

    * ``asked``: the ids that each side was asked for
    """

    def __init__(self, servers=(), **places):
        """Be as this says.

        :param places: of VMs, by their number: the cluster's id
        """
        self._servers = {one.id: one for one in servers}
        self._places = {
            ('vcenter.example.org', name.replace('vm', 's-')): place
            for name, place in places.items()
        }
        self.asked = collections.defaultdict(list)
        self.again = SecondLook(self._find_vm, self._read_server)

    def _find_vm(self, name, uuid):
        self.asked['vCenter'].append(uuid)
        return self._places.get((name, uuid))

    def _read_server(self, uuid):
        self.asked['nova'].append(uuid)
        if uuid not in self._servers:
            raise Missing(f'no server {uuid}')
        return self._servers[uuid]


WITHOUT_VM = cloud(server(1, NOVA))
WITHOUT_SERVER = cloud(here=[1])
ELSEWHERE = cloud(server(1, KVM), here=[1])
IN_OTHER = [(VCenterCheck.SERVER_IN_OTHER_CLUSTER, 'production', 's-1')]


@pytest.mark.parametrize(
    ('source', 'now', 'expected'),
    [
        pytest.param(WITHOUT_VM, Now([server(1, NOVA)]), LOST, id='no VM'),
        pytest.param(WITHOUT_VM, Now(), [], id='no VM: server deleted'),
        pytest.param(
            WITHOUT_VM,
            Now([server(1, NOVA)], vm1=MOID),
            [],
            id='no VM: VM created',
        ),
        pytest.param(
            WITHOUT_VM, Now([server(1, KVM)]), [], id='no VM: server moved'
        ),
        pytest.param(
            WITHOUT_VM,
            Now([server(1, NOVA, status='ERROR')]),
            [],
            id='no VM: server failed',
        ),
        pytest.param(
            WITHOUT_VM,
            Now([server(1, NOVA)], vm1=TEST),
            IN_OTHER,
            id='no VM: in another cluster',
        ),
        pytest.param(
            WITHOUT_VM,
            Now([server(1, NOVA)], vm1=''),
            IN_OTHER,
            id='no VM: in no cluster',
        ),
        pytest.param(
            WITHOUT_VM,
            Now([server(1, NOVA, status='MIGRATING')], vm1=TEST),
            [],
            id='no VM: on its way',
        ),
        pytest.param(
            WITHOUT_SERVER, Now(vm1=MOID), ORPHAN, id='without server'
        ),
        pytest.param(WITHOUT_SERVER, Now(), [], id='without server: gone'),
        pytest.param(
            WITHOUT_SERVER,
            Now([server(1, NOVA)], vm1=MOID),
            [],
            id='without server: created',
        ),
        pytest.param(
            WITHOUT_SERVER,
            Now([server(1, NOVA, status='BUILD')], vm1=MOID),
            [],
            id='without server: being built',
        ),
        pytest.param(
            WITHOUT_SERVER, Now(vm1=TEST), [], id='without server: VM moved'
        ),
        pytest.param(
            WITHOUT_SERVER,
            Now([server(1, KVM)], vm1=MOID),
            STRAY,
            id='without server: server elsewhere',
        ),
        pytest.param(
            ELSEWHERE, Now([server(1, KVM)], vm1=MOID), STRAY, id='elsewhere'
        ),
        pytest.param(
            ELSEWHERE, Now([server(1, KVM)]), [], id='elsewhere: VM deleted'
        ),
        pytest.param(
            ELSEWHERE,
            Now([server(1, NOVA)], vm1=MOID),
            [],
            id='elsewhere: server came here',
        ),
        pytest.param(
            ELSEWHERE,
            Now([server(1, KVM, status='RESIZE')], vm1=MOID),
            [],
            id='elsewhere: on its way',
        ),
        pytest.param(
            ELSEWHERE, Now(vm1=MOID), ORPHAN, id='elsewhere: server deleted'
        ),
    ],
)
def test_the_second_look_decides(source, now, expected):
    assert found(source, now.again) == expected


def test_the_second_look_is_at_what_looks_wrong_only():
    fits = range(10, 60)
    on_their_way = [
        server(2, NOVA, status='BUILD'),
        server(3, KVM, status='RESIZE'),
    ]
    source = cloud(
        *(server(number, NOVA) for number in fits),
        *on_their_way,
        server(4, NOVA),
        server(5, KVM),
        here=[*fits, 3, 6],
    )
    now = Now([server(4, NOVA), *on_their_way], vm6=MOID)
    assert found(source, now.again) == [
        (VCenterCheck.SERVER_WITHOUT_VM, 'production', 's-4'),
        (VCenterCheck.VM_WITHOUT_SERVER, 'production', 's-6'),
    ]
    assert {side: sorted(ids) for side, ids in now.asked.items()} == {
        'vCenter': ['s-4', 's-6'],
        'nova': ['s-4', 's-6'],
    }


def test_a_vcenter_that_went_meanwhile_hides_no_other():
    asked = []

    def find_vm(name, uuid):
        asked.append(name)
        if name == 'second.example.org':
            return MOID
        raise SourceError(f'vCenter {name}: no answer')

    source = cloud(server(1, NOVA), here=[2], away=[3])
    again = Now([server(1, NOVA)]).again._replace(find_vm=find_vm)
    assert found(source, again) == [
        (VCenterCheck.VCENTER_UNREADABLE, '', ''),
        (VCenterCheck.VM_WITHOUT_SERVER, 'second', 's-3'),
    ]
    # To wait for no answer once is enough.
    assert asked.count('vcenter.example.org') == 1


@pytest.mark.parametrize(
    ('source', 'now', 'evidence'),
    [
        (WITHOUT_VM, None, 'nova has it on vc-1 (ACTIVE)'),
        (WITHOUT_SERVER, None, 'VM server 1 (VM); nova has no such server'),
        (
            ELSEWHERE,
            None,
            'VM server 1 (VM); nova has the server on kvm-1 (ACTIVE)',
        ),
        (
            cloud(server(1, status='SHELVED_OFFLOADED'), here=[1]),
            None,
            'VM server 1 (VM); nova has the server on no host '
            '(SHELVED_OFFLOADED)',
        ),
        (
            WITHOUT_VM,
            Now([server(1, NOVA)], vm1=TEST),
            'nova has it on vc-1; its VM is in test',
        ),
        (
            WITHOUT_VM,
            Now([server(1, NOVA)], vm1=''),
            'nova has it on vc-1; its VM is in no cluster',
        ),
    ],
)
def test_evidence(source, now, evidence):
    (finding,) = health.check(source, Policy(), now and now.again)
    assert finding.evidence == evidence


def test_all_servers_go_to_who_asks_for_them():
    seen = []
    source = cloud(server(1, KVM), server(2, NOVA), here=[2])
    assert list(health.check(source, Policy(), None, seen.extend)) == []
    assert [one.id for one in seen] == ['s-1', 's-2']
    assert source.read.count('servers') == 1
