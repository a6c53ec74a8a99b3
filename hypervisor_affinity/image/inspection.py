# SPDX-License-Identifier: Apache-2.0
"""What a disk is, and whether it is safe to open.

First the content alone is judged, in bounds: by what Glance and nova use, and
by the modules of :mod:`hypervisor_affinity.image.formats`. ``qemu-img`` opens
only what has passed, and must then agree.
"""

import dataclasses
import pathlib

from hypervisor_affinity.image import confirmation
from hypervisor_affinity.image import extents
from hypervisor_affinity.image import several
from hypervisor_affinity.image.appliance import lengths
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.content import Part
from hypervisor_affinity.image.disk import OVA
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import WHOLE
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.disk import check_virtual_bytes
from hypervisor_affinity.image.formats import foreign
from hypervisor_affinity.image.formats import qcow2
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.formats import tables
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.formats import vhdx
from hypervisor_affinity.image.formats import vmdk
from hypervisor_affinity.image.probe import Probe
from hypervisor_affinity.image.probe import probe

_TAKEN = frozenset({'iso', 'qcow2', RAW, 'vdi', 'vhd', 'vhdx', VMDK})

# What a file of such a name may hold as well.
_ANYTHING = frozenset({'iso', RAW})


def inspect(
    path: pathlib.Path, member: str | None = None, *, briefly: bool = False
) -> Disk:
    """Return what is in a file.

    :param member: the disk to take of an OVA with several
    :param briefly: leave out what qemu-img would take long for, or much
        memory
    :raises DiskError: if it cannot be used
    :raises UnsafeDisk: if it may harm whoever opens it
    """
    with FileContent(path) as content:
        archive = archive_in(path, content)
        return inspect_open(path, content, archive, member, briefly=briefly)


def inspect_all(
    path: pathlib.Path,
    member: str | None = None,
    most: int | None = None,
    *,
    briefly: bool = False,
) -> Disk | several.Several:
    """Return what is in a file, as :func:`inspect`, or each disk of an OVA.

    :param most: how many are inspected; None for all
    """
    with FileContent(path) as content:
        archive = archive_in(path, content)
        return several.each(
            archive,
            member,
            most,
            lambda name: inspect_open(
                path, content, archive, name, briefly=briefly
            ),
        )


def inspect_open(
    path: pathlib.Path,
    content: FileContent,
    archive: ova.Archive | None,
    member: str | None,
    *,
    briefly: bool = False,
) -> Disk:
    """Return what is in a file, as :func:`inspect`.

    :param archive: by :func:`archive_in`
    """
    if archive:
        disk = _in_archive(content, archive, member)
        disk = dataclasses.replace(disk, allocated_bytes=content.allocated)
    else:
        disk = _judged(content)
        _check_alone(path, member)
        _check_suffix(path, content, disk)
        disk = extents.with_files(path, content, disk)
    return confirmation.confirmed(path, disk, briefly=briefly)


def archive_in(path: pathlib.Path, content: Content) -> ova.Archive | None:
    """Return the OVA that a file is; None if it is none.

    :raises DiskError: if it is another archive
    :raises UnsafeDisk: if it contradicts itself, or leads out of itself
    """
    return _archive(content, is_promised=ova.is_promised(path))


def inspect_image(
    content: Content, declared: Declared, member: str | None = None
) -> Disk:
    """Return what an image in Glance is, as :func:`inspect_content` does.

    :param declared: what Glance has written of it
    """
    is_promised = declared.container_format == OVA
    archive = _archive(content, is_promised=is_promised)
    return _of_image(content, declared, archive, member)


def inspect_image_all(
    content: Content,
    declared: Declared,
    member: str | None = None,
    most: int | None = None,
) -> Disk | several.Several:
    """Return what :func:`inspect_image` does, or each disk of an OVA.

    :param most: how many are inspected; None for all
    """
    is_promised = declared.container_format == OVA
    archive = _archive(content, is_promised=is_promised)
    return several.each(
        archive,
        member,
        most,
        lambda name: _of_image(content, declared, archive, name),
    )


def named_format(path: pathlib.Path) -> str | None:
    """Return the format that a file has in its name; None if there is none."""
    name = path.suffix.lower().removeprefix('.')
    return name if name in {*_TAKEN, OVA} else None


def inspect_content(content: Content) -> Disk:
    """Return what an image in Glance holds, of which a few MiB are read.

    :raises DiskError: if it cannot be used
    :raises UnsafeDisk: if it may harm whoever opens it
    """
    return _in_content(content, _archive(content), None)


def _in_content(
    content: Content, archive: ova.Archive | None, member: str | None
) -> Disk:
    if archive:
        return _in_archive(content, archive, member)
    if member is not None:
        raise _no_archive(content.name, member)
    disk = _judged(content)
    _check_single(disk)
    return disk


def _of_image(
    content: Content,
    declared: Declared,
    archive: ova.Archive | None,
    member: str | None,
) -> Disk:
    disk = _in_content(content, archive, member)
    if disk.appliance and declared.container_format != OVA:
        raise DiskError(
            f'{disk.name}: is an OVA, but its container_format is '
            f'{declared.container_format}, so nova takes the archive itself '
            'for a disk; upload it again with "image upload"'
        )
    return dataclasses.replace(disk, declared=declared)


def _archive(
    content: Content, *, is_promised: bool = False
) -> ova.Archive | None:
    """Return the OVA that some content is; None if it is none.

    :param is_promised: whether its name, or Glance, says that it is one
    """
    if not ova.is_archive(content, is_promised=is_promised):
        return None
    archive = ova.Archive(content)
    if (formats := probe(content).formats) != (RAW,):
        raise _ambiguous(content, {OVA, *formats})
    return archive


def _judged(content: Content) -> Disk:
    """Return what the content says, as far as it is of one file."""
    if not content.size:
        raise DiskError(f'{content.name}: is empty')
    found = vmdk.read(content) if vmdk.is_vmdk(content) else None
    probed = probe(content)
    if probed.format == VMDK:
        # Text that says so, but does not begin as a descriptor does.
        found = found or vmdk.read(content)
    possible = {*probed.formats, *([VMDK] if found else [])} - {RAW}
    if probed.format is None or (found and possible != {VMDK}):
        raise _ambiguous(content, possible)
    if found:
        return _vmdk(content, found, probed)
    return _other(content, probed)


def _ambiguous(content: Content, possible: set[str]) -> UnsafeDisk:
    return UnsafeDisk(
        f'{content.name}: could be {" or ".join(sorted(possible))}: one disk '
        'may be hidden in another; create it again with the program that made '
        'it'
    )


def _vmdk(content: Content, found: vmdk.Vmdk, probed: Probe) -> Disk:
    return Disk(
        name=content.name,
        format=VMDK,
        formats=probed.formats,
        failures=_written(probed, found.descriptor.unread),
        virtual_bytes=found.virtual_bytes,
        file_bytes=content.size,
        grain_bytes=found.grain_bytes,
        header_version=found.header_version,
        map_bytes=found.map_bytes,
        sector_bytes=sectors.partitioned_for(found.head),
        create_type=found.descriptor.create_type,
        adapter_type=found.descriptor.adapter_type,
        hardware_version=found.descriptor.hardware_version,
        extents=found.descriptor.extents,
    )


def _other(content: Content, probed: Probe) -> Disk:
    foreign.check(content)
    found = _format(content, probed)
    if found == 'luks':
        raise DiskError(f'{content.name}: is encrypted; decrypt it first')
    if found not in _TAKEN:
        raise DiskError(
            f'{content.name}: is {found}, which is not supported; convert it '
            'to qcow2 or raw'
        )
    if probed.failures and found == probed.format and found != 'iso':
        raise UnsafeDisk(
            f'{content.name}: is {found} and not safe: '
            f'{"; ".join(_written(probed))}; {WHOLE}'
        )
    tables.check(content, found)
    if found == 'vhdx':
        vhdx.check(content)
    virtual_bytes = _virtual_bytes(content, found, probed)
    check_virtual_bytes(f'{content.name}: has', virtual_bytes)
    # Of other formats, qemu-img tells it.
    head = content.read(0, sectors.HEAD) if found == RAW else b''
    return Disk(
        name=content.name,
        format=found,
        formats=probed.formats,
        failures=_written(probed),
        virtual_bytes=virtual_bytes,
        file_bytes=content.size,
        map_bytes=tables.map_bytes(content, found),
        clusters=qcow2.clusters(content) if found == 'qcow2' else 0,
        sector_bytes=sectors.partitioned_for(head),
    )


def _format(content: Content, probed: Probe) -> str | None:
    # A disk with a partition table is raw to qemu, and to Glance's users.
    if probed.format not in (RAW, 'gpt'):
        return probed.format
    return 'vhd' if vhd.is_fixed(content) else RAW


def _virtual_bytes(
    content: Content, disk_format: str | None, probed: Probe
) -> int:
    if disk_format in (RAW, 'iso'):
        return content.size
    if disk_format == 'vhd':
        return vhd.size(content)
    return probed.virtual_bytes


def _written(probed: Probe, *remarks: str) -> tuple[str, ...]:
    said = [f'{name}: {why}' for name, why in probed.failures.items()]
    return (*said, *filter(None, remarks)) if said else ()


def _check_single(disk: Disk) -> None:
    if not disk.is_one_file:
        raise DiskError(
            f'{disk.name}: is only the descriptor of a {disk.create_type}; '
            'its data is in other files; upload the disk as streamOptimized'
        )


def _check_alone(path: pathlib.Path, member: str | None) -> None:
    if ova.is_promised(path):
        raise DiskError(f'{path}: is not an OVA: it is not a tar archive')
    if member is not None:
        raise _no_archive(path, member)


def _no_archive(name: object, member: str) -> DiskError:
    return DiskError(f'{name}: is not an OVA, so it has no disk {member!r}')


def _check_suffix(path: pathlib.Path, content: Content, disk: Disk) -> None:
    promised = named_format(path)
    if promised in (None, disk.format, *_ANYTHING):
        return
    if promised == 'vhd' and disk.format == RAW:
        vhd.check_end(content)
    if promised == VMDK and disk.format == RAW:
        raise DiskError(
            f'{path}: is raw, not VMDK; if it is the data of a flat VMDK, '
            'give the descriptor, the small .vmdk file next to it, or rename '
            'this file to .raw'
        )
    raise DiskError(
        f'{path}: is {disk.format}, not {promised}; rename it to '
        f'.{disk.format} if that is what you expect'
    )


def _in_archive(
    content: Content, archive: ova.Archive, member: str | None
) -> Disk:
    appliance = archive.find_disk(member)
    part = Part(
        content,
        f'{content.name}, {appliance.member}',
        appliance.offset,
        appliance.size,
    )
    disk = _judged(part)
    _check_single(disk)
    return of_archive(content, disk, appliance)


def of_archive(content: Content, disk: Disk, appliance: Appliance) -> Disk:
    """Return a disk as the one of an archive.

    :param content: of the archive
    :param appliance: where it is there, or how long it was
    :raises DiskError: if it is shorter than the OVF says
    """
    lengths.check_capacity(content.name, disk.format, appliance)
    return dataclasses.replace(
        disk,
        name=content.name,
        formats=(),
        failures=(),
        file_bytes=content.size,
        appliance=appliance,
    )
