# SPDX-License-Identifier: Apache-2.0
"""Placement's answer to a request, worked out on a world.

Nodes that nova cannot tell apart but by their names are one group: what
Placement says of one of them it says of all, and so do nova's filters and
weighers. What a request costs grows with the number of groups, not of nodes.
"""

import bisect
import collections
import dataclasses
import itertools
import uuid
from collections.abc import Iterator

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.simulation.placement_query import Query
from hypervisor_affinity.simulation.world import Node
from hypervisor_affinity.simulation.world import World

# os_traits.COMPUTE_STATUS_DISABLED; nova-compute sets it.
_DISABLED = 'COMPUTE_STATUS_DISABLED'


def aggregate_uuid(aggregate: Aggregate) -> str:
    """Return an aggregate's uuid, made up from its name if it has none."""
    return aggregate.uuid or str(
        uuid.uuid5(uuid.NAMESPACE_OID, aggregate.name)
    )


@dataclasses.dataclass(eq=False, slots=True)
class Candidates:
    """Placement's answer.

    :ivar groups: positions of nodes, ascending; of nodes that nova cannot
        tell apart but by their names in each
    :ivar left_out: why -> how many nodes
    """

    groups: list[list[int]]
    left_out: collections.Counter[str]

    def positions(self) -> list[int]:
        """Return the positions of all candidates, ascending."""
        return sorted(itertools.chain.from_iterable(self.groups))


class Placement:
    """The hosts of a world as resource providers, in the world's order."""

    def __init__(self, world: World) -> None:
        """Read the world; later changes are followed."""
        self._world = world
        self._kinds: list[tuple | None] = []
        self._groups: dict[tuple, list[int]] = {}

    def candidates(self, query: Query) -> Candidates:
        """Return the hosts that have what is asked."""
        self._follow()
        found = []
        left_out: collections.Counter[str] = collections.Counter()
        for members in self._groups.values():
            lacking = self._lacking(self._world.nodes[members[0]], query)
            if lacking is None:
                found.append(members)
            else:
                left_out[lacking] += len(members)
        total = sum(map(len, found))
        if query.limit is not None and total > query.limit:
            left_out['max_placement_results'] = total - query.limit
            found = list(_first(query.limit, found))
        return Candidates(found, left_out)

    def _follow(self) -> None:
        nodes = self._world.nodes
        self._kinds += [None] * (len(nodes) - len(self._kinds))
        for position in self._world.changed:
            old, new = self._kinds[position], nodes[position].kind
            if old == new:
                continue
            if old is not None:
                self._groups[old].remove(position)
                if not self._groups[old]:
                    del self._groups[old]
            bisect.insort(self._groups.setdefault(new, []), position)
            self._kinds[position] = new
        self._world.changed.clear()

    def _lacking(self, node: Node, query: Query) -> str | None:
        """Return what a node lacks; None if it has all that is asked."""
        for resource_class, amount in query.resources.items():
            inventory = node.inventory(resource_class)
            if inventory is None or not inventory.has_room(amount):
                return _lack(resource_class, inventory, amount)
        traits = set(node.record.traits)
        if node.record.status == 'disabled':
            traits.add(_DISABLED)
        if not query.required <= traits:
            return f'without {", ".join(sorted(query.required - traits))}'
        if not query.forbidden.isdisjoint(traits):
            return f'with {", ".join(sorted(query.forbidden & traits))}'
        if not (query.member_of or query.not_member_of):
            return None
        uuids = {
            aggregate_uuid(self._world.aggregates[name])
            for name in node.aggregates
        }
        if any(map(uuids.isdisjoint, query.member_of)):
            return 'in other aggregates'
        if not query.not_member_of.isdisjoint(uuids):
            return 'in forbidden aggregates'
        return None


def _lack(
    resource_class: str, inventory: Inventory | None, amount: int
) -> str:
    if inventory is not None and (
        inventory.max_unit is not None and amount > inventory.max_unit
    ):
        return f'too small in {resource_class}'
    return f'no room in {resource_class}'


def _first(limit: int, groups: list[list[int]]) -> Iterator[list[int]]:
    last = sorted(itertools.chain.from_iterable(groups))[limit - 1]
    for members in groups:
        within = members[: bisect.bisect_right(members, last)]
        if within:
            yield within
