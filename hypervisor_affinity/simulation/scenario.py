# SPDX-License-Identifier: Apache-2.0
"""Scenarios: the documents that say what is to happen, to which cloud."""

import pathlib
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec

from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.files import read_yaml
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Amount
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Ratio
from hypervisor_affinity.cloud.snapshot import Record
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.simulation.outcome import Request

VERSION = 1
FORMAT = 'hypervisor-affinity-scenario'


# Hosts there are, and servers that are booted, in the whole of a scenario.
LARGEST = 100_000
# Of which each has a process of its own.
MOST_SCHEDULERS = 32

_Number = Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]

# nova.conf, as {group: {option: value}}.
Options = dict[str, Any]


class ScenarioError(Exception):
    """A scenario cannot be played; the text says why, and what to do."""


class Hosts(Host, frozen=True):
    """One host, or several that are alike.

    :ivar count: how many, named NAME-1, NAME-2, ...; None for one, named NAME
    :ivar aggregates: names of those that they are in
    """

    count: _Number | None = None
    aggregates: tuple[str, ...] = ()

    def each(self) -> Iterable[Host]:
        """Yield the hosts."""
        fields = {name: getattr(self, name) for name in Host.__struct_fields__}
        if self.count is None:
            yield Host(**fields)
            return
        for number in range(1, self.count + 1):
            fields['name'] = f'{self.name}-{number}'
            if self.node:
                fields['node'] = f'{self.node}-{number}'
            yield Host(**fields)


class Cloud(Record, frozen=True):
    """A cloud, or what is added to one.

    :ivar servers: the hosts' inventories count what they use already
    """

    hosts: tuple[Hosts, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    servers: tuple[Server, ...] = ()


class Boot(Record, frozen=True):
    """Requests for new servers, one after the other.

    :ivar image: name or id; None for a volume of no image
    :ivar at_once: how many servers are in one request, which are built at the
        same time, and of which all are refused if one is
    :ivar volume: whether they boot from volumes
    """

    flavor: str
    image: str | None = None
    count: _Number = 1
    at_once: _Number = 1
    volume: bool = False

    def __post_init__(self) -> None:
        if self.image is None and not self.volume:
            raise ValueError('does not name an image, and volume is not true')


class Place(Record, frozen=True):
    """A host, or all hosts of an aggregate."""

    host: str | None = None
    aggregate: str | None = None

    def __post_init__(self) -> None:
        if (self.host is None) == (self.aggregate is None):
            raise ValueError('must have either host or aggregate')


class Drain(Place, frozen=True):
    """Disable hosts and move all servers away from them.

    :ivar by: MIGRATE or RECREATE
    """

    by: Request = Request.MIGRATE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by is Request.BOOT:
            raise ValueError('a host cannot be drained by boot')


class Servers(Record, frozen=True):
    """Servers, the oldest first.

    :ivar image: name or id of the one that they are of; None for all servers,
        those of volumes among them
    :ivar count: how many; None for all
    :ivar aggregate: only those on its hosts; None for those anywhere
    """

    image: str | None = None
    count: _Number | None = None
    aggregate: str | None = None


class SetAggregate(Record, frozen=True):
    """Change an aggregate.

    :ivar unset: keys of metadata to remove
    """

    name: str
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    unset: tuple[str, ...] = ()
    add_hosts: tuple[str, ...] = ()
    remove_hosts: tuple[str, ...] = ()


class SetImage(Record, frozen=True):
    """Change an image, as if it had been converted; servers keep theirs.

    :ivar unset: properties to remove
    """

    name: str
    disk_format: str | None = None
    container_format: str | None = None
    properties: dict[str, str] = msgspec.field(default_factory=dict)
    unset: tuple[str, ...] = ()


class SetInventory(Record, frozen=True):
    """Change what a host has of a resource class; None for no change."""

    total: Amount | None = None
    reserved: Amount | None = None
    allocation_ratio: Ratio | None = None
    max_unit: Amount | None = None


class SetHosts(Place, frozen=True):
    """Change hosts, as when ESXi hosts leave a cluster; None for no change."""

    status: Literal['enabled', 'disabled'] | None = None
    vcpus: SetInventory | None = None
    memory_mb: SetInventory | None = None
    disk_gb: SetInventory | None = None


class Action(Record, frozen=True):
    """One thing that happens: exactly one of these.

    :ivar recreate: delete servers and boot them again, from the image and of
        the flavor as they are now
    """

    add: Cloud | None = None
    boot: Boot | None = None
    delete: Servers | None = None
    drain: Drain | None = None
    recreate: Servers | None = None
    set_aggregate: SetAggregate | None = None
    set_hosts: SetHosts | None = None
    set_image: SetImage | None = None
    set_options: Options | None = None

    def __post_init__(self) -> None:
        names = self.__struct_fields__
        set_ones = [name for name in names if getattr(self, name) is not None]
        if len(set_ones) != 1:
            known = ', '.join(names)
            raise ValueError(f'must have exactly one of {known}')
        check_options(self.set_options or {})

    @property
    def name(self) -> str:
        """Which of them it is."""
        return next(
            name
            for name in self.__struct_fields__
            if getattr(self, name) is not None
        )


class Step(Record, frozen=True):
    """Actions after which the state of the cloud is of interest."""

    title: str
    do: tuple[Action, ...]


class Scenario(Record, frozen=True):
    """The whole document.

    :ivar snapshot: file of the cloud, relative to the scenario; None for
        the one of the command, unless ``cloud`` has hosts
    :ivar cloud: added to the snapshot; without one, all there is
    :ivar options: of nova.conf, for every scheduler
    :ivar schedulers: name -> options of nova.conf, which override
        ``options``; one scheduler of no options of its own if empty; no more
        than ``MOST_SCHEDULERS``
    :ivar seed: for what nova chooses at random
    """

    format: Literal['hypervisor-affinity-scenario']
    version: Literal[1]
    steps: tuple[Step, ...]
    title: str = ''
    snapshot: str | None = None
    cloud: Cloud = Cloud()
    options: Options = msgspec.field(default_factory=dict)
    schedulers: dict[str, Any] = msgspec.field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        check_options(self.options)
        for name, options in self.schedulers.items():
            if not isinstance(options, dict):
                raise ValueError(
                    f'the options of scheduler {name!r} are not a mapping'
                )
            check_options(options)
        if len(self.schedulers) > MOST_SCHEDULERS:
            raise ValueError(f'has more than {MOST_SCHEDULERS} schedulers')
        hosts = [
            host
            for cloud in (self.cloud, *self._added)
            for host in cloud.hosts
        ]
        if sum(host.count or 1 for host in hosts) > LARGEST:
            raise ValueError(f'has more than {LARGEST} hosts in all')
        if sum(boot.count for boot in self._boots) > LARGEST:
            raise ValueError(f'boots more than {LARGEST} servers in all')

    @property
    def _actions(self) -> list[Action]:
        return [action for step in self.steps for action in step.do]

    @property
    def _added(self) -> list[Cloud]:
        return [action.add for action in self._actions if action.add]

    @property
    def _boots(self) -> list[Boot]:
        return [action.boot for action in self._actions if action.boot]

    @property
    def requests(self) -> int | None:
        """How many requests there will be; None if nobody can tell."""
        if any(action.drain or action.recreate for action in self._actions):
            return None
        return sum(boot.count for boot in self._boots)


def check_options(options: Options) -> None:
    """Check that options are grouped.

    :raises ValueError: naming the group
    """
    for group, values in options.items():
        if not isinstance(values, dict):
            raise ValueError(
                f'{group!r} is not a group of options, such as '
                'filter_scheduler with its options below it'
            )


def read(path: pathlib.Path) -> Scenario:
    """Return the scenario in a file.

    :raises SourceError: naming what is wrong and where
    """
    return read_yaml(path, Scenario)


def own_snapshot(scenario: Scenario, path: pathlib.Path) -> Source | None:
    """Return the snapshot that a scenario names; None if it names none.

    :param path: of the scenario
    :raises SourceError: if it cannot be read
    """
    if scenario.snapshot is None:
        return None
    return FileSource(path.parent / scenario.snapshot)


def with_snapshot(cloud: Cloud, source: Source) -> Cloud:
    """Return all of a source, with what a scenario adds to it.

    :raises SourceError: if the source fails
    """
    hosts = (
        msgspec.convert(host, Hosts, from_attributes=True)
        for host in source.hosts()
    )
    return Cloud(
        hosts=(*hosts, *cloud.hosts),
        aggregates=(*source.aggregates(), *cloud.aggregates),
        flavors=(*source.flavors(), *cloud.flavors),
        images=(*source.images(), *cloud.images),
        servers=(*source.servers(), *cloud.servers),
    )
