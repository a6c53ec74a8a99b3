# SPDX-License-Identifier: Apache-2.0
"""VHD: what its footer says, which Glance and qemu do not look at.

By Microsoft's Virtual Hard Disk Image Format Specification 1.0: the footer is
the last sector; a dynamic disk has a copy of it as its first.
"""

import struct

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import maps

_COOKIE = b'conectix'
# How far from the end a footer is looked for, in bytes.
_NEAR = 16 * SECTOR

# Of a footer: current size in bytes, and disk type.
_FIELDS = struct.Struct('>48xQ4xI')

# Of a dynamic disk's footer: where its header is. Of that: where the block
# allocation table is, the number of its entries, and the bytes of a block.
_HEADER = struct.Struct('>16xQ')
_TABLE = struct.Struct('>16xQ4xII')

# What the table has for a block that is not there.
_NONE = 2**32 - 1

# By the specification, in bytes; and how many blocks these are in the smallest
# ones that Hyper-V makes, of 512 KiB.
_LARGEST = 2040 * 1024**3
_MAX_BLOCKS = _LARGEST // (512 * 1024)

_FIXED, _DYNAMIC, _DIFFERENCING = 2, 3, 4

MERGE = (
    'it has only what differs from its parent; merge both first, such as with '
    '"Merge-VHD" of Hyper-V or "VBoxManage clonemedium"'
)


def is_fixed(content: Content) -> bool:
    """Tell whether a disk that nothing else claims is a fixed VHD.

    It is the raw disk with a footer behind it. oslo.utils looks for the
    footer at the begin only, and so does a qemu that probes; one that is told
    the format looks at the end as well.
    """
    return _tail(content).startswith(_COOKIE)


def check_end(content: Content) -> None:
    """Refuse what has a footer near its end, but not as its last sector.

    As raw, the footer would be a part of the disk. Such are fixed disks that
    were cut, or have something behind them, and those of Virtual PC before
    2004, whose footers have 511 bytes.

    :raises DiskError: if it has
    """
    place = max(0, content.size - _NEAR)
    found = content.read(place, _NEAR).rfind(_COOKIE)
    if found >= 0:
        raise DiskError(
            f'{content.name}: is no VHD: its footer is at byte '
            f'{place + found} of {content.size}, and must be the last '
            f'{SECTOR} bytes: it is truncated, or has something behind it; '
            f'{REDO}'
        )


def size(content: Content) -> int:
    """Return the virtual size in bytes.

    It is that of Hyper-V and Azure. qemu takes for it what the footer's
    cylinders, heads and sectors amount to, unless it knows that the program
    which wrote it does not count so.

    :param content: with a footer at its begin or end
    :raises DiskError: if it has a parent
    :raises UnsafeDisk: if it contradicts itself, or lacks a part
    """
    name = content.name
    head, tail = content.read(0, SECTOR), _tail(content)
    if len(head) < SECTOR:
        raise UnsafeDisk(
            f'{name}: ends within its first sector, after {content.size} '
            f'bytes: it is truncated; {REDO}'
        )
    said = [
        _FIELDS.unpack_from(footer)
        for footer in (head, tail)
        if footer.startswith(_COOKIE)
    ]
    if any(kind == _DIFFERENCING for _, kind in said):
        raise DiskError(f'{name}: is a differencing VHD: {MERGE}')
    if len(set(said)) > 1:
        raise UnsafeDisk(
            f'{name}: is VHD with two footers that do not agree; {REDO}'
        )
    ((virtual_bytes, kind),) = set(said)
    wanted = _DYNAMIC if head.startswith(_COOKIE) else _FIXED
    if kind != wanted:
        raise UnsafeDisk(
            f'{name}: is VHD with disk type {kind} instead of {wanted}; {REDO}'
        )
    _check_size(name, virtual_bytes)
    data = content.size - SECTOR
    if kind == _FIXED and virtual_bytes != data:
        raise UnsafeDisk(
            f'{name}: is a fixed VHD with {virtual_bytes} bytes by its '
            f'footer; the file has {data} bytes before that; {REDO}'
        )
    if kind == _DYNAMIC:
        _check_blocks(content, head, virtual_bytes)
    return virtual_bytes


def _check_size(name: str, virtual_bytes: int) -> None:
    if virtual_bytes % SECTOR:
        raise UnsafeDisk(
            f'{name}: is VHD with {virtual_bytes} bytes, which are no whole '
            f'sectors; {REDO}'
        )
    if virtual_bytes > _LARGEST:
        raise UnsafeDisk(
            f'{name}: is VHD with {virtual_bytes} bytes; no VHD has more than '
            f'{_LARGEST}; {REDO}'
        )


def map_bytes(content: Content) -> int:
    """Return how long the table of a dynamic disk's blocks is; 0 for fixed.

    :param content: that passed :func:`size`
    """
    head = content.read(0, SECTOR)
    return 4 * _table(content, head)[1] if head.startswith(_COOKIE) else 0


def _table(content: Content, footer: bytes) -> tuple[int, int, int]:
    """Return place and number of entries of the table, and a block's size."""
    (place,) = _HEADER.unpack_from(footer)
    header = content.read(min(place, content.size), _TABLE.size)
    return _TABLE.unpack(header.ljust(_TABLE.size, b'\0'))


def _check_blocks(content: Content, footer: bytes, virtual_bytes: int) -> None:
    """Refuse a dynamic disk without all of its blocks.

    Before the data of one are bits, whole sectors of them, that tell which of
    its sectors were written. The table may be longer than the disk needs:
    nobody reads data by what is behind that.
    """
    place, entries, size = _table(content, footer)
    number = -(-virtual_bytes // max(1, size))
    if number > min(entries, _MAX_BLOCKS):
        raise UnsafeDisk(
            f'{content.name}: is VHD with {virtual_bytes} bytes in blocks of '
            f'{size}, {number} of them; its table has {entries}, and at most '
            f'{_MAX_BLOCKS} are read; {REDO}'
        )
    maps.check_end(content, place + 4 * entries)
    bits = -(-size // SECTOR // 8 // SECTOR) * SECTOR
    left = content.size - bits - size
    near = maps.Near('>I', max(0, left // SECTOR), none=1)
    for blocks in maps.pieces(content, place, number, near):
        last = max(block for block in blocks if block != _NONE)
        maps.check_end(content, last * SECTOR + bits + size)


def _tail(content: Content) -> bytes:
    return content.read(max(0, content.size - SECTOR), SECTOR)
