# SPDX-License-Identifier: Apache-2.0
"""The files of a VMDK in several files."""

import dataclasses
import os
import pathlib

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import vmdk


def with_files(path: pathlib.Path, content: FileContent, disk: Disk) -> Disk:
    """Check the files of the extents, and add up what all files take."""
    if disk.is_one_file:
        return dataclasses.replace(disk, allocated_bytes=content.allocated)
    size, allocated = content.size, content.allocated
    grain_bytes = None
    seen: set[str] = set()
    for extent in disk.extents:
        if extent.file in seen:
            raise UnsafeDisk(
                f'{path}: its descriptor lists {extent.file} twice; {REDO}'
            )
        seen.add(extent.file)
        with _open_extent(path, extent) as file:
            grain_bytes = vmdk.check_extent(file, extent)
            size += file.size
            allocated += file.allocated
    return dataclasses.replace(
        disk,
        file_bytes=size,
        allocated_bytes=allocated,
        grain_bytes=grain_bytes,
    )


def _open_extent(path: pathlib.Path, extent: Extent) -> FileContent:
    file = path.parent / extent.file
    try:
        directory, _ = os.path.split(os.path.realpath(file, strict=True))
        is_beside = directory == os.path.realpath(path.parent, strict=True)
        is_data = file.is_file() and not file.samefile(path)
    except OSError as error:
        raise DiskError(
            f'{file}: {error.strerror}; the descriptor {path} lists it; put '
            'both into one directory'
        ) from error
    if not is_beside:
        raise UnsafeDisk(
            f'{file}: is a link to another directory, and {path} lists it; '
            'put the data itself there'
        )
    if not is_data:
        raise UnsafeDisk(
            f'{file}: is not a file with data, and {path} lists it as one; '
            'get or create the disk again'
        )
    return FileContent(file)
