# SPDX-License-Identifier: Apache-2.0
"""How much room a disk takes where it is written."""

import pathlib
import shutil

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.disk import MONOLITHIC_FLAT
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.size import shown

# Of what qemu-img writes: a grain, and how many of them one table lists, by
# 4 bytes each. Header and descriptor take less than a grain.
_GRAIN = 65536
_TABLE = 512
_ENTRY = 4


def check(
    target: pathlib.Path, node: qemu.Node, disk: Disk, create_type: str
) -> None:
    """Check that a disk can be written again as a VMDK.

    :param target: where
    :param node: the disk, to count its data
    :param create_type: of the VMDK
    :raises DiskError: if the file system may be too full
    """
    most = _most(node, disk, create_type)
    free = shutil.disk_usage(target.parent).free
    if most > free:
        raise DiskError(
            f'{target.parent}: has {shown(free)} free, and {target.name} may '
            f'need {shown(most)}; free some, or choose another directory. '
            'Zeros take no space there, even if they do in the source, and '
            'the rest may be compressed: if that saves enough, use '
            '--skip-space-check'
        )


def _most(node: qemu.Node, disk: Disk, create_type: str) -> int:
    """Return how many bytes the target takes at most."""
    data = qemu.data_bytes(node, _GRAIN)
    if create_type == MONOLITHIC_FLAT:
        # It has holes where the disk has zeros.
        return data + _GRAIN
    if create_type == STREAM_OPTIMIZED:
        # What cannot be compressed grows; sectors are filled up.
        data += data // _GRAIN * SECTOR
    tables = -(-disk.virtual_bytes // (_GRAIN * _TABLE))
    directory = -(-tables * _ENTRY // SECTOR) * SECTOR
    # There are two of each; what is around them is filled up to grains.
    return data + 2 * (directory + tables * _TABLE * _ENTRY) + 3 * _GRAIN
