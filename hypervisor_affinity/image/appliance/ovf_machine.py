# SPDX-License-Identifier: Apache-2.0
"""What an OVF says of a machine: its hardware, and its system."""

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.appliance import ovf_guests

# rasd:ResourceType, from CIM_ResourceAllocationSettingData. VMware and
# VirtualBox call every newer controller an other storage device.
_IDE, _SCSI, _ETHERNET, _OTHER_STORAGE = '5', '6', '10', '20'

# rasd:ResourceSubType in lower case -> vmware_adaptertype. ovftool writes
# VirtualSCSI and lsilogicsas; others take their words from a .vmx (pvscsi,
# lsisas1068), from VMware's API (ParaVirtualSCSIController) or from nova.
_SCSI_ADAPTERS = {
    'buslogic': 'busLogic',
    'lsilogic': 'lsiLogic',
    'lsilogicsas': 'lsiLogicsas',
    'lsisas1068': 'lsiLogicsas',
    'paravirtual': 'paraVirtual',
    'paravirtualscsi': 'paraVirtual',
    'pvscsi': 'paraVirtual',
    'virtualscsi': 'paraVirtual',
    'vmpvscsi': 'paraVirtual',
}

# rasd:ResourceSubType in lower case -> hw_vif_model.
_VIF_MODELS = {
    'e1000': 'VirtualE1000',
    'e1000e': 'VirtualE1000e',
    'pcnet32': 'VirtualPCNet32',
    'vmxnet': 'VirtualVmxnet',
    'vmxnet3': 'VirtualVmxnet3',
}

# What is in a ResourceSubType of controllers that nova does not know -> what
# they are.
_BUSES = {'nvme': 'NVMe', 'ahci': 'SATA', 'sata': 'SATA', 'virtio': 'virtio'}

# How much of a subtype is shown.
_SHOWN = 40


class Machine:
    """A virtual system of an OVF."""

    def __init__(self, system: Element) -> None:
        self._system = system
        # Item of OVF 1; 2 has one name for each kind of it, with the same
        # parts in other namespaces.
        self._items = [
            {_local(part.tag): (part.text or '').strip() for part in item}
            for item in system.iter()
            if _local(item.tag).endswith('Item')
        ]
        self._by_identity = {_identity(item): item for item in self._items}
        self._parents = {
            _path(item['HostResource']): item.get('Parent', '')
            for item in self._items
            if 'HostResource' in item
        }

    def controller_of(self, disk: str) -> dict[str, str]:
        """Return the hardware that a disk is at; empty if it is at none.

        :param disk: its ``ovf:diskId``
        """
        parent = self._parents.get(f'/disk/{disk}')
        return self._by_identity.get(parent, {}) if parent else {}

    def adapter_type(self, disk: str) -> str | None:
        """Return it as a ``vmware_adaptertype``; None if nova knows none."""
        controller = self.controller_of(disk)
        kind = controller.get('ResourceType')
        if kind == _IDE:
            return 'ide'
        if kind in (_SCSI, _OTHER_STORAGE):
            return _first(controller, _SCSI_ADAPTERS)
        return None

    def strange_controller(self, disk: str) -> str | None:
        """Return what it is at, if nova has no ``vmware_adaptertype`` for it.

        :returns: None if nova has one, or the OVF does not tell
        """
        controller = self.controller_of(disk)
        if not controller or self.adapter_type(disk):
            return None
        said = controller.get('ResourceSubType', '')[:_SHOWN]
        buses = (bus for word, bus in _BUSES.items() if word in said.lower())
        default = 'SCSI' if controller.get('ResourceType') == _SCSI else ''
        bus = next(buses, default)
        if bus and said:
            return f'{bus} ({said})'
        return bus or said or None

    @property
    def vif_model(self) -> str | None:
        """As an ``hw_vif_model``; None if nova knows none."""
        for item in self._items:
            if item.get('ResourceType') == _ETHERNET:
                return _first(item, _VIF_MODELS)
        return None

    @property
    def guest_id(self) -> str | None:
        """Of vSphere; None if there is none.

        By VMware's word for it, or else by VirtualBox', or else by DMTF's.
        """
        for part in self._system.iter():
            if _local(part.tag) == 'OperatingSystemSection':
                return _guest_id(part)
        return None


def _guest_id(section: Element) -> str | None:
    said = {_local(name): value for name, value in section.items()}
    word = said.get('osType', '')
    if found := guests.spelled(word):
        return found
    if vmware.is_guest_id(word):
        # Of a newer vSphere.
        return word
    for part in section:
        if _local(part.tag) == 'OSType':
            name = (part.text or '').strip()
            found = ovf_guests.by_virtualbox(name)
            # DMTF's number does not tell an Arm from an x86.
            if found or ovf_guests.is_for_arm(name):
                return found
    return ovf_guests.by_cim(said.get('id', ''), said.get('version'))


def _identity(item: Mapping[str, str]) -> str:
    # Drafts of OVF 1 had another spelling, and some programs kept it.
    return item.get('InstanceID') or item.get('InstanceId', '')


def _path(resource: str) -> str:
    """Return a host resource as ``/disk/ID``: ``ovf:/disk/ID``, ``disk/ID``"""
    return '/' + resource.removeprefix('ovf:').lstrip('/')


def _first(item: Mapping[str, str], known: Mapping[str, str]) -> str | None:
    """Return the first of an item's subtypes that is known.

    DSP0243 separates them by blanks, some programs by commas.
    """
    words = re.split(r'[\s,]+', item.get('ResourceSubType', '').lower())
    spellings = (
        spelling for word in words for spelling in (word, _bare(word))
    )
    return next((known[word] for word in spellings if word in known), None)


def _bare(word: str) -> str:
    """Return a subtype without what VMware's API has around it."""
    word = word.replace('-', '')
    return word.removeprefix('virtual').removesuffix('controller')


def _local(tag: object) -> str:
    # A comment's tag is a function.
    return str(tag).rpartition('}')[2]
