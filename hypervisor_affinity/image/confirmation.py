# SPDX-License-Identifier: Apache-2.0
"""What qemu-img says of a disk whose content was judged safe to open."""

import dataclasses
import pathlib

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import WHOLE
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.size import shown

# What oslo.utils, or this package, measures as qemu does.
_MEASURED = frozenset({'qcow2', 'vdi', 'vhd', 'vhdx', VMDK})

# What is too much for who only asks what a disk is. A map that qemu-img reads
# into memory to open a disk, in bytes: that of a VDI of 12 TiB. And clusters
# of a qcow2 that "qemu-img check" counts one by one: 128 GiB in those of
# 64 KiB, for which it takes a fifth of a second.
_MAX_MAP = 48 * 1024**2
_MAX_CLUSTERS = 2 * 1024**2


def confirmed(path: pathlib.Path, disk: Disk, *, briefly: bool) -> Disk:
    """Have qemu-img agree; return the disk with what only that tells.

    :param path: of its file, or of the OVA that it is in
    :param briefly: leave out what takes too long, or too much memory
    :raises DiskError: if qemu-img cannot open it, or finds damage
    :raises UnsafeDisk: if it finds something else
    """
    if briefly and disk.map_bytes > _MAX_MAP:
        return dataclasses.replace(disk, left_out=(_unopened(disk),))
    node = qemu.node(path, disk)
    info = qemu.info(node)
    details = (info.format_specific or {}).get('data', {})
    if info.backing_file or details.get('data-file'):
        raise UnsafeDisk(f'{path}: is based on another file; {WHOLE}')
    if info.encrypted:
        raise DiskError(f'{path}: is encrypted; decrypt it first')
    theirs = (info.virtual_size, details.get('create-type'))
    ours = (disk.virtual_bytes, disk.create_type)
    if disk.format in _MEASURED and ours != theirs:
        raise UnsafeDisk(
            f'{path}: is {_both(ours)} here, but {_both(theirs)} for '
            f'qemu-img; {REDO}'
        )
    if briefly and disk.clusters > _MAX_CLUSTERS:
        disk = dataclasses.replace(disk, left_out=(_unchecked(disk),))
    elif disk.clusters and (number := qemu.corruptions(node)):
        raise DiskError(
            f'{path}: qemu-img check finds {number} corruptions; it may be '
            'truncated: get the file again, or repair it'
        )
    return dataclasses.replace(
        disk,
        virtual_bytes=info.virtual_size,
        sector_bytes=sectors.partitioned_for(_head(node)),
    )


def _head(node: qemu.Node) -> bytes:
    """Return the first bytes of what a disk holds."""
    if node.format != RAW:
        return qemu.head(node, sectors.HEAD)
    with FileContent(node.path) as content:
        return content.read(
            node.offset, min(sectors.HEAD, node.size or sectors.HEAD)
        )


def _unopened(disk: Disk) -> str:
    return (
        'qemu-img did not open it, and its partitions were not looked for: '
        f'its map has {shown(disk.map_bytes)}, all of which qemu-img reads '
        'into memory; "image prepare" and "image upload" have it opened'
    )


def _unchecked(disk: Disk) -> str:
    return (
        f'"qemu-img check" was left out, which takes long for {disk.clusters} '
        'clusters; "image prepare" and "image upload" have it done'
    )


def _both(size_and_type: tuple[int, str | None]) -> str:
    size, create_type = size_and_type
    return ' '.join(filter(None, (create_type, f'{size} bytes')))
