# SPDX-License-Identifier: Apache-2.0
"""What an administrator changes is in the next record; VMs are found."""

import msgspec
import pytest
from pyVmomi import SoapStubAdapter
from pyVmomi import vim
from pyVmomi import vmodl

from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from testbed.vcenter import inventory
from tests.vcenter.administrator import Administrator

HOST = 'first-esxi-01.example.org'
OTHER = 'first-esxi-02.example.org'
ONE = inventory.make_uuid('one')
TWO = inventory.make_uuid('two')


@pytest.fixture
def vcenter(start_vcenter):
    first = inventory.cluster('first', hosts=2)
    second = inventory.cluster('second', hosts=1)
    hosts = first.hosts + second.hosts
    return start_vcenter(
        inventory.Inventory(
            clusters=[first, second],
            datastores=[
                inventory.datastore('disk', hosts),
                inventory.datastore('share', hosts, type='NFS'),
            ],
            vms=[
                inventory.VM('one', HOST, 'disk'),
                inventory.VM('two', second.hosts[0].name, 'disk'),
            ],
        )
    )


@pytest.fixture
def admin(vcenter):
    return Administrator(vcenter.connect())


@pytest.fixture
def vcenters(vcenter, access_of):
    with VCenters([access_of(vcenter, cluster_name='first')]) as vcenters:
        yield vcenters


@pytest.fixture
def changed(vcenters):
    """Return a function that returns what is not as it was before."""

    def as_values():
        (record,) = vcenters.read()
        assert record.error == ''
        (cluster,) = record.clusters
        values = msgspec.structs.asdict(cluster)
        for kind in ('hosts', 'datastores'):
            for thing in values.pop(kind):
                for name, value in msgspec.structs.asdict(thing).items():
                    values[f'{thing.name} {name}'] = value
        return values

    before = as_values()

    def changed():
        now = as_values()
        names = sorted({*before, *now})
        return {
            name: now.get(name)
            for name in names
            if now.get(name) != before.get(name)
        }

    return changed


@pytest.mark.parametrize(
    ('drs', 'expected'),
    [
        ('off', 'off'),
        ('manual', 'manual'),
        ('partiallyAutomated', 'partially_automated'),
    ],
)
def test_drs(admin, changed, drs, expected):
    admin.set_drs('first', drs)
    assert changed() == {'drs': expected}
    admin.set_drs('first', 'fullyAutomated')
    assert changed() == {}


def test_ha(admin, changed):
    admin.set_ha('first', False)
    assert changed() == {'ha': False}
    admin.set_ha('first', True)
    assert changed() == {}


def test_maintenance(admin, changed):
    admin.enter_maintenance(HOST)
    assert changed() == {f'{HOST} maintenance': True}
    admin.exit_maintenance(HOST)
    assert changed() == {}


def test_a_host_is_disconnected(admin, changed):
    admin.disconnect(HOST)
    assert changed() == {
        f'{HOST} connection': 'disconnected',
        f'{HOST} power': 'unknown',
    }
    admin.reconnect(HOST)
    assert changed() == {}


@pytest.mark.parametrize('name', ['disk', 'share'])
def test_a_datastore_is_unmounted(admin, changed, name):
    admin.unmount(name, HOST)
    assert changed() == {f'{name} hosts': (OTHER,)}


def test_a_vmfs_is_mounted_again(admin, changed):
    admin.unmount('disk', HOST)
    admin.mount('disk', HOST)
    assert changed() == {}


@pytest.mark.parametrize(
    ('is_novas', 'power', 'expected'),
    [
        (True, 'poweredOn', {'running_memory_mb': 4096 + 1024}),
        (True, 'poweredOff', {}),
        (False, 'poweredOn', {'other_vms': 1, 'running_memory_mb': 5120}),
        (False, 'poweredOff', {'other_vms': 1}),
    ],
)
def test_a_vm_comes_and_goes(admin, changed, is_novas, power, expected):
    vm = inventory.VM(
        'new',
        OTHER,
        'disk',
        memory_mib=1024,
        power=power,
        is_novas=is_novas,
    )
    admin.create_vm(vm)
    if is_novas:
        expected = {**expected, 'vms': {ONE: 'one', vm.instance_uuid: 'new'}}
    assert changed() == expected
    admin.destroy_vm('new')
    assert changed() == {}


def test_a_vm_is_powered_off(admin, changed):
    admin.power_off('one')
    assert changed() == {'running_memory_mb': 0}
    admin.power_on('one')
    assert changed() == {}


def test_the_last_vm_goes(admin, changed):
    admin.destroy_vm('one')
    assert changed() == {'vms': {}, 'running_memory_mb': 0}


@pytest.fixture
def find(vcenters):
    (vcenter,) = vcenters.each
    return lambda uuid: vcenters.find_vm(vcenter.name, uuid)


def test_the_cluster_of_a_vm(find, admin):
    assert find(ONE) == admin.cluster('first')._moId
    # A cluster that no file names is found all the same.
    assert find(TWO) == admin.cluster('second')._moId


def test_no_such_vm(find, admin):
    assert find(inventory.make_uuid('three')) is None
    admin.destroy_vm('one')
    assert find(ONE) is None


def test_a_vm_that_is_created(find, admin):
    vm = inventory.VM('new', OTHER, 'disk')
    assert find(vm.instance_uuid) is None
    admin.create_vm(vm)
    assert find(vm.instance_uuid) == admin.cluster('first')._moId


@pytest.fixture
def instead(monkeypatch):
    """Return a function that has the property of an object replaced."""
    original = SoapStubAdapter.InvokeAccessor

    def instead(kind, name, work):
        def invoke(stub, managed, info):
            if type(managed) is kind and info.name == name:
                return work(managed)
            return original(stub, managed, info)

        monkeypatch.setattr(SoapStubAdapter, 'InvokeAccessor', invoke)

    return instead


# The simulator crashes on VMs of a host without a cluster.
def test_a_vm_on_a_host_without_a_cluster(find, instead):
    alone = vim.ComputeResource('domain-s1')
    instead(vim.HostSystem, 'parent', lambda host: alone)
    assert find(ONE) == ''


def test_a_vm_without_a_host(find, instead):
    instead(vim.VirtualMachine, 'runtime', lambda vm: vim.vm.RuntimeInfo())
    assert find(ONE) == ''


@pytest.mark.parametrize(
    ('kind', 'name'),
    [(vim.VirtualMachine, 'runtime'), (vim.HostSystem, 'parent')],
)
def test_a_vm_that_goes_meanwhile(find, instead, kind, name):
    def gone(managed):
        raise vmodl.fault.ManagedObjectNotFound(obj=managed)

    instead(kind, name, gone)
    assert find(ONE) is None
