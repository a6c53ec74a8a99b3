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

_MIN_BITS, _MAX_BITS = 9, 21

# Level 1 entries that are looked at: those of 64 TiB in clusters of 64 KiB.
_MAX_TABLES = 131072

# Level 2 tables that are read: the last in the file, since clusters are
# allocated by and by, and a table before those that it lists. That is 128 GiB
# of the disk in clusters of 64 KiB.
_TABLES_READ = 256
_BYTES_READ = 16 * 1024**2

# More data of one table than these are near the end of no honest file: zlib
# makes 2 KiB at least of the largest cluster.
_MAX_NEAR = 4096

_PLACE = 0x00FF_FFFF_FFFF_FE00
_COMPRESSED = 1 << 62
_ZEROS = 1

# Of incompatible features.
_OTHER_COMPRESSION = 1 << 3

# Of a raw deflate stream, of any window.
_DEFLATE = -15


class _Header(NamedTuple):
    """Of a disk; by version 2, the features are none."""

    version: int
    cluster_bits: int
    size: int
    tables: int
    tables_place: int
    features: int

    @property
    def cluster(self) -> int:
        """Bytes of one."""
        return 1 << self.cluster_bits

    @property
    def in_table(self) -> int:
        """How many clusters a level 2 table has."""
        return self.cluster // 8


_LAYOUT = struct.Struct('>4xI12xIQ4xIQ24xQ')


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
    found = struct.unpack(
        f'>{number}Q', content.read(header.tables_place, number * 8)
    )
    tables = heapq.nlargest(
        min(_TABLES_READ, _BYTES_READ // header.cluster),
        ((entry & _PLACE, place) for place, entry in enumerate(found)),
    )
    last = _Data(0, 0, compressed=False)
    for place, table in tables:
        if place:
            maps.check_end(content, place + header.cluster)
            first = table * header.in_table
            nearest = max(
                itertools.islice(
                    _data(content, header, place, first), _MAX_NEAR
                ),
                default=last,
            )
            last = max(last, nearest)
    if not _is_whole(content, header, last):
        maps.check_end(content, last.end)


def _header(content: Content) -> _Header:
    found = content.read(0, _LAYOUT.size).ljust(_LAYOUT.size, b'\0')
    header = _Header(*_LAYOUT.unpack(found))
    if not _MIN_BITS <= header.cluster_bits <= _MAX_BITS:
        raise UnsafeDisk(
            f'{content.name}: the header says clusters of '
            f'2^{header.cluster_bits} bytes; they must be of 2^{_MIN_BITS} to '
            f'2^{_MAX_BITS}; {REDO}'
        )
    return header._replace(
        features=header.features if header.version > 2 else 0
    )


def _data(
    content: Content, header: _Header, place: int, first: int
) -> Iterator[_Data]:
    """Yield the data of a level 2 table that are near the file's end.

    :param place: of the table
    :param first: number of its first cluster
    """
    found = content.read(place, header.cluster)
    entries = struct.unpack(f'>{header.cluster // 8}Q', found)
    # All places are in these bits, and a compressed cluster in two clusters.
    bits = (1 << (70 - header.cluster_bits)) - 1
    near = content.size - 2 * header.cluster
    for number, entry in enumerate(entries, start=first):
        if entry & bits < near:
            continue
        if entry & _COMPRESSED:
            yield _compressed(header, entry)
        elif entry & _PLACE and not entry & _ZEROS:
            start = entry & _PLACE
            left = header.size - number * header.cluster
            if left > 0:
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
    if header.features & _OTHER_COMPRESSION:
        # There is no reader for it.
        return True
    stream = content.read(last.start, content.size - last.start)
    try:
        plain = zlib.decompressobj(_DEFLATE).decompress(stream, header.cluster)
    except zlib.error:
        return False
    return len(plain) == header.cluster
