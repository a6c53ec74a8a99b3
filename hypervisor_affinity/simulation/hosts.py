# SPDX-License-Identifier: Apache-2.0
"""nova's HostManager, with a world in place of the databases."""

import collections
import datetime
import uuid
from collections.abc import Container
from typing import Any

from nova import objects
from nova.scheduler import host_manager

from hypervisor_affinity import nova_in_memory
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.scheduler.filters import HypervisorAffinityFilter
from hypervisor_affinity.scheduler.moves import Origin
from hypervisor_affinity.simulation import nova_objects
from hypervisor_affinity.simulation.placement import aggregate_uuid
from hypervisor_affinity.simulation.world import Node
from hypervisor_affinity.simulation.world import World

_CELL = str(uuid.uuid5(uuid.NAMESPACE_OID, 'cell'))


class HostState(host_manager.HostState):
    """A host, as nova has it, with its place in the world."""

    position: int


class HostManager(nova_in_memory.HostManager):
    """nova's, with a world in place of the databases.

    * ``underneath``: uuid of a server that is to move -> the families of the
      host it is on
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: dict[str, int] = {}
        self.underneath: dict[str, frozenset[Family]] = {}
        super().__init__()
        self.follow()

    def follow(self) -> None:
        """Learn what has changed in aggregates, as nova-api tells it."""
        self.update_aggregates(
            list(map(self._aggregate, self._world.aggregates.values()))
        )

    def state(self, node: Node) -> HostState:
        """Return a node as nova reads it from its databases."""
        compute = nova_objects.compute_node(node)
        service = {
            'host': node.record.name,
            'binary': 'nova-compute',
            'disabled': node.record.status == 'disabled',
            'forced_down': node.record.state == 'down',
            'last_seen_up': datetime.datetime.now(datetime.UTC),
        }
        state = self.host_state_cls(node.record.name, node.name, _CELL)
        aggregates = self._get_aggregates_info(node.record.name)
        state.update(compute, service, aggregates, {})
        state.position = node.position
        return state

    def host_state_cls(
        self, host: str, node: str, cell: str, **kwargs: Any
    ) -> HostState:
        """Return a host that has its place."""
        return HostState(host, node, cell)

    def _choose_host_filters(self, filter_cls_names: list[str]) -> list[Any]:
        ours = HypervisorAffinityFilter
        if (
            ours.__name__ in filter_cls_names
            and self.filter_cls_map.get(ours.__name__) is ours
        ):
            # nova would make one that asks its databases.
            self.filter_obj_map[ours.__name__] = ours(
                self._origin, self._reports_beside
            )
        return super()._choose_host_filters(filter_cls_names)

    def _reports_beside(
        self, settled: Container[str]
    ) -> dict[DriverReport, frozenset[str]]:
        found = collections.defaultdict(set)
        for node in self._world.nodes:
            record = node.record
            if record.name not in settled:
                report = DriverReport(
                    record.hypervisor_type, nova_objects.guest_types(record)
                )
                found[report].add(record.name)
        return {report: frozenset(hosts) for report, hosts in found.items()}

    def _origin(self, spec: Any) -> Origin:
        return Origin(self.underneath[spec.instance_uuid])

    def _aggregate(self, aggregate: Aggregate) -> Any:
        number = self._ids.setdefault(aggregate.name, len(self._ids) + 1)
        return objects.Aggregate(
            id=number,
            uuid=aggregate_uuid(aggregate),
            name=aggregate.name,
            hosts=list(aggregate.hosts),
            metadata=dict(aggregate.metadata),
        )
