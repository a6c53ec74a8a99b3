# SPDX-License-Identifier: Apache-2.0
"""Whether a disk of an OVA is as long as the OVF says."""

from hypervisor_affinity.image.appliance.ovf import ListedDisk
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError


def check_file(place: str, sizes: list[int], disk: ListedDisk) -> None:
    """Check that a disk has as many bytes as the OVF says, in equal chunks.

    :param sizes: of the disk's file, or of its chunks, in bytes
    :raises DiskError: if it has not
    """
    *full, last = sizes
    chunk = disk.chunk_bytes or max(full, default=last)
    total = sum(full) + last
    if last > chunk or any(size != chunk for size in full):
        raise DiskError(
            f'{place} is in chunks of different sizes; get the archive again'
        )
    if disk.file_bytes not in (None, total):
        raise DiskError(
            f'{place} has {total} bytes, and the OVF says {disk.file_bytes}: '
            'it is truncated or was changed; get the archive again'
        )


def check_capacity(
    archive: str, disk_format: str, appliance: Appliance
) -> None:
    """Check that a raw disk is as long as the OVF says; others tell it.

    :raises DiskError: if it is shorter
    """
    size, capacity = appliance.size, appliance.capacity_bytes or 0
    if disk_format == RAW and size < capacity:
        raise DiskError(
            f'{archive}, {appliance.member!r} is raw and has {size} bytes, and'
            f' the OVF says {capacity}: it is truncated or was changed; get '
            'the archive again'
        )
