# SPDX-License-Identifier: Apache-2.0
"""What the checks say of hosts, and what comes of that."""

import collections
import dataclasses
import enum

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.explanation import ranking
from hypervisor_affinity.operations.explanation.ranking import Place
from hypervisor_affinity.operations.explanation.ranking import Ranking


class HostCheck(enum.StrEnum):
    """What a host has to pass."""

    HYPERVISOR = 'hypervisor'
    """``HypervisorAffinityFilter``."""

    MOVE = 'move'
    """For a server that is on a host: whether it would leave that host."""

    IMAGE_PROPERTIES = 'image_properties'
    """``ImagePropertiesFilter``."""

    CAPABILITIES = 'capabilities'
    """``ComputeCapabilitiesFilter``."""

    PROJECT = 'project'
    """``AggregateMultiTenancyIsolation``, asked for with a project."""

    SERVICE = 'service'
    """``ComputeFilter``."""

    TRAITS = 'traits'
    """Placement: required and forbidden traits."""

    ROOM = 'room'
    """Placement: vCPUs, memory, disk and other resource classes."""


class Obstacle(enum.StrEnum):
    """Why a check other than our own fails."""

    OWN_HOST = 'own_host'
    """The server is on this host: going there is no move."""

    IMAGE_PROPERTIES_DIFFER = 'image_properties_differ'
    """The virt driver does not support what the image properties ask for."""

    CAPABILITIES_DIFFER = 'capabilities_differ'
    """The hypervisor does not have the type or version that the flavor asks
    for."""

    OTHER_PROJECTS = 'other_projects'
    """The host is for other projects."""

    SERVICE_DOWN = 'service_down'
    """nova-compute does not report."""

    SERVICE_DISABLED = 'service_disabled'
    """nova-compute is disabled."""

    TRAIT_MISSING = 'trait_missing'
    """The host lacks a trait that flavor or image requires."""

    TRAIT_FORBIDDEN = 'trait_forbidden'
    """The host has a trait that the flavor forbids, or nova."""

    NOT_JUDGED = 'not_judged'
    """The host's record, or that of an aggregate, has something
    unexpected."""

    NO_INVENTORY = 'no_inventory'
    """Placement has no inventory of the host."""

    NO_ROOM = 'no_room'
    """Not enough is free."""

    TOO_LARGE = 'too_large'
    """No server of this size fits, however much is free."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What one check says of a host.

    :ivar reason: Reason.SUITABLE if it passes
    :ivar evidence: what the reason rests on
    :ivar undetermined: what the check decides by and nobody tells, each with
        what asks for it; empty unless it passes as far as is known
    """

    check: HostCheck
    reason: Reason | Obstacle
    evidence: tuple[Evidence, ...] = ()
    undetermined: tuple[Evidence, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the host passes this check."""
        return self.reason is Reason.SUITABLE


@dataclasses.dataclass(frozen=True, slots=True)
class HostAnswer:
    """What all checks say of a host.

    :ivar answers: in the order of :class:`HostCheck`
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
    def is_not_judged(self) -> bool:
        """Whether nothing else is known to be against it."""
        reasons = {answer.reason for answer in self.answers}
        reasons.discard(Reason.SUITABLE)
        return reasons == {Obstacle.NOT_JUDGED}

    @property
    def undetermined(self) -> tuple[Evidence, ...]:
        """What it passes in spite of; empty if it fails, or passes for sure.

        All in all, it could take the request as far as is known.
        """
        if not self.passes:
            return ()
        return tuple(
            doubt for answer in self.answers for doubt in answer.undetermined
        )

    @property
    def decisive(self) -> Answer:
        """The first check that fails; our own if none does."""
        failing = (answer for answer in self.answers if not answer.passes)
        return next(failing, self.answers[0])


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Hosts with the same decisive reason.

    Those that pass for sure and those that pass as far as is known are two
    groups.

    :ivar answer: the decisive one of the first of them
    """

    answer: Answer
    hosts: tuple[HostAnswer, ...]

    @property
    def undetermined(self) -> tuple[Evidence, ...]:
        """What they pass in spite of, each once; empty if for sure."""
        doubts = (doubt for host in self.hosts for doubt in host.undetermined)
        return tuple(dict.fromkeys(doubts))


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for a request on all hosts.

    :ivar title: the request in a clause
    :ivar ranking: of the hosts that pass; None where that was not asked
    """

    title: str
    demand: Demand
    hosts: tuple[HostAnswer, ...]
    ranking: Ranking | None = None

    def place(self, found: HostAnswer) -> Place | None:
        """Return where a host comes; None if it fails, or nobody asked."""
        if self.ranking is None:
            return None
        return self.ranking.places.get(ranking.key(found.host))

    @property
    def passing(self) -> int:
        """How many hosts could take the request."""
        return sum(found.passes for found in self.hosts)

    @property
    def not_judged(self) -> int:
        """How many could not be judged, and may be able to take it."""
        return sum(host.is_not_judged for host in self.hosts)

    @property
    def uncertain(self) -> int:
        """How many of these only as far as is known."""
        return sum(bool(found.undetermined) for found in self.hosts)

    def _rank(self, found: HostAnswer) -> int:
        place = self.place(found)
        return place.rank if place else 0

    def groups(self) -> list[Group]:
        """Return the hosts by reason.

        First come those that pass, for sure before as far as is known, then
        the largest groups. In a group, those come first that nova takes
        first.
        """
        found: dict[tuple, list[HostAnswer]] = collections.defaultdict(list)
        for host in sorted(self.hosts, key=self._rank):
            decisive = host.decisive
            sure = not host.undetermined
            found[decisive.check, decisive.reason, sure].append(host)
        groups = [
            Group(hosts[0].decisive, tuple(hosts)) for hosts in found.values()
        ]
        return sorted(
            groups,
            key=lambda g: (
                not g.answer.passes,
                bool(g.undetermined),
                -len(g.hosts),
            ),
        )
