# SPDX-License-Identifier: Apache-2.0
"""The disks of an OVA that has several."""

import pathlib
from typing import NamedTuple

from hypervisor_affinity.image import inspection
from hypervisor_affinity.image import ova
from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError

# Of each, some MiB are read.
MAX_INSPECTED = 20


class Listed(NamedTuple):
    """A disk.

    :ivar name: of its member
    :ivar disk: None if it cannot be used as it is
    :ivar complaint: why it cannot
    """

    name: str
    disk: Disk | None
    complaint: str | None


def names(path: pathlib.Path) -> list[str]:
    """Return the names of all disks of an OVA.

    :raises DiskError: if it is none, or has none
    """
    with FileContent(path) as content:
        found = []
        if ova.is_archive(content):
            found = [*ova.Archive(content).disks]
    if not found:
        raise DiskError(f'{path}: is not an OVA with disks; leave out --disk')
    return found


def listed(content: Content) -> list[Listed]:
    """Return the disks of an OVA, if it has several.

    ``qemu-img`` has no word in it: nothing is opened that could harm.

    :returns: in the order of the OVF; empty for anything else
    :raises DiskError: if it is an archive, but no OVA
    """
    if not ova.is_archive(content):
        return []
    disks = ova.Archive(content).disks
    if len(disks) < 2:
        return []
    return [
        _inspected(content, name)
        if number < MAX_INSPECTED
        else Listed(name, None, 'not inspected; name it with --disk')
        for number, name in enumerate(disks)
    ]


def _inspected(content: Content, name: str) -> Listed:
    try:
        return Listed(name, inspection.inspect_content(content, name), None)
    except DiskError as error:
        return Listed(name, None, str(error))
