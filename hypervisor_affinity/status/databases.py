# SPDX-License-Identifier: Apache-2.0
"""What nova's databases hold, as nova-scheduler reads it.

Sources: ``AggregateList``, ``FlavorList``, ``CellMappingList`` and the stored
requests (``stored_hints``) of the API database; ``ServiceList`` and
``ComputeNodeList`` of each cell, and the image properties that its tables keep
of each server. cell0 has no hosts, and on those of a disabled cell
nova-scheduler places nothing.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nova import context as nova_context
from nova import objects
from nova import servicegroup
from nova import utils as nova_utils
from nova.db.main import api as main_database
from nova.db.main import models

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.narrowing import HostAggregate
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import reported_families
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.status import stored_hints
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import failure

# The image property.
EMULATION = 'hw_emulation_architecture'


@dataclasses.dataclass(frozen=True, slots=True)
class ComputeHost:
    """A host with a nova-compute, and what its driver reports.

    A host whose compute nodes report different things, as ironic's may, is
    there once for each.

    :ivar aggregates: those that the host is in
    :ivar report: None if nova-compute has never reported a compute node
    """

    name: str
    aggregates: tuple[AggregateTags, ...]
    report: DriverReport | None
    service: ComputeService = dataclasses.field(default_factory=ComputeService)


@dataclasses.dataclass(frozen=True, slots=True)
class FlavorSpecs:
    """A flavor."""

    name: str
    extra_specs: Mapping[str, str]
    memory_mb: int


@dataclasses.dataclass(frozen=True, slots=True)
class EmulatedServer:
    """A server whose image names an architecture to be emulated.

    :ivar architecture: as the image had it when the server got the image
    """

    id: str
    architecture: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cloud:
    """What the databases hold.

    :ivar nodes: how many compute nodes there are; a host may have several
    :ivar unread: for each cell that cannot be read, by its name, why
    :ivar emulated: those of vCenter hosts
    :ivar hinted: the ids of servers whose stored request has nova's own hint
    """

    aggregates: tuple[AggregateTags, ...]
    flavors: tuple[FlavorSpecs, ...]
    hosts: tuple[ComputeHost, ...]
    nodes: int
    unread: Mapping[str, str]
    emulated: tuple[EmulatedServer, ...] = ()
    hinted: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """The API database cannot be read."""

    cause: str


def read_cloud() -> Cloud | Unreadable:
    """Return what the databases hold."""
    context = nova_context.get_admin_context()
    try:
        aggregates = adapters.read_aggregates(
            objects.AggregateList.get_all(context)
        )
        flavors = [
            FlavorSpecs(flavor.name, flavor.extra_specs, flavor.memory_mb)
            for flavor in objects.FlavorList.get_all(context)
        ]
        cells = objects.CellMappingList.get_all(context)
        hinted = stored_hints.read_hinted(context)
    except Exception as error:
        return Unreadable(_cause(error))
    tags_of = _tags_by_host(aggregates)
    hosts: list[ComputeHost] = []
    nodes = 0
    unread = {}
    emulated: list[EmulatedServer] = []
    for cell in cells:
        if cell.is_cell0() or cell.disabled:
            continue
        try:
            with nova_context.target_cell(context, cell) as cell_context:
                services, found = read_cell(cell_context)
                emulated += _emulated(
                    cell_context, {n.host for n in found if is_vcenter(n)}
                )
        except Exception as error:
            unread[cell.name or cell.uuid] = _cause(error)
            continue
        hosts += _hosts(services, found, tags_of)
        nodes += len(found)
    return Cloud(
        aggregates=tuple(aggregate.tags for aggregate in aggregates),
        flavors=tuple(flavors),
        hosts=tuple(hosts),
        nodes=nodes,
        unread=unread,
        emulated=tuple(emulated),
        hinted=tuple(hinted),
    )


def check(cloud: Cloud | Unreadable) -> Iterator[Statement]:
    """Find databases that cannot be read."""
    if isinstance(cloud, Unreadable):
        yield failure(
            f"nova's API database cannot be read ({cloud.cause}): "
            'nova-scheduler places no server. Check whether [api_database] '
            'connection in nova.conf is right, and whether the database is '
            'reachable from here; nova-status upgrade check says more.'
        )
        return
    for cell, cause in cloud.unread.items():
        yield failure(
            f'The database of cell {cell} cannot be read ({cause}): '
            'nova-scheduler places no server on its hosts, and they are left '
            'out of all checks. Check whether it is reachable from here; '
            'nova-manage cell_v2 list_cells shows where it should be, and '
            'nova-manage cell_v2 update_cell changes that.'
        )


def _tags_by_host(
    aggregates: list[HostAggregate],
) -> Mapping[str, list[AggregateTags]]:
    tags_of = collections.defaultdict(list)
    for aggregate in aggregates:
        for host in aggregate.hosts:
            tags_of[host].append(aggregate.tags)
    return tags_of


def read_cell(cell_context: Any) -> tuple[Any, Any]:
    """Return the compute services of a cell, and the compute nodes."""
    return (
        objects.ServiceList.get_by_binary(
            cell_context, 'nova-compute', include_disabled=True
        ),
        objects.ComputeNodeList.get_all(cell_context),
    )


def is_vcenter(node: Any) -> bool:
    """Tell whether a compute node is one of the vSphere driver."""
    report = DriverReport(node.hypervisor_type)
    return reported_families(report) == {hypervisor.VMWARE}


@main_database.pick_context_manager_reader
def _emulated(
    cell_context: Any, hosts: Collection[str]
) -> list[EmulatedServer]:
    """Return the servers of these hosts whose image names an architecture.

    One statement for a cell. nova's ``InstanceList`` has no question for it,
    and would load all that nova knows of each server.
    """
    if not hosts:
        return []
    server, kept = models.Instance, models.InstanceSystemMetadata
    key = nova_utils.SM_IMAGE_PROP_PREFIX + EMULATION
    rows = (
        cell_context.session.query(server.uuid, kept.value)
        .join(kept, kept.instance_uuid == server.uuid)
        .filter(server.host.in_(hosts), server.deleted == 0, kept.key == key)
    )
    return [EmulatedServer(*row) for row in rows]


def _hosts(
    services: Any, nodes: Any, tags_of: Mapping[str, list[AggregateTags]]
) -> Iterator[ComputeHost]:
    is_up = servicegroup.API().service_is_up
    reports = collections.defaultdict(set)
    for node in nodes:
        reports[node.host].add(adapters.read_node(node))
    for service in services:
        reported: Iterable[DriverReport | None] = reports[service.host]
        for report in reported or [None]:
            yield ComputeHost(
                name=service.host,
                aggregates=tuple(tags_of[service.host]),
                report=report,
                service=ComputeService(
                    is_up=is_up(service),
                    is_forced_down=service.forced_down,
                    disabled_reason=(
                        service.disabled_reason or ''
                        if service.disabled
                        else None
                    ),
                ),
            )


def _cause(error: Exception) -> str:
    """Name an error of a database by its kinds, and MySQL's number.

    What it says is left out: SQLAlchemy and the drivers cite URLs, or the
    parts they took from a URL that was written wrongly, and so passwords.
    """
    names = [type(error).__name__]
    inner = getattr(error, 'inner_exception', error)
    driver = getattr(inner, 'orig', None)
    if driver is not None:
        names.append(type(driver).__name__)
        names += [str(arg) for arg in driver.args[:1] if isinstance(arg, int)]
    return ' '.join(names)
