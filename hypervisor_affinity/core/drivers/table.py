# SPDX-License-Identifier: Apache-2.0
"""The shape of a table: what a virt driver takes, refuses and reports."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from hypervisor_affinity.core.hypervisor import Family

# Image properties and formats by nova's names, as
# :func:`hypervisor_affinity.core.properties.normalize` returns them.
Found = Mapping[str, object]


def has_format(found: Found, name: str, *formats: str) -> bool:
    """Tell whether an image has one of these formats, in any case.

    :param name: ``disk_format`` or ``container_format``
    :param formats: in lower case
    """
    return str(found.get(name)).lower() in formats


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
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


def exactly(*values: str) -> Values:
    """Return these values, in this case alone."""
    return Values(', '.join(values), frozenset(values).__contains__)


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


@dataclasses.dataclass(frozen=True, slots=True)
class Circumstance:
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
    :ivar where: when it refuses them; None for always
    :ivar fails: the values that it lets through, and on which what is behind
        it fails. That gives way to all that asks for this hypervisor, but for
        a rebuild: by then the old disk would be destroyed.
    :ivar fails_where: when they fail; None for always
    :ivar source: where nova says so, or whoever decides
    :ivar advice: what the owner of an image with such a value can do; '' only
        where no value is refused and none fails
    :raises ValueError: if a value is refused or fails without advice
    """

    takes: Values = NOTHING
    refuses: Values = NOTHING
    where: Circumstance | None = None
    fails: Values = NOTHING
    fails_where: Circumstance | None = None
    source: str = ''
    advice: str = ''

    def __post_init__(self) -> None:
        """Refuse a row that would leave an owner without a way out."""
        if not self.advice and (self.refuses, self.fails) != (NOTHING,) * 2:
            raise ValueError('what is refused, or fails, needs advice')

    def refuses_in(self, value: str, found: Found, volume: bool) -> bool:
        """Tell whether a server with this value cannot run.

        :param found: all that its image says
        :param volume: whether its root disk is a volume
        """
        return _holds(self.refuses, self.where, value, found, volume)

    def fails_in(self, value: str, found: Found, volume: bool) -> bool:
        """Tell whether a server with this value would fail; as above."""
        return _holds(self.fails, self.fails_where, value, found, volume)


def _holds(
    values: Values,
    where: Circumstance | None,
    value: str,
    found: Found,
    volume: bool,
) -> bool:
    return values.has(value) and (where is None or where.holds(found, volume))


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

    family: Family
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
