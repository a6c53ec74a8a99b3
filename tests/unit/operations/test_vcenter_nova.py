# SPDX-License-Identifier: Apache-2.0
"""What the checks took from nova's vSphere driver is still so there."""

import re
import types

import pytest
from nova.api.openstack import common
from nova.virt.vmwareapi import constants
from nova.virt.vmwareapi import driver
from nova.virt.vmwareapi import ds_util
from nova.virt.vmwareapi import host as vmware_host
from nova.virt.vmwareapi import vm_util

from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.vcenter import reader
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter import servers
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import vcenter_records as records
from tests.vcenter_records import GIB
from tests.vcenter_records import MEMORY
from tests.vcenter_records import cloud
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import datastore
from tests.vcenter_records import hosts
from tests.vcenter_records import nova
from tests.vcenter_records import vcenter

_MIB = 2**20


class Session:
    """A session with a vCenter that has one cluster, as nova's driver asks.

    Its calls are those of ``oslo_vmware``, by the name of the function.
    """

    vim = None

    def __init__(self, cluster):
        self._cluster = cluster

    def _call_method(self, module, name, *arguments):
        return getattr(self, f'_{name}')(*arguments)

    def _get_object_properties_dict(self, reference, names):
        assert names == ['host']
        return {'host': _references(self._cluster.hosts)}

    def _get_object_property(self, reference, name):
        assert name == 'datastore'
        return _references(self._cluster.datastores)

    def _get_properties_for_a_collection_of_objects(self, kind, things, names):
        shown = {'HostSystem': _host, 'Datastore': _datastore}[kind]
        return types.SimpleNamespace(
            objects=[_content(thing, shown(thing), names) for thing in things]
        )


def _references(things):
    return types.SimpleNamespace(ManagedObjectReference=list(things))


def _content(thing, values, names):
    properties = [
        types.SimpleNamespace(name=name, val=values[name]) for name in names
    ]
    return types.SimpleNamespace(obj=thing, propSet=properties)


def _host(host):
    return {
        'summary.hardware': types.SimpleNamespace(
            numCpuThreads=host.threads, memorySize=host.memory_mb * _MIB
        ),
        'summary.runtime': types.SimpleNamespace(
            connectionState=host.connection,
            powerState=host.power,
            inMaintenanceMode=host.maintenance,
        ),
        'summary.quickStats': types.SimpleNamespace(
            overallMemoryUsage=host.memory_used_mb
        ),
    }


def _datastore(found):
    return {
        'summary.name': found.name,
        'summary.type': found.type,
        'summary.capacity': found.capacity,
        'summary.freeSpace': found.free,
        'summary.accessible': found.accessible,
        'summary.maintenanceMode': found.maintenance,
    }


LARGE = {'memory_mb': 3 * MEMORY + 1, 'threads': 7}


@pytest.mark.parametrize(
    'found',
    [
        pytest.param(hosts(), id='all'),
        pytest.param(hosts(LARGE), id='a large one'),
        *(
            pytest.param(hosts({**LARGE, **state}), id=' '.join(state))
            for state in (
                {'maintenance': True},
                {'connection': 'disconnected'},
                {'connection': 'notResponding', 'power': 'unknown'},
                {'connection': 'notResponding', 'power': 'standBy'},
                {'power': 'standBy'},
                {'power': 'poweredOff'},
                {'connection': 'disconnected', 'maintenance': True},
            )
        ),
        pytest.param(
            hosts({'maintenance': True}, {'connection': 'disconnected'}),
            id='one left',
        ),
    ],
)
def test_hosts_are_counted_as_nova_counts_them(found):
    one = cluster(hosts=found)
    stats = vm_util.get_stats_from_cluster(Session(one), 'reference')
    reported = nova(
        vcpus=Inventory(
            stats['cpu']['vcpus'], max_unit=stats['cpu']['max_vcpus_per_host']
        ),
        memory_mb=Inventory(
            stats['mem']['total'],
            max_unit=stats['mem']['max_mem_mb_per_host'],
        ),
    )
    source = cloud(hosts=[reported], vcenters=[vcenter(one)])
    assert VCenterCheck.INVENTORY_DIFFERS not in {
        finding[0] for finding in records.found(source)
    }
    # And one that nova would not report does differ.
    wrong = nova(memory_mb=Inventory(stats['mem']['total'] + 1))
    source = cloud(hosts=[wrong], vcenters=[vcenter(one)])
    assert VCenterCheck.INVENTORY_DIFFERS in {
        finding[0] for finding in records.found(source)
    }


def test_where_nova_counts_no_host_nothing_is_usable():
    one = cluster(hosts=hosts(*[{'maintenance': True}] * 3))
    stats = vm_util.get_stats_from_cluster(Session(one), 'reference')
    assert stats['mem']['total'] == stats['cpu']['vcpus'] == 0
    assert clusters.usable(one.hosts) == []


DATASTORES = [
    datastore(
        f'{name}-{kind}',
        type=kind,
        capacity=number * GIB + number,
        free=number,
        accessible=accessible,
        maintenance=maintenance,
    )
    for number, (name, kind, accessible, maintenance) in enumerate(
        (
            (name, kind, accessible, maintenance)
            for name in ('shared', 'my-shared')
            for kind in ('VMFS', 'NFS', 'NFS41', 'vsan', 'VVOL', 'CIFS', '')
            for accessible in (True, False)
            for maintenance in (
                'normal',
                'enteringMaintenance',
                'inMaintenance',
            )
        ),
        start=1,
    )
]


@pytest.mark.parametrize(
    'regex', [None, 'shared', '.*shared', 'shared-V', '$']
)
def test_datastores_are_chosen_as_nova_chooses_them(regex):
    one = cluster(datastores=tuple(DATASTORES))
    computes = [conf(datastore_regex=regex)]
    compiled = regex and re.compile(regex)
    ours = [
        found
        for found in clusters.for_nova(one, computes)
        if clusters.is_available(found)
    ]
    assert ours == [
        found
        for found in DATASTORES
        if ds_util._is_datastore_valid(
            _datastore(found), compiled, ds_util.ALL_SUPPORTED_DS_TYPES
        )
    ]
    # Whose sum is what nova's driver tells Placement.
    theirs = ds_util.get_available_datastores(
        Session(one), 'reference', compiled
    )
    assert sum(found.capacity for found in theirs) == (
        sum(found.capacity for found in ours)
    )


def test_types_of_datastores():
    assert clusters.DATASTORE_TYPES == ds_util.ALL_SUPPORTED_DS_TYPES


def test_the_mark_of_novas_vms():
    assert reader.NOVAS_MARK == constants.EXTENSION_KEY


def test_the_name_of_a_compute_node():
    known = vcenter()
    vsphere = types.SimpleNamespace(_vcenter_uuid=known.uuid)
    assert known.node('domain-c8') == (
        driver.VMwareVCDriver._create_nodename(vsphere, 'domain-c8')
    )


def test_the_reason_by_which_the_driver_disables_its_service(monkeypatch):
    saved = []
    service = types.SimpleNamespace(save=lambda: saved.append(service))
    monkeypatch.setattr(
        vmware_host.objects.Service,
        'get_by_compute_host',
        lambda context, host: service,
    )
    state = object.__new__(vmware_host.VCState)
    state._set_host_enabled(False)
    assert saved == [service]
    assert service.disabled
    assert service.disabled_reason == hypervisor.DISABLED_BY_VSPHERE_DRIVER


STATES = {
    status for tasks in common._STATE_MAP.values() for status in tasks.values()
}


@pytest.mark.parametrize(
    'status', sorted(servers._MAY_LACK_A_VM | servers._ON_THE_WAY)
)
def test_states_of_servers(status):
    # What it is where nova knows none.
    assert status in STATES | {common.status_from_state('', 'none')}


def test_the_driver_evacuates_and_rebuilds_nothing_by_itself():
    # Hence the advice; and a server that is rebuilt has no VM for a while.
    assert not driver.VMwareVCDriver.capabilities['supports_evacuate']
    assert 'rebuild' not in vars(driver.VMwareVCDriver)
