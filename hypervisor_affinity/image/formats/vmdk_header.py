# SPDX-License-Identifier: Apache-2.0
"""The header of a sparse VMDK extent, and the tables that it leads to.

From VMware's "Virtual Disk Format 5.0", and from how qemu's ``block/vmdk.c``
reads.
"""

import itertools
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.disk import check_virtual_bytes
from hypervisor_affinity.image.formats import maps

# In sectors. By the format's definition a grain is a power of two of at least
# 4 KiB; VMware and qemu write 64 KiB. qemu reads a whole one into memory.
MIN_GRAIN = 8
MAX_GRAIN = 2048

# By definition always 512; qemu takes fewer.
MAX_TABLE_ENTRIES = 512

# qemu's limit: 128 MiB of memory for the grain directory.
MAX_TABLES = 32 * 1024**2

# Grain tables that are looked at: those of 4 TiB in grains of 64 KiB, if they
# are in a row as VMware and qemu write them. 256 KiB of them at a time.
_RUN = 128
_MAX_RUNS = 1024

MAGIC = b'KDMV'

_LAYOUT = struct.Struct('<4sIIQQQQIQQQB4sH')
_MARKER = struct.Struct('<QII496s')

# Before a compressed grain: where it is on the disk, and its compressed bytes.
# What comes next begins at the next sector.
GRAIN_MARKER = struct.Struct('<QI')
_HAS_SPARE = 2
_HAS_MARKERS = 1 << 17

# In a grain table: a grain that is there, but empty.
ZEROS = 1
COMPRESSED = 1
_AT_END = 2**64 - 1
_FOOTER = 3

# What a footer may say otherwise than the header; VirtualBox's names the spare
# directory, too.
_OWN = frozenset({'directory', 'spare_directory', 'overhead', 'unclean'})


class Header(NamedTuple):
    """Of a sparse extent; sizes and places in sectors."""

    magic: bytes
    version: int
    flags: int
    capacity: int
    grain: int
    descriptor_offset: int
    descriptor_size: int
    table_entries: int
    spare_directory: int
    directory: int
    overhead: int
    unclean: int
    line_ends: bytes
    compression: int

    @property
    def directory_bytes(self) -> int:
        """How long the grain directory is."""
        covered = self.grain * self.table_entries
        return 4 * -(-self.capacity // covered)

    @property
    def map_bytes(self) -> int:
        """How long all grain directories are."""
        number = 2 if self.flags & _HAS_SPARE else 1
        return number * self.directory_bytes


def read(content: Content) -> Header:
    """Return the header that a sparse extent begins with.

    :raises UnsafeDisk: if it is none, or describes what cannot be
    :raises DiskError: if it is of a kind that is not read here
    """
    name = content.name
    sector = content.read(0, SECTOR)
    if len(sector) < SECTOR:
        raise UnsafeDisk(
            f'{name}: ends within its header, after {content.size} bytes; '
            f'{REDO}'
        )
    header = Header(*_LAYOUT.unpack_from(sector))
    if header.magic != MAGIC:
        raise UnsafeDisk(
            f'{name}: the header begins with the bytes {header.magic.hex()}, '
            f"but a sparse extent's with {MAGIC.hex()}; {REDO}"
        )
    if not 1 <= header.version <= 3:
        raise DiskError(
            f'{name}: the header says version {header.version}; 1 to 3 are '
            'supported; export the disk as streamOptimized'
        )
    check_virtual_bytes(f'{name}: the header gives', header.capacity * SECTOR)
    grain = header.grain
    if not MIN_GRAIN <= grain <= MAX_GRAIN or grain & (grain - 1):
        raise UnsafeDisk(
            f'{name}: the header says grains of {grain} sectors; they must be '
            f'powers of two from {MIN_GRAIN} to {MAX_GRAIN}; {REDO}'
        )
    if not 1 <= header.table_entries <= MAX_TABLE_ENTRIES:
        raise UnsafeDisk(
            f'{name}: the header says {header.table_entries} entries in a '
            f'grain table; there must be 1 to {MAX_TABLE_ENTRIES}; {REDO}'
        )
    if header.directory == _AT_END:
        # Behind it nothing is missing.
        header = _footer(content, header)
        _check_places(content, header)
        return header
    _check_places(content, header)
    _check_grains(content, header)
    return header


def last_grain(content: Content, header: Header) -> int:
    """Return the sector of the file's last grain; 0 if it has none.

    All tables are read, in pieces: 64 MiB for each TiB in grains of 64 KiB.

    :raises UnsafeDisk: if one is not in the file
    """
    found = 0
    # Its table is among the last.
    for offset in reversed(range(0, header.directory_bytes, 4 * _RUN)):
        directory = _numbers(
            content,
            header.directory * SECTOR + offset,
            min(4 * _RUN, header.directory_bytes - offset),
        )
        for tables in _tables(content, header, directory):
            higher = maps.Near('<I', found)
            if higher.is_in(tables):
                found = max(higher.unpack(tables))
    return found


def first_grains(
    content: Content, header: Header, number: int
) -> tuple[int, ...]:
    """Return the sectors of the first grains, by the first table.

    :param number: of grains, at most as many as the table has
    :returns: 0 or :data:`ZEROS` for an empty one
    """
    (table,) = _numbers(content, header.directory * SECTOR, 4)
    if not table:
        return (0,) * number
    return _numbers(content, table * SECTOR, 4 * number)


def _footer(content: Content, header: Header) -> Header:
    """Return the header at the end, which qemu believes."""
    start = max(0, content.size - 3 * SECTOR)
    tail = content.read(start, 3 * SECTOR).ljust(3 * SECTOR, b'\xff')
    _, *marker = _MARKER.unpack(tail[:SECTOR])
    # qemu rounds the file's size up to a sector, and looks elsewhere.
    if (
        content.size % SECTOR
        or marker != [0, _FOOTER, bytes(496)]
        or any(tail[-SECTOR:])
    ):
        raise UnsafeDisk(
            f'{content.name}: the header says that the grain directory is at '
            f'the end, but there is no footer: it is truncated; {REDO}'
        )
    footer = Header(*_LAYOUT.unpack_from(tail, SECTOR))
    differing = [
        f'{name} {getattr(header, name)} and {getattr(footer, name)}'
        for name in Header._fields
        if name not in _OWN and getattr(header, name) != getattr(footer, name)
    ]
    if differing or footer.directory == _AT_END:
        raise UnsafeDisk(
            f'{content.name}: header and footer differ: '
            f'{", ".join(differing) or "the footer refers to another"}; {REDO}'
        )
    return footer


def _check_places(content: Content, header: Header) -> None:
    """Refuse metadata that the file does not hold."""
    tables = header.directory_bytes // 4
    if tables > MAX_TABLES:
        raise UnsafeDisk(
            f'{content.name}: the header needs {tables} grain tables; at most '
            f'{MAX_TABLES} are read; {REDO}'
        )
    places = {'grain directory': header.directory}
    if header.flags & _HAS_SPARE:
        places['spare grain directory'] = header.spare_directory
    for place, sector in places.items():
        end = sector * SECTOR + header.directory_bytes
        if sector == 0 or end > content.size:
            raise UnsafeDisk(
                f'{content.name}: a disk of {header.capacity * SECTOR} bytes '
                f'has its {place} at bytes {sector * SECTOR} to {end}; the '
                f'file has {content.size} bytes; {REDO}'
            )
    if header.overhead * SECTOR > content.size:
        raise UnsafeDisk(
            f'{content.name}: the header says that data begins at byte '
            f'{header.overhead * SECTOR}; the file has {content.size} bytes: '
            f'it is truncated; {REDO}'
        )


def _check_grains(content: Content, header: Header) -> None:
    """Refuse a file that ends before its data do.

    What is missing reads as zeros, and qemu-img would not complain.
    """
    last = header.capacity % header.grain or header.grain
    # A compressed grain has any length, and hardly more than a plain one.
    room = 2 * header.grain
    if is_compressed := header.compression == COMPRESSED:
        last = 1
    else:
        room = last
    near = maps.Near('<I', max(ZEROS, content.size // SECTOR - room))
    directory = _numbers(
        content,
        header.directory * SECTOR,
        min(header.directory_bytes, 4 * _MAX_RUNS * _RUN),
    )
    found = 0
    runs = itertools.islice(_tables(content, header, directory), _MAX_RUNS)
    for tables in itertools.islice(
        filter(near.is_in, runs), maps.MAX_UNPACKED
    ):
        found = max(found, *near.unpack(tables))
        _check_end(content, (found + last) * SECTOR)
    if is_compressed and header.flags & _HAS_MARKERS and found:
        start = found * SECTOR
        _, size = GRAIN_MARKER.unpack(content.read(start, GRAIN_MARKER.size))
        _check_end(content, start + GRAIN_MARKER.size + size)


def _check_end(content: Content, end: int) -> None:
    if end > content.size:
        raise UnsafeDisk(
            f'{content.name}: its grain tables list data up to byte {end}; '
            f'the file has {content.size} bytes: it is truncated; {REDO}'
        )


def _tables(
    content: Content, header: Header, directory: tuple[int, ...]
) -> Iterator[bytes]:
    """Yield the grain tables, those in a row together."""
    table_bytes = 4 * header.table_entries
    for sector, count in _runs(directory, -(-table_bytes // SECTOR)):
        yield _read(content, sector * SECTOR, count * table_bytes)


def _numbers(content: Content, offset: int, size: int) -> tuple[int, ...]:
    return struct.unpack(f'<{size // 4}I', _read(content, offset, size))


def _read(content: Content, offset: int, size: int) -> bytes:
    found = content.read(offset, size)
    if len(found) < size:
        raise UnsafeDisk(
            f'{content.name}: has grain tables at bytes {offset} to '
            f'{offset + size}; the file has {content.size} bytes: it is '
            f'truncated; {REDO}'
        )
    return found


def _runs(
    directory: tuple[int, ...], table_sectors: int
) -> Iterator[tuple[int, int]]:
    """Return where tables are, as first sector and number."""
    start, count = 0, 0
    for sector in filter(None, directory):
        if count < _RUN and sector == start + count * table_sectors:
            count += 1
            continue
        if count:
            yield start, count
        start, count = sector, 1
    if count:
        yield start, count
