# SPDX-License-Identifier: Apache-2.0
"""The shape of a table: what a virt driver takes, refuses and reports."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

# Image properties and formats by nova's names, as
# :func:`hypervisor_affinity.core.properties.normalize` returns them.
Found = Mapping[str, object]


class Values(NamedTuple):
    """A set of values of one image property.

    :ivar text: the set, for people
    :ivar has: tells whether a value is in it
    """

    text: str
    has: Callable[[str], bool]


NOTHING = Values('', lambda value: False)
EVERYTHING = Values('every value', lambda value: True)


def listed(*values: str) -> Values:
    """Return these values, in any case."""
    lower = frozenset(map(str.lower, values))
    return Values(', '.join(values), lambda value: value.lower() in lower)


def all_but(*values: str) -> Values:
    """Return all values but these, in any case."""
    inside = listed(*values)
    return Values('every other value', lambda value: not inside.has(value))


def misspelt(values: Iterable[str]) -> Values:
    """Return all values but these, in exactly this case."""
    exact = frozenset(values)
    return Values(
        'every other value, another case too',
        lambda value: value not in exact,
    )


class Circumstance(NamedTuple):
    """When a driver refuses what it refuses.

    :ivar text: in a clause, for people
    :ivar holds: tells of a request's properties, and whether its root disk
        is a volume
    """

    text: str
    holds: Callable[[Found, bool], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """What a driver does with one image property.

    A value that it neither takes nor refuses is nothing to it: it does not
    read the property, or nobody can tell before the server has its ports.

    :ivar takes: the values that it reads and acts on
    :ivar refuses: the values with which a server cannot run
    :ivar source: where nova says so, or whoever decides
    :ivar advice: what the owner of an image with a refused value can do
    :ivar where: when it refuses them; None for always
    :ivar yields: nova lets the value through, and the guest or the
        hypervisor fails on it: so it gives way to all that asks for this
        hypervisor, but for a rebuild, which would have destroyed the old
        disk by then
    """

    takes: Values = NOTHING
    refuses: Values = NOTHING
    source: str = ''
    advice: str = ''
    where: Circumstance | None = None
    yields: bool = False

    def refuses_in(self, value: str, found: Found, volume: bool) -> bool:
        """Tell whether a server with this value cannot run.

        :param found: all that its image says
        :param volume: whether its root disk is a volume
        """
        return self.refuses.has(value) and (
            self.where is None or self.where.holds(found, volume)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One virt driver.

    :ivar family: the hypervisor
    :ivar driver: its name in nova
    :ivar reports: the values of ``hypervisor_type`` that it alone reports
    :ivar guest_types: the hypervisor types of its ``supported_instances``
    :ivar architectures: of its ``supported_instances``; empty where these are
        a matter of the host
    :ivar alone: whether a value that no other table takes asks for this
        hypervisor. It does not for KVM: drivers without rows here, such as
        ironic's, boot what KVM boots.
    :ivar rows: image property or format, by nova's name -> what it does
        with it
    """

    family: str
    driver: str
    reports: tuple[str, ...]
    guest_types: tuple[str, ...]
    architectures: tuple[str, ...] = ()
    alone: bool = False
    rows: Mapping[str, Row] = dataclasses.field(default_factory=dict)

    def row(self, name: str) -> Row:
        """Return what it does with a property."""
        return self.rows.get(name, _UNREAD)


_UNREAD = Row()
