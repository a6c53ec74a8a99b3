# SPDX-License-Identifier: Apache-2.0
"""Whether a qcow2 or a VDI is whole: what its header lists is in the file.

qemu would read what is missing as zeros.
"""

import dataclasses
import struct

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import maps
from hypervisor_affinity.image.formats import qcow2
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.formats import vhdx


@dataclasses.dataclass(frozen=True, slots=True)
class _Table:
    """Where a header says where the table of all data is, and how long.

    :ivar place: in bytes
    :ivar number: of entries
    :ivar entry_bytes: of one of them
    """

    place: struct.Struct
    number: struct.Struct
    entry_bytes: int


# qcow2's l1_table_offset and l1_size, VDI's offset_bmap and blocks_in_image.
_TABLES = {
    'qcow2': _Table(struct.Struct('>40xQ'), struct.Struct('>36xI'), 8),
    'vdi': _Table(struct.Struct('<340xI'), struct.Struct('<384xI'), 4),
}

# VDI's offset_data, block_size, block_extra and blocks_allocated.
_VDI_BLOCKS = struct.Struct('<344xI28xII4xI')

# The highest numbers of its map: a block that is not there, or was given back.
_NONE = 2
_LAST = 2**32 - 1 - _NONE

# VDI's image type, and the ids of its links to others.
_VDI_KIND = struct.Struct('<76xI344x32s')
# VDIIMAGETYPE of VirtualBox.
_VDI_ALONE = frozenset({1, 2})
_VDI_UNDO, _VDI_DIFFERENCING = 3, 4


def check(content: Content, disk_format: str) -> None:
    """Check a disk of a format; those of other formats pass.

    :raises DiskError: if it has a parent
    :raises UnsafeDisk: if it lacks a part
    """
    if disk_format in _TABLES:
        _check_table(content, _TABLES[disk_format])
    if disk_format == 'qcow2':
        qcow2.check(content)
    if disk_format == 'vdi':
        _check_kind(content)
        _check_blocks(content)


def map_bytes(content: Content, disk_format: str) -> int:
    """Return how long the map is that qemu-img reads into memory.

    :param content: that passed :func:`check`
    :param disk_format: 0 for those that have no map, or a short one
    """
    if disk_format == 'vdi':
        table = _TABLES['vdi']
        (number,) = table.number.unpack_from(content.read(0, SECTOR))
        return number * table.entry_bytes
    if disk_format == 'vhdx':
        return vhdx.map_bytes(content)
    return vhd.map_bytes(content) if disk_format == 'vhd' else 0


def _check_table(content: Content, table: _Table) -> None:
    """Refuse a disk without the table that says where its data are."""
    header = content.read(0, SECTOR)
    (place,) = table.place.unpack_from(header)
    (number,) = table.number.unpack_from(header)
    end = place + number * table.entry_bytes
    if end > content.size:
        raise UnsafeDisk(
            f'{content.name}: has a table at bytes {place} to {end}; the file '
            f'has {content.size} bytes: it is truncated; {REDO}'
        )


def _check_kind(content: Content) -> None:
    """Refuse a VDI that is no disk for itself."""
    kind, links = _VDI_KIND.unpack_from(content.read(0, SECTOR))
    if kind == _VDI_UNDO:
        raise DiskError(f'{content.name}: is an undo VDI: {vhd.MERGE}')
    if kind == _VDI_DIFFERENCING or any(links):
        raise DiskError(f'{content.name}: is a differencing VDI: {vhd.MERGE}')
    if kind not in _VDI_ALONE:
        raise UnsafeDisk(
            f'{content.name}: is a VDI of type {kind}, which VirtualBox does '
            f'not have; {REDO}'
        )


def _check_blocks(content: Content) -> None:
    """Refuse a VDI without all of its data."""
    header = content.read(0, SECTOR)
    place, size, extra, number = _VDI_BLOCKS.unpack_from(header)
    table = _TABLES['vdi']
    (start,) = table.place.unpack_from(header)
    (length,) = table.number.unpack_from(header)
    block = size + extra
    maps.check_end(content, place + number * block)
    whole = max(0, content.size - place) // max(1, block)
    near = maps.Near('<I', whole - 1, none=_NONE)
    for blocks in maps.pieces(content, start, length, near):
        highest = max((at for at in blocks if at <= _LAST), default=-1)
        maps.check_end(content, place + (highest + 1) * block)
