# SPDX-License-Identifier: Apache-2.0
"""Why each host would take a request or not.

Our own answer is the filter's. The others are nova's and Placement's, as far
as the APIs tell what those decide by: they are there because a host has to
pass all of them. Where they do not tell, a host passes as far as is known, and
its answer says what is not.
"""

import collections
import enum
import functools
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hypervisor_affinity.cloud.adapters import INVENTORIES
from hypervisor_affinity.cloud.resource_request import ResourceRequest
from hypervisor_affinity.cloud.resource_request import read_request
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from hypervisor_affinity.operations import capabilities
from hypervisor_affinity.operations import image_properties
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.image_properties import Comparison
from hypervisor_affinity.operations.image_properties import whether
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

# nova.scheduler.filters.aggregate_multitenancy_isolation
_PROJECT_KEY = 'filter_tenant_id'

# What nova.scheduler.request_filter.compute_status_filter forbids, always.
_DISABLED = 'COMPUTE_STATUS_DISABLED'

# Traits that nova gives to no resource provider below a compute node, but for
# those of encrypted memory.
_OF_COMPUTE_NODE = ('HW_ARCH_', 'HW_CPU_')
_OF_ENCRYPTION = ('HW_CPU_X86_AMD_SEV', 'HW_CPU_X86_INTEL_TDX')


class Check(enum.StrEnum):
    """What a host has to pass."""

    HYPERVISOR = 'hypervisor'
    """``HypervisorAffinityFilter``."""

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

    IMAGE_PROPERTIES_DIFFER = 'image_properties_differ'
    """The virt driver does not support what the image properties ask for."""

    CAPABILITIES_DIFFER = 'capabilities_differ'
    """The hypervisor is not of the type or the version that the flavor asks
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
    """Something in the host's record, or its aggregates', was not
    foreseen."""

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
    :ivar undetermined: what the check decides by and nobody tells, each with
        what asks for it; empty unless it passes as far as is known
    """

    check: Check
    reason: Reason | Obstacle
    evidence: tuple[Evidence, ...] = ()
    undetermined: tuple[Evidence, ...] = ()

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


class Group(NamedTuple):
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

    @property
    def not_judged(self) -> int:
        """How many could not be judged, and may be able to take it."""
        return sum(host.is_not_judged for host in self.hosts)

    @property
    def uncertain(self) -> int:
        """How many of these only as far as is known."""
        return sum(bool(found.undetermined) for found in self.hosts)

    def groups(self) -> list[Group]:
        """Return the hosts by reason.

        First come those that pass, for sure before as far as is known, then
        the largest groups.
        """
        found: dict[tuple, list[HostAnswer]] = collections.defaultdict(list)
        for host in self.hosts:
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
    asked = read_request(
        request.flavor, request.image or {}, volume=request.volume
    )
    answers = []
    for host in hosts:
        if request.host not in (None, host.name):
            continue
        aggregates = offers.aggregates(host)
        checks = _checks(request, host, offers, policy, asked)
        if project is not None:
            by_project = functools.partial(_project, aggregates, project)
            checks[Check.PROJECT] = by_project
        found = tuple(
            _answer(check, host, checks[check])
            for check in Check
            if check in checks
        )
        names = tuple(aggregate.name for aggregate in aggregates)
        answers.append(HostAnswer(host, found, names))
    return Explanation(request.title, request.demand, tuple(answers))


def _checks(
    request: Request,
    host: Host,
    offers: HostOffers,
    policy: Policy,
    asked: ResourceRequest,
) -> dict[Check, Callable[[], Answer]]:
    """Return what answers for a host, but for what depends on the project."""
    rebuild = request.demand.rebuild
    traits = _traits_of_rebuild if rebuild else _traits
    checks = {
        Check.HYPERVISOR: lambda: _hypervisor(request, host, offers, policy),
        Check.IMAGE_PROPERTIES: lambda: _image_properties(request, host),
        Check.CAPABILITIES: lambda: _capabilities(request, host),
        Check.SERVICE: lambda: _service(host),
        Check.TRAITS: lambda: traits(host, asked),
        Check.ROOM: lambda: _room(host, asked),
    }
    if rebuild:
        # nova does not run that filter for one, and the server has its place.
        for check in (Check.CAPABILITIES, Check.ROOM):
            checks[check] = functools.partial(Answer, check, Reason.SUITABLE)
    return checks


def _answer(check: Check, host: Host, ask: Callable[[], Answer]) -> Answer:
    """Return an answer, also where something is not as anybody foresaw."""
    try:
        return ask()
    except Exception as error:
        why = judging.evidence(f'{check} of host {host.name}', error)
        evidence = Evidence('hypervisor-affinity', why)
        return Answer(check, Obstacle.NOT_JUDGED, (evidence,))


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


def _image_properties(request: Request, host: Host) -> Answer:
    if request.image is None:
        image = Evidence('server', 'image properties')
        doubts = (whether(image, 'the driver supports them'),)
        return Answer(
            Check.IMAGE_PROPERTIES, Reason.SUITABLE, undetermined=doubts
        )
    return _compared(
        Check.IMAGE_PROPERTIES,
        image_properties.compare(request.image, host),
        Obstacle.IMAGE_PROPERTIES_DIFFER,
    )


def _capabilities(request: Request, host: Host) -> Answer:
    return _compared(
        Check.CAPABILITIES,
        capabilities.compare(request.flavor.extra_specs, host),
        Obstacle.CAPABILITIES_DIFFER,
    )


def _compared(check: Check, found: Comparison, obstacle: Obstacle) -> Answer:
    if found.differences:
        return Answer(check, obstacle, found.differences)
    return Answer(check, Reason.SUITABLE, undetermined=found.undetermined)


def _project(aggregates: list[Aggregate], project: str) -> Answer:
    evidence = []
    admitted: set[str] = set()
    for aggregate in aggregates:
        for key, value in aggregate.metadata.items():
            if key.startswith(_PROJECT_KEY):
                place = f'aggregate {aggregate.name}'
                evidence.append(Evidence(place, key, value))
                admitted.update(map(str.strip, value.split(',')))
    reason = Reason.SUITABLE
    if evidence and project not in admitted:
        reason = Obstacle.OTHER_PROJECTS
    return Answer(Check.PROJECT, reason, tuple(evidence))


def _service(host: Host) -> Answer:
    if host.status == 'disabled':
        why = host.disabled_reason or 'no reason given'
        evidence = Evidence('nova-compute', 'disabled', why)
        return Answer(Check.SERVICE, Obstacle.SERVICE_DISABLED, (evidence,))
    if host.state == 'down':
        evidence = Evidence('nova-compute', 'down')
        return Answer(Check.SERVICE, Obstacle.SERVICE_DOWN, (evidence,))
    return Answer(Check.SERVICE, Reason.SUITABLE)


def _traits(host: Host, asked: ResourceRequest) -> Answer:
    evidence: list[Evidence] = []
    reason: Reason | Obstacle = Reason.SUITABLE
    for trait, source in asked.required.items():
        if trait not in host.traits and not _unseen(trait, host, asked):
            evidence += (source, Evidence('Placement', f'without {trait}'))
            reason = Obstacle.TRAIT_MISSING
    for trait, source in asked.forbidden.items():
        if trait in host.traits:
            evidence += (source, Evidence('Placement', f'with {trait}'))
            reason = Obstacle.TRAIT_FORBIDDEN
    if _DISABLED in host.traits and host.status != 'disabled':
        # nova-compute could not take it off when the service was enabled.
        evidence.append(Evidence('Placement', f'with {_DISABLED}'))
        reason = Obstacle.TRAIT_FORBIDDEN
    if evidence:
        return Answer(Check.TRAITS, reason, tuple(evidence))
    doubts = [
        whether(source, 'the host has this trait')
        for trait, source in asked.required.items()
        if trait not in host.traits
    ]
    if not host.traits:
        doubts += (
            whether(source, 'the host has this trait')
            for source in asked.forbidden.values()
        )
    doubts += (
        whether(source, 'the host meets this')
        for source in (*asked.suffixed_traits, *asked.further)
    )
    return Answer(Check.TRAITS, reason, undetermined=tuple(doubts))


def _traits_of_rebuild(host: Host, asked: ResourceRequest) -> Answer:
    """Answer as ``nova.conductor.manager`` does, which asks no Placement.

    ``_validate_image_traits_for_rebuild`` compares the new image with the
    flavor and with all resource providers that the server is allocated to.
    """
    doubts: list[Evidence] = []
    for trait, source in asked.required.items():
        if source.place != 'image':
            continue
        for spec in (*asked.forbidden.values(), *asked.suffixed_traits):
            if spec.key.endswith(f':{trait}') and spec.value == 'forbidden':
                reason = Obstacle.TRAIT_FORBIDDEN
                return Answer(Check.TRAITS, reason, (source, spec))
        if trait in host.traits:
            continue
        if not (_unseen(trait, host, asked) or asked.suffixed_amounts):
            without = Evidence('Placement', f'without {trait}')
            reason = Obstacle.TRAIT_MISSING
            return Answer(Check.TRAITS, reason, (source, without))
        doubts.append(whether(source, 'the host has this trait'))
    return Answer(Check.TRAITS, Reason.SUITABLE, undetermined=tuple(doubts))


def _unseen(trait: str, host: Host, asked: ResourceRequest) -> bool:
    """Tell whether a trait may be there that the snapshot does not have.

    The record may have none at all, as of a host that Placement was not
    asked about. Else it has those of the compute node; a resource class of
    which it knows no inventory may be that of a resource provider below,
    whose traits count too. PCPU never is.
    """
    if not host.traits:
        return True
    if trait.startswith(_OF_COMPUTE_NODE) and not trait.startswith(
        _OF_ENCRYPTION
    ):
        return False
    others = asked.amounts.keys() - INVENTORIES.keys() - {'PCPU'}
    return bool(others or asked.further)


def _room(host: Host, asked: ResourceRequest) -> Answer:
    reason: Reason | Obstacle = Reason.SUITABLE
    evidence = []
    doubts = []
    for resource_class, amount in asked.amounts.items():
        name = INVENTORIES.get(resource_class)
        if name is None:
            what = f'there is room for {amount} {resource_class}'
            doubts.append(whether(asked.sources[resource_class], what))
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
    if evidence:
        return Answer(Check.ROOM, reason, tuple(evidence))
    doubts += (
        whether(source, 'there is room for this')
        for source in asked.suffixed_amounts
    )
    return Answer(Check.ROOM, reason, undetermined=tuple(doubts))


def _shortage(name: str, inventory: Inventory, amount: int) -> str:
    limit = int(inventory.limit)
    free = max(0, limit - inventory.used)
    text = f'{name}: {amount} asked, {free} of {limit} free'
    if not inventory.fits(amount) and inventory.max_unit is not None:
        text += f', {inventory.max_unit} at most for one server'
    return text
