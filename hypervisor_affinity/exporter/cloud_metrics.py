# SPDX-License-Identifier: Apache-2.0
"""Metrics of a cloud: hosts, servers, and what is wrong with them."""

import collections
import datetime
import enum
from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter import families
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import audit
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.offers import HostOffers


class NoHypervisor(enum.StrEnum):
    """The label ``hypervisor`` of what is on none that is known."""

    NOWHERE = 'none'
    UNDETERMINED = 'undetermined'


class NoVerdict(enum.StrEnum):
    """The label ``verdict`` of what the audit says nothing of."""

    IN_PLACE = 'in_place'
    NOT_PLACED = 'not_placed'


class State(enum.StrEnum):
    """The label ``state``: how a nova-compute is."""

    UP = 'up'
    DOWN = 'down'
    DISABLED = 'disabled'


# What an audit says of where a server is; other checks are of other things.
_VERDICTS = frozenset(
    {
        CloudCheck.SERVER_MISPLACED,
        CloudCheck.SERVER_NOT_PREFERRED,
        CloudCheck.SERVER_NOT_ACCEPTED,
        CloudCheck.SERVER_UNDETERMINED,
        CloudCheck.SERVER_REFUSED,
        CloudCheck.SERVER_NOT_JUDGED,
    }
)
_MIB = 2**20


class Hosts:
    """The hosts of a cloud by their hypervisors."""

    def __init__(self, hosts: Iterable[Host], offers: HostOffers) -> None:
        """Look at each."""
        self.all = list(hosts)
        self._offers = offers
        self._families = {
            host.name: self._family(host) for host in offers.readable(self.all)
        }

    def family(self, name: str | None) -> str:
        """Return the hypervisor of a host; the label of a metric."""
        if name is None:
            return NoHypervisor.NOWHERE
        return self._families.get(name, NoHypervisor.UNDETERMINED)

    def reserve(self, host: Host) -> float:
        """Return which part of a host its aggregates keep, 0 to 1."""
        if host.name not in self._families:
            return 0
        return self._offers.offer(host).reserve / 100

    def _family(self, host: Host) -> str:
        found = self._offers.offer(host).underneath
        return (
            next(iter(found)) if len(found) == 1 else NoHypervisor.UNDETERMINED
        )


def metrics(
    source: Source, policy: Policy, servers: Iterable[Server]
) -> Iterator[Metric]:
    """Yield metrics of a cloud.

    Of each vCenter host there are samples of its own; all others have a label
    with few values, however large the cloud is.

    :param servers: the source's, watched by the caller
    :raises SourceError: if the source fails
    """
    hosts = Hosts(source.hosts(), HostOffers(source.aggregates(), policy))
    yield from _service_metrics(hosts)
    yield from _capacity_metrics(hosts)
    yield from _server_metrics(source, policy, servers, hosts)


def _service_metrics(hosts: Hosts) -> Iterator[Metric]:
    states = collections.Counter(
        (hosts.family(host.name), _state(host)) for host in hosts.all
    )
    yield families.gauge(
        'hosts',
        'Compute nodes by hypervisor and state of their nova-compute.',
        ('hypervisor', 'state'),
        (
            ((family, state), states[family, state])
            for family in sorted({family for family, _ in states})
            for state in State
        ),
    )
    # A service may have several compute nodes.
    novas = {
        host.name: host
        for host in hosts.all
        if hosts.family(host.name) == hypervisor.VMWARE
    }
    yield families.gauge(
        'compute_service_up',
        'Whether the nova-compute of a vCenter host is up, according to nova.',
        ('host',),
        (((name,), host.state == 'up') for name, host in novas.items()),
    )
    yield families.gauge(
        'compute_service_enabled',
        'Whether the nova-compute of a vCenter host is enabled.',
        ('host',),
        (((name,), host.status == 'enabled') for name, host in novas.items()),
    )
    yield families.gauge(
        'compute_service_last_heartbeat_timestamp_seconds',
        'Time of the last heartbeat of the nova-compute of a vCenter host, in '
        'seconds since 1970.',
        ('host',),
        (
            ((name,), heard)
            for name, host in novas.items()
            if (heard := _timestamp(host.last_seen)) is not None
        ),
    )


def _capacity_metrics(hosts: Hosts) -> Iterator[Metric]:
    for field, unit, factor in (
        ('memory_mb', 'memory_bytes', _MIB),
        ('vcpus', 'vcpus', 1),
    ):
        amounts: dict[str, dict[str, float]] = {
            kind: collections.defaultdict(float) for kind in _AMOUNTS
        }
        for host in hosts.all:
            inventory: Inventory | None = getattr(host, field)
            if inventory is None:
                continue
            family = hosts.family(host.name)
            limit = inventory.limit * factor
            amounts['capacity'][family] += limit
            amounts['allocated'][family] += inventory.used * factor
            amounts['reserved'][family] += limit * hosts.reserve(host)
        for kind, text in _AMOUNTS.items():
            yield families.gauge(
                f'{kind}_{unit}',
                text,
                ('hypervisor',),
                (((family,), n) for family, n in amounts[kind].items()),
            )


_AMOUNTS = {
    'capacity': 'Capacity that Placement can allocate, with allocation '
    'ratios, by hypervisor.',
    'allocated': 'Capacity that Placement has allocated, by hypervisor.',
    'reserved': 'Capacity that hypervisor_affinity_reserve keeps for requests '
    'that need the hypervisor, by hypervisor.',
}


def _server_metrics(
    source: Source, policy: Policy, servers: Iterable[Server], hosts: Hosts
) -> Iterator[Metric]:
    tally = _Verdicts(hosts)
    found: dict[Check, int] = dict.fromkeys(CloudCheck, 0)
    for finding in audit(source, policy, tally.see(servers)):
        found[finding.check] += 1
        tally.count(finding.check)
    yield families.gauge(
        'servers',
        'Servers by the hypervisor that they run on and the verdict of the '
        'audit.',
        ('hypervisor', 'verdict'),
        tally.rows(),
    )
    yield families.gauge(
        'findings',
        'Findings of the audit by check.',
        ('check', 'severity'),
        (
            ((check.value, check.severity.name.lower()), count)
            for check, count in found.items()
        ),
    )


class _Verdicts:
    """Counts servers by their hypervisor and the gravest that is said."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._counts: collections.Counter[tuple[str, str]] = (
            collections.Counter()
        )
        self._current: tuple[str, str] = (
            NoHypervisor.NOWHERE,
            NoVerdict.NOT_PLACED,
        )
        # Of what was found of the current one: a severity; -1 for nothing.
        self._gravest = -1

    def rows(self) -> Iterator[families.Row]:
        """Yield all verdicts of each hypervisor that there is a server on."""
        for family in sorted({family for family, _ in self._counts}):
            for verdict in (
                NoVerdict.IN_PLACE,
                *sorted(_VERDICTS),
                NoVerdict.NOT_PLACED,
            ):
                yield (family, str(verdict)), self._counts[family, verdict]

    def see(self, servers: Iterable[Server]) -> Iterator[Server]:
        """Yield servers; each finding is of the one that came last."""
        for server in servers:
            family = self._hosts.family(server.host)
            verdict = (
                NoVerdict.NOT_PLACED
                if server.host is None
                else NoVerdict.IN_PLACE
            )
            self._current, self._gravest = (family, verdict), -1
            self._counts[self._current] += 1
            yield server

    def count(self, check: Check) -> None:
        """Count a finding."""
        if check in _VERDICTS and check.severity > self._gravest:
            self._counts[self._current] -= 1
            self._current = self._current[0], check.value
            self._gravest = check.severity
            self._counts[self._current] += 1


def _state(host: Host) -> str:
    return host.state if host.status == 'enabled' else host.status


def _timestamp(time: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(time).timestamp()
    except (OverflowError, ValueError):
        # It is not known, or it is no time.
        return None
