# SPDX-License-Identifier: Apache-2.0
"""What nova's vSphere driver makes of an OVA.

As ``nova.virt.vmwareapi.images.fetch_image_ova`` does, which reads the archive
once, from its beginning to its end.
"""

from collections.abc import Sequence

from hypervisor_affinity.image.appliance.ovf import MAX_NAME
from hypervisor_affinity.image.appliance.ovf import Envelope
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk

# Of the OVF's namespace: the driver asks for it by its name.
_PREFIX = 'ovf'

# oslo_vmware.rw_handles.VmdkWriteHandle.get_imported_vm, since oslo.vmware's
# change 20bc961a: nova gives it the size of the archive for that of the disk.
_INCOMPLETE = (
    'the driver is made for an OVA, but with oslo.vmware 3.4.0 or later each '
    'import of one fails as incomplete: the driver announces the size of the '
    'whole archive and sends only the disk'
)


def obstacle(
    envelope: Envelope, following: Sequence[str], disk: str
) -> str | None:
    """Tell what in an archive keeps the driver from a disk.

    :param following: the names of the members behind the OVF, in their order
    :param disk: the name of the disk's member
    :returns: a clause; None if the driver finds the disk
    """
    if envelope.prefixes.get(_PREFIX) != envelope.namespace:
        return (
            'the driver reads an OVF only if the prefix of its namespace is '
            f'{_PREFIX}'
        )
    first = envelope.first_file()
    if not first or not first.href:
        return 'the driver reads only the first disk of the OVF, an empty one'
    matching = [name for name in following if name.startswith(first.href)]
    found = matching[0] if matching else None
    if found == disk:
        return None
    if found is None and disk not in following:
        return (
            'the driver reads the archive once, and the disk is before the OVF'
        )
    if found is None:
        return (
            'the driver finds no member that is called as in the OVF: '
            f'{first.href[:MAX_NAME]!r}'
        )
    if first.compression not in ('', 'identity'):
        return (
            f'the driver takes only {found!r}, and does not decompress it: it '
            f'is compressed with {first.compression[:MAX_NAME]}'
        )
    if f'{first.href}.000000001' in matching:
        return f'the driver takes only {found!r}, which is not a whole disk'
    return f'the driver imports only one disk, {found!r}'


def refusal(disk: Disk, appliance: Appliance) -> str:
    """Tell why the driver boots no server of an OVA, and what to do."""
    why = appliance.obstacle or _INCOMPLETE
    if not appliance.obstacle and disk.create_type != STREAM_OPTIMIZED:
        why = (
            'the driver imports an OVA only with a streamOptimized disk, and '
            f'this is {disk.create_type or disk.format}'
        )
    if not appliance.others:
        return f'{why}; extract the disk with "image prepare"'
    return (
        f'{why}; extract the disk with "image prepare --disk NAME", or all '
        'with "--disk all"'
    )
