# SPDX-License-Identifier: Apache-2.0
"""What can be left out before any host is looked at.

Placement leaves out whole aggregates. By then nothing is known of a host but
its aggregates, so it counts as lost only if no report of its driver could
save it.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import is_tagged
from hypervisor_affinity.core.offer import widest_offers
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge

# ESXi has no virtio devices, so a host that has some offers something else.
_WITHOUT_VIRTIO = frozenset({hypervisor.VMWARE})


class HostAggregate(NamedTuple):
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
    :ivar rejections: one verdict for each reason, if no host at all can
        pass; else empty
    """

    aggregates: tuple[str, ...] = ()
    virtio: bool = False
    rejections: Mapping[Reason, Verdict] = dataclasses.field(
        default_factory=dict
    )


class _Group(NamedTuple):
    """The hosts that are in the same aggregates."""

    aggregates: frozenset[str]
    size: int
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
        sizes = collections.Counter(map(frozenset, memberships.values()))
        sizes[frozenset()] = 0
        # Only tagged aggregates tell groups apart, so there are fewer kinds.
        kinds: dict[frozenset[str], int] = {}
        self._groups = [
            _Group(
                uuids,
                size,
                kinds.setdefault(uuids & self._tagged, len(kinds)),
            )
            for uuids, size in sizes.items()
        ]
        self._offers = [
            widest_offers([known[uuid].tags for uuid in uuids], policy)
            for uuids in kinds
        ]

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
        if lost and len(lost) == len(candidates):
            rejections: dict[Reason, Verdict] = {}
            for group in lost:
                rejections.update(found[group.kind])
            return Narrowing(rejections=rejections)
        needed = frozenset().union(
            *(g.aggregates for g in self._groups if not found[g.kind])
        )
        return Narrowing(
            self._largest_first(lost, needed),
            virtio=demand.required is not None
            and demand.required <= _WITHOUT_VIRTIO,
        )

    def _rejections(
        self, demand: Demand, offers: tuple[HostOffer, ...]
    ) -> dict[Reason, Verdict]:
        """Return a verdict for each reason; none if one offer would do."""
        rejections = {}
        for offer in offers:
            verdict = judge(demand, offer, self._policy)
            if verdict.passes:
                return {}
            rejections[verdict.reason] = verdict
        return rejections

    def _largest_first(
        self, lost: list[_Group], needed: frozenset[str]
    ) -> tuple[str, ...]:
        sizes: collections.Counter[str] = collections.Counter()
        for group in lost:
            for uuid in group.aggregates & self._tagged - needed:
                sizes[uuid] += group.size
        return tuple(uuid for uuid, _ in sizes.most_common())
