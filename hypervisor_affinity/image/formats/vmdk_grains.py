# SPDX-License-Identifier: Apache-2.0
"""The first grains of a sparse VMDK extent."""

import zlib

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.formats import vmdk_header
from hypervisor_affinity.image.formats.vmdk_header import Header


def head(content: Content, header: Header, length: int) -> bytes:
    """Return the first bytes of what a disk holds.

    :param header: that was checked
    :param length: how many, of grains that one table lists
    :returns: fewer if they cannot be read; somebody else complains of that
    """
    grain_bytes = header.grain * SECTOR
    number = min(-(-length // grain_bytes), header.table_entries)
    found = b''
    for place in vmdk_header.first_grains(content, header, number):
        grain = _grain(content, header, place)[:grain_bytes]
        found += grain
        if len(grain) < grain_bytes:
            break
    return found[:length]


def _grain(content: Content, header: Header, sector: int) -> bytes:
    """Return a grain's content.

    :param sector: 0 or 1 if it is empty
    """
    size = header.grain * SECTOR
    if sector <= vmdk_header.ZEROS:
        return bytes(size)
    start = sector * SECTOR
    if header.compression != vmdk_header.COMPRESSED:
        return content.read(start, size)
    marker = vmdk_header.GRAIN_MARKER
    # What does not compress gets longer by less.
    packed = content.read(start + marker.size, 2 * size)
    try:
        return zlib.decompressobj().decompress(packed, size)
    except zlib.error:
        return b''
