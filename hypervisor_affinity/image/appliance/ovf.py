# SPDX-License-Identifier: Apache-2.0
"""OVF: what XML says of machines and of their disks.

From DMTF's DSP0243, "Open Virtualization Format".
"""

import dataclasses
import re
from typing import NamedTuple
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import ParseError
from xml.sax import SAXParseException

from defusedxml import DefusedXmlException
from defusedxml import ElementTree

from hypervisor_affinity.image.appliance import ovf_bounds
from hypervisor_affinity.image.appliance.ovf_machine import Machine
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk

# As file systems have it.
MAX_NAME = 255

_NAMESPACES = (
    'http://schemas.dmtf.org/ovf/envelope/1',
    'http://schemas.dmtf.org/ovf/envelope/2',
)


_UNITS = re.compile(r'byte(?: ?\* ?([0-9]{1,4})(?: ?\^ ?([0-9]{1,2}))?)?')


@dataclasses.dataclass(frozen=True, slots=True)
class ListedDisk:
    """A disk as the OVF lists it.

    :ivar identity: ``ovf:diskId``
    :ivar file: ``ovf:href``, a URI reference
    :ivar compression: empty for none
    :ivar chunk_bytes: None if it is not in chunks
    :ivar file_bytes: what all chunks have; None if it is not said
    :ivar capacity_bytes: what the guest sees; None if it is not known
    """

    identity: str
    file: str
    compression: str
    chunk_bytes: int | None
    file_bytes: int | None
    capacity_bytes: int | None
    has_parent: bool


class FirstFile(NamedTuple):
    """The file of the disk that the OVF lists first, as it is written.

    :ivar compression: empty for none
    """

    href: str
    compression: str


class Envelope:
    """An OVF.

    :ivar namespace: of its elements
    :ivar prefixes: of namespaces, at its root; prefix -> namespace
    """

    def __init__(self, place: str, text: bytes) -> None:
        """Parse it.

        :raises DiskError: if it is no OVF
        :raises UnsafeDisk: if it has entities or a DTD, or takes too much
            memory
        """
        self._place = place
        try:
            self.prefixes = ovf_bounds.check(place, text)
            self._root = ElementTree.fromstring(text, forbid_dtd=True)
        except DefusedXmlException as error:
            raise UnsafeDisk(
                f'{place}: defines entities or a document type, which is not '
                'allowed in an OVF'
            ) from error
        except SAXParseException as error:
            raise DiskError(
                f'{place}: is not valid XML: {error.getMessage()}: line '
                f'{error.getLineNumber()}'
            ) from error
        except (ParseError, ValueError, LookupError) as error:
            raise DiskError(f'{place}: is not valid XML: {error}') from error
        self.namespace = next(
            (
                namespace
                for namespace in _NAMESPACES
                if self._root.tag == f'{{{namespace}}}Envelope'
            ),
            '',
        )
        self._ovf = f'{{{self.namespace}}}'
        if not self.namespace:
            raise DiskError(
                f'{place}: is {self._root.tag[:MAX_NAME]}, not an OVF 1 or 2; '
                'export the VM with a newer program'
            )

    def disks(self) -> list[ListedDisk]:
        """Return the disks that have content.

        :raises UnsafeDisk: if one has no name
        """
        ovf = self._ovf
        files: dict[str | None, Element] = {}
        for file in self._root.iterfind(f'{ovf}References/{ovf}File'):
            files.setdefault(file.get(f'{ovf}id'), file)
        disks = []
        for disk in self._root.iterfind(f'{ovf}DiskSection/{ovf}Disk'):
            reference = disk.get(f'{ovf}fileRef')
            # VMware's own appliances have empty ones, too.
            if not reference:
                continue
            described = files.get(reference)
            told = {} if described is None else described.attrib
            name = told.get(f'{ovf}href', '')
            if not 0 < len(name) <= MAX_NAME:
                raise UnsafeDisk(
                    f'{self._place}: the disk {reference[:MAX_NAME]!r} is not '
                    f'a member of the archive: {name[:MAX_NAME]!r}; export '
                    'the VM as one OVA'
                )
            disks.append(
                ListedDisk(
                    disk.get(f'{ovf}diskId', ''),
                    name,
                    told.get(f'{ovf}compression', ''),
                    _bytes(told.get(f'{ovf}chunkSize', '')),
                    _bytes(told.get(f'{ovf}size', '')),
                    _capacity(
                        disk.get(f'{ovf}capacity', ''),
                        disk.get(f'{ovf}capacityAllocationUnits', 'byte'),
                    ),
                    f'{ovf}parentRef' in disk.attrib,
                )
            )
        return disks

    def first_file(self) -> FirstFile | None:
        """Return the first disk's file; None if that disk has none."""
        ovf = self._ovf
        disk = self._root.find(f'{ovf}DiskSection/{ovf}Disk')
        reference = None if disk is None else disk.get(f'{ovf}fileRef')
        for file in self._root.iterfind(f'{ovf}References/{ovf}File'):
            if file.get(f'{ovf}id', '') == reference:
                return FirstFile(
                    file.get(f'{ovf}href', ''),
                    file.get(f'{ovf}compression', ''),
                )
        return None

    def machine_of(self, disk: ListedDisk) -> Machine:
        """Return the machine that has the disk, by its hardware."""
        ovf = self._ovf
        # Not at any depth: as many systems, one in another, would take long.
        machines = [
            Machine(system)
            for path in ('', f'{ovf}VirtualSystemCollection/')
            for system in self._root.iterfind(f'{path}{ovf}VirtualSystem')
        ]
        return next(
            (
                machine
                for machine in machines
                if machine.controller_of(disk.identity)
            ),
            machines[0] if len(machines) == 1 else Machine(Element('none')),
        )


def _bytes(text: str) -> int | None:
    # Python reads no number of thousands of digits.
    return int(text) if re.fullmatch('[0-9]{1,18}', text) else None


def _capacity(number: str, units: str) -> int | None:
    """Return a capacity in bytes; None if that is not known.

    :param units: ``byte * 2^20``, one of DMTF's programmatic units (DSP0004)
    """
    found = _UNITS.fullmatch(units.strip())
    count = _bytes(number)
    if not found or count is None:
        return None
    return count * int(found[1] or 1) ** int(found[2] or 1)
