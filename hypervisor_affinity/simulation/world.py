# SPDX-License-Identifier: Apache-2.0
"""A cloud in memory, and what happens to it without any scheduler."""

import dataclasses
import uuid
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

import msgspec

from hypervisor_affinity.cloud.adapters import INVENTORIES
from hypervisor_affinity.cloud.adapters import Size
from hypervisor_affinity.cloud.adapters import read_host
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.source import find
from hypervisor_affinity.core.nearness import Nearest
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.resident import Resident
from hypervisor_affinity.simulation.resident import is_same
from hypervisor_affinity.simulation.scenario import ScenarioError

_Thing = TypeVar('_Thing', Flavor, Image)


@dataclasses.dataclass(eq=False, slots=True)
class Node:
    """A compute node as it is at the moment.

    :ivar position: in the order in which nova would find it
    :ivar aggregates: names of those that it is in
    :ivar building: how many of its servers are not built yet
    :ivar kind: equal for nodes that nova cannot tell apart but by their names
    """

    position: int
    record: Host
    aggregates: tuple[str, ...] = ()
    residents: dict[str, Resident] = dataclasses.field(default_factory=dict)
    building: int = 0
    kind: tuple = ()

    @property
    def name(self) -> str:
        """The ``hypervisor_hostname``."""
        return self.record.node or self.record.name

    def inventory(self, resource_class: str) -> Inventory | None:
        """Return what it has of a resource class; None if it has none."""
        field = INVENTORIES.get(resource_class)
        return getattr(self.record, field) if field else None


class World:
    """A cloud in memory.

    :ivar nodes: in the order in which nova would find them
    :ivar aggregates: by name
    :ivar changed: positions of nodes that are not as they were; Placement,
        which keeps them in groups, empties it
    :ivar edition: another one whenever aggregates, images or flavors change
    """

    def __init__(self, cloud: scenario.Cloud, name: str) -> None:
        """Fill it.

        :param name: of the scenario, for messages
        :raises ScenarioError: if something has the name of another, or refers
            to what is not there
        """
        self._name = name
        self._flavors: list[Flavor] = []
        self._images: list[Image] = []
        self._number = 0
        self._by_name: dict[str, list[Node]] = {}
        self.nodes: list[Node] = []
        self.aggregates: dict[str, Aggregate] = {}
        self.changed: set[int] = set()
        self.edition = 0
        self.add(cloud)

    def flavor(self, name_or_id: str) -> Flavor:
        """Return a flavor.

        :raises ScenarioError: if there is none, or there are several
        """
        return self._find('flavor', self._flavors, name_or_id)

    def image(self, name_or_id: str) -> Image:
        """Return an image as it is now.

        :raises ScenarioError: if there is none, or there are several
        """
        return self._find('image', self._images, name_or_id)

    def at(self, place: scenario.Place) -> list[Node]:
        """Return the nodes of a host or of an aggregate's hosts.

        :raises ScenarioError: if there is no such host or aggregate
        """
        if place.host is not None:
            return self._host(place.host)
        members = self._aggregate(place.aggregate or '').hosts
        return [node for host in members for node in self._by_name[host]]

    def image_now(self, image: Image) -> Image:
        """Return as it is now what was an image when a server booted.

        :raises ScenarioError: if nova boots nothing from it any more
        """
        for known in self._images:
            if is_same(known, image):
                if known.status != 'active':
                    self._complain(f'has no active image {image.name!r}')
                return known
        self._complain(f'has no image {image.name!r}')

    def flavor_now(self, flavor: Flavor) -> Flavor:
        """Return the flavor of this name; if that is gone, the server's."""
        same = (each for each in self._flavors if each.name == flavor.name)
        return next(same, flavor)

    def select(self, choice: scenario.Servers) -> list[tuple[Node, Resident]]:
        """Return servers of an image, or all, the oldest first.

        :raises ScenarioError: if there is no such image or aggregate
        """
        image = None if choice.image is None else self.image(choice.image)
        nodes = self.nodes
        if choice.aggregate is not None:
            nodes = self.at(scenario.Place(aggregate=choice.aggregate))
        found = [
            (node, resident)
            for node in nodes
            for resident in node.residents.values()
            if image is None or is_same(resident.image, image)
        ]
        # Servers are numbered in the order in which they came.
        found.sort(key=lambda pair: pair[1].id)
        return found[: choice.count]

    def offer(self, node: Node, policy: Policy) -> HostOffer:
        """Return what a node offers."""
        aggregates = [self.aggregates[name] for name in node.aggregates]
        return read_host(node.record, aggregates, policy)

    def resident(
        self, image: Image | None, flavor: Flavor, volume: bool
    ) -> Resident:
        """Return a new server, which is nowhere yet."""
        number = self._next_number()
        return Resident(
            id=str(uuid.UUID(int=number)),
            name=f'server-{number}',
            image=image,
            flavor=flavor,
            volume=volume,
        )

    def put(self, resident: Resident, node: Node) -> None:
        """Put a server on a node."""
        node.residents[resident.id] = resident
        self._use(node, resident.size, 1)

    def set_building(self, node: Node, count: int) -> None:
        """Have that many of a node's servers not built yet."""
        node.building = count
        self._touch(node)

    def take(self, resident: Resident, node: Node) -> None:
        """Take a server off its node."""
        del node.residents[resident.id]
        self._use(node, resident.size, -1)

    def add(self, cloud: scenario.Cloud) -> None:
        """Add hosts, aggregates, flavors, images and servers.

        :raises ScenarioError: if something has the name of another, or refers
            to what is not there
        """
        self._flavors += cloud.flavors
        self._images += cloud.images
        for aggregate in cloud.aggregates:
            if aggregate.name in self.aggregates:
                self._complain(f'has two aggregates {aggregate.name!r}')
            self.aggregates[aggregate.name] = aggregate
        for hosts in cloud.hosts:
            records = list(hosts.each())
            for record in records:
                self._add_node(record)
            for name in hosts.aggregates:
                self._join(name, [record.name for record in records])
        self._follow_aggregates()
        for server in cloud.servers:
            self._add_server(server)
        self.edition += 1

    def set_aggregate(self, change: scenario.SetAggregate) -> None:
        """Change an aggregate.

        :raises ScenarioError: if it is not there, or a host is not
        """
        aggregate = self._aggregate(change.name)
        metadata = {
            key: value
            for key, value in (aggregate.metadata | change.metadata).items()
            if key not in change.unset
        }
        hosts = [
            host for host in aggregate.hosts if host not in change.remove_hosts
        ]
        self.aggregates[change.name] = msgspec.structs.replace(
            aggregate, metadata=metadata, hosts=tuple(hosts)
        )
        self._join(change.name, change.add_hosts)
        self._follow_aggregates()
        self.edition += 1

    def set_image(self, change: scenario.SetImage) -> None:
        """Change an image.

        :raises ScenarioError: if it is not there
        """
        image = self.image(change.name)
        properties = {
            name: value
            for name, value in (image.properties | change.properties).items()
            if name not in change.unset
        }
        changed = msgspec.structs.replace(
            image,
            disk_format=change.disk_format or image.disk_format,
            container_format=change.container_format or image.container_format,
            properties=properties,
        )
        self._images[self._images.index(image)] = changed
        self.edition += 1

    def set_hosts(self, change: scenario.SetHosts) -> None:
        """Change hosts.

        :raises ScenarioError: if they are not there, or Placement knows none
            of what is to be changed
        """
        for node in self.at(change):
            if change.status is not None:
                self._replace(node, status=change.status)
            for field in INVENTORIES.values():
                wanted = getattr(change, field)
                if wanted is None:
                    continue
                inventory = getattr(node.record, field)
                if inventory is None:
                    self._complain(f'host {node.name!r} has no {field}')
                values = msgspec.structs.asdict(wanted).items()
                given = {k: v for k, v in values if v is not None}
                changed = msgspec.structs.replace(inventory, **given)
                self._replace(node, **{field: changed})

    def disable(self, node: Node) -> None:
        """Have a node take no further server."""
        self._replace(node, status='disabled')

    def _add_node(self, record: Host) -> None:
        node = Node(len(self.nodes), record)
        same = self._by_name.setdefault(record.name, [])
        if any(other.name == node.name for other in same):
            self._complain(f'has two hosts {node.name!r}')
        same.append(node)
        self.nodes.append(node)
        self._touch(node)

    def _add_server(self, server: Server) -> None:
        number = self._next_number()
        if server.host is None:
            return
        nodes = self._host(server.host)
        node = next((n for n in nodes if n.name == server.node), nodes[0])
        image = None
        if server.image is not None or server.image_properties:
            known = [i for i in self._images if i.id == server.image]
            image = (
                known[0] if known else Image(server.image or 'unknown image')
            )
            if server.image_properties is not None:
                image = msgspec.structs.replace(
                    image, properties=server.image_properties
                )
        resident = Resident(
            id=str(uuid.UUID(int=number)),
            name=server.name or server.id,
            image=image,
            flavor=server.flavor,
            volume=server.volume,
        )
        node.residents[resident.id] = resident
        self._touch(node)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _join(self, name: str, hosts: Iterable[str]) -> None:
        aggregate = self._aggregate(name)
        for host in hosts:
            self._host(host)
        members = dict.fromkeys((*aggregate.hosts, *hosts))
        self.aggregates[name] = msgspec.structs.replace(
            aggregate, hosts=tuple(members)
        )

    def _follow_aggregates(self) -> None:
        memberships: dict[str, list[str]] = {}
        for aggregate in self.aggregates.values():
            for host in aggregate.hosts:
                self._host(host)
                memberships.setdefault(host, []).append(aggregate.name)
        for node in self.nodes:
            node.aggregates = tuple(memberships.get(node.record.name, ()))
            self._touch(node)

    def _use(self, node: Node, amounts: Size, factor: int) -> None:
        changes: dict[str, Any] = {}
        for resource_class, amount in amounts.items():
            inventory = node.inventory(resource_class)
            if inventory is not None:
                changes[INVENTORIES[resource_class]] = msgspec.structs.replace(
                    inventory, used=max(inventory.used + factor * amount, 0)
                )
        self._replace(node, **changes)

    def _replace(self, node: Node, **changes: Any) -> None:
        node.record = msgspec.structs.replace(node.record, **changes)
        self._touch(node)

    def _touch(self, node: Node) -> None:
        nameless = msgspec.structs.replace(node.record, name='', node='')
        node.kind = (
            nameless,
            node.aggregates,
            len(node.residents),
            node.building,
        )
        self.changed.add(node.position)

    def _host(self, name: str) -> list[Node]:
        if name not in self._by_name:
            near = Nearest(name, self._by_name).question
            self._complain(f'has no host {name!r}{near}')
        return self._by_name[name]

    def _aggregate(self, name: str) -> Aggregate:
        if name not in self.aggregates:
            near = Nearest(name, self.aggregates).question
            self._complain(f'has no aggregate {name!r}{near}')
        return self.aggregates[name]

    def _find(
        self, kind: str, things: list[_Thing], name_or_id: str
    ) -> _Thing:
        try:
            return find(kind, things, name_or_id, self._name)
        except SourceError as error:
            raise ScenarioError(str(error)) from error

    def _complain(self, text: str) -> NoReturn:
        raise ScenarioError(f'{self._name} {text}')
