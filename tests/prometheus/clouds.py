# SPDX-License-Identifier: Apache-2.0
"""Clouds that the exporter is to make metrics of."""

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Cluster
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.snapshot import Datastore
from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core import hypervisor
from tests import cloud_of_records as records
from tests import core_decisions

VCENTER = 'vc.example.org'
UNREADABLE = 'old.example.org'
_UUID = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b10'
_PRODUCTION = f'domain-c1.{_UUID}'
_TEST = f'domain-c2.{_UUID}'
# Old enough, whatever the day is.
_LONG_AGO = '2020-01-01T00:00:00+00:00'


def troubled():
    """Return a cloud of two vCenters in which little is well."""
    return records.both(
        hosts=[
            records.kvm('kvm-1'),
            records.vcenter('vc-1', node=_PRODUCTION, last_seen=_LONG_AGO),
            records.vcenter('vc-2', node=_TEST, state='down'),
            records.vcenter(
                'vc-3',
                node='domain-c3.of-the-unreadable-one',
                status='disabled',
                disabled_reason=hypervisor.DISABLED_BY_VSPHERE_DRIVER,
            ),
            # Nobody knows what it is.
            Host('new-1', memory_mb=Inventory(16384)),
        ],
        aggregates=[
            Aggregate('kvm', 'a-kvm', {'hypervisor_type': 'kvm'}, ('kvm-1',)),
            Aggregate(
                'vmware',
                'a-vmware',
                {
                    'hypervisor_type': 'vmware',
                    'hypervisor_affinity_reserve': '20',
                },
                ('vc-1', 'vc-2', 'vc-3'),
            ),
        ],
        vcenters=[_troubled(), _unreadable()],
        servers=[
            records.server('right', records.QCOW2, 'kvm-1'),
            records.server('unknown', records.QCOW2, 'new-1'),
            records.server('wrong', records.QCOW2, 'vc-2', node=_TEST),
            records.server('gone', records.VMDK, 'vc-1', node=_PRODUCTION),
        ],
    )


def _troubled():
    return VCenter(
        VCENTER,
        uuid=_UUID,
        version='8.0.3',
        computes=(
            ComputeConf('/etc/nova/1.conf', 'vc-1', 'production'),
            ComputeConf('/etc/nova/2.conf', 'vc-2', 'test'),
        ),
        clusters=(
            Cluster(
                'domain-c1',
                'production',
                drs='partially_automated',
                hosts=(
                    _esxi_host('esxi-1', memory_used_mb=14000),
                    _esxi_host('esxi-2', memory_used_mb=13000),
                    _esxi_host('esxi-3', connection='notResponding'),
                ),
                datastores=(
                    Datastore('local', capacity=1000, free=50, hosts=()),
                ),
                running_memory_mb=20000,
            ),
            Cluster(
                'domain-c2',
                'test',
                drs='off',
                ha=False,
                hosts=(_esxi_host('esxi-4', maintenance=True),),
                vms={'s-wrong': 'wrong', 's-unheard-of': 'unheard-of'},
            ),
        ),
    )


def _esxi_host(name, **fields):
    usual = {
        'memory_mb': 16384,
        'threads': 8,
        'cpu_mhz': 16000,
        'adapters': {'vmk0': ('management', 'vmotion'), 'vmk1': ()},
    }
    return EsxiHost(name, **{**usual, **fields})


def _unreadable():
    return VCenter(
        UNREADABLE,
        verified=False,
        error=f'vCenter {UNREADABLE}: no answer',
        computes=(ComputeConf('/etc/nova/3.conf', 'vc-3', 'legacy'),),
    )


def decisions():
    """Return records of decisions, with labels that there are not at first."""
    observed = {'hypervisor_affinity_mode': 'observe'}
    return [
        core_decisions.read(
            core_decisions.payload(
                core_decisions.VMDK,
                core_decisions.host('kvm'),
                core_decisions.host('kvm', **observed),
            )
        )
    ]


def of_size(count):
    """Return a cloud with one cluster, and so many of all else."""
    numbers = range(count)
    names = [f'esxi-{n}' for n in numbers]
    kvm = [f'kvm-{n}' for n in numbers]
    cluster = Cluster(
        'domain-c1',
        'production',
        hosts=tuple(_esxi_host(name) for name in names),
        datastores=tuple(
            Datastore(f'datastore-{n}', capacity=1000, free=900)
            for n in numbers
        ),
        vms={f's-v{n}': f'v{n}' for n in numbers},
    )
    vcenter = VCenter(
        VCENTER,
        uuid=_UUID,
        version='8.0.3',
        computes=(ComputeConf('/etc/nova/1.conf', 'vc-1', 'production'),),
        clusters=(cluster,),
    )
    return records.both(
        hosts=[
            *map(records.kvm, kvm),
            records.vcenter('vc-1', node=_PRODUCTION),
        ],
        vcenters=[vcenter],
        servers=[
            server
            for n in numbers
            for server in (
                records.server(f'k{n}', records.QCOW2, f'kvm-{n}'),
                records.server(f'w{n}', records.VMDK, f'kvm-{n}'),
                records.server(
                    f'v{n}', records.VMDK, 'vc-1', node=_PRODUCTION
                ),
            )
        ],
    )
