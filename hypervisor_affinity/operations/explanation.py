# SPDX-License-Identifier: Apache-2.0
"""Why each host would take a request or not.

Our own answer is the filter's. The others are nova's and Placement's, as far
as the APIs tell what those decide by: they are there because a host has to
pass all of them.
"""

import collections
import enum
from collections.abc import Iterable
from typing import NamedTuple

from hypervisor_affinity.cloud.adapters import INVENTORIES
from hypervisor_affinity.cloud.adapters import Needs
from hypervisor_affinity.cloud.adapters import needs
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

# nova.scheduler.filters.aggregate_multitenancy_isolation
_PROJECT_KEY = 'filter_tenant_id'


class Check(enum.StrEnum):
    """What a host has to pass."""

    HYPERVISOR = 'hypervisor'
    """``HypervisorAffinityFilter``."""

    PROJECT = 'project'
    """``AggregateMultiTenancyIsolation``, asked for with a project."""

    SERVICE = 'service'
    """``ComputeFilter``."""

    ROOM = 'room'
    """Placement: vCPUs, memory and disk."""


class Obstacle(enum.StrEnum):
    """Why a check other than our own fails."""

    OTHER_PROJECTS = 'other_projects'
    """The host is for other projects."""

    SERVICE_DOWN = 'service_down'
    """nova-compute does not report."""

    SERVICE_DISABLED = 'service_disabled'
    """nova-compute is disabled."""

    NO_INVENTORY = 'no_inventory'
    """Placement knows nothing of what the host has."""

    NO_ROOM = 'no_room'
    """Too little is free."""

    TOO_LARGE = 'too_large'
    """No server of this size fits, however much is free."""


class Answer(NamedTuple):
    """What one check says of a host.

    :ivar reason: Reason.SUITABLE if it passes
    :ivar evidence: what the reason rests on
    """

    check: Check
    reason: Reason | Obstacle
    evidence: tuple[Evidence, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the host passes this check."""
        return self.reason is Reason.SUITABLE


class HostAnswer(NamedTuple):
    """What all checks say of a host.

    :ivar answers: in the order of :class:`Check`
    :ivar aggregates: names of those that the host is in
    """

    host: Host
    answers: tuple[Answer, ...]
    aggregates: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether the host could take the request."""
        return all(answer.passes for answer in self.answers)

    @property
    def decisive(self) -> Answer:
        """The first check that fails; our own if none does."""
        failing = (answer for answer in self.answers if not answer.passes)
        return next(failing, self.answers[0])


class Group(NamedTuple):
    """Hosts with the same decisive reason.

    :ivar answer: of the first of them
    """

    answer: Answer
    hosts: tuple[HostAnswer, ...]


class Explanation(NamedTuple):
    """The answer for a request on all hosts.

    :ivar title: the request in a clause
    """

    title: str
    demand: Demand
    hosts: tuple[HostAnswer, ...]

    @property
    def passing(self) -> int:
        """How many hosts could take the request."""
        return sum(found.passes for found in self.hosts)

    def groups(self) -> list[Group]:
        """Return the hosts by reason: those that pass, then the largest."""
        found: dict[tuple, list[HostAnswer]] = collections.defaultdict(list)
        for host in self.hosts:
            decisive = host.decisive
            found[decisive.check, decisive.reason].append(host)
        groups = [
            Group(hosts[0].decisive, tuple(hosts)) for hosts in found.values()
        ]
        return sorted(
            groups, key=lambda g: (not g.answer.passes, -len(g.hosts))
        )


def explain(
    request: Request,
    hosts: Iterable[Host],
    offers: HostOffers,
    policy: Policy,
    project: str | None = None,
) -> Explanation:
    """Ask every check about every host that matters.

    :param project: id of the project whose request it is; None to leave
        projects out
    """
    asked = needs(request.flavor, volume=request.volume)
    answers = []
    for host in hosts:
        if request.host not in (None, host.name):
            continue
        found = [
            _hypervisor(request, host, offers, policy),
            _service(host),
            _room(host, asked, request.demand.rebuild),
        ]
        aggregates = offers.aggregates(host)
        if project is not None:
            found.insert(1, _project(aggregates, project))
        names = tuple(aggregate.name for aggregate in aggregates)
        answers.append(HostAnswer(host, tuple(found), names))
    return Explanation(request.title, request.demand, tuple(answers))


def _hypervisor(
    request: Request, host: Host, offers: HostOffers, policy: Policy
) -> Answer:
    verdict = judge(request.demand, offers.offer(host), policy)
    if verdict.reserve and host.memory_mb and host.vcpus:
        room = Room(
            ram_limit=host.memory_mb.total * host.memory_mb.allocation_ratio,
            ram_used=host.memory_mb.used + host.memory_mb.reserved,
            ram_asked=request.flavor.memory_mb,
            vcpus_limit=host.vcpus.total * host.vcpus.allocation_ratio,
            vcpus_used=host.vcpus.used,
            vcpus_asked=request.flavor.vcpus,
        )
        verdict = judge_room(verdict, room)
    return Answer(Check.HYPERVISOR, verdict.reason, verdict.evidence)


def _project(aggregates: list[Aggregate], project: str) -> Answer:
    evidence = []
    admitted: set[str] = set()
    for aggregate in aggregates:
        for key, value in aggregate.metadata.items():
            if key.startswith(_PROJECT_KEY):
                place = f'aggregate {aggregate.name}'
                evidence.append(Evidence(place, written(key, value)))
                admitted.update(map(str.strip, value.split(',')))
    reason = Reason.SUITABLE
    if evidence and project not in admitted:
        reason = Obstacle.OTHER_PROJECTS
    return Answer(Check.PROJECT, reason, tuple(evidence))


def _service(host: Host) -> Answer:
    if host.status == 'disabled':
        why = host.disabled_reason or 'no reason given'
        evidence = Evidence('nova-compute', written('disabled', why))
        return Answer(Check.SERVICE, Obstacle.SERVICE_DISABLED, (evidence,))
    if host.state == 'down':
        evidence = Evidence('nova-compute', 'down')
        return Answer(Check.SERVICE, Obstacle.SERVICE_DOWN, (evidence,))
    return Answer(Check.SERVICE, Reason.SUITABLE)


def _room(host: Host, asked: Needs, rebuild: bool) -> Answer:
    if rebuild:
        # The server has its place.
        return Answer(Check.ROOM, Reason.SUITABLE)
    reason = Reason.SUITABLE
    evidence = []
    for resource_class, name in INVENTORIES.items():
        amount = asked.get(resource_class)
        if not amount:
            continue
        inventory: Inventory | None = getattr(host, name)
        if inventory is None:
            evidence.append(Evidence('Placement', f'no inventory of {name}'))
            reason = Obstacle.NO_INVENTORY
        elif not inventory.has_room(amount):
            evidence.append(
                Evidence('Placement', _shortage(name, inventory, amount))
            )
            if reason is Reason.SUITABLE:
                reason = (
                    Obstacle.NO_ROOM
                    if inventory.fits(amount)
                    else Obstacle.TOO_LARGE
                )
    return Answer(Check.ROOM, reason, tuple(evidence))


def _shortage(name: str, inventory: Inventory, amount: int) -> str:
    limit = int(inventory.limit)
    free = max(0, limit - inventory.used)
    text = f'{name}: {amount} asked, {free} of {limit} free'
    if not inventory.fits(amount) and inventory.max_unit is not None:
        text += f', {inventory.max_unit} at most for one server'
    return text
