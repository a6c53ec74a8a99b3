# SPDX-License-Identifier: Apache-2.0
"""OVA: a tar archive of an OVF, which is XML, a manifest and disks.

Nothing is unpacked: the archive tells where its members are, and a disk is
read where it is. From DMTF's DSP0243, "Open Virtualization Format".
"""

import re
import tarfile
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml import ElementTree

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.tar_headers import REPACK
from hypervisor_affinity.image.tar_headers import headers

# An OVF, a manifest, a certificate, and the disks; vSphere has 256 disks to a
# machine.
MAX_MEMBERS = 300

# As file systems have it.
MAX_NAME = 255

# OVFs of real appliances have some 10 KiB.
MAX_TEXT = 1024**2

_NAMESPACES = (
    'http://schemas.dmtf.org/ovf/envelope/1',
    'http://schemas.dmtf.org/ovf/envelope/2',
)

# rasd:ResourceType, from CIM_ResourceAllocationSettingData.
_IDE, _SCSI, _ETHERNET = '5', '6', '10'

# rasd:ResourceSubType in lower case -> vmware_adaptertype.
_SCSI_ADAPTERS = {
    'buslogic': 'busLogic',
    'lsilogic': 'lsiLogic',
    'lsilogicsas': 'lsiLogicsas',
    'virtualscsi': 'paraVirtual',
}

# rasd:ResourceSubType in lower case -> hw_vif_model.
_VIF_MODELS = {
    'e1000': 'VirtualE1000',
    'e1000e': 'VirtualE1000e',
    'pcnet32': 'VirtualPCNet32',
    'vmxnet': 'VirtualVmxnet',
    'vmxnet3': 'VirtualVmxnet3',
}

_DIGEST = re.compile(r'(SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-fA-F]+)\s*')

# How many names a message lists.
_SHOWN = 10


class _Member(NamedTuple):
    """A file in the archive; offset and size in bytes."""

    offset: int
    size: int


class _ListedDisk(NamedTuple):
    """A disk as the OVF lists it.

    :ivar identity: ``ovf:diskId``
    :ivar file: its name in the archive
    """

    identity: str
    file: str
    compression: str
    is_chunked: bool
    has_parent: bool


def is_archive(content: Content) -> bool:
    """Tell whether the content is a tar archive, as an OVA is one."""
    return content.read(257, 5) == b'ustar'


def read(content: Content, member: str | None) -> Appliance:
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
    envelope = _Envelope(
        f'{content.name}, {descriptor}',
        _text(content, descriptor, members[descriptor]),
    )
    disks = envelope.disks()
    name = _chosen(content, disks, member)
    disk = disks[name]
    _check_whole(content, disk, members)
    manifest = f'{descriptor.removesuffix(".ovf")}.mf'
    digest = None
    if manifest in members:
        digest = _digest(_text(content, manifest, members[manifest]), name)
    machine = envelope.machine_of(disk)
    return Appliance(
        member=name,
        offset=members[name].offset,
        size=members[name].size,
        digest=digest,
        guest_id=machine.guest_id,
        adapter_type=machine.adapter_type(disk),
        vif_model=machine.vif_model,
        others=tuple(other for other in disks if other != name),
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
                raise UnsafeDisk(f'{place} is no plain file; {REPACK}')
            if info.name in ('', '.', '..') or re.search(
                r'[/\\\0]', info.name
            ):
                raise UnsafeDisk(f'{place} is in a folder; {REPACK}')
            if info.name in members:
                raise UnsafeDisk(f'{place} is in it twice; {REPACK}')
            if not 0 <= info.size <= content.size - info.offset_data:
                raise UnsafeDisk(
                    f'{place} has {info.size} bytes from byte '
                    f'{info.offset_data} on, and the archive ends at '
                    f'{content.size}: it is truncated; get it anew'
                )
            members[info.name] = _Member(info.offset_data, info.size)
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise UnsafeDisk(
            f'{content.name}: is a damaged archive: {error}; get it anew'
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
    content: Content, disks: dict[str, _ListedDisk], member: str | None
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
        what_to_do = 'choose one by --disk NAME' if disks else REPACK
        raise DiskError(
            f'{content.name}: has {len(disks)} disks ({listed}); {what_to_do}'
        )
    return next(iter(disks))


def _check_whole(
    content: Content,
    disk: _ListedDisk,
    members: dict[str, _Member],
) -> None:
    place = f'{content.name}, {disk.file!r}'
    if disk.compression not in ('', 'identity'):
        raise DiskError(
            f'{place} is compressed by {disk.compression[:MAX_NAME]}; unpack '
            'the archive, decompress the disk, and use that'
        )
    if disk.is_chunked or f'{disk.file}.000000000' in members:
        raise DiskError(
            f'{place} is in chunks; unpack the archive, join them by "cat", '
            'and use that'
        )
    if disk.has_parent:
        raise UnsafeDisk(
            f'{place} is based on another disk; delete or consolidate the '
            "machine's snapshots, and export it again"
        )
    if disk.file not in members:
        raise DiskError(f'{place} is not in the archive; get it anew')


def _digest(manifest: bytes, name: str) -> str | None:
    for line in manifest.decode(errors='replace').splitlines():
        found = _DIGEST.fullmatch(line)
        if found and found[2] == name:
            return f'{found[1]}:{found[3]}'.lower()
    return None


class _Envelope:
    """An OVF."""

    def __init__(self, place: str, text: bytes) -> None:
        """Parse it.

        :raises DiskError: if it is no OVF
        :raises UnsafeDisk: if it has entities or a DTD
        """
        self._place = place
        try:
            self._root = ElementTree.fromstring(text, forbid_dtd=True)
        except DefusedXmlException as error:
            raise UnsafeDisk(
                f'{place}: defines entities or a document type, which an '
                'OVF does not'
            ) from error
        except (ParseError, ValueError, LookupError) as error:
            raise DiskError(f'{place}: is no XML: {error}') from error
        self._ovf = next(
            (
                f'{{{namespace}}}'
                for namespace in _NAMESPACES
                if self._root.tag == f'{{{namespace}}}Envelope'
            ),
            '',
        )
        if not self._ovf:
            raise DiskError(
                f'{place}: is no OVF 1 or 2, but '
                f'{self._root.tag[:MAX_NAME]}; export the machine with a '
                'newer program'
            )

    def disks(self) -> dict[str, _ListedDisk]:
        """Return the disks that have content; file -> disk."""
        ovf = self._ovf
        files = {
            file.get(f'{ovf}id'): file
            for file in self._root.iterfind(f'{ovf}References/{ovf}File')
        }
        disks: dict[str, _ListedDisk] = {}
        for disk in self._root.iterfind(f'{ovf}DiskSection/{ovf}Disk'):
            reference = disk.get(f'{ovf}fileRef')
            if reference is None:
                continue
            file = files.get(reference)
            name = '' if file is None else file.get(f'{ovf}href', '')
            if not 0 < len(name) <= MAX_NAME or re.search(r'[/\\:]', name):
                raise UnsafeDisk(
                    f'{self._place}: the disk {reference[:MAX_NAME]!r} is '
                    f'not in the archive, but {name[:MAX_NAME]!r}; export the '
                    'machine as one OVA'
                )
            disks[name] = _ListedDisk(
                disk.get(f'{ovf}diskId', ''),
                name,
                file.get(f'{ovf}compression', ''),
                f'{ovf}chunkSize' in file.attrib,
                f'{ovf}parentRef' in disk.attrib,
            )
        return disks

    def machine_of(self, disk: _ListedDisk) -> '_Machine':
        """Return the machine that has the disk, by its hardware."""
        ovf = self._ovf
        # Not at any depth: as many systems, one in another, would take long.
        machines = [
            _Machine(system)
            for path in ('', f'{ovf}VirtualSystemCollection/')
            for system in self._root.iterfind(f'{path}{ovf}VirtualSystem')
        ]
        return next(
            (found for found in machines if found.controller_of(disk)),
            machines[0] if len(machines) == 1 else _Machine(Element('none')),
        )


class _Machine:
    """A virtual system of an OVF."""

    def __init__(self, system: Element) -> None:
        self._system = system
        # Item of OVF 1; 2 has one name for each kind of it, with the same
        # parts in other namespaces.
        self._items = [
            {_local(part.tag): (part.text or '').strip() for part in item}
            for item in system.iter()
            if _local(item.tag).endswith('Item')
        ]
        self._by_identity = {
            item['InstanceID']: item
            for item in self._items
            if 'InstanceID' in item
        }
        self._parents = {
            item['HostResource'].removeprefix('ovf:'): item.get('Parent')
            for item in self._items
            if 'HostResource' in item
        }

    def controller_of(self, disk: _ListedDisk) -> dict[str, str]:
        """Return the hardware that the disk is at; empty if it is at none."""
        parent = self._parents.get(f'/disk/{disk.identity}')
        return self._by_identity.get(parent, {})

    def adapter_type(self, disk: _ListedDisk) -> str | None:
        """Return it as a ``vmware_adaptertype``; None if nova knows none."""
        controller = self.controller_of(disk)
        kind = controller.get('ResourceType')
        if kind == _IDE:
            return 'ide'
        if kind == _SCSI:
            model = controller.get('ResourceSubType', '').lower()
            return _SCSI_ADAPTERS.get(model)
        return None

    @property
    def vif_model(self) -> str | None:
        """As an ``hw_vif_model``; None if nova knows none."""
        for item in self._items:
            if item.get('ResourceType') == _ETHERNET:
                model = item.get('ResourceSubType', '').lower()
                return _VIF_MODELS.get(model)
        return None

    @property
    def guest_id(self) -> str | None:
        """Of vSphere; None if there is none."""
        for part in self._system.iter():
            if _local(part.tag) == 'OperatingSystemSection':
                for name, value in part.items():
                    if _local(name) == 'osType':
                        return value if vmware.is_guest_id(value) else None
        return None


def _local(tag: object) -> str:
    # A comment's tag is a function.
    return str(tag).rpartition('}')[2]
