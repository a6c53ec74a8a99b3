# SPDX-License-Identifier: Apache-2.0
"""The servers to boot: one for each value of a property, on each side.

The values are those of whoever decides: nova's enumerations, the constants of
its vSphere driver, Glance's schema. Where a value may be written in another
case, one is added that is.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nova.objects import fields
from nova.virt.vmwareapi import constants

from hypervisor_affinity.core import hypervisor
from testbed import boot_disks
from testbed.conformance.finding import Trial

KVM = hypervisor.KVM
VMWARE = hypervisor.VMWARE
SIDES = (KVM, VMWARE)

STREAM_OPTIMIZED = constants.DISK_TYPE_STREAM_OPTIMIZED
_VMDK = constants.DISK_FORMAT_VMDK
_ISO = constants.DISK_FORMAT_ISO
_OVA = constants.CONTAINER_FORMAT_OVA
# What an image is made from that shows another property.
_BASES = {
    KVM: {'disk_format': 'qcow2'},
    VMWARE: {'disk_format': _VMDK, 'vmware_disktype': STREAM_OPTIMIZED},
}

_ADAPTERS = (*constants.SCSI_ADAPTER_TYPES, constants.ADAPTER_TYPE_IDE)
_DISK_TYPES = (
    constants.DISK_TYPE_SPARSE,
    STREAM_OPTIMIZED,
    *constants.SUPPORTED_FLAT_VARIANTS,
)
# Not of vSphere: what images for KVM have.
_DISTRO = 'ubuntu'
# Amazon's formats: Glance takes each in a container of the same name alone.
_PAIRED = frozenset({'aki', 'ami', 'ari'})

_DESCRIPTOR = b"""\
<?xml version="1.0"?>
<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <ovf:References><ovf:File ovf:id="file" ovf:href="disk.vmdk"/>
  </ovf:References>
  <ovf:DiskSection><ovf:Disk ovf:diskId="disk" ovf:fileRef="file"/>
  </ovf:DiskSection>
</ovf:Envelope>
"""


def trials(
    disk_formats: list[str], container_formats: list[str]
) -> list[Trial]:
    """Return all, those of a property together.

    :param disk_formats: of Glance's schema
    :param container_formats: likewise
    """
    return [
        *_of_formats(disk_formats, container_formats),
        *_of('vmware_disktype', _and_in_another_case(_DISK_TYPES), _VMDK),
        *_of('vmware_disktype', _DISK_TYPES, _ISO, sides=(VMWARE,)),
        *_of_adapters(),
        *_of(
            'hw_vif_model',
            [*fields.VIFModel.ALL, *fields.VIFModel.LEGACY_VALUES],
        ),
        *_of('architecture', fields.Architecture.ALL),
        *_of('hw_emulation_architecture', fields.Architecture.ALL),
        *_of_guest_ids(),
    ]


def content(image: Mapping[str, str]) -> bytes:
    """Return the data of an image, which boots if anything does."""
    disk_format = image['disk_format']
    disk_type = image.get('vmware_disktype')
    if image.get('container_format') == _OVA:
        return _archive()
    if disk_format != _VMDK:
        return boot_disks.disk(disk_format)
    if disk_type in constants.SUPPORTED_FLAT_VARIANTS:
        # The extent alone.
        return boot_disks.disk('raw', label=_VMDK)
    if disk_type == constants.DISK_TYPE_SPARSE:
        return boot_disks.disk(_VMDK, subformat='monolithicSparse')
    return boot_disks.disk(_VMDK)


def _of_formats(
    disk_formats: list[str], container_formats: list[str]
) -> Iterator[Trial]:
    of_vsphere = [
        name for name in constants.DISK_FORMATS_ALL if name not in disk_formats
    ]
    for side in SIDES:
        for value in (*disk_formats, *of_vsphere):
            image = {'disk_format': value}
            if value == _VMDK:
                image['vmware_disktype'] = STREAM_OPTIMIZED
            if value in _PAIRED:
                image['container_format'] = value
            yield Trial(side, 'disk_format', image)
        for value in container_formats:
            base = dict(_BASES[side])
            if value == _OVA:
                base = dict(_BASES[VMWARE])
            if value in _PAIRED and side == KVM:
                base['disk_format'] = value
            image = {**base, 'container_format': value}
            yield Trial(side, 'container_format', image)


def _of_guest_ids() -> Iterator[Trial]:
    name = 'vmware_ostype'
    known = sorted(constants.VALID_OS_TYPES)
    values = [*_and_in_another_case(known), _DISTRO]
    yield from _of(name, values, sides=(VMWARE,))
    # To libvirt all are the same: a word that it does not read.
    few = [constants.DEFAULT_OS_TYPE, *values[-2:]]
    yield from _of(name, few, sides=(KVM,))


def _of_adapters() -> Iterator[Trial]:
    for name, values, beside in (
        ('vmware_adaptertype', _ADAPTERS, {}),
        ('hw_scsi_model', fields.SCSIModel.ALL, {'hw_disk_bus': 'scsi'}),
        ('hw_disk_bus', fields.DiskBus.ALL, {}),
    ):
        yield from _of(name, values, **beside)
        yield from _of(name, values, _ISO, sides=(VMWARE,), **beside)


def _of(
    name: str,
    values: Iterable[str],
    base: str | None = None,
    sides: tuple[str, ...] = SIDES,
    **beside: str,
) -> Iterator[Trial]:
    """Yield the trials of one property.

    :param base: disk format; None for the usual one of the side
    :param beside: further properties
    """
    for side in sides:
        image = {'disk_format': base} if base else _BASES[side]
        for value in values:
            yield Trial(side, name, {**image, **beside, name: value})


def _and_in_another_case(values: Sequence[str]) -> list[str]:
    """Return values, and the last one that is not in lower case so."""
    mixed = [value for value in values if value != value.lower()]
    return [*values, mixed[-1].lower()]


def _archive() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode='w') as archive:
        for name, data in (
            ('machine.ovf', _DESCRIPTOR),
            ('disk.vmdk', boot_disks.disk(_VMDK)),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()
