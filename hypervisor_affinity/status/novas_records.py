# SPDX-License-Identifier: Apache-2.0
"""What nova's databases hold of vCenter hosts, as records of a cloud.

For the checks that work on any source of a cloud. Of other hosts there is no
more than their names, and of servers only those of vCenter hosts.
"""

import collections
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from keystoneauth1 import exceptions as keystone
from nova import context as nova_context
from nova import exception
from nova import objects
from nova import servicegroup
from nova.api.openstack import common
from nova.scheduler.client import report

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.status import databases

# Of Placement: what nova itself asks for inventories.
_PLACEMENT = '1.26'


class NovasRecords:
    """nova's databases and, of vCenter hosts, Placement's inventories.

    The databases of all cells have to be readable. It has what the checks of
    vCenters read (``health.Records``), no more: flavors and images are left
    to others.

    * ``placement_error``: why there are no inventories; '' if there are
    """

    def __init__(self, vcenters: Callable[[], Iterable[VCenter]]) -> None:
        """Read nothing yet.

        :param vcenters: reads those behind the clusters
        """
        self._read_vcenters = vcenters
        self._context = nova_context.get_admin_context()
        self._is_up = servicegroup.API().service_is_up
        self.placement_error = ''

    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes, and compute services without any."""
        for cell in self._cells():
            services, nodes = databases.read_cell(cell)
            nodes_of = collections.defaultdict(list)
            for node in nodes:
                nodes_of[node.host].append(node)
            for service in services:
                for node in nodes_of[service.host] or [None]:
                    yield self._host(service, node)

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""
        for found in objects.AggregateList.get_all(self._context):
            yield Aggregate(
                name=found.name,
                uuid=found.uuid,
                metadata=dict(found.metadata),
                hosts=tuple(found.hosts),
            )

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters."""
        yield from self._read_vcenters()

    def servers(self) -> Iterator[Server]:
        """Yield the servers of vCenter hosts."""
        for cell in self._cells():
            hosts = {
                node.host
                for node in objects.ComputeNodeList.get_all(cell)
                if databases.is_vcenter(node)
            }
            for host in sorted(hosts):
                for found in objects.InstanceList.get_by_host(cell, host):
                    yield _server(found)

    def server(self, server_id: str) -> Server:
        """Return a server.

        :raises Missing: if there is none
        """
        try:
            mapping = objects.InstanceMapping.get_by_instance_uuid(
                self._context, server_id
            )
            if mapping.cell_mapping is None:
                raise Missing(f'server {server_id} is in no cell yet')
            with nova_context.target_cell(
                self._context, mapping.cell_mapping
            ) as cell:
                return _server(objects.Instance.get_by_uuid(cell, server_id))
        except (
            exception.InstanceMappingNotFound,
            exception.InstanceNotFound,
        ) as error:
            raise Missing(f'nova has no server {server_id}') from error

    def _cells(self) -> Iterator[Any]:
        """Yield a context for each cell that has hosts."""
        for cell in objects.CellMappingList.get_all(self._context):
            if not (cell.is_cell0() or cell.disabled):
                with nova_context.target_cell(self._context, cell) as context:
                    yield context

    def _host(self, service: Any, node: Any | None) -> Host:
        held: dict[str, Inventory] = {}
        if node is not None and databases.is_vcenter(node):
            held = self._inventories(node.uuid)
        seen = service.last_seen_up
        return Host(
            name=service.host,
            node='' if node is None else node.hypervisor_hostname,
            hypervisor_type=None if node is None else node.hypervisor_type,
            state='up' if self._is_up(service) else 'down',
            status='disabled' if service.disabled else 'enabled',
            disabled_reason=service.disabled_reason,
            last_seen=seen.isoformat(timespec='seconds') if seen else '',
            vcpus=held.get('VCPU'),
            memory_mb=held.get('MEMORY_MB'),
            disk_gb=held.get('DISK_GB'),
        )

    def _inventories(self, uuid: str) -> dict[str, Inventory]:
        """Return the inventories of a provider; none if there are none."""
        if self.placement_error:
            return {}
        url = f'/resource_providers/{uuid}/inventories'
        try:
            client = report.report_client_singleton()
            answer = client.get(url, version=_PLACEMENT)
            found = answer.json()['inventories'] if answer else {}
            if not answer and answer.status_code != 404:
                self.placement_error = f'HTTP {answer.status_code}'
        except keystone.ClientException as error:
            # No word of it: it may cite a URL with a password.
            found, self.placement_error = {}, type(error).__name__
        return {
            name: Inventory(
                total=inventory['total'],
                reserved=inventory['reserved'],
                allocation_ratio=inventory['allocation_ratio'],
                max_unit=inventory['max_unit'],
            )
            for name, inventory in found.items()
        }


def _server(instance: Any) -> Server:
    return Server(
        id=instance.uuid,
        flavor=Flavor(''),
        name=instance.display_name or '',
        status=common.status_from_state(
            instance.vm_state, instance.task_state
        ),
        task=instance.task_state or '',
        host=instance.host,
        node=instance.node,
    )
