# SPDX-License-Identifier: Apache-2.0
"""Where a streamOptimized disk ends, for who reads it as a stream."""

import os
import pathlib

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.formats import maps
from hypervisor_affinity.image.formats import vmdk_header
from hypervisor_affinity.image.formats.vmdk_header import GRAIN_MARKER


def end_at_marker(path: pathlib.Path) -> None:
    """Let a disk that qemu-img wrote end with its end-of-stream marker.

    That is a sector of zeros behind the last grain (VMware's "Virtual Disk
    Format 5.0"). qemu-img makes room for a whole grain before it knows how
    small that becomes (``block/vmdk.c``), and leaves zeros behind: mostly
    31 to 63 KiB, and no sector if the grain cannot be compressed. If
    something else is there, the disk is left as it is.

    :raises UnsafeDisk: if its last grain is not whole
    """
    with FileContent(path) as content:
        header = vmdk_header.read(content)
        end = header.overhead * SECTOR
        if sector := vmdk_header.last_grain(content, header):
            maps.check_end(content, sector * SECTOR + GRAIN_MARKER.size)
            grain = content.read(sector * SECTOR, GRAIN_MARKER.size)
            _, size = GRAIN_MARKER.unpack(grain)
            end = sector * SECTOR + GRAIN_MARKER.size + size
            end = -(-end // SECTOR) * SECTOR
        room = (header.grain + 1) * SECTOR
        left = content.read(end, room)
        if end + len(left) != content.size or any(left):
            return
    os.truncate(path, end + SECTOR)
