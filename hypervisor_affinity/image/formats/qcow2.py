# SPDX-License-Identifier: Apache-2.0
"""qcow2: whether its last clusters are whole.

By qemu's ``docs/interop/qcow2.txt``. ``qemu-img check`` finds what is missing
from a cluster on, but takes one that the file ends in for whole: an honest
file may end in one. What qemu writes ends there with a compressed cluster, a
level 1 table or a snapshot's table. Nova's check refuses a qcow2 with
subclusters, so there is none here.
"""

import heapq
import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import maps
from hypervisor_affinity.image.formats import zstd

_MIN_BITS, _MAX_BITS = 9, 21

# Level 1 entries that are looked at: those of 64 TiB in clusters of 64 KiB.
_MAX_TABLES = 131072

# Level 2 tables that are read, those that are last in the file: clusters are
# allocated by and by, and a table before those that it lists. More are, if
# something is missing by the reference counts.
_BYTES_READ = 16 * 1024**2

# More data of some tables than these are near the end of no honest file: zlib
# makes 2 KiB at least of the largest cluster.
_MAX_NEAR = 4096

_PLACE = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_ZEROS = 1

# By version 2.
_OLD_ORDER = 4
_MAX_ORDER = 6

# qemu's limit for the table of all reference counts; and how many blocks of
# counts are looked at for one that is not zero.
_MAX_COUNTS = 8 * 1024**2
_MAX_BLOCKS = 16

# Of incompatible features: the counts are not as they should be.
_DIRTY = 1

# Of incompatible features: zstd, the only compression beside zlib.
_ZSTD = 1 << 3

# Of a raw deflate stream, of any window.
_DEFLATE = -15


class _Header(NamedTuple):
    """Of a disk.

    :ivar features: incompatible ones; none by version 2
    :ivar count_order: a cluster's reference count has 2 to this power bits
    """

    version: int
    cluster_bits: int
    size: int
    tables: int
    tables_place: int
    counts_place: int
    counts_clusters: int
    features: int
    count_order: int

    @property
    def cluster(self) -> int:
        """Bytes of one."""
        return 1 << self.cluster_bits

    @property
    def in_table(self) -> int:
        """How many clusters a level 2 table has."""
        return self.cluster // 8


_LAYOUT = struct.Struct('>4xI12xIQ4xIQQI12xQ16xI')


class _Data(NamedTuple):
    """Where a cluster's data are in the file, in bytes."""

    end: int
    start: int
    compressed: bool


def check(content: Content) -> None:
    """Check that the file goes as far as its data.

    :raises UnsafeDisk: if it ends before
    """
    header = _header(content)
    number = min(header.tables, _MAX_TABLES)
    found = content.read(header.tables_place, number * 8)
    places = [entry & _PLACE for entry in struct.unpack(f'>{number}Q', found)]
    is_whole = 0 < _counted(content, header) <= content.size
    read = (_BYTES_READ if is_whole else maps.READ) // header.cluster
    numbers = sorted(range(number), key=places.__getitem__, reverse=True)
    tables = [(places[at], at) for at in numbers[:read] if places[at]]
    for place, _ in tables[:1]:
        maps.check_end(content, place + header.cluster)
    last = max(_near_end(content, header, tables), default=None)
    if last and not _is_whole(content, header, last):
        maps.check_end(content, last.end)


def clusters(content: Content) -> int:
    """Return how many clusters the file has."""
    return -(-content.size // _header(content).cluster)


def _header(content: Content) -> _Header:
    found = content.read(0, _LAYOUT.size).ljust(_LAYOUT.size, b'\0')
    header = _Header(*_LAYOUT.unpack(found))
    if not _MIN_BITS <= header.cluster_bits <= _MAX_BITS:
        raise UnsafeDisk(
            f'{content.name}: the header says clusters of '
            f'2^{header.cluster_bits} bytes; they must be of 2^{_MIN_BITS} to '
            f'2^{_MAX_BITS}; {REDO}'
        )
    if header.version > 2:
        return header
    return header._replace(features=0, count_order=_OLD_ORDER)


def _counted(content: Content, header: _Header) -> int:
    """Return where what is counted as in use ends; 0 if that is not known.

    Nothing of the disk is behind it. But a program that was killed may leave
    counts of what was never there.
    """
    if header.features & _DIRTY or header.count_order > _MAX_ORDER:
        return 0
    length = min(header.counts_clusters * header.cluster, _MAX_COUNTS)
    place = min(header.counts_place, content.size)
    table = content.read(place, length).rstrip(b'\0')
    number = -(-len(table) // 8)
    blocks = struct.unpack(f'>{number}Q', table.ljust(8 * number, b'\0'))
    in_block = header.cluster * 8 >> header.count_order
    there = (
        (number, place)
        for number, block in enumerate(blocks)
        if (place := block & _PLACE)
    )
    for number, place in heapq.nlargest(_MAX_BLOCKS, there):
        counts = content.read(place, header.cluster).rstrip(b'\0')
        if counts:
            # Those of less than a byte begin with its lowest bits.
            bits = 8 * len(counts) - 8 + counts[-1].bit_length() - 1
            last = number * in_block + (bits >> header.count_order)
            return (last + 1) * header.cluster
    return 0


def _near_end(
    content: Content, header: _Header, tables: list[tuple[int, int]]
) -> Iterator[_Data]:
    """Yield the data that are near the file's end.

    :param tables: of level 2: place and number of each
    """
    # All places are in these bits, and a compressed cluster in two clusters.
    bits = (1 << (70 - header.cluster_bits)) - 1
    limit = max(0, content.size - 2 * header.cluster - 1)
    near = maps.Near('>Q', limit, bits)
    at_once = max(1, maps.PIECE // header.cluster)
    left = maps.MAX_UNPACKED
    for start in range(0, len(tables), at_once):
        some = tables[start : start + at_once]
        piece = b''.join(
            content.read(place, header.cluster) for place, _ in some
        )
        if near.is_in(piece) and left:
            left -= 1
            firsts = [number * header.in_table for _, number in some]
            entries = near.unpack(piece)
            yield from itertools.islice(
                _data(header, firsts, entries, near), _MAX_NEAR
            )


def _data(
    header: _Header,
    firsts: list[int],
    entries: tuple[int, ...],
    near: maps.Near,
) -> Iterator[_Data]:
    """Yield those of level 2 tables.

    :param firsts: number of the first cluster of each
    """
    for place, entry in enumerate(entries):
        if entry & near.all_bits <= near.limit:
            continue
        if entry & _COMPRESSED:
            yield _compressed(header, entry)
        elif entry & _PLACE and not entry & _ZEROS:
            table, number = divmod(place, header.in_table)
            left = header.size - (firsts[table] + number) * header.cluster
            if left > 0:
                start = entry & _PLACE
                end = start + min(header.cluster, left)
                yield _Data(end, start, compressed=False)


def _compressed(header: _Header, entry: int) -> _Data:
    bits = 70 - header.cluster_bits
    start = entry & ((1 << bits) - 1)
    sectors = ((entry & (_COMPRESSED - 1)) >> bits) + 1
    end = start // SECTOR * SECTOR + sectors * SECTOR
    return _Data(end, start, compressed=True)


def _is_whole(content: Content, header: _Header, last: _Data) -> bool:
    """Tell whether the last data are in the file.

    A compressed cluster need not fill its last sector, so that a file may end
    in it.
    """
    missing = last.end - content.size
    if missing <= 0:
        return True
    begins = last.start < content.size
    if not last.compressed or missing >= SECTOR or not begins:
        return False
    stream = content.read(last.start, content.size - last.start)
    if header.features & _ZSTD:
        return zstd.is_whole(stream)
    try:
        plain = zlib.decompressobj(_DEFLATE).decompress(stream, header.cluster)
    except zlib.error:
        return False
    return len(plain) == header.cluster
