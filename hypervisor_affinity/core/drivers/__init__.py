# SPDX-License-Identifier: Apache-2.0
"""What nova's virt drivers really take: one table for each.

All that the core knows of a hypervisor stands here, and all that it infers
from an image follows from it. To add a hypervisor is to add a table. Tests
put every value of nova's fields before the drivers' own functions.
"""

import dataclasses
from collections.abc import Mapping

from hypervisor_affinity.core.drivers import ironic
from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.drivers.table import NOTHING
from hypervisor_affinity.core.drivers.table import Found
from hypervisor_affinity.core.drivers.table import Row
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.hypervisor import Family

TABLES: dict[Family, Table] = {
    module.TABLE.family: module.TABLE for module in (kvm, vmware, ironic)
}

# Where a driver's hypervisor_type alone tells: no other driver's
# supported_instances name another family.
CONCLUSIVE_TYPES = {
    hypervisor_type: table.family
    for table in TABLES.values()
    for hypervisor_type in table.reports
}

# Of all tables, in the order in which evidence is cited.
PROPERTIES = (
    'disk_format',
    'container_format',
    'hw_disk_type',
    'img_linked_clone',
    'img_version',
    'os_distro',
    'hw_scsi_model',
    'hw_disk_bus',
    'hw_vif_model',
    'hw_architecture',
    'hw_emulation_architecture',
)

# Whose table has no row for a property does not read it.
_ROWS: dict[str, list[tuple[Table, Row]]] = {
    name: [
        (table, table.rows[name])
        for table in TABLES.values()
        if name in table.rows
    ]
    for name in PROPERTIES
}


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the drivers make of one property of an image.

    :ivar requires: the hypervisor that it is meant for; None if for none
    :ivar forbids: those that cannot run a server with it -> what its owner
        can do about that
    :ivar unfit: those on which it would fail, unless it is meant for them;
        likewise
    """

    requires: frozenset[Family] | None
    forbids: Mapping[Family, str]
    unfit: Mapping[Family, str]


def ask(name: str, found: Found, volume: bool) -> Answer:
    """Ask all tables about a property.

    :param name: one of PROPERTIES that ``found`` has
    :param found: all that the image says, by nova's names
    :param volume: whether the server's root disk is a volume
    """
    value = str(found[name])
    rows = _ROWS[name]
    taking = [table for table, row in rows if row.takes.has(value)]
    only = taking[0] if len(taking) == 1 else None
    return Answer(
        frozenset({only.family}) if only and only.alone else None,
        {
            table.family: row.advice
            for table, row in rows
            if row.refuses_in(value, found, volume)
        },
        {
            table.family: row.advice
            for table, row in rows
            if row.fails_in(value, found, volume)
        },
    )


def readers(name: str) -> frozenset[Family]:
    """Return the families whose drivers read a property."""
    return frozenset(
        table.family for table, row in _ROWS[name] if row.takes is not NOTHING
    )
