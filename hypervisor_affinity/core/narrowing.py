# SPDX-License-Identifier: Apache-2.0
"""What can be left out before any host is looked at.

Placement leaves out whole aggregates. By then nothing is known of a host but
its aggregates, so it counts as lost only if no report of its driver could
save it.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import is_tagged
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.offer import widest_offers
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge

# ESXi has no virtio devices, so a host that has some offers something else.
_WITHOUT_VIRTIO = frozenset({hypervisor.VMWARE})


@dataclasses.dataclass(frozen=True, slots=True)
class HostAggregate:
    """A host aggregate with its hosts.

    :ivar uuid: as Placement knows it
    :ivar hosts: the names of its hosts
    """

    uuid: str
    tags: AggregateTags
    hosts: Collection[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Narrowing:
    """What a request can do without.

    :ivar aggregates: uuids of tagged aggregates that hold no host that might
        pass, those of the most hosts first
    :ivar virtio: whether hosts with virtio devices can be left out
    :ivar rejections: one verdict for each reason, if no host can pass whose
        aggregates name its hypervisor; else empty
    :ivar undecided: the others, of which only their drivers can tell; None if
        these do not matter. :meth:`Fleet.judge_unsettled` has the last word
        then.
    """

    aggregates: tuple[str, ...] = ()
    virtio: bool = False
    rejections: Mapping[Reason, Verdict] = dataclasses.field(
        default_factory=dict
    )
    undecided: 'Unsettled | None' = None


@dataclasses.dataclass(frozen=True, slots=True)
class Unsettled:
    """The hosts of which only their drivers tell, that a request may have.

    :ivar strays: whether those in no aggregate at all are among them
    :ivar excluded: names of those that are not
    """

    strays: bool
    excluded: frozenset[str]


# Offers of hosts of which only their drivers tell -> their names.
Offers = Sequence[tuple[HostOffer, frozenset[str]]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    """The hosts that are in the same aggregates.

    :ivar hosts: empty for those in no aggregate, whose names nobody tells
    """

    aggregates: frozenset[str]
    hosts: frozenset[str]
    kind: int

    def is_candidate(
        self, required: Sequence[frozenset[str]], forbidden: frozenset[str]
    ) -> bool:
        return forbidden.isdisjoint(self.aggregates) and not any(
            map(self.aggregates.isdisjoint, required)
        )


class Fleet:
    """All hosts of a cloud, as far as their aggregates tell; immutable.

    Hosts in no aggregate are a group like others. What a request costs grows
    with the number of groups, not of hosts.

    :ivar settled_hosts: names of the hosts whose aggregates name one
        hypervisor; what drivers of others report has to be asked for
    """

    def __init__(self, aggregates: Iterable[HostAggregate], policy: Policy):
        self._policy = policy
        known = {aggregate.uuid: aggregate for aggregate in aggregates}
        self._tagged = frozenset(
            uuid for uuid, found in known.items() if is_tagged(found.tags)
        )
        memberships: dict[str, set[str]] = collections.defaultdict(set)
        for uuid, aggregate in known.items():
            for host in aggregate.hosts:
                memberships[host].add(uuid)
        members: dict[frozenset[str], set[str]] = collections.defaultdict(set)
        for host, uuids in memberships.items():
            members[frozenset(uuids)].add(host)
        members.setdefault(frozenset(), set())
        # Only tagged aggregates tell groups apart, so there are fewer kinds.
        kinds: dict[frozenset[str], int] = {}
        self._groups = [
            _Group(
                uuids,
                frozenset(hosts),
                kinds.setdefault(uuids & self._tagged, len(kinds)),
            )
            for uuids, hosts in members.items()
        ]
        self._tags = [[known[uuid].tags for uuid in uuids] for uuids in kinds]
        self._offers = [widest_offers(tags, policy) for tags in self._tags]
        self._is_enforced = all(
            offer.mode is Mode.ENFORCE
            for offers in self._offers
            for offer in offers
        )
        settled = {
            kind
            for kind, offers in enumerate(self._offers)
            if all(_is_settled(offer) for offer in offers)
        }
        self._unsettled_groups = [
            group for group in self._groups if group.kind not in settled
        ]
        self._unsettled_kinds = {g.kind for g in self._unsettled_groups}
        self._stray = kinds[frozenset()]
        self._kind_of = {
            host: group.kind
            for group in self._unsettled_groups
            for host in group.hosts
        }
        self._unsettled_hosts = frozenset(self._kind_of)
        self.settled_hosts = frozenset(memberships) - self._unsettled_hosts

    def narrow(
        self,
        demand: Demand,
        required: Sequence[frozenset[str]] = (),
        forbidden: frozenset[str] = frozenset(),
    ) -> Narrowing:
        """Return what a request can do without.

        :param required: sets of aggregates; a host must be in one of each
            set, as for an availability zone
        :param forbidden: aggregates that are left out anyway
        """
        found = [self._rejections(demand, offers) for offers in self._offers]
        candidates = [
            group
            for group in self._groups
            if group.is_candidate(required, forbidden)
        ]
        lost = [group for group in candidates if found[group.kind]]
        left = [group for group in candidates if not found[group.kind]]
        needed = frozenset().union(
            *(g.aggregates for g in self._groups if not found[g.kind])
        )
        narrowing = Narrowing(
            self._largest_first(lost, needed),
            virtio=self._is_enforced
            and demand.required is not None
            and demand.required <= _WITHOUT_VIRTIO,
        )
        # Of hosts that Placement may return, the filter says why. Hosts in no
        # aggregate may be none at all; and of those whose hypervisor is not
        # settled, all may have virtio devices.
        is_open = self._is_unsettled if narrowing.virtio else self._is_stray
        if not all(map(is_open, left)):
            return narrowing
        rejections: dict[Reason, Verdict] = {}
        for group in lost:
            rejections.update(found[group.kind])
        return dataclasses.replace(
            narrowing,
            rejections=rejections,
            undecided=self._unsettled(left) if left else None,
        )

    def read(self, reports: Mapping[DriverReport, frozenset[str]]) -> Offers:
        """Return what hosts offer of which only their drivers tell.

        :param reports: what all hosts but ``settled_hosts`` report -> their
            names
        """
        hosts: dict[tuple[int, DriverReport], set[str]]
        hosts = collections.defaultdict(set)
        for report, names in reports.items():
            for name in names:
                kind = self._kind_of.get(name, self._stray)
                hosts[kind, report].add(name)
        return [
            (
                read_offer(self._tags[kind], report, self._policy),
                frozenset(names),
            )
            for (kind, report), names in hosts.items()
        ]

    def judge_unsettled(
        self, demand: Demand, unsettled: Unsettled, offers: Offers
    ) -> Mapping[Reason, Verdict] | None:
        """Decide whether a host will do of which only its driver tells.

        :param unsettled: those that count
        :param offers: as :meth:`read` returns them
        :returns: None if one will do; else one verdict for each reason, and
            none where there is no such host
        """
        rejections = {}
        for offer, hosts in offers:
            if not unsettled.strays:
                hosts = hosts & self._unsettled_hosts
            if hosts <= unsettled.excluded:
                continue
            verdict = judge(demand, offer, self._policy)
            if not verdict.withholds:
                return None
            rejections[verdict.reason] = verdict
        return rejections

    def _unsettled(self, groups: Sequence[_Group]) -> Unsettled:
        counting = set(map(id, groups))
        return Unsettled(
            strays=any(map(self._is_stray, groups)),
            # Mostly there is none, however many hosts there are.
            excluded=frozenset().union(
                *(
                    group.hosts
                    for group in self._unsettled_groups
                    if id(group) not in counting
                )
            ),
        )

    def _is_stray(self, group: _Group) -> bool:
        return not group.aggregates

    def _is_unsettled(self, group: _Group) -> bool:
        return group.kind in self._unsettled_kinds

    def _rejections(
        self, demand: Demand, offers: tuple[HostOffer, ...]
    ) -> dict[Reason, Verdict]:
        """Return a verdict for each reason; none if one offer passes."""
        rejections = {}
        for offer in offers:
            verdict = judge(demand, offer, self._policy)
            if not verdict.withholds:
                return {}
            rejections[verdict.reason] = verdict
        return rejections

    def _largest_first(
        self, lost: list[_Group], needed: frozenset[str]
    ) -> tuple[str, ...]:
        sizes: collections.Counter[str] = collections.Counter()
        for group in lost:
            for uuid in group.aggregates & self._tagged - needed:
                sizes[uuid] += len(group.hosts)
        return tuple(uuid for uuid, _ in sizes.most_common())


def _is_settled(offer: HostOffer) -> bool:
    """Tell whether the aggregates leave a driver nothing to say.

    If it contradicts them, that is for the audit.
    """
    return offer.basis is Basis.AGGREGATE and len(offer.families) == 1
