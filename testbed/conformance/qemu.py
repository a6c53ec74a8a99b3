# SPDX-License-Identifier: Apache-2.0
"""The machine of a server on KVM, as libvirt and QEMU have it."""

import json
import pathlib
import re
from collections.abc import Mapping
from xml.etree import ElementTree

_STARTS = 'starting up libvirt version:'
_VERSIONS = re.compile(
    rf'{_STARTS} (?P<libvirt>[\d.]+),.* qemu version: (?P<QEMU>\d+\.\d+\.\d+)'
)
_PROGRAM = re.compile(r'\S*/(qemu-system-\w+)')
_DEVICE = re.compile(r"-device '(\{.*\})'")
# {nova's property: (element of libvirt's description, attribute)}
_WORDS = {
    'hw_vif_model': ('./devices/interface/model', 'type'),
    'hw_disk_bus': ('./devices/disk/target', 'bus'),
    'hw_scsi_model': ("./devices/controller[@type='scsi']", 'model'),
    'hw_architecture': ('./os/type', 'arch'),
    'hw_emulation_architecture': ('./os/type', 'arch'),
}
# What libvirt calls the devices of a machine.
_NIC = 'net0'
_SCSI = 'scsi0'


class Machine:
    """A machine that was started.

    * ``versions``: of libvirt and of QEMU, and ``virt_type``, which is
      ``qemu`` where the machine has no usable /dev/kvm
    """

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        """Read what there is of it.

        :param folder: of all files of libvirt
        :param name: of the machine
        """
        path = folder / 'etc/qemu' / f'{name}.xml'
        self._described = ElementTree.parse(path).getroot()
        log = (folder / 'log/qemu' / f'{name}.log').read_text()
        # A server that was started again has several there.
        command = log[log.rindex(_STARTS) :]
        self.versions = {
            **_VERSIONS.search(command).groupdict(),
            'virt_type': self._described.get('type'),
        }
        self._program = _PROGRAM.search(command)[1]
        self._devices = list(map(json.loads, _DEVICE.findall(command)))

    def device(self, name: str) -> str:
        """Return QEMU's name of the device that a property is about.

        :param name: of the property, by nova
        :returns: '' if there is none
        """
        if name.endswith('architecture'):
            return self._program
        if name == 'hw_vif_model':
            return self._driver('id', _NIC)
        if name == 'hw_scsi_model':
            return self._driver('id', _SCSI)
        if name in ('hw_disk_bus', 'disk_format'):
            return self._driver('drive')
        return ''

    def has(self, name: str, found: Mapping[str, object]) -> bool:
        """Tell whether the device is the one that was asked for.

        :param name: of the property, by nova
        :param found: what the image says, by nova's names
        """
        if name == 'disk_format':
            return True
        if name not in _WORDS or not self.device(name):
            return False
        path, attribute = _WORDS[name]
        element = self._described.find(path)
        return element is not None and element.get(attribute) == found[name]

    def _driver(self, key: str, value: str | None = None) -> str:
        """Return the driver of the first device with this; '' if none has.

        :param value: None for any
        """
        for device in self._devices:
            if key in device and value in (None, device[key]):
                return device['driver']
        return ''
