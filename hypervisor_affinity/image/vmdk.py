# SPDX-License-Identifier: Apache-2.0
"""VMDK: the header and the descriptor, in bounds.

From VMware's "Virtual Disk Format 5.0", and from how qemu's ``block/vmdk.c``
reads: qemu searches the descriptor's text for a few words and believes the
first, wherever it is. So what could be read in two ways is refused here.
"""

import itertools
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk

# The largest disk of vSphere, in bytes (Configuration Maximums).
MAX_VIRTUAL = 62 * 1024**4

# qemu and oslo.utils read no more of a descriptor.
MAX_DESCRIPTOR = 1024**2 - 1

# qemu looks so far for a parent, whatever size the header gives.
_SEARCHED = 20 * SECTOR

# In bytes, as file systems have it; qemu would cut a long one.
MAX_NAME = 255

# A name in UTF-8, and what is around it.
MAX_LINE = 1024

# A TiB in pieces of 2 GiB. qemu-img opens all of them at once, and a process
# may open 1024 files unless it was told otherwise.
MAX_EXTENTS = 512

# In sectors. By the format's definition a grain is a power of two of at least
# 4 KiB; VMware and qemu write 64 KiB. qemu reads a whole one into memory.
MIN_GRAIN = 8
MAX_GRAIN = 2048

# By definition always 512; qemu takes fewer.
MAX_TABLE_ENTRIES = 512

# qemu's limit: 128 MiB of memory for the grain directory.
MAX_TABLES = 32 * 1024**2

# Grain tables that are looked at: those of 4 TiB in grains of 64 KiB, if they
# are in a row as VMware and qemu write them. A MiB of them at a time.
_RUN = 512
_MAX_RUNS = 256

_SPARSE_MAGIC = b'KDMV'
# What ESXi keeps a snapshot's changes in: vmfsSparse and seSparse.
_DELTA_MAGICS = (b'COWD', b'\xbe\xba\xfe\xca\0\0\0\0')

# createType of a VMDK that is one file.
SINGLE = frozenset({MONOLITHIC_SPARSE, STREAM_OPTIMIZED})

_NO_PARENT = 0xFFFFFFFF

# qemu-img writes a CID of fewer digits over one of eight, and leaves as many
# characters of the text's end behind its new end.
_RESIDUE = 7

# createType -> the kind of its extents, of those that qemu reads from a
# descriptor in a file of its own.
_KINDS = {
    'monolithicFlat': 'FLAT',
    'twoGbMaxExtentFlat': 'FLAT',
    'twoGbMaxExtentSparse': 'SPARSE',
    'vmfs': 'VMFS',
}
_DELTAS = frozenset({'vmfsSparse', 'seSparse'})
_DEVICES = frozenset(
    {
        'fullDevice',
        'partitionedDevice',
        'vmfsRaw',
        'vmfsRawDeviceMap',
        'vmfsRDM',
        'vmfsRDMP',
        'vmfsPassthroughRawDeviceMap',
    }
)

_EXTENT = re.compile(
    r'(RW|RDONLY|NOACCESS)[ \t]+(\d{1,15})[ \t]+(\w{1,10})'
    r'(?:[ \t]+"([^"]*)"(?:[ \t]+(\d{1,15}))?)?',
    re.ASCII,
)
# Of qemu's probe and oslo.utils' together, and what the definition begins
# with.
_DESCRIPTOR_START = re.compile(
    rb'# *Disk *Descriptor|(?:[ \t\r]*\n|#[^\n]*\n)*version[ \t]*=',
    re.IGNORECASE,
)
_SETTING = re.compile(r'([\w.:-]+)[ \t]*=[ \t]*(.*)', re.ASCII)

_AGAIN = 'get or write the file anew'
_CONSOLIDATE = 'delete or consolidate its snapshots, and export it again'
_BESIDE = (
    'put all extents beside the descriptor, and name them without a folder'
)


class Vmdk(NamedTuple):
    """What a VMDK says of itself, all of it checked but for extents' files.

    :ivar grain_bytes: None unless the file has a header
    """

    create_type: str
    virtual_bytes: int
    adapter_type: str | None
    hardware_version: str | None
    grain_bytes: int | None
    extents: tuple[Extent, ...]


class _Header(NamedTuple):
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


_LAYOUT = struct.Struct('<4sIIQQQQIQQQB4sH')
_MARKER = struct.Struct('<QII496s')
_HAS_SPARE = 2
_COMPRESSED = 1
_AT_END = 2**64 - 1
_FOOTER = 3
# What a footer may say otherwise than the header; VirtualBox's names the spare
# directory, too.
_OWN = frozenset({'directory', 'spare_directory', 'overhead', 'unclean'})


class _Descriptor(NamedTuple):
    """A descriptor's text, read.

    :ivar settings: name in lower case -> value
    """

    settings: dict[str, str]
    extents: tuple[Extent, ...]


def is_vmdk(content: Content) -> bool:
    """Tell whether qemu, asked for a VMDK, could take the content for one."""
    head = content.read(0, SECTOR)
    return head.startswith((_SPARSE_MAGIC, *_DELTA_MAGICS)) or bool(
        _DESCRIPTOR_START.match(head)
    )


def read(content: Content) -> Vmdk:
    """Return what a VMDK says of itself.

    :raises DiskError: if it cannot be used, such as an extent alone
    :raises UnsafeDisk: if it contradicts itself, lacks a part, has a parent
        or leads out of its folder
    """
    head = content.read(0, SECTOR)
    if head.startswith(_DELTA_MAGICS):
        raise DiskError(
            f'{content.name}: is the data of an ESXi snapshot without its '
            f'disk; {_CONSOLIDATE}'
        )
    if head.startswith(_SPARSE_MAGIC):
        return _read_single(content)
    return _read_descriptor(content)


def check_extent(content: Content, extent: Extent) -> int | None:
    """Check the file of an extent; return a sparse one's grain in bytes.

    :raises UnsafeDisk: if it is not what the descriptor says
    """
    if extent.kind == 'SPARSE':
        header = _read_header(content)
        _check_same_size(content, header, extent)
        return header.grain * SECTOR
    if content.size < extent.offset + extent.virtual_bytes:
        raise UnsafeDisk(
            f'{content.name}: has {content.size} bytes, and the descriptor '
            f'says {extent.virtual_bytes} from byte {extent.offset} on: it '
            f'is truncated; {_AGAIN}'
        )
    return None


def _read_single(content: Content) -> Vmdk:
    header = _read_header(content)
    if header.descriptor_offset == 0:
        raise _lone_extent(content)
    text = _embedded(content, header)
    if not text:
        raise _lone_extent(content)
    descriptor = _parse(content.name, text)
    create_type = _create_type(content.name, descriptor, text)
    compressed = header.compression == _COMPRESSED
    found = STREAM_OPTIMIZED if compressed else MONOLITHIC_SPARSE
    if create_type != found:
        raise UnsafeDisk(
            f'{content.name}: its descriptor says createType {create_type}, '
            f'and its header is that of a {found}; {_AGAIN}'
        )
    if len(descriptor.extents) != 1 or descriptor.extents[0].kind != 'SPARSE':
        raise UnsafeDisk(
            f'{content.name}: a {create_type} has one extent, itself; the '
            f'descriptor lists {_listed(descriptor.extents)}; {_AGAIN}'
        )
    _check_same_size(content, header, descriptor.extents[0])
    return Vmdk(
        create_type,
        header.capacity * SECTOR,
        descriptor.settings.get('ddb.adaptertype'),
        descriptor.settings.get('ddb.virtualhwversion'),
        header.grain * SECTOR,
        descriptor.extents,
    )


def _lone_extent(content: Content) -> DiskError:
    return DiskError(
        f'{content.name}: is one extent of a VMDK, without a descriptor; '
        'name the descriptor, the small .vmdk file beside it'
    )


def _read_descriptor(content: Content) -> Vmdk:
    if content.size > MAX_DESCRIPTOR:
        raise UnsafeDisk(
            f'{content.name}: is a descriptor of {content.size} bytes; at '
            f'most {MAX_DESCRIPTOR} are read; {_AGAIN}'
        )
    text = _text(content, content.read(0, MAX_DESCRIPTOR))
    descriptor = _parse(content.name, text)
    create_type = _create_type(content.name, descriptor, text)
    if create_type in SINGLE:
        raise UnsafeDisk(
            f'{content.name}: its descriptor says createType {create_type}, '
            f'which is a file with a header, and it has none; {_AGAIN}'
        )
    kind = _KINDS.get(create_type)
    if kind is None:
        raise DiskError(
            f'{content.name}: createType {create_type} is not supported; '
            'export the disk as streamOptimized, such as into an OVA'
        )
    extents = descriptor.extents
    if not extents:
        raise UnsafeDisk(
            f'{content.name}: its descriptor lists no extents; {_AGAIN}'
        )
    for extent in extents:
        # qemu skips all other lines, and the disk would be a shorter one.
        if (extent.access, extent.kind) != ('RW', kind):
            raise DiskError(
                f'{content.name}: a {create_type} has RW {kind} extents; '
                f'the descriptor lists {_listed([extent])}, which cannot be '
                'read; export the disk as streamOptimized'
            )
    virtual_bytes = sum(extent.virtual_bytes for extent in extents)
    _check_capacity(content.name, 'the descriptor', virtual_bytes)
    return Vmdk(
        create_type,
        virtual_bytes,
        descriptor.settings.get('ddb.adaptertype'),
        descriptor.settings.get('ddb.virtualhwversion'),
        None,
        extents,
    )


def _read_header(content: Content) -> _Header:
    name = content.name
    sector = content.read(0, SECTOR)
    if len(sector) < SECTOR:
        raise UnsafeDisk(
            f'{name}: ends in its header, after {content.size} bytes; {_AGAIN}'
        )
    header = _Header(*_LAYOUT.unpack_from(sector))
    if header.magic != _SPARSE_MAGIC:
        raise UnsafeDisk(
            f'{name}: the header begins with {header.magic!r}, and a sparse '
            f"extent's with {_SPARSE_MAGIC!r}; {_AGAIN}"
        )
    if not 1 <= header.version <= 3:
        raise DiskError(
            f'{name}: the header says version {header.version}; 1 to 3 are '
            'known; export the disk as streamOptimized'
        )
    _check_capacity(name, 'the header', header.capacity * SECTOR)
    grain = header.grain
    if not MIN_GRAIN <= grain <= MAX_GRAIN or grain & (grain - 1):
        raise UnsafeDisk(
            f'{name}: the header says grains of {grain} sectors; they are '
            f'powers of two from {MIN_GRAIN} to {MAX_GRAIN}; {_AGAIN}'
        )
    if not 1 <= header.table_entries <= MAX_TABLE_ENTRIES:
        raise UnsafeDisk(
            f'{name}: the header says {header.table_entries} entries in a '
            f'grain table; there are 1 to {MAX_TABLE_ENTRIES}; {_AGAIN}'
        )
    if header.directory == _AT_END:
        # Behind it nothing is missing.
        header = _footer(content, header)
        _check_places(content, header)
        return header
    _check_places(content, header)
    _check_grains(content, header)
    return header


def _footer(content: Content, header: _Header) -> _Header:
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
            f'{content.name}: the header says that the grain directory is '
            f'at the end, where no footer is: it is truncated; {_AGAIN}'
        )
    footer = _Header(*_LAYOUT.unpack_from(tail, SECTOR))
    differing = [
        f'{name} {getattr(header, name)} and {getattr(footer, name)}'
        for name in _Header._fields
        if name not in _OWN and getattr(header, name) != getattr(footer, name)
    ]
    if differing or footer.directory == _AT_END:
        raise UnsafeDisk(
            f'{content.name}: header and footer differ: '
            f'{", ".join(differing) or "the footer names another"}; {_AGAIN}'
        )
    return footer


def _check_places(content: Content, header: _Header) -> None:
    """Refuse metadata that the file does not hold."""
    tables = header.directory_bytes // 4
    if tables > MAX_TABLES:
        raise UnsafeDisk(
            f'{content.name}: the header asks for {tables} grain tables; at '
            f'most {MAX_TABLES} are read; {_AGAIN}'
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
                f'file has {content.size}; {_AGAIN}'
            )
    if header.overhead * SECTOR > content.size:
        raise UnsafeDisk(
            f'{content.name}: the header says that data begin at byte '
            f'{header.overhead * SECTOR}; the file has {content.size}: it is '
            f'truncated; {_AGAIN}'
        )


def _check_grains(content: Content, header: _Header) -> None:
    """Refuse a file that ends before its data do.

    What is missing reads as zeros, and qemu-img would not complain.
    """
    table_bytes = 4 * header.table_entries
    last = header.capacity % header.grain or header.grain
    if header.compression == _COMPRESSED:
        last = 1
    directory = _numbers(
        content,
        header.directory * SECTOR,
        min(header.directory_bytes, 4 * _MAX_RUNS * _RUN),
    )
    for sector, count in itertools.islice(
        _runs(directory, -(-table_bytes // SECTOR)), _MAX_RUNS
    ):
        tables = _numbers(content, sector * SECTOR, count * table_bytes)
        end = max(tables) + last if any(tables) else 0
        if end * SECTOR > content.size:
            raise UnsafeDisk(
                f'{content.name}: has data up to byte {end * SECTOR} by its '
                f'grain tables; the file has {content.size}: it is '
                f'truncated; {_AGAIN}'
            )


def _numbers(content: Content, offset: int, size: int) -> tuple[int, ...]:
    found = content.read(offset, size)
    if len(found) < size:
        raise UnsafeDisk(
            f'{content.name}: has grain tables at bytes {offset} to '
            f'{offset + size}; the file has {content.size}: it is truncated; '
            f'{_AGAIN}'
        )
    return struct.unpack(f'<{size // 4}I', found)


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


def _check_capacity(name: str, place: str, virtual_bytes: int) -> None:
    # A header without a capacity makes qemu read the descriptor, and open
    # whatever extents it lists.
    if not 0 < virtual_bytes <= MAX_VIRTUAL:
        raise UnsafeDisk(
            f'{name}: {place} says a virtual size of {virtual_bytes} bytes; '
            f'vSphere has disks of up to {MAX_VIRTUAL}; {_AGAIN}'
        )


def _check_same_size(
    content: Content, header: _Header, extent: Extent
) -> None:
    if extent.virtual_bytes != header.capacity * SECTOR:
        raise UnsafeDisk(
            f'{content.name}: the descriptor says {extent.virtual_bytes} '
            f'bytes, the header {header.capacity * SECTOR}; {_AGAIN}'
        )


def _embedded(content: Content, header: _Header) -> str:
    size = header.descriptor_size * SECTOR
    if header.descriptor_offset != 1 or not 0 < size <= MAX_DESCRIPTOR:
        raise UnsafeDisk(
            f'{content.name}: the header says a descriptor of {size} bytes '
            f'at sector {header.descriptor_offset}; it is at sector 1 and '
            f'has 1 to {MAX_DESCRIPTOR} bytes; {_AGAIN}'
        )
    found = content.read(SECTOR, max(size, _SEARCHED))
    if len(found) < size:
        raise UnsafeDisk(
            f'{content.name}: ends in its descriptor, after {content.size} '
            f'bytes; {_AGAIN}'
        )
    text = found.partition(b'\0')[0]
    if len(text) > size:
        raise UnsafeDisk(
            f'{content.name}: its descriptor goes on behind the {size} bytes '
            f'that the header says; {_AGAIN}'
        )
    return _text(content, text)


def _text(content: Content, found: bytes) -> str:
    text, _, rest = found.partition(b'\0')
    residue = rest.strip(b'\0')
    if len(residue) > _RESIDUE or not text.endswith(residue):
        raise UnsafeDisk(
            f'{content.name}: its descriptor goes on behind byte '
            f'{len(text)}, where it ends; {_AGAIN}'
        )
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise DiskError(
            f'{content.name}: byte {error.start} of its descriptor is not '
            'UTF-8; rename the files to plain ASCII'
        ) from error


def _parse(name: str, text: str) -> _Descriptor:
    settings: dict[str, str] = {}
    extents: list[Extent] = []
    for number, line in enumerate(text.split('\n'), 1):
        place = f'{name}: line {number} of its descriptor'
        line = line.strip(' \t\r')
        if len(line) > MAX_LINE:
            raise UnsafeDisk(
                f'{place} has {len(line)} characters; at most {MAX_LINE} are '
                f'read; {_AGAIN}'
            )
        if not line.replace('\t', ' ').isprintable():
            raise UnsafeDisk(
                f'{place} has characters that are no text: {line!r}; {_AGAIN}'
            )
        if not line or line.startswith('#'):
            continue
        if setting := _SETTING.fullmatch(line):
            key = setting[1].lower()
            if key in settings:
                raise UnsafeDisk(f'{place} sets {key} again; {_AGAIN}')
            settings[key] = setting[2].strip().strip('"')
        elif extent := _EXTENT.fullmatch(line):
            extents.append(_extent(place, *extent.groups()))
        else:
            raise UnsafeDisk(
                f'{place} is neither a setting nor an extent: {line!r}; '
                f'{_AGAIN}'
            )
        if len(extents) > MAX_EXTENTS:
            raise UnsafeDisk(
                f'{place} is the extent {len(extents)}; at most '
                f'{MAX_EXTENTS} are read; export the disk as streamOptimized'
            )
    _check_parent(name, text, settings)
    return _Descriptor(settings, tuple(extents))


def _extent(
    place: str,
    access: str,
    sectors: str,
    kind: str,
    file: str | None,
    offset: str | None,
) -> Extent:
    # A colon would end the name of a protocol or of a drive.
    if file is not None and (
        file in ('', '.', '..') or re.search(r'[/\\:]', file)
    ):
        raise UnsafeDisk(
            f'{place} leads out of the folder: {file!r}; {_BESIDE}'
        )
    if file is not None and len(file.encode()) > MAX_NAME:
        raise UnsafeDisk(
            f'{place} has a name of {len(file.encode())} bytes; at most '
            f'{MAX_NAME} can be; {_BESIDE}'
        )
    return Extent(
        access,
        int(sectors) * SECTOR,
        kind,
        file or '',
        int(offset or 0) * SECTOR,
    )


def _check_parent(name: str, text: str, settings: dict[str, str]) -> None:
    # qemu finds the word in a comment, too.
    if 'parentfilenamehint' in text.lower():
        raise UnsafeDisk(
            f'{name}: its descriptor names a parent, on whose data it is '
            f'based (parentFileNameHint); {_CONSOLIDATE}'
        )
    parent = settings.get('parentcid', '')
    if parent.lower() != f'{_NO_PARENT:x}':
        raise UnsafeDisk(
            f'{name}: its descriptor says parentCID {parent or "nothing"}, '
            f'and without a parent it is {_NO_PARENT:x}; {_CONSOLIDATE}'
        )


def _create_type(name: str, descriptor: _Descriptor, text: str) -> str:
    create_type = descriptor.settings.get('createtype')
    # qemu and oslo.utils take the first, though it be in a comment.
    if create_type is None or text.lower().count('createtype') != 1:
        raise UnsafeDisk(
            f'{name}: its descriptor does not say createType once and for '
            f'all; {_AGAIN}'
        )
    if create_type in _DELTAS:
        raise UnsafeDisk(
            f'{name}: its createType {create_type} keeps the changes of a '
            f'snapshot to a parent; {_CONSOLIDATE}'
        )
    if create_type in _DEVICES:
        raise UnsafeDisk(
            f'{name}: its createType {create_type} leads to a device; '
            'export the disk as streamOptimized'
        )
    return create_type


def _listed(extents: tuple[Extent, ...] | list[Extent]) -> str:
    return (
        ', '.join(f'{extent.access} {extent.kind}' for extent in extents)
        or 'none'
    )
