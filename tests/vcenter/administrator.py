# SPDX-License-Identifier: Apache-2.0
"""Changes of a running vCenter, as an administrator makes them."""

from collections.abc import Mapping
from typing import Any

from pyVmomi import vim

from testbed.processes import polling
from testbed.vcenter.inventory import VM

_DONE = ('success', 'error')


class Administrator:
    """Changes things, found by their names, and waits until it is done.

    What vCenter refuses is raised, as pyVmomi's faults.
    """

    def __init__(self, service: vim.ServiceInstance) -> None:
        """Change nothing.

        :param service: ``VCenter.connect()``
        """
        self.content = service.content

    def set_drs(self, cluster: str, drs: str) -> None:
        """Set DRS of a cluster.

        :param drs: as in ``inventory.Cluster``
        """
        config = vim.cluster.DrsConfigInfo(enabled=drs != 'off')
        if config.enabled:
            config.defaultVmBehavior = drs
        self._reconfigure(cluster, drsConfig=config)

    def set_ha(self, cluster: str, is_on: bool) -> None:
        """Switch HA of a cluster on or off."""
        config = vim.cluster.DasConfigInfo(enabled=is_on)
        self._reconfigure(cluster, dasConfig=config)

    def enter_maintenance(self, host: str) -> None:
        """Take a host out of service; its VMs stay there."""
        _finish(self.host(host).EnterMaintenanceMode_Task(timeout=0))

    def exit_maintenance(self, host: str) -> None:
        """Put a host back into service."""
        _finish(self.host(host).ExitMaintenanceMode_Task(timeout=0))

    def disconnect(self, host: str) -> None:
        """Have vCenter lose sight of a host, and of its VMs."""
        _finish(self.host(host).DisconnectHost_Task())

    def reconnect(self, host: str) -> None:
        """Have vCenter manage a host again."""
        _finish(self.host(host).ReconnectHost_Task())

    def unmount(self, datastore: str, host: str) -> None:
        """Take a datastore from one host.

        A VMFS stays in the host's list, as not mounted. An NFS share is gone
        from it, and altogether if this was the last host. No other type can
        be unmounted.
        """
        found = self.datastore(datastore)
        manager = self.host(host).configManager
        if found.summary.type == 'VMFS':
            uuid = found.info.vmfs.uuid
            manager.storageSystem.UnmountVmfsVolume(vmfsUuid=uuid)
        else:
            manager.datastoreSystem.RemoveDatastore(datastore=found)

    def mount(self, datastore: str, host: str) -> None:
        """Mount a VMFS that was unmounted."""
        uuid = self.datastore(datastore).info.vmfs.uuid
        system = self.host(host).configManager.storageSystem
        system.MountVmfsVolume(vmfsUuid=uuid)

    def create_vm(self, vm: VM) -> vim.VirtualMachine:
        """Create a VM as it is described; a template is none yet."""
        host = self.host(vm.host)
        config = vim.vm.ConfigSpec(
            name=vm.name,
            instanceUuid=vm.instance_uuid,
            memoryMB=vm.memory_mib,
            files=vim.vm.FileInfo(vmPathName=f'[{vm.datastore}]'),
            **(_novas_marks(vm) if vm.is_novas else {}),
        )
        folder = self.content.rootFolder.childEntity[0].vmFolder
        created = _finish(
            folder.CreateVM_Task(
                config=config, pool=host.parent.resourcePool, host=host
            )
        )
        if vm.power == 'poweredOn':
            _finish(created.PowerOnVM_Task())
        return created

    def power_on(self, vm: str) -> None:
        """Power a VM on."""
        _finish(self.vm(vm).PowerOnVM_Task())

    def power_off(self, vm: str) -> None:
        """Power a VM off."""
        _finish(self.vm(vm).PowerOffVM_Task())

    def destroy_vm(self, vm: str) -> None:
        """Delete a VM, powered on or not."""
        found = self.vm(vm)
        if found.runtime.powerState == 'poweredOn':
            _finish(found.PowerOffVM_Task())
        _finish(found.Destroy_Task())

    def sessions(self) -> list[vim.UserSession]:
        """Return all sessions but its own."""
        manager = self.content.sessionManager
        own = manager.currentSession.key
        return [found for found in manager.sessionList if found.key != own]

    def end_sessions(self) -> int:
        """End all sessions but its own; return how many."""
        keys = [session.key for session in self.sessions()]
        if keys:
            self.content.sessionManager.TerminateSession(sessionId=keys)
        return len(keys)

    def cluster(self, name: str) -> vim.ClusterComputeResource:
        """Return a cluster."""
        return self._find(vim.ClusterComputeResource, name)

    def host(self, name: str) -> vim.HostSystem:
        """Return a host."""
        return self._find(vim.HostSystem, name)

    def datastore(self, name: str) -> vim.Datastore:
        """Return a datastore, which is in no folder."""
        datacenter = self.content.rootFolder.childEntity[0]
        return _named(datacenter.datastore, name)

    def vm(self, name: str) -> vim.VirtualMachine:
        """Return a VM."""
        return self._find(vim.VirtualMachine, name)

    def _find(self, kind: type, name: str) -> Any:
        view = self.content.viewManager.CreateContainerView(
            container=self.content.rootFolder, type=[kind], recursive=True
        )
        try:
            return _named(view.view, name)
        finally:
            view.DestroyView()

    def _reconfigure(self, cluster: str, **spec: Any) -> None:
        _finish(
            self.cluster(cluster).ReconfigureComputeResource_Task(
                spec=vim.cluster.ConfigSpecEx(**spec), modify=True
            )
        )


def _named(entities: list[Any], name: str) -> Any:
    for entity in entities:
        if entity.name == name:
            return entity
    raise LookupError(f'there is no {name}')


def _novas_marks(vm: VM) -> Mapping[str, Any]:
    return {
        'managedBy': vim.ext.ManagedByInfo(
            extensionKey='org.openstack.compute', type='instance'
        ),
        'extraConfig': [
            vim.option.OptionValue(key='nvp.vm-uuid', value=vm.instance_uuid)
        ],
    }


def _finish(task: vim.Task) -> Any:
    """Return what a task returns."""
    polling.until(lambda: task.info.state in _DONE, 'the end of a task')
    info = task.info
    if info.error:
        raise info.error
    return info.result
