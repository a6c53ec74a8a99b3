# SPDX-License-Identifier: Apache-2.0
"""What an administrator changes is read at once."""

import pytest
from pyVmomi import vim
from pyVmomi import vmodl

from testbed.vcenter import inventory
from tests.vcenter.administrator import Administrator

HOST = 'first-esxi-01.example.org'
OTHER = 'first-esxi-02.example.org'


@pytest.fixture
def vcenter(start_vcenter):
    cluster = inventory.cluster('first', hosts=2)
    datastores = [
        inventory.datastore(name, cluster.hosts, type=kind)
        for name, kind in (
            ('disk', 'VMFS'),
            ('share', 'NFS'),
            ('vsan', 'vsan'),
        )
    ]
    return start_vcenter(
        inventory.Inventory(
            clusters=[cluster],
            datastores=datastores,
            vms=[inventory.VM('one', HOST, 'disk')],
        )
    )


@pytest.fixture
def admin(vcenter):
    return Administrator(vcenter.connect())


@pytest.fixture
def other(vcenter):
    """A session that sees what the first one changes."""
    return Administrator(vcenter.connect())


def mounts(admin, datastore):
    """Return {host: whether it has mounted it and reaches it}."""
    return {
        mount.key.name: mount.mountInfo.mounted and mount.mountInfo.accessible
        for mount in admin.datastore(datastore).host
    }


def test_drs(admin, other):
    for drs in ('manual', 'partiallyAutomated', 'fullyAutomated'):
        admin.set_drs('first', drs)
        config = other.cluster('first').configurationEx
        assert config.drsConfig.enabled
        assert config.drsConfig.defaultVmBehavior == drs
        assert config.dasConfig.enabled
    admin.set_drs('first', 'manual')
    admin.set_drs('first', 'off')
    config = other.cluster('first').configurationEx.drsConfig
    assert not config.enabled
    # What is not mentioned stays.
    assert config.defaultVmBehavior == 'manual'


def test_ha(admin, other):
    for is_on in (False, True):
        admin.set_ha('first', is_on)
        config = other.cluster('first').configurationEx
        assert config.dasConfig.enabled == is_on
        assert config.drsConfig.defaultVmBehavior == 'fullyAutomated'


def test_maintenance(admin, other):
    cluster = other.cluster('first')
    admin.enter_maintenance(HOST)
    assert other.host(HOST).runtime.inMaintenanceMode
    assert cluster.summary.numEffectiveHosts == 1
    admin.exit_maintenance(HOST)
    assert not other.host(HOST).runtime.inMaintenanceMode
    assert cluster.summary.numEffectiveHosts == 2


def test_a_host_is_disconnected_and_reconnected(admin, other):
    host, vm = other.host(HOST), other.vm('one')

    def states():
        return (
            host.runtime.connectionState,
            host.runtime.powerState,
            vm.runtime.connectionState,
            vm.runtime.powerState,
            other.cluster('first').summary.numEffectiveHosts,
        )

    before = states()
    assert before == ('connected', 'poweredOn', 'connected', 'poweredOn', 2)
    admin.disconnect(HOST)
    assert states() == (
        'disconnected',
        'unknown',
        'disconnected',
        'poweredOn',
        1,
    )
    with pytest.raises(vim.fault.InvalidState):
        admin.disconnect(HOST)
    admin.reconnect(HOST)
    assert states() == before


def test_a_vmfs_is_unmounted_and_mounted(admin, other):
    def access():
        summary = other.datastore('disk').summary
        return summary.accessible, summary.multipleHostAccess

    admin.unmount('disk', HOST)
    assert mounts(other, 'disk') == {HOST: False, OTHER: True}
    assert access() == (True, False)
    with pytest.raises(vim.fault.InvalidState):
        admin.unmount('disk', HOST)
    admin.unmount('disk', OTHER)
    assert access() == (False, False)
    admin.mount('disk', HOST)
    assert mounts(other, 'disk') == {HOST: True, OTHER: False}
    assert access() == (True, False)


def test_a_share_is_unmounted(admin, other):
    admin.unmount('share', HOST)
    assert mounts(other, 'share') == {OTHER: True}
    assert [found.name for found in other.host(HOST).datastore] == [
        'disk',
        'vsan',
    ]
    assert len(other.cluster('first').datastore) == 3
    admin.unmount('share', OTHER)
    assert len(other.cluster('first').datastore) == 2
    with pytest.raises(LookupError):
        other.datastore('share')


def test_vsan_is_not_unmounted(admin):
    with pytest.raises(vim.fault.HostConfigFault):
        admin.unmount('vsan', HOST)
    assert mounts(admin, 'vsan') == {HOST: True, OTHER: True}


@pytest.mark.parametrize('is_novas', [True, False])
def test_a_vm_is_created_and_destroyed(admin, other, is_novas):
    wanted = inventory.VM(
        'new', OTHER, 'share', memory_mib=8192, is_novas=is_novas
    )
    admin.create_vm(wanted)
    vm = other.vm('new')
    assert vm in other.host(OTHER).vm
    assert vm.config.instanceUuid == wanted.instance_uuid
    assert vm.summary.config.memorySizeMB == 8192
    assert vm.runtime.powerState == 'poweredOn'
    assert vm.runtime.host == other.host(OTHER)
    mark = vm.config.managedBy
    assert (mark and mark.extensionKey) == (
        'org.openstack.compute' if is_novas else None
    )
    admin.destroy_vm('new')
    assert other.host(OTHER).vm == []
    with pytest.raises(LookupError):
        other.vm('new')
    with pytest.raises(vmodl.fault.ManagedObjectNotFound):
        vm.Reload()


def test_a_vm_is_powered_off_and_on(admin, other):
    admin.power_off('one')
    assert other.vm('one').runtime.powerState == 'poweredOff'
    admin.power_on('one')
    assert other.vm('one').runtime.powerState == 'poweredOn'
    with pytest.raises(vim.fault.InvalidPowerState):
        admin.power_on('one')
