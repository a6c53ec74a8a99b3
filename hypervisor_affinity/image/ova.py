# SPDX-License-Identifier: Apache-2.0
"""OVA: a tar archive of an OVF, a manifest and disks.

Nothing is unpacked: the archive tells where its members are, and a disk is
read where it is. From DMTF's DSP0243, "Open Virtualization Format".
"""

import dataclasses
import re
import tarfile

from hypervisor_affinity.image import manifest
from hypervisor_affinity.image import ova_import
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.ovf import MAX_NAME
from hypervisor_affinity.image.ovf import Envelope
from hypervisor_affinity.image.ovf import ListedDisk
from hypervisor_affinity.image.tar_headers import REPACK
from hypervisor_affinity.image.tar_headers import headers

# An OVF, a manifest, a certificate, and the disks; vSphere has 256 disks to a
# machine.
MAX_MEMBERS = 300

# OVFs of real appliances have some 10 KiB.
MAX_TEXT = 1024**2

# How many names a message lists.
_SHOWN = 10


@dataclasses.dataclass(frozen=True, slots=True)
class _Member:
    """A file in the archive; offset and size in bytes."""

    offset: int
    size: int


def is_archive(content: Content) -> bool:
    """Tell whether the content is a tar archive, as an OVA is one."""
    return content.read(257, 5) == b'ustar'


def find_disk(content: Content, member: str | None) -> Appliance:
    """Return where a disk is in an OVA, and what the OVF says of it.

    :param member: the disk's name; None for the only one
    :raises DiskError: if there is no such disk, or none that can be read
        where it is
    :raises UnsafeDisk: if the archive contradicts itself, or leads out of
        itself
    """
    members = _members(content)
    descriptors = [name for name in members if name.endswith('.ovf')]
    if len(descriptors) != 1:
        raise DiskError(
            f'{content.name}: an OVA has one member *.ovf, this one has '
            f'{len(descriptors)}; {REPACK}'
        )
    (descriptor,) = descriptors
    envelope = Envelope(
        f'{content.name}, {descriptor}',
        _text(content, descriptor, members[descriptor]),
    )
    disks = envelope.disks()
    name = _chosen(content, disks, member)
    disk = disks[name]
    _check_whole(content, disk, members)
    listing = f'{descriptor.removesuffix(".ovf")}.mf'
    digest = None
    if listing in members:
        text = _text(content, listing, members[listing])
        digest = manifest.digest(text, (name,))
    machine = envelope.machine_of(disk)
    order = [*members]
    return Appliance(
        member=name,
        offset=members[name].offset,
        size=members[name].size,
        digest=digest,
        guest_id=machine.guest_id,
        adapter_type=machine.adapter_type(disk.identity),
        strange_controller=machine.strange_controller(disk.identity),
        vif_model=machine.vif_model,
        others=tuple(other for other in disks if other != name),
        obstacle=ova_import.obstacle(
            envelope, order[order.index(descriptor) + 1 :], name
        ),
    )


def _members(content: Content) -> dict[str, _Member]:
    members: dict[str, _Member] = {}
    try:
        for info in headers(content):
            place = f'{content.name}, {info.name!r}'
            if len(members) == MAX_MEMBERS:
                raise UnsafeDisk(
                    f'{content.name}: has more than {MAX_MEMBERS} members; '
                    f'{REPACK}'
                )
            if len(info.name) > MAX_NAME:
                raise UnsafeDisk(
                    f'{content.name}: has a member with a name of '
                    f'{len(info.name)} characters; {REPACK}'
                )
            if not info.isreg() or info.issparse():
                raise UnsafeDisk(f'{place} is not a regular file; {REPACK}')
            if info.name in ('', '.', '..') or re.search(
                r'[/\\\0]', info.name
            ):
                raise UnsafeDisk(f'{place} is in a directory; {REPACK}')
            if info.name in members:
                raise UnsafeDisk(f'{place} is in the archive twice; {REPACK}')
            if not 0 <= info.size <= content.size - info.offset_data:
                raise UnsafeDisk(
                    f'{place} has {info.size} bytes from byte '
                    f'{info.offset_data} on, but the archive ends at byte '
                    f'{content.size}: it is truncated; get it again'
                )
            members[info.name] = _Member(info.offset_data, info.size)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise UnsafeDisk(
            f'{content.name}: is a damaged archive: {error}; get it again'
        ) from error
    return members


def _text(content: Content, name: str, member: _Member) -> bytes:
    if member.size > MAX_TEXT:
        raise UnsafeDisk(
            f'{content.name}, {name}: has {member.size} bytes; at most '
            f'{MAX_TEXT} are read; {REPACK}'
        )
    return content.read(member.offset, member.size)


def _chosen(
    content: Content, disks: dict[str, ListedDisk], member: str | None
) -> str:
    listed = ', '.join([*disks][:_SHOWN]) or 'none'
    if len(disks) > _SHOWN:
        listed += ' and more'
    if member is not None:
        if member not in disks:
            raise DiskError(
                f'{content.name}: has no disk {member!r}; it has {listed}'
            )
        return member
    if len(disks) != 1:
        what_to_do = 'choose one with --disk NAME' if disks else REPACK
        raise DiskError(
            f'{content.name}: has {len(disks)} disks ({listed}); {what_to_do}'
        )
    return next(iter(disks))


def _check_whole(
    content: Content,
    disk: ListedDisk,
    members: dict[str, _Member],
) -> None:
    place = f'{content.name}, {disk.file!r}'
    if disk.compression not in ('', 'identity'):
        raise DiskError(
            f'{place} is compressed with {disk.compression[:MAX_NAME]}; '
            'unpack the archive, decompress the disk, and use the result'
        )
    if disk.is_chunked or f'{disk.file}.000000000' in members:
        raise DiskError(
            f'{place} is in chunks; unpack the archive, join them with "cat", '
            'and use the result'
        )
    if disk.has_parent:
        raise UnsafeDisk(
            f'{place} is based on another disk; delete or consolidate the '
            "VM's snapshots, and export it again"
        )
    if disk.file not in members:
        raise DiskError(
            f'{place} is not in the archive; get the archive again'
        )
