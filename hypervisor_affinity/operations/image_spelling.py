# SPDX-License-Identifier: Apache-2.0
"""What the owner of an image meant by a misspelt property."""

import difflib
import re
from collections.abc import Mapping

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.hypervisor import canonicalize
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.fitting import DESCRIPTOR_ADAPTERS


def _squeezed(text: str) -> str:
    return re.sub(r'[\W_]', '', text.lower())


def _spellings(*values: str, **others: str) -> dict[str, str]:
    return {**{_squeezed(value): value for value in values}, **others}


_DISK_TYPES = _spellings(*vmware.DISK_TYPES)
_ARCHITECTURES = {
    **_spellings(*image_meta.CHOICES['hw_architecture']),
    **{
        _squeezed(written): meant
        for written, meant in properties.ARCHITECTURES.items()
    },
    'arm64': 'aarch64',
    'x64': 'x86_64',
}

# What people write, without case and signs -> what nova reads.
_VALUES = {
    'vmware_disktype': _DISK_TYPES,
    'hw_disk_type': _DISK_TYPES,
    'vmware_adaptertype': _spellings(
        *DESCRIPTOR_ADAPTERS, pvscsi='paraVirtual', lsisas='lsiLogicsas'
    ),
    'hw_scsi_model': _spellings(
        *image_meta.CHOICES['hw_scsi_model'], pvscsi='vmpvscsi'
    ),
    'hw_disk_bus': _spellings(*image_meta.CHOICES['hw_disk_bus']),
    'hw_vif_model': {
        **properties.VIF_MODELS,
        **_spellings(*image_meta.CHOICES['hw_vif_model']),
    },
    'architecture': _ARCHITECTURES,
    'hw_architecture': _ARCHITECTURES,
    'hw_emulation_architecture': _ARCHITECTURES,
}

# Those that a misspelt name may have meant.
_NAMES = (
    *properties.NOVA_NAMES,
    'vmware_adaptertype',
    *properties.PROPERTY_NAMES,
)

# A name that nova reads -> other names that people give to the property: from
# other programs, from older documentation, from options and APIs of nova.
_SYNONYMS = {
    'hypervisor_type': """
        hv hv_type hw_hv_type hw_hypervisor hw_hypervisor_type hypervisor
        hypervisor_name img_hv img_hypervisor img_hypervisor_type
        os_hypervisor os_hypervisor_type required_hypervisor
        vmware_hypervisor vmware_hypervisor_type
        """,
    'vmware_ostype': """
        guest_id vmware_guest vmware_guest_id vmware_guest_os
        vmware_guest_os_id vmware_guest_os_type vmware_guest_type vmware_os
        vmware_os_id vsphere_guest_id vsphere_ostype
        """,
    'vmware_disktype': """
        vmdk_disktype vmdk_type vmware_disk_provisioning
        vmware_provisioning vmware_vmdk_type vsphere_disktype
        """,
    'vmware_adaptertype': """
        vmware_controller vmware_controller_type vmware_disk_adapter
        vmware_disk_adapter_type vmware_disk_controller
        vmware_disk_controller_type vmware_scsi vmware_scsi_adapter
        vmware_scsi_adapter_type vmware_scsi_controller
        vmware_scsi_controller_type vmware_scsi_model vmware_scsi_type
        vmware_storage_adapter vmware_storage_controller
        vsphere_adaptertype
        """,
    'hw_vif_model': """
        hw_network_adapter hw_network_model hw_nic hw_nic_model hw_nic_type
        hw_vif hw_vif_type img_vif_model net_model network_adapter_model
        network_model nic_model vif_model vmware_network_adapter
        vmware_network_adapter_type vmware_nic vmware_nic_model
        vmware_nic_type vmware_vif vmware_vif_model vmware_vif_type
        """,
    'hw_disk_bus': """
        disk_bus disk_bus_type hw_disk_bus_model hw_disk_bus_type
        img_disk_bus
        """,
    'hw_scsi_model': """
        hw_scsi hw_scsi_adapter hw_scsi_controller hw_scsi_type
        img_scsi_model scsi_model
        """,
    'vmware_linked_clone': """
        hw_linked_clone linked_clone linked_clones use_linked_clone
        use_linked_clones vmware_linked_clones vmware_use_linked_clone
        """,
    'architecture': """
        arch cpu_arch cpu_architecture hw_arch hw_cpu_arch
        hw_cpu_architecture image_arch image_architecture img_arch
        img_architecture
        """,
}

# Likewise, but these are words for other things, too.
_AMBIGUOUS = {
    'hypervisor_type': 'virt_type virtualization_type',
    'vmware_ostype': 'guest_os guest_os_id guest_os_type guest_type os_id',
    'vmware_disktype': """
        disk_type provisioning provisioning_type vmware_disk
        vmware_disk_format
        """,
    'vmware_adaptertype': """
        adapter adapter_type controller controller_type disk_adapter
        disk_adapter_type disk_controller scsi_adapter scsi_controller
        scsi_type
        """,
    'hw_vif_model': 'network_adapter network_adapter_type nic nic_type',
}

# What describes an image only, however near it is to a name of nova's.
_DESCRIBING = frozenset({'image_version', 'os_architecture'})


def _by_synonym(synonyms: dict[str, str]) -> dict[str, str]:
    return {
        _squeezed(synonym): name
        for name, words in synonyms.items()
        for synonym in words.split()
    }


_MEANT = {**_by_synonym(_SYNONYMS), **_spellings(*_NAMES)}
_MAYBE_MEANT = _by_synonym(_AMBIGUOUS)

# By this, vmware_adapter means vmware_adaptertype, and vmware_tools_version
# nothing.
_SIMILARITY = 0.85


def value(name: str, written: str) -> str | None:
    """Return the right spelling of a property's value.

    :returns: None if nobody can tell
    """
    if name in ('hypervisor_type', 'img_hv_type'):
        family = canonicalize(written)
        return family if family in image_meta.CHOICES['img_hv_type'] else None
    if name in ('vmware_ostype', 'os_distro'):
        return guests.spelled(written)
    return _VALUES.get(name, {}).get(_squeezed(written))


def refused(own: Mapping[str, str]) -> dict[str, str]:
    """Return property -> why nova-api refuses its value.

    :param own: Glance's properties; formats are none
    """
    return {
        treatment.name: treatment.outcome
        for treatment in image_meta.treat(own)
        if treatment.fate is Fate.REFUSED
    }


def respelled(own: Mapping[str, str]) -> dict[str, str]:
    """Return right values for those that nova-api refuses, where known."""
    return {
        name: right
        for name in refused(own)
        if (right := value(name, own[name]))
    }


def reported_instead(named: str) -> tuple[str, ...]:
    """Return the hypervisor types that hosts report, if none reports this.

    :param named: a type that nova-api lets pass
    :returns: empty if a host may report it
    """
    family = canonicalize(named)
    table = None if family is None else drivers.TABLES.get(family)
    if table is None or named.lower() in table.guest_types:
        return ()
    return table.guest_types


def name(written: str) -> str | None:
    """Return the name that is meant by one that nova does not read.

    :returns: None if nobody can tell
    """
    return _MEANT.get(_squeezed(written))


def similar_name(written: str, its_value: str | None) -> str | None:
    """Return a name that may have been meant; None if there is none.

    :param its_value: None if it is not known. A word that has many meanings
        counts only with a value that the property can have.
    """
    if written in _DESCRIBING:
        return None
    maybe = _MAYBE_MEANT.get(_squeezed(written))
    if maybe:
        fits = its_value is not None and value(maybe, its_value)
        return maybe if fits else None
    near = difflib.get_close_matches(written, _NAMES, 1, _SIMILARITY)
    return near[0] if near else None
