# SPDX-License-Identifier: Apache-2.0
"""What the owner of an image meant by a misspelt property."""

import difflib
import re

from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.hypervisor import canonicalize
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.fitting import DESCRIPTOR_ADAPTERS


def _squeezed(text: str) -> str:
    return re.sub(r'[\W_]', '', text.lower())


def _spellings(*values: str, **others: str) -> dict[str, str]:
    return {**{_squeezed(value): value for value in values}, **others}


_DISK_TYPES = _spellings(*properties.DISK_TYPES)

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
}

# Those that a misspelt name may have meant.
_NAMES = (
    *properties.NOVA_NAMES,
    'vmware_adaptertype',
    *properties.PROPERTY_NAMES,
)
_SQUEEZED_NAMES = _spellings(*_NAMES)

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


def name(written: str) -> str | None:
    """Return the name that differs from another in case and signs only.

    :returns: None if there is none
    """
    return _SQUEEZED_NAMES.get(_squeezed(written))


def similar_name(written: str) -> str | None:
    """Return a name that may have been meant; None if there is none."""
    near = difflib.get_close_matches(written, _NAMES, 1, _SIMILARITY)
    return near[0] if near else None
