# SPDX-License-Identifier: Apache-2.0
"""What inspection finds out about a disk."""

import dataclasses
from collections.abc import Mapping

from hypervisor_affinity.core.properties import normalize

SECTOR = 512

# Formats by their names in Glance, which are those of
# oslo_utils.imageutils.format_inspector but for a GPT disk, which is raw.
VMDK = 'vmdk'
RAW = 'raw'
# And a container_format.
OVA = 'ova'

# createType of a VMDK that is one file with a header of its own.
MONOLITHIC_SPARSE = 'monolithicSparse'
STREAM_OPTIMIZED = 'streamOptimized'
ONE_FILE = frozenset({MONOLITHIC_SPARSE, STREAM_OPTIMIZED})

# createType of one that is a descriptor beside all of the disk.
MONOLITHIC_FLAT = 'monolithicFlat'

# The largest disk of vSphere, in bytes (Configuration Maximums).
MAX_VIRTUAL = 62 * 1024**4

# What to do about a file that is not whole.
REDO = 'get or create the file again'
# And of one that needs others.
WHOLE = 'write it again as one complete file'


class DiskError(Exception):
    """A disk cannot be used; the text names it, says why and what to do."""


class UnsafeDisk(DiskError):
    """A disk was refused since it may harm whoever opens it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Extent:
    """A part of a VMDK, as its descriptor lists it.

    :ivar access: ``RW``, ``RDONLY`` or ``NOACCESS``
    :ivar virtual_bytes: how much of the disk it is
    :ivar kind: ``SPARSE``, ``FLAT`` or ``VMFS``
    :ivar file: its file's name, always without a directory; in a disk that is
        one file, whatever that was called once: any text, for no use
    :ivar offset: of the extent in its file, in bytes
    """

    access: str
    virtual_bytes: int
    kind: str
    file: str
    offset: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive; offset and size in bytes.

    :ivar name: as the archive has it
    :ivar digest: by the manifest, as ``sha256:`` and hexadecimal digits; None
        if it has none
    """

    name: str
    offset: int
    size: int
    digest: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Appliance:
    """What the OVF in an OVA says of the disk.

    :ivar member: the disk's name in the archive
    :ivar offset, size: of the disk in the archive, in bytes
    :ivar digest: of the disk by the manifest, as ``sha256:`` and hexadecimal
        digits; None if there is no manifest
    :ivar guest_id: of vSphere; None if it names none
    :ivar adapter_type: of the disk's controller, spelled as a
        ``vmware_adaptertype``; None if it tells none that nova knows
    :ivar strange_controller: what the disk is at, if nova has no
        ``vmware_adaptertype`` for it: ``SATA (AHCI)``
    :ivar vif_model: of the first network adapter, as an ``hw_vif_model``;
        None if there is none that nova knows
    :ivar others: names of further disks in the archive
    :ivar listed: all files in the archive of which the manifest has a digest
    :ivar missing: names of the files of which it has one, and which are not
        in the archive
    :ivar obstacle: what in the archive keeps nova's vSphere driver from the
        disk, as a clause; None if it finds it
    :ivar capacity_bytes: what the guest sees of the disk by the OVF; None if
        that is not known
    :ivar is_extracted: whether it is read from a file of its own
    """

    member: str
    offset: int
    size: int
    digest: str | None = None
    guest_id: str | None = None
    adapter_type: str | None = None
    strange_controller: str | None = None
    vif_model: str | None = None
    others: tuple[str, ...] = ()
    listed: tuple[Member, ...] = ()
    missing: tuple[str, ...] = ()
    obstacle: str | None = None
    capacity_bytes: int | None = None
    is_extracted: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """What an image in Glance says of its content, which may be wrong.

    :ivar properties: raw name -> value
    """

    disk_format: str
    container_format: str
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def disk_type(self) -> str | None:
        """What nova's vSphere driver reads as disk type; None for no word."""
        found = normalize(self.properties).get('hw_disk_type')
        return None if found is None else str(found)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk.

    :ivar name: of the file, or of the image in Glance
    :ivar format: of the content, as Glance's ``disk_format``: what it is to
        qemu
    :ivar formats: what Glance and nova take the file for, by
        ``oslo_utils.imageutils.format_inspector``: more than one if it is
        ambiguous; empty for what is in an OVA, where they do not look
    :ivar failures: of their safety checks, as ``name: why``
    :ivar virtual_bytes: what the guest sees
    :ivar file_bytes: of all files that it is made of, from end to end: what
        travels
    :ivar allocated_bytes: of these, what takes room where they are; None if
        that is not known
    :ivar sector_bytes: that it was partitioned for; None if it has no GPT, or
        if that was not looked for
    :ivar create_type: of a VMDK's descriptor, ``monolithicSparse``
    :ivar adapter_type: of a VMDK's descriptor: ``ide``, ``lsilogic``,
        ``buslogic`` or ``legacyESX``; None if it tells none
    :ivar hardware_version: of a VMDK's descriptor; None if it tells none
    :ivar grain_bytes: of a sparse VMDK; None for others
    :ivar header_version: of a VMDK that is one file; None for others
    :ivar extents: of a VMDK
    :ivar map_bytes: of the map that qemu-img reads into memory to open it; 0
        if that is small
    :ivar clusters: that the file of a qcow2 has; 0 for others
    :ivar left_out: what of the inspection would have taken too long or too
        much memory, as sentences that say how to have it done
    :ivar appliance: if it is in an OVA
    :ivar declared: if it is an image in Glance
    """

    name: str
    format: str
    virtual_bytes: int
    file_bytes: int
    formats: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    allocated_bytes: int | None = None
    sector_bytes: int | None = None
    create_type: str | None = None
    adapter_type: str | None = None
    hardware_version: str | None = None
    grain_bytes: int | None = None
    header_version: int | None = None
    extents: tuple[Extent, ...] = ()
    map_bytes: int = 0
    clusters: int = 0
    left_out: tuple[str, ...] = ()
    appliance: Appliance | None = None
    declared: Declared | None = None

    @property
    def properties(self) -> Mapping[str, str]:
        """What it has as an image in Glance; none as a file."""
        return self.declared.properties if self.declared else {}

    @property
    def disk_format(self) -> str:
        """What Glance calls it, or would."""
        return self.declared.disk_format if self.declared else self.format

    @property
    def is_one_file(self) -> bool:
        """Whether all of it is in the file of its name."""
        return self.create_type is None or self.create_type in ONE_FILE

    @property
    def container_format(self) -> str:
        """What Glance calls the file around the disk, or would."""
        if self.declared:
            return self.declared.container_format
        return OVA if self.appliance else 'bare'


def check_virtual_bytes(saying: str, virtual_bytes: int) -> None:
    """Check that a disk has a size that a disk may have.

    :param saying: who says so, as the begin of a sentence
    :raises UnsafeDisk: if it has none, or is larger than any of vSphere
    """
    if not 0 < virtual_bytes <= MAX_VIRTUAL:
        raise UnsafeDisk(
            f'{saying} a virtual size of {virtual_bytes} bytes; vSphere '
            f'supports up to {MAX_VIRTUAL}; {REDO}'
        )
