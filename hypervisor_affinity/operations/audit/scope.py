# SPDX-License-Identifier: Apache-2.0
"""Of which part of a cloud findings are wanted."""

import dataclasses
from collections.abc import Iterable, Sequence

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core import nearness


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, by names or ids; of nothing named, all.

    :ivar projects: servers of these, and nothing else
    :ivar hosts: these, what runs on them, and the aggregates that have them
    :ivar aggregates: these, their hosts, and what runs on those
    """

    projects: Sequence[str] = ()
    hosts: Sequence[str] = ()
    aggregates: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """What was asked for, as it was found in the cloud.

    :ivar projects: their ids; None for all
    :ivar hosts: names of compute services; None for all
    :ivar aggregates: by identity; None for all
    """

    projects: frozenset[str] | None = None
    hosts: frozenset[str] | None = None
    aggregates: frozenset[int] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether things are wanted that are in no project and on no host."""
        return self.projects is None and self.hosts is None

    def has_host(self, host: Host) -> bool:
        """Tell whether a host is wanted."""
        return self.projects is None and self._has(host.name)

    def has_aggregate(self, aggregate: Aggregate) -> bool:
        """Tell whether an aggregate is wanted."""
        if self.projects is not None:
            return False
        return self.aggregates is None or id(aggregate) in self.aggregates

    def has_server(self, server: Server) -> bool:
        """Tell whether a server is wanted."""
        is_of = self.projects is None or server.project in self.projects
        return is_of and self._has(server.host)

    def _has(self, host: str | None) -> bool:
        return self.hosts is None or host in self.hosts


def find(
    wanted: Wanted,
    source: Source,
    hosts: Iterable[Host],
    aggregates: Sequence[Aggregate],
) -> Scope:
    """Return what was asked for, as it is in the cloud.

    :param hosts, aggregates: the source's
    :raises Missing: if there is no such thing
    :raises SourceError: if the source fails
    """
    projects = frozenset(map(source.project, wanted.projects))
    hosts = list(hosts)
    names = {
        host.name
        for name in wanted.hosts
        for host in _host(name, hosts, source)
    }
    chosen = [
        aggregate
        for name in wanted.aggregates
        for aggregate in _aggregate(name, aggregates, source)
    ]
    if wanted.hosts and not wanted.aggregates:
        chosen = [one for one in aggregates if names & set(one.hosts)]
    if wanted.aggregates:
        members = {name for one in chosen for name in one.hosts}
        names = names & members if wanted.hosts else members
    is_limited = bool(wanted.hosts or wanted.aggregates)
    return Scope(
        projects or None,
        frozenset(names) if is_limited else None,
        frozenset(map(id, chosen)) if is_limited else None,
    )


def _host(name: str, hosts: Iterable[Host], source: Source) -> list[Host]:
    found = [host for host in hosts if name in (host.name, host.node)]
    if not found:
        known = (other for host in hosts for other in (host.name, host.node))
        raise _missing('host', name, known, source)
    return found


def _aggregate(
    name: str, aggregates: Iterable[Aggregate], source: Source
) -> list[Aggregate]:
    found = [one for one in aggregates if name in (one.name, one.uuid)]
    if not found:
        known = (one.name for one in aggregates)
        raise _missing('aggregate', name, known, source)
    return found


def _missing(
    kind: str, name: str, known: Iterable[str], source: Source
) -> Missing:
    question = nearness.Nearest(name, known).question
    return Missing(f'{source.name} has no {kind} {name!r}{question}')
