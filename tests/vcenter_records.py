# SPDX-License-Identifier: Apache-2.0
"""A cluster of a vCenter and its nova-compute in records, all in order."""

from collections.abc import Iterable
from typing import Any

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Cluster
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.snapshot import Datastore
from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import cloud_of_records
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import Records

MOID = 'domain-c8'
UUID = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b10'
OTHER_UUID = '7f0e8a11-2222-4e0e-8f3c-1b7d5c9e0a44'
GIB = 2**30
# Of each ESXi host.
MEMORY = 65536
THREADS = 32
MHZ = 40000
NAMES = ('esxi-1', 'esxi-2', 'esxi-3')
ADAPTERS = {'vmk0': ('management',), 'vmk1': ('vmotion',), 'vmk2': ()}
# Of the only datastore, in GiB.
DISK = 2000


def esxi(name: str, **fields: Any) -> EsxiHost:
    """Return an ESXi host without any load."""
    usual = {
        'memory_mb': MEMORY,
        'threads': THREADS,
        'cpu_mhz': MHZ,
        'adapters': ADAPTERS,
        'nsx_networks': ('segment',),
    }
    return EsxiHost(name, **{**usual, **fields})


def hosts(
    *fields: dict[str, Any], names: Iterable[str] = NAMES
) -> tuple[EsxiHost, ...]:
    """Return the hosts of a cluster.

    :param fields: of the last ones of them
    """
    names = tuple(names)
    padded = [{}] * (len(names) - len(fields)) + list(fields)
    return tuple(
        esxi(name, **changed)
        for name, changed in zip(names, padded, strict=True)
    )


def datastore(name: str = 'shared-1', **fields: Any) -> Datastore:
    """Return a datastore that all hosts mount."""
    usual = {'capacity': DISK * GIB, 'free': DISK * GIB, 'hosts': NAMES}
    return Datastore(name, **{**usual, **fields})


def cluster(**fields: Any) -> Cluster:
    """Return a cluster of three hosts and a datastore."""
    usual = {
        'id': MOID,
        'name': 'production',
        'hosts': hosts(),
        'datastores': (datastore(),),
    }
    return Cluster(**{**usual, **fields})


def conf(**fields: Any) -> ComputeConf:
    """Return what the file of the nova-compute says."""
    usual = {
        'file': '/etc/nova/vc-1.conf',
        'host': 'vc-1',
        'cluster': 'production',
    }
    return ComputeConf(**{**usual, **fields})


def vcenter(*clusters: Cluster, **fields: Any) -> VCenter:
    """Return a vCenter.

    :param clusters: in place of the usual one
    """
    usual = {
        'name': 'vcenter.example.org',
        'uuid': UUID,
        'version': '8.0.3',
        'computes': (conf(),),
        'clusters': clusters or (cluster(),),
    }
    return VCenter(**{**usual, **fields})


def nova(
    name: str = 'vc-1', moid: str = MOID, uuid: str = UUID, **fields: Any
) -> Host:
    """Return the compute node that the usual cluster is."""
    usual = {
        'node': f'{moid}.{uuid}',
        'vcpus': Inventory(3 * THREADS, max_unit=THREADS),
        'memory_mb': Inventory(3 * MEMORY, max_unit=MEMORY),
        'disk_gb': Inventory(DISK, max_unit=DISK // 2),
        'last_seen': '2026-11-02T07:59:52+00:00',
    }
    return cloud_of_records.vcenter(name, **{**usual, **fields})


def server(number: int, host: Host | None = None, **fields: Any) -> Server:
    """Return a server, of the id that :func:`vms` has for it."""
    usual = {
        'id': f's-{number}',
        'flavor': SMALL,
        'name': f'server {number}',
        'host': host and host.name,
        'node': host and host.node,
    }
    return Server(**{**usual, **fields})


def vms(*numbers: int) -> dict[str, str]:
    """Return the VMs of these servers, as a cluster has them."""
    return {f's-{number}': f'server {number} (VM)' for number in numbers}


def cloud(**sections: list[Any]) -> Records:
    """Return a cloud with one vCenter host and one KVM host, in order.

    :param sections: in place of the usual ones
    """
    usual = {
        'hosts': [cloud_of_records.kvm('kvm-1'), nova()],
        'aggregates': [
            Aggregate('kvm', 'a-1', {'hypervisor_type': 'kvm'}, ('kvm-1',)),
            Aggregate(
                'vmware', 'a-2', {'hypervisor_type': 'vmware'}, ('vc-1',)
            ),
        ],
        'vcenters': [vcenter()],
        'servers': [],
    }
    return Records(**{**usual, **sections})


# The check, the cluster, and the subject of a finding.
Found = tuple[VCenterCheck, str, str]


def found(
    source: Records, again: Any = None, policy: Policy | None = None
) -> list[Found]:
    """Return what ``vcenter check`` finds, in order."""
    return sorted(
        (finding.check, finding.about.cluster, finding.about.subject)
        for finding in health.check(source, policy or Policy(), again)
    )
