# SPDX-License-Identifier: Apache-2.0
"""The shared case table: what must come of which request on which host.

The rows in ``tests/cases`` drive the tests of the core, of the filter and of
the running cloud, and a page of the documentation.

A row of ``cases`` holds:

``case``
    its name
``image``
    Glance's raw properties and formats, flat; null for a request without one
``volume``
    true if the server boots from a volume: a new one made from the image if
    a format is given, else one that exists
``extra_specs``, ``options``
    the flavor's extra specs, and the options that are not at their defaults
``runs_on``, ``has``
    for a move, the families that the server's disk is for, an empty list
    where that cannot be found out; and for a resize, percent of a host that
    the server takes already
``rebuild``
    true for one
``required``
    the families that will do, or ``any``; absent where ``refusal`` stands
``refusal``
    the reason for which no host will do
``hosts``, ``more_hosts``
    names of ``hosts.yaml`` with the reason expected there; and hosts of the
    row's own
``user``
    what the server's owner reads if only the rejecting hosts exist
``warns``
    part of the warning that the scheduler must log once
``nova_api``
    set if nova-api refuses the input before the scheduler sees it
``stock``
    the filter of nova's that leaves out a host which ours passes
``boot``
    false if a running cloud cannot show the row, also since what is behind
    the driver would fail on what the filter has to let pass
"""

import dataclasses
import functools
import pathlib
from typing import Any

import yaml

_FOLDER = pathlib.Path(__file__).parent / 'cases'

# Every host has this much, and a request takes so many percent of it.
RAM_MB = 10240
VCPUS = 10
ASKED = 10


@dataclasses.dataclass(frozen=True)
class Host:
    """A host of the table.

    :ivar driver: hypervisor_type and supported, as the driver reports them
    :ivar aggregates: the metadata of each aggregate the host is in
    :ivar used: percent of RAM and vCPUs in use
    """

    name: str
    driver: dict[str, Any]
    aggregates: tuple[dict[str, str], ...] = ()
    used: int = 0


@dataclasses.dataclass(frozen=True)
class Case:
    """A row of the table; see the module for the fields."""

    case: str
    group: str
    image: dict[str, Any] | None
    expected: tuple[tuple[Host, str], ...]
    volume: bool = False
    extra_specs: dict[str, str] = dataclasses.field(default_factory=dict)
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    runs_on: frozenset[str] | None = None
    has: int = ASKED
    rebuild: bool = False
    required: frozenset[str] | None = None
    refusal: str | None = None
    user: str | None = None
    warns: str | None = None
    nova_api: str | None = None
    stock: str | None = None
    boot: bool = True

    def __str__(self) -> str:
        return f'{self.group}: {self.case}'


@dataclasses.dataclass(frozen=True)
class Group:
    """A file of the table."""

    title: str
    about: str
    cases: tuple[Case, ...]


def _read(path: pathlib.Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding='utf-8'))


def _host(name: str, row: dict[str, Any], drivers: dict) -> Host:
    return Host(
        name=name,
        driver=drivers[row['driver']],
        aggregates=tuple(row.get('aggregates', ())),
        used=row.get('used', 0),
    )


def _case(group: str, row: dict[str, Any], hosts: dict, drivers: dict) -> Case:
    row = dict(row)
    expected = [
        (hosts[name], reason) for name, reason in row.pop('hosts', {}).items()
    ]
    for number, more in enumerate(row.pop('more_hosts', ()), 1):
        name = f'{more["driver"]}-{number}'
        expected.append((_host(name, more, drivers), more['is']))
    required = row.pop('required', 'any')
    runs_on = row.pop('runs_on', None)
    return Case(
        group=group,
        expected=tuple(expected),
        required=None if required == 'any' else frozenset(required),
        runs_on=None if runs_on is None else frozenset(runs_on),
        **row,
    )


@functools.cache
def groups() -> tuple[Group, ...]:
    """Return the whole table, file by file."""
    shared = _read(_FOLDER / 'hosts.yaml')
    drivers = shared['drivers']
    hosts = {
        name: _host(name, row, drivers)
        for name, row in shared['hosts'].items()
    }
    found = []
    for path in sorted(_FOLDER.glob('*.yaml')):
        if path.name == 'hosts.yaml':
            continue
        document = _read(path)
        found.append(
            Group(
                document['title'],
                document['about'],
                tuple(
                    _case(path.stem, row, hosts, drivers)
                    for row in document['cases']
                ),
            )
        )
    return tuple(found)


def cases() -> list[Case]:
    """Return all rows."""
    return [case for group in groups() for case in group.cases]
