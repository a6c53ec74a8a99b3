# SPDX-License-Identifier: Apache-2.0
"""VMDK: what header, descriptor and extents say together, in bounds."""

import dataclasses
import re

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import ONE_FILE
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.disk import check_virtual_bytes
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.formats import vmdk_descriptor
from hypervisor_affinity.image.formats import vmdk_grains
from hypervisor_affinity.image.formats import vmdk_header
from hypervisor_affinity.image.formats.vmdk_descriptor import MAX_DESCRIPTOR
from hypervisor_affinity.image.formats.vmdk_descriptor import Descriptor
from hypervisor_affinity.image.formats.vmdk_header import Header

# qemu looks so far for a parent, whatever size the header gives.
_SEARCHED = 20 * SECTOR

# What ESXi keeps a snapshot's changes in: vmfsSparse and seSparse.
_DELTA_MAGICS = (b'COWD', b'\xbe\xba\xfe\xca\0\0\0\0')

# createType -> the kind of its extents, of those that qemu reads from a
# descriptor in a file of its own.
_KINDS = {
    'monolithicFlat': 'FLAT',
    'twoGbMaxExtentFlat': 'FLAT',
    'twoGbMaxExtentSparse': 'SPARSE',
    'vmfs': 'VMFS',
}

# Of qemu's probe and oslo.utils' together, and what the definition begins
# with.
_DESCRIPTOR_START = re.compile(
    rb'# *Disk *Descriptor|(?:[ \t\r]*\n|#[^\n]*\n)*version[ \t]*=',
    re.IGNORECASE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Vmdk:
    """What a VMDK says of itself, all of it checked but for extents' files.

    :ivar grain_bytes, header_version: None unless the file has a header
    :ivar map_bytes: of its grain directories; 0 if it has no header
    :ivar head: the first bytes of what the disk holds; empty if it is in other
        files
    """

    descriptor: Descriptor
    virtual_bytes: int
    grain_bytes: int | None = None
    header_version: int | None = None
    map_bytes: int = 0
    head: bytes = b''


def is_vmdk(content: Content) -> bool:
    """Tell whether qemu, asked for a VMDK, could take the content for one."""
    head = content.read(0, SECTOR)
    return head.startswith((vmdk_header.MAGIC, *_DELTA_MAGICS)) or bool(
        _DESCRIPTOR_START.match(head)
    )


def read(content: Content) -> Vmdk:
    """Return what a VMDK says of itself.

    :raises DiskError: if it cannot be used, such as an extent alone
    :raises UnsafeDisk: if it contradicts itself, lacks a part, has a parent
        or leads out of its directory
    """
    head = content.read(0, SECTOR)
    if head.startswith(_DELTA_MAGICS):
        raise DiskError(
            f'{content.name}: is the data of an ESXi snapshot without its '
            f'disk; {vmdk_descriptor.CONSOLIDATE}'
        )
    if head.startswith(vmdk_header.MAGIC):
        return _read_single(content)
    return _read_descriptor(content)


def check_extent(content: Content, extent: Extent) -> int | None:
    """Check the file of an extent; return a sparse one's grain in bytes.

    :raises UnsafeDisk: if it is not what the descriptor says
    """
    if extent.kind == 'SPARSE':
        header = vmdk_header.read(content)
        _check_same_size(content, header, extent)
        return header.grain * SECTOR
    if content.size < extent.offset + extent.virtual_bytes:
        raise UnsafeDisk(
            f'{content.name}: has {content.size} bytes, but the descriptor '
            f'says {extent.virtual_bytes} from byte {extent.offset} on: it is '
            f'truncated; {REDO}'
        )
    return None


def _read_single(content: Content) -> Vmdk:
    header = vmdk_header.read(content)
    if header.descriptor_offset == 0:
        raise _lone_extent(content)
    text = _embedded(content, header)
    if not text:
        raise _lone_extent(content)
    descriptor = vmdk_descriptor.read(content.name, text, one_file=True)
    create_type = descriptor.create_type
    compressed = header.compression == vmdk_header.COMPRESSED
    found = STREAM_OPTIMIZED if compressed else MONOLITHIC_SPARSE
    if create_type != found:
        raise UnsafeDisk(
            f'{content.name}: its descriptor says createType {create_type}, '
            f'but its header is that of a {found}; {REDO}'
        )
    if len(descriptor.extents) != 1 or descriptor.extents[0].kind != 'SPARSE':
        raise UnsafeDisk(
            f'{content.name}: a {create_type} has one extent, itself; the '
            f'descriptor lists {_listed(descriptor.extents)}; {REDO}'
        )
    _check_same_size(content, header, descriptor.extents[0])
    return Vmdk(
        descriptor,
        header.capacity * SECTOR,
        header.grain * SECTOR,
        header.version,
        header.map_bytes,
        vmdk_grains.head(content, header, sectors.HEAD),
    )


def _lone_extent(content: Content) -> DiskError:
    return DiskError(
        f'{content.name}: is one extent of a VMDK, without a descriptor; give '
        'the descriptor, the small .vmdk file next to it'
    )


def _read_descriptor(content: Content) -> Vmdk:
    if content.size > MAX_DESCRIPTOR:
        raise UnsafeDisk(
            f'{content.name}: is a descriptor of {content.size} bytes; at '
            f'most {MAX_DESCRIPTOR} are read; {REDO}'
        )
    descriptor = vmdk_descriptor.read(
        content.name, content.read(0, MAX_DESCRIPTOR)
    )
    create_type = descriptor.create_type
    if create_type in ONE_FILE:
        raise UnsafeDisk(
            f'{content.name}: its descriptor says createType {create_type}, '
            f'which needs a header, and the file has none; {REDO}'
        )
    kind = _KINDS.get(create_type)
    if kind is None:
        raise DiskError(
            f'{content.name}: createType {create_type} is not supported; '
            'export the disk as streamOptimized, for example into an OVA'
        )
    extents = descriptor.extents
    if not extents:
        raise UnsafeDisk(
            f'{content.name}: its descriptor lists no extents; {REDO}'
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
    check_virtual_bytes(f'{content.name}: the descriptor gives', virtual_bytes)
    return Vmdk(descriptor, virtual_bytes)


def _check_same_size(content: Content, header: Header, extent: Extent) -> None:
    if extent.virtual_bytes != header.capacity * SECTOR:
        raise UnsafeDisk(
            f'{content.name}: the descriptor says {extent.virtual_bytes} '
            f'bytes, but the header says {header.capacity * SECTOR}; {REDO}'
        )


def _embedded(content: Content, header: Header) -> bytes:
    size = header.descriptor_size * SECTOR
    if header.descriptor_offset != 1 or not 0 < size <= MAX_DESCRIPTOR:
        raise UnsafeDisk(
            f'{content.name}: the header says that the descriptor has {size} '
            f'bytes at sector {header.descriptor_offset}; it must be at '
            f'sector 1 and have 1 to {MAX_DESCRIPTOR} bytes; {REDO}'
        )
    found = content.read(SECTOR, max(size, _SEARCHED))
    if len(found) < size:
        raise UnsafeDisk(
            f'{content.name}: ends within its descriptor, after '
            f'{content.size} bytes; {REDO}'
        )
    text = found.partition(b'\0')[0]
    if len(text) > size:
        raise UnsafeDisk(
            f'{content.name}: its descriptor is longer than the {size} bytes '
            f'that the header says; {REDO}'
        )
    return text


def _listed(extents: tuple[Extent, ...] | list[Extent]) -> str:
    return (
        ', '.join(f'{extent.access} {extent.kind}' for extent in extents)
        or 'none'
    )
