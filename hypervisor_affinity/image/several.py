# SPDX-License-Identifier: Apache-2.0
"""The disks of an OVA with several."""

import dataclasses
from collections.abc import Callable

from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError


@dataclasses.dataclass(frozen=True, slots=True)
class Several:
    """What is in an OVA with several disks.

    :ivar found: name -> the disk, or why it cannot be used; in the order of
        the OVF, and no more of them than were asked for
    :ivar rest: names of those that were not inspected
    """

    found: dict[str, Disk | DiskError]
    rest: tuple[str, ...]

    @property
    def complaints(self) -> list[DiskError]:
        """Why some cannot be used."""
        return [e for e in self.found.values() if isinstance(e, DiskError)]

    @property
    def disk(self) -> Disk:
        """The one that nova's vSphere driver finds, or else the first.

        All have the same fate but for that.

        :raises DiskError: if none can be used
        """
        disks = [d for d in self.found.values() if isinstance(d, Disk)]
        if not disks:
            raise self.complaints[0]
        return min(disks, key=_is_hidden)


def each(
    archive: ova.Archive | None,
    member: str | None,
    most: int | None,
    inspected: Callable[[str | None], Disk],
) -> Disk | Several:
    """Return the disk, or of an OVA with several and no name, each.

    :param inspected: by its name
    """
    names = tuple(archive.disks) if archive else ()
    if member is not None or len(names) < 2:
        return inspected(member)
    most = len(names) if most is None else most
    found: dict[str, Disk | DiskError] = {}
    for name in names[:most]:
        try:
            found[name] = inspected(name)
        except DiskError as error:
            found[name] = error
    return Several(found, names[most:])


def _is_hidden(disk: Disk) -> bool:
    return bool(disk.appliance and disk.appliance.obstacle)
