# SPDX-License-Identifier: Apache-2.0
"""What a disk is, and whether it is safe to open.

First the content alone is judged, in bounds: by what Glance and nova use, and
by the modules of :mod:`hypervisor_affinity.image.formats`. ``qemu-img`` opens
only what has passed, and must then agree.
"""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Iterable

from hypervisor_affinity.image import confirmation
from hypervisor_affinity.image.appliance import lengths
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.content import Part
from hypervisor_affinity.image.disk import OVA
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import WHOLE
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.disk import check_virtual_bytes
from hypervisor_affinity.image.formats import foreign
from hypervisor_affinity.image.formats import qcow2
from hypervisor_affinity.image.formats import tables
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.formats import vhdx
from hypervisor_affinity.image.formats import vmdk
from hypervisor_affinity.image.probe import Probe
from hypervisor_affinity.image.probe import probe

# Formats by Glance's names that a file's suffix promises.
_SUFFIXES = {
    '.qcow2': 'qcow2',
    '.vdi': 'vdi',
    '.vhd': 'vhd',
    '.vhdx': 'vhdx',
    '.vmdk': VMDK,
}

_TAKEN = frozenset({'iso', 'qcow2', RAW, 'vdi', 'vhd', 'vhdx', VMDK})


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
        if ova.is_archive(content, is_promised=ova.is_promised(path)):
            disk = _Archived(content).disk(member)
            disk = dataclasses.replace(disk, allocated_bytes=content.allocated)
        else:
            disk = _judged(content)
            _check_alone(path, member)
            _check_suffix(path, content, disk)
            disk = _with_files(path, content, disk)
    return confirmation.confirmed(path, disk, briefly=briefly)


def inspect_each(
    path: pathlib.Path, members: Iterable[str]
) -> dict[str, Disk | DiskError]:
    """Return disks of an OVA as :func:`inspect` does, or what it raises.

    Briefly.

    :raises DiskError: if the archive cannot be used
    """
    with FileContent(path) as content:

        def finish(disk: Disk) -> Disk:
            allocated = content.allocated
            disk = dataclasses.replace(disk, allocated_bytes=allocated)
            return confirmation.confirmed(path, disk, briefly=True)

        return _Archived(content).each(members, finish)


def inspect_image(
    content: Content, declared: Declared, member: str | None = None
) -> Disk:
    """Return what an image in Glance is, as :func:`inspect_content` does.

    :param declared: what Glance has written of it
    """
    is_promised = declared.container_format == OVA
    disk = inspect_content(content, member, is_promised=is_promised)
    return _as_declared(disk, declared)


def inspect_image_each(
    content: Content, declared: Declared, members: Iterable[str]
) -> dict[str, Disk | DiskError]:
    """Return disks of an OVA in Glance, or what is wrong with each.

    :param declared: what Glance has written of it
    :raises DiskError: if the archive cannot be used
    """
    finish = functools.partial(_as_declared, declared=declared)
    return _Archived(content).each(members, finish)


def _as_declared(disk: Disk, declared: Declared) -> Disk:
    if disk.appliance and declared.container_format != OVA:
        raise DiskError(
            f'{disk.name}: is an OVA, but its container_format is '
            f'{declared.container_format}, so nova takes the archive itself '
            'for a disk; upload it again with "image upload"'
        )
    return dataclasses.replace(disk, declared=declared)


def promised_format(path: pathlib.Path) -> str | None:
    """Return what a file's suffix says that it is; None if nothing."""
    if ova.is_promised(path):
        return OVA
    return _SUFFIXES.get(path.suffix.lower())


def inspect_content(
    content: Content, member: str | None = None, *, is_promised: bool = False
) -> Disk:
    """Return what is in an image in Glance, of which a few MiB are read.

    :param member: the disk to take of an OVA with several
    :param is_promised: whether Glance says that it is an OVA
    :raises DiskError: if it cannot be used
    :raises UnsafeDisk: if it may harm whoever opens it
    """
    if ova.is_archive(content, is_promised=is_promised):
        return _Archived(content).disk(member)
    if member is not None:
        raise _no_archive(content.name, member)
    disk = _judged(content)
    _check_single(disk)
    return disk


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
        failures=_written(probed),
        virtual_bytes=found.virtual_bytes,
        file_bytes=content.size,
        grain_bytes=found.grain_bytes,
        header_version=found.header_version,
        map_bytes=found.map_bytes,
        create_type=found.descriptor.create_type,
        adapter_type=found.descriptor.adapter_type,
        hardware_version=found.descriptor.hardware_version,
        extents=found.descriptor.extents,
    )


def _other(content: Content, probed: Probe) -> Disk:
    foreign.check(content)
    found = _format(content, probed)
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
    return Disk(
        name=content.name,
        format=found,
        formats=probed.formats,
        failures=_written(probed),
        virtual_bytes=virtual_bytes,
        file_bytes=content.size,
        map_bytes=tables.map_bytes(content, found),
        clusters=qcow2.clusters(content) if found == 'qcow2' else 0,
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


def _written(probed: Probe) -> tuple[str, ...]:
    return tuple(f'{name}: {why}' for name, why in probed.failures.items())


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
    promised = promised_format(path)
    if promised in (None, disk.format):
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


def _with_files(path: pathlib.Path, content: FileContent, disk: Disk) -> Disk:
    """Check the files of the extents, and add up what all files take."""
    if disk.is_one_file:
        return dataclasses.replace(disk, allocated_bytes=content.allocated)
    size, allocated = content.size, content.allocated
    grain_bytes = None
    seen: set[str] = set()
    for extent in disk.extents:
        if extent.file in seen:
            raise UnsafeDisk(
                f'{path}: its descriptor lists {extent.file} twice; {REDO}'
            )
        seen.add(extent.file)
        with _open_extent(path, extent) as file:
            grain_bytes = vmdk.check_extent(file, extent)
            size += file.size
            allocated += file.allocated
    return dataclasses.replace(
        disk,
        file_bytes=size,
        allocated_bytes=allocated,
        grain_bytes=grain_bytes,
    )


def _open_extent(path: pathlib.Path, extent: Extent) -> FileContent:
    file = path.parent / extent.file
    try:
        directory, _ = os.path.split(os.path.realpath(file, strict=True))
        is_beside = directory == os.path.realpath(path.parent, strict=True)
        is_data = file.is_file() and not file.samefile(path)
    except OSError as error:
        raise DiskError(
            f'{file}: {error.strerror}; the descriptor {path} lists it; put '
            'both into one directory'
        ) from error
    if not is_beside:
        raise UnsafeDisk(
            f'{file}: is a link to another directory, and {path} lists it; '
            'put the data itself there'
        )
    if not is_data:
        raise UnsafeDisk(
            f'{file}: is not a file with data, and {path} lists it as one; '
            'get or create the disk again'
        )
    return FileContent(file)


class _Archived:
    """An OVA, of which is read once what all of its disks share."""

    def __init__(self, content: Content) -> None:
        """Read what it has; none of the disks."""
        self._content = content
        self._archive = ova.Archive(content)

    @functools.cached_property
    def _formats(self) -> tuple[str, ...]:
        return probe(self._content).formats

    def disk(self, member: str | None) -> Disk:
        """Return a disk; None for the only one."""
        content = self._content
        appliance = self._archive.find(member)
        if self._formats != (RAW,):
            raise _ambiguous(content, {'ova', *self._formats})
        part = Part(
            content,
            f'{content.name}, {appliance.member}',
            appliance.offset,
            appliance.size,
        )
        disk = _judged(part)
        _check_single(disk)
        return of_archive(content, disk, appliance)

    def each(
        self, members: Iterable[str], finish: Callable[[Disk], Disk]
    ) -> dict[str, Disk | DiskError]:
        """Return some disks, or what is wrong with each."""
        found: dict[str, Disk | DiskError] = {}
        for member in members:
            try:
                found[member] = finish(self.disk(member))
            except DiskError as error:
                found[member] = error
        return found


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
