# SPDX-License-Identifier: Apache-2.0
"""The sectors that a disk was partitioned for.

A GPT counts in sectors. A VMDK has sectors of 512 bytes, and so has each disk
that nova gives to a server: on such a disk, firmware and systems do not find
the GPT of one with sectors of 4096 bytes.
"""

from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import Disk

_LARGE = 4096

# How much of a disk is to be read.
HEAD = 2 * _LARGE

# By the UEFI Specification, the header is the second sector.
_GPT = b'EFI PART'


def partitioned_for(head: bytes) -> int | None:
    """Return the size of sectors, in bytes; None if there is no GPT.

    :param head: the first bytes of what the disk holds
    """
    for size in (SECTOR, _LARGE):
        if head.startswith(_GPT, size):
            return size
    return None


def warning(disk: Disk) -> str:
    """Say that no server finds the partitions; '' if there is no reason to."""
    if disk.sector_bytes in (None, SECTOR):
        return ''
    return (
        f'it is partitioned for sectors of {disk.sector_bytes} bytes; '
        f'servers get disks with {SECTOR} and do not boot from it; copy the '
        'system to a disk that was partitioned so'
    )
