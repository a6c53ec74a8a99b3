# SPDX-License-Identifier: Apache-2.0
"""Servers and VMs in clusters."""

from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import cloud_of_records
from tests import vcenter_records as records
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import nova
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms

TEST = 'domain-c1008'

KVM = cloud_of_records.kvm('kvm-1')

NOVA = nova()

TEST_NOVA = nova('vc-2', moid=TEST)

SECOND_NOVA = nova('vc-3', uuid=records.OTHER_UUID)


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

LEFT = [(VCenterCheck.VM_OF_SERVER_ON_NO_HOST, 'production', 's-1')]

ORPHAN = [(VCenterCheck.VM_WITHOUT_SERVER, 'production', 's-1')]
