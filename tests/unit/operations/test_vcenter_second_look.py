# SPDX-License-Identifier: Apache-2.0
"""What looks wrong is looked at once more."""

import collections
import dataclasses

import pytest

from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.servers import SecondLook
from tests.unit.operations.vcenter_servers import KVM
from tests.unit.operations.vcenter_servers import LOST
from tests.unit.operations.vcenter_servers import NOVA
from tests.unit.operations.vcenter_servers import ORPHAN
from tests.unit.operations.vcenter_servers import STRAY
from tests.unit.operations.vcenter_servers import TEST
from tests.unit.operations.vcenter_servers import cloud
from tests.vcenter_records import MOID
from tests.vcenter_records import found
from tests.vcenter_records import server


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
    again = dataclasses.replace(Now([server(1, NOVA)]).again, find_vm=find_vm)
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
