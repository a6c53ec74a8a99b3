# SPDX-License-Identifier: Apache-2.0
"""VHDX: what its metadata say that Glance does not look at.

By Microsoft's [MS-VHDX]. Glance takes any VHDX, and so would ``image
inspect`` of one in Glance, which qemu does not see.
"""

import struct
from collections.abc import Iterator

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import maps
from hypervisor_affinity.image.formats.vhd import MERGE

# Its place, and the form of its entries: a GUID, a place and other things.
_REGIONS = 192 * 1024
_REGION = struct.Struct('<16sQ8x')
_REGION_BYTES = struct.Struct('<16s8xI4x')
_ITEM = struct.Struct('<16sI12x')

# A table's length; its header tells the number of entries.
_TABLE = 65536

# GUIDs, as they are stored.
_BLOCKS = bytes.fromhex('6677c22d23f600429d64115e9bfd4a08')
_METADATA = bytes.fromhex('06a27c8b90479a4bb8fe575f050f886e')
_FILE_PARAMETERS = bytes.fromhex('3767a1ca36fa434db3b633f0aa44e76b')
_SECTOR_SIZE = bytes.fromhex('1dbf41816fa90947ba47f233a8faab5f')
_PARENT = bytes.fromhex('2d5fd3a80bb34d45abf7d3d84834ab0c')

_HAS_PARENT = 2

# Of the block allocation table's entries: a MiB of the file, and a block's
# state; it is there wholly or partially.
_MIB_BITS = 20
_THERE = 6


def check(content: Content) -> None:
    """Check that it is a disk for itself, with sectors that others have.

    :raises DiskError: if it is not
    :raises UnsafeDisk: if it lacks a part
    """
    name = content.name
    regions = dict(_entries(content, _REGIONS, _REGION, '<8xI', 16))
    place = _found(content, regions, _METADATA, 'metadata')
    # Beyond 2^63, a file has no place.
    place = min(place, content.size)
    items = dict(_entries(content, place, _ITEM, '<10xH', 32))
    parameters = place + _found(
        content, items, _FILE_PARAMETERS, 'file parameters'
    )
    flags = _number(content, parameters + 4)
    if flags & _HAS_PARENT or _PARENT in items:
        raise DiskError(f'{name}: is a differencing VHDX: {MERGE}')
    sector = place + _found(content, items, _SECTOR_SIZE, 'sector size')
    if (size := _number(content, sector)) != SECTOR:
        raise DiskError(
            f'{name}: is VHDX with sectors of {size} bytes, which qemu-img '
            f'does not read; copy the system to a disk with {SECTOR}: neither '
            'a VMDK nor a server has others, and a disk partitioned for '
            'others does not boot'
        )
    _check_blocks(content, regions, _number(content, parameters))


def map_bytes(content: Content) -> int:
    """Return how long the block allocation table is.

    :param content: that passed :func:`check`
    """
    lengths = dict(_entries(content, _REGIONS, _REGION_BYTES, '<8xI', 16))
    return lengths[_BLOCKS]


def _check_blocks(
    content: Content, regions: dict[bytes, int], size: int
) -> None:
    """Refuse a disk without all of its blocks.

    :param size: of one, in bytes
    """
    place = _found(content, regions, _BLOCKS, 'block allocation table')
    length = map_bytes(content)
    maps.check_end(content, place + length)
    near = maps.Near('<Q', max(0, content.size - size))
    for entries in maps.pieces(content, place, length // 8, near):
        last = max(
            (entry for entry in entries if entry & _THERE == _THERE),
            default=0,
        )
        end = (last >> _MIB_BITS << _MIB_BITS) + size
        maps.check_end(content, end if last else 0)


def _entries(
    content: Content, place: int, entry: struct.Struct, count: str, first: int
) -> Iterator[tuple[bytes, int]]:
    """Return what a table says of each GUID.

    :param count: form of the table's header, up to the number of entries
    :param first: where they begin
    """
    table = content.read(place, _TABLE).ljust(_TABLE, b'\0')
    (number,) = struct.unpack_from(count, table)
    end = min(first + number * entry.size, _TABLE)
    end -= (end - first) % entry.size
    return entry.iter_unpack(table[first:end])


def _found(
    content: Content, entries: dict[bytes, int], guid: bytes, what: str
) -> int:
    if guid not in entries:
        raise UnsafeDisk(f'{content.name}: is VHDX without its {what}; {REDO}')
    return entries[guid]


def _number(content: Content, place: int) -> int:
    piece = content.read(place, 4)
    return int.from_bytes(piece, 'little')
