# SPDX-License-Identifier: Apache-2.0
"""Hosts as the databases have them."""

from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.hosts import read_offers

KVM = DriverReport('QEMU', ('kvm', 'qemu'))
VCENTER = DriverReport('VMware vCenter Server', ('vmware',))


def aggregate(name, **metadata):
    return AggregateTags(name, metadata)


TAGGED_KVM = aggregate('kvm', hypervisor_type='kvm')
TAGGED_VMWARE = aggregate('vmware', hypervisor_type='vmware')


def kvm(name='kvm-1', aggregates=(TAGGED_KVM,), **state):
    return ComputeHost(name, tuple(aggregates), KVM, ComputeService(**state))


def vcenter(name='vc-1', aggregates=(TAGGED_VMWARE,), **state):
    service = ComputeService(**state)
    return ComputeHost(name, tuple(aggregates), VCENTER, service)


def offering(*hosts, policy=None):
    return read_offers(hosts, policy or Policy())
