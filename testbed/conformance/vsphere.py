# SPDX-License-Identifier: Apache-2.0
"""The machine of a server on the simulated vCenter, as vSphere has it."""

from collections.abc import Mapping

from pyVmomi import vim

from hypervisor_affinity.core import properties

_DEVICE = vim.vm.device
# {nova's word: what controls disks on such a bus}
_BUSES = {
    'ide': _DEVICE.VirtualIDEController,
    'sata': _DEVICE.VirtualSATAController,
    'scsi': _DEVICE.VirtualSCSIController,
    'usb': _DEVICE.VirtualUSBController,
}


class Machine:
    """A virtual machine."""

    def __init__(self, config: vim.vm.ConfigInfo) -> None:
        """Read what there is of it."""
        self._guest_id = config.guestId
        devices = config.hardware.device
        by_number = {device.key: device for device in devices}
        self._nic = _first(devices, _DEVICE.VirtualEthernetCard)
        self._disk = _first(devices, _DEVICE.VirtualDisk)
        self._controller = (
            by_number[self._disk.controllerKey] if self._disk else None
        )

    def device(self, name: str) -> str:
        """Return vSphere's name of the device that a property is about.

        :param name: of the property, by nova
        :returns: '' if there is none
        """
        if name == 'os_distro':
            return self._guest_id
        if name == 'hw_vif_model':
            return _kind(self._nic)
        if name in ('hw_scsi_model', 'hw_disk_bus'):
            return _kind(self._controller)
        return ''

    def has(self, name: str, found: Mapping[str, object]) -> bool:
        """Tell whether the device is the one that was asked for.

        :param name: of the property, by nova
        :param found: what the image says, by nova's names
        """
        value = found[name]
        if name == 'os_distro':
            return self._guest_id == value
        kind = self.device(name).lower()
        if name == 'hw_vif_model':
            return properties.VIF_MODELS.get(kind) == value
        if name == 'hw_scsi_model':
            word = properties.ADAPTER_TYPES.get(value, value).lower()
            return kind in (
                f'virtual{word}controller',
                f'{word}scsicontroller',
            )
        if name == 'hw_disk_bus':
            bus = _BUSES.get(value)
            return bus is not None and isinstance(self._controller, bus)
        # Whoever reads one of another kind finds no disk in it.
        return name in ('disk_format', 'hw_disk_type') or value == 'ova'


def _first(devices, kind):
    return next((found for found in devices if isinstance(found, kind)), None)


def _kind(device) -> str:
    # vim.vm.device.VirtualE1000
    return type(device).__name__.rpartition('.')[2] if device else ''
