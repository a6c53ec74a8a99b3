# SPDX-License-Identifier: Apache-2.0
"""OVA: a tar archive of an OVF, a manifest and disks.

Nothing is unpacked: the archive tells where its members are, and a disk is
read where it is. From DMTF's DSP0243, "Open Virtualization Format".
"""

import dataclasses
import pathlib
import re
import tarfile
import urllib.parse
from collections.abc import Iterator

from hypervisor_affinity.image.appliance import lengths
from hypervisor_affinity.image.appliance import ova_import
from hypervisor_affinity.image.appliance.manifest import Checksum
from hypervisor_affinity.image.appliance.manifest import Manifest
from hypervisor_affinity.image.appliance.ovf import MAX_NAME
from hypervisor_affinity.image.appliance.ovf import Envelope
from hypervisor_affinity.image.appliance.ovf import ListedDisk
from hypervisor_affinity.image.appliance.tar_headers import REPACK
from hypervisor_affinity.image.appliance.tar_headers import has_checksum
from hypervisor_affinity.image.appliance.tar_headers import headers
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Member
from hypervisor_affinity.image.disk import UnsafeDisk

# An OVF, a manifest, a certificate, and the disks; vSphere has 256 disks to a
# machine.
MAX_MEMBERS = 300

# OVFs of real appliances have some 10 KiB.
MAX_TEXT = 1024**2

# How many names a message lists.
_SHOWN = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Located:
    """A disk in an archive.

    :ivar appliance: what the OVF says of it; its place is that of the first
        part
    :ivar parts: the disk, one after the other; several if it is in chunks
    :ivar is_gzipped: whether they are, together
    """

    appliance: Appliance
    parts: tuple[Member, ...]
    is_gzipped: bool

    @property
    def is_plain(self) -> bool:
        """Whether the disk can be read where it is."""
        return len(self.parts) == 1 and not self.is_gzipped


def is_archive(content: Content, *, is_promised: bool = False) -> bool:
    """Tell whether the content is a tar archive, as an OVA is one.

    :param is_promised: whether its name or the like says so; then an archive
        of before POSIX is one, too, which has no signature
    """
    if content.read(257, 5) == b'ustar':
        return True
    return is_promised and has_checksum(content)


def is_promised(path: pathlib.Path) -> bool:
    """Tell whether a file's name says that it is an OVA."""
    return path.suffix.lower() == '.ova'


class Archive:
    """An OVA.

    :ivar disks: with content; name -> as the OVF lists it
    """

    def __init__(self, content: Content) -> None:
        """Read what it has; none of the disks.

        :raises DiskError: if it is no OVA
        :raises UnsafeDisk: if it contradicts itself, or leads out of itself
        """
        self._content = content
        self._members = _members(content)
        descriptors = [name for name in self._members if name.endswith('.ovf')]
        if len(descriptors) != 1:
            raise DiskError(
                f'{content.name}: an OVA has one member *.ovf, this one has '
                f'{len(descriptors)}; {REPACK}'
            )
        (self._descriptor,) = descriptors
        text = self._text(self._descriptor)
        self._manifest = self._read_manifest()
        if self._manifest:
            digest = self._manifest.find(self._called(self._descriptor))
            if digest:
                found = Checksum(content.name, self._descriptor, digest)
                found.update(text)
                found.check()
        self._envelope = Envelope(f'{content.name}, {self._descriptor}', text)
        self.disks = {
            self._resolved(disk.file): disk for disk in self._envelope.disks()
        }

    def find_disk(self, name: str | None) -> Appliance:
        """Return where a disk is that can be read there.

        :param name: None for the only one
        :raises DiskError: if there is no such disk
        :raises UnsafeDisk: if it is based on another one
        """
        located = self.locate(name)
        if located.is_plain:
            return located.appliance
        what = (
            'compressed with gzip'
            if located.is_gzipped
            else f'in {len(located.parts)} chunks'
        )
        raise DiskError(
            f'{self._content.name}, {located.appliance.member!r} is {what}; '
            'extract it with "image prepare"'
        )

    def locate(self, name: str | None) -> Located:
        """Return where a disk is.

        :param name: None for the only one
        :raises DiskError: if there is no such disk, not all of it, or more
        :raises UnsafeDisk: if it is based on another one
        """
        name = self._chosen(name)
        disk = self.disks[name]
        _check(f'{self._content.name}, {name!r}', disk)
        parts = tuple(self._parts(name, disk))
        order = [member.name for member in self._members.values()]
        place = [*self._members].index(self._descriptor)
        machine = self._envelope.machine_of(disk)
        appliance = Appliance(
            member=name,
            offset=parts[0].offset,
            size=parts[0].size,
            digest=parts[0].digest,
            guest_id=machine.guest_id,
            adapter_type=machine.adapter_type(disk.identity),
            strange_controller=machine.strange_controller(disk.identity),
            vif_model=machine.vif_model,
            others=tuple(other for other in self.disks if other != name),
            listed=tuple(self._listed()),
            missing=self._missing(),
            obstacle=ova_import.obstacle(
                self._envelope, order[place + 1 :], parts[0].name
            ),
            capacity_bytes=disk.capacity_bytes,
        )
        return Located(appliance, parts, disk.compression == 'gzip')

    def _resolved(self, href: str) -> str:
        """Return the name of a disk's member, or of its chunks before the dot.

        It is a URI reference, relative to the OVF. But not all programs encode
        what they write, and some write what the archive has.
        """
        decoded = urllib.parse.unquote(href)
        names = [
            _clean(directory + spelling)
            for directory in (self._directory, '')
            for spelling in (href, decoded)
        ]
        for name in filter(None, names):
            if not {name, _chunk(name, 0)}.isdisjoint(self._members):
                return name
        named = _clean(self._directory + decoded)
        if named is None:
            raise UnsafeDisk(
                f'{self._content.name}: a disk is not a member of the archive:'
                f' {href!r}; export the VM as one OVA'
            )
        return named

    @property
    def _directory(self) -> str:
        """Where the OVF is, and what it names: empty, or with a slash."""
        return self._descriptor[: self._descriptor.rfind('/') + 1]

    def _called(self, name: str) -> tuple[str, ...]:
        """Return what the manifest may call a member."""
        return name, name.removeprefix(self._directory)

    def _read_manifest(self) -> Manifest | None:
        """Return the manifest beside the OVF, which is to have its name.

        :raises DiskError: if it cannot be read, or which it is cannot be told
        """
        beside = re.compile(
            re.escape(self._directory) + r'[^/]*\.mf', re.IGNORECASE
        )
        found = [*filter(beside.fullmatch, self._members)]
        proper = f'{self._descriptor.removesuffix(".ovf")}.mf'
        if proper in found:
            found = [proper]
        if len(found) > 1:
            raise DiskError(
                f'{self._content.name}: has several manifests, and none has '
                f'the name {proper!r}; {REPACK}'
            )
        for name in found:
            return Manifest(self._content.name, name, self._text(name))
        return None

    def _listed(self) -> Iterator[Member]:
        """Yield the members of which the manifest has a digest."""
        for name, member in self._members.items():
            digest = self._manifest and self._manifest.find(self._called(name))
            if digest:
                yield dataclasses.replace(member, digest=digest)

    def _missing(self) -> tuple[str, ...]:
        """Return what the manifest has a digest of, and the archive not."""
        if not self._manifest:
            return ()
        known = {name for each in self._members for name in self._called(each)}
        return self._manifest.missing(known)

    def _text(self, name: str) -> bytes:
        member = self._members[name]
        if member.size > MAX_TEXT:
            raise UnsafeDisk(
                f'{self._content.name}, {name}: has {member.size} bytes; at '
                f'most {MAX_TEXT} are read; {REPACK}'
            )
        return self._content.read(member.offset, member.size)

    def _chosen(self, name: str | None) -> str:
        listed = ', '.join([*self.disks][:_SHOWN]) or 'none'
        if len(self.disks) > _SHOWN:
            listed += ' and more'
        if name is not None:
            if name not in self.disks:
                raise DiskError(
                    f'{self._content.name}: has no disk {name!r}; it has '
                    f'{listed}'
                )
            return name
        if len(self.disks) > 1:
            raise DiskError(
                f'{self._content.name}: has {len(self.disks)} disks '
                f'({listed}); choose one with "image prepare --disk NAME", or '
                'take all with "--disk all"'
            )
        if not self.disks:
            raise DiskError(
                f'{self._content.name}: its OVF lists no disk that has a '
                'file; export the machine again, with its disks'
            )
        return next(iter(self.disks))

    def _parts(self, name: str, disk: ListedDisk) -> Iterator[Member]:
        """Yield what a disk is made of.

        :raises DiskError: if something of it is missing
        """
        names = [name]
        is_named = name in self._members and disk.chunk_bytes is None
        if _chunk(name, 0) in self._members and not is_named:
            number = self._number_of_chunks(name)
            names = [_chunk(name, place) for place in range(number)]
        for part in names:
            if part not in self._members:
                raise DiskError(
                    f'{self._content.name}, {part!r} is not in the archive; '
                    'get the archive again'
                )
        members = [self._members[part] for part in names]
        lengths.check_file(
            f'{self._content.name}, {name!r}',
            [member.size for member in members],
            disk,
        )
        for part, member in zip(names, members, strict=True):
            digest = None
            if self._manifest:
                digest = self._manifest.digest(self._called(part), part)
            yield dataclasses.replace(member, digest=digest)

    def _number_of_chunks(self, name: str) -> int:
        """Return how many there are, or should be by the manifest."""
        listed = self._manifest.names if self._manifest else ()
        inside = (self._directory + other for other in listed)
        pattern = re.compile(re.escape(name) + r'\.\d{9}', re.ASCII)
        known = {*self._members, *listed, *inside}
        return sum(map(bool, map(pattern.fullmatch, known)))


def names(path: pathlib.Path) -> tuple[str, ...]:
    """Return the names of all disks of an OVA.

    :raises DiskError: if it is none, or has none
    """
    found: tuple[str, ...] = ()
    with FileContent(path) as content:
        if is_archive(content, is_promised=is_promised(path)):
            found = tuple(Archive(content).disks)
    if not found:
        raise DiskError(f'{path}: is not an OVA with disks; leave out --disk')
    return found


def _members(content: Content) -> dict[str, Member]:
    """Return the files in an archive by their names, without ``./``"""
    members: dict[str, Member] = {}
    try:
        for number, info in enumerate(headers(content)):
            place = f'{content.name}, {info.name!r}'
            if number == MAX_MEMBERS:
                raise UnsafeDisk(
                    f'{content.name}: has more than {MAX_MEMBERS} members; '
                    f'{REPACK}'
                )
            if len(info.name) > MAX_NAME:
                raise UnsafeDisk(
                    f'{content.name}: has a member with a name of '
                    f'{len(info.name)} characters; {REPACK}'
                )
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise UnsafeDisk(f'{place} is not a regular file; {REPACK}')
            name = _clean(info.name)
            if name is None:
                raise UnsafeDisk(f'{place} leads out of the archive; {REPACK}')
            if name in members:
                raise UnsafeDisk(f'{place} is in the archive twice; {REPACK}')
            if not 0 <= info.size <= content.size - info.offset_data:
                raise UnsafeDisk(
                    f'{place} has {info.size} bytes from byte '
                    f'{info.offset_data} on, but the archive ends at byte '
                    f'{content.size}: it is truncated; get it again'
                )
            members[name] = Member(info.name, info.offset_data, info.size)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise UnsafeDisk(
            f'{content.name}: is a damaged archive: {error}; get it again'
        ) from error
    return members


def _clean(name: str) -> str | None:
    """Return a path within the archive; None if it may lead elsewhere."""
    name = name.removeprefix('./')
    if re.search(r'[\\\0]', name):
        return None
    if {'', '.', '..'}.isdisjoint(name.split('/')):
        return name
    return None


def _chunk(name: str, number: int) -> str:
    return f'{name}.{number:09}'


def _check(place: str, disk: ListedDisk) -> None:
    if disk.compression not in ('', 'identity', 'gzip'):
        raise DiskError(
            f'{place} is compressed with {disk.compression[:MAX_NAME]}; '
            'unpack the archive, decompress the disk, and use the result'
        )
    if disk.has_parent:
        raise UnsafeDisk(
            f'{place} is based on another disk; delete or consolidate the '
            "VM's snapshots, and export it again"
        )
