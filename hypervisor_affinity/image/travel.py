# SPDX-License-Identifier: Apache-2.0
"""How many bytes a disk moves on its way to ESXi."""

import dataclasses

from hypervisor_affinity.image.acceptance import by_vsphere
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import Disk


@dataclasses.dataclass(frozen=True, slots=True)
class Travel:
    """What travels where.

    :ivar to_glance: on the upload; and what Glance then keeps
    :ivar to_datastore: from Glance through nova-compute to ESXi, once for
        each datastore, which keeps it in nova's image cache; None if the
        vSphere driver does not take the disk
    :ivar on_datastore: the most that it takes there; the least, too, unless
        it is thin
    :ivar thin: whether it takes room there only for what was written
    """

    to_glance: int
    to_datastore: int | None
    on_datastore: int | None
    thin: bool


def travel(disk: Disk) -> Travel:
    """Return how much travels.

    The driver imports a streamOptimized disk through a lease as a thin one
    (``nova.virt.vmwareapi.images.fetch_image_stream_optimized``); a sparse
    one it copies to the datastore, where ESXi then makes a preallocated copy
    (``VMwareVMOps._cache_sparse_image``).
    """
    size = disk.file_bytes
    if not by_vsphere(disk).accepts:
        return Travel(size, None, None, False)
    if disk.format == 'iso':
        return Travel(size, size, size, False)
    thin = disk.create_type == STREAM_OPTIMIZED
    return Travel(size, size, disk.virtual_bytes, thin)
