# SPDX-License-Identifier: Apache-2.0
"""The image properties that fit a disk."""

import dataclasses
from typing import NamedTuple

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.acceptance import by_vsphere
from hypervisor_affinity.image.acceptance import fitting_disk_type
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError

# What vmware_adaptertype may be -> how a VMDK's descriptor says it:
# nova.virt.vmwareapi.vm_util.get_vmdk_adapter_type.
DESCRIPTOR_ADAPTERS = {
    'lsiLogic': 'lsilogic',
    'lsiLogicsas': 'lsilogic',
    'paraVirtual': 'lsilogic',
    'busLogic': 'buslogic',
    'ide': 'ide',
}
# Where a descriptor's word fits several, the first; nova's default is it.
_ADAPTERS = {
    said: adapter for adapter, said in reversed(DESCRIPTOR_ADAPTERS.items())
}


class Wishes(NamedTuple):
    """What the owner of an image says of it; None for no word.

    :ivar adapter_type: a ``vmware_adaptertype``
    :ivar guest_id: a ``vmware_ostype``
    :ivar vif_model: an ``hw_vif_model``
    """

    adapter_type: str | None = None
    guest_id: str | None = None
    vif_model: str | None = None


class WrongWish(DiskError):
    """What is wished is not there, for any disk; the text says what is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fitting:
    """What to set.

    :ivar properties: raw names
    :ivar questions: what only the owner can tell, and what becomes of it
        unless he does
    """

    properties: dict[str, str]
    questions: tuple[str, ...] = ()


def check(wishes: Wishes) -> None:
    """See that there is what is wished, whatever the disk is.

    :raises WrongWish: if there is not
    """
    adapter = wishes.adapter_type
    if adapter and adapter not in DESCRIPTOR_ADAPTERS:
        raise WrongWish(
            f'{adapter!r} is not a vmware_adaptertype; it can be '
            f'{", ".join(DESCRIPTOR_ADAPTERS)}'
        )
    guest_id = wishes.guest_id
    if guest_id and guest_id not in guests.GUEST_IDS:
        hint = guests.spelled(guest_id)
        if hint or not vmware.is_guest_id(guest_id):
            raise WrongWish(
                f'{guest_id!r} is not a guest id of vSphere; '
                + (f'use {hint}' if hint else 'guest ids end in Guest')
            )
    if wishes.vif_model:
        model = wishes.vif_model
        takes = vmware.TABLE.row('hw_vif_model').takes
        if not takes.has(properties.VIF_MODELS.get(model.lower(), model)):
            raise WrongWish(
                f'ESXi has no network adapter {model!r}; it has {takes.text}'
            )


def fit(disk: Disk, wishes: Wishes) -> Fitting:
    """Return what to set, so that the disk boots where it can.

    :raises WrongWish: if no disk can have what is wished
    :raises DiskError: if this one cannot
    """
    check(wishes)
    accepts, why = by_vsphere(_corrected(disk))
    if not accepts:
        if any(wishes):
            raise DiskError(
                f'{disk.name}: {", ".join(filter(None, wishes))} cannot be '
                f'set: {why}'
            )
        return Fitting({})
    found = {
        'vmware_disktype': fitting_disk_type(disk),
        'vmware_adaptertype': _adapter_type(disk, wishes.adapter_type),
        'vmware_ostype': wishes.guest_id,
        'hw_vif_model': wishes.vif_model,
    }
    if disk.format == 'iso' and not any(found.values()):
        # It boots anywhere.
        return Fitting({})
    set_ = {name: value for name, value in found.items() if value}
    questions = []
    if 'vmware_ostype' not in set_:
        questions.append(
            'which operating system is on it? Without vmware_ostype, ESXi '
            'treats it as otherGuest'
        )
    if set_.get('vmware_adaptertype') == 'ide' and not wishes.adapter_type:
        questions.append(
            "is IDE intended? It is qemu-img's default; most guests are "
            'faster with another adapter'
        )
    return Fitting(
        {'hypervisor_type': hypervisor.VMWARE, **set_}, tuple(questions)
    )


def adapter_type(disk: Disk) -> str | None:
    """Return the ``vmware_adaptertype`` that a disk tells; None if none."""
    if disk.appliance and disk.appliance.adapter_type:
        return disk.appliance.adapter_type
    return _ADAPTERS.get((disk.adapter_type or '').lower())


def _corrected(disk: Disk) -> Disk:
    """Return an image as it will be once its disk type is set."""
    disk_type = fitting_disk_type(disk)
    if not (disk.declared and disk_type):
        return disk
    properties = {**disk.declared.properties, 'vmware_disktype': disk_type}
    declared = dataclasses.replace(disk.declared, properties=properties)
    return dataclasses.replace(disk, declared=declared)


def _adapter_type(disk: Disk, wish: str | None) -> str | None:
    said = disk.adapter_type
    if wish:
        if said and DESCRIPTOR_ADAPTERS[wish] != said.lower():
            raise DiskError(
                f'{disk.name}: {written("vmware_adaptertype", wish)} does not '
                f'match the descriptor, which says {said}; convert it with '
                f'"image prepare --adapter-type {wish}"'
            )
        return wish
    return adapter_type(disk)
