# SPDX-License-Identifier: Apache-2.0
"""Finding out where a server comes from that is to move.

Nova compares hypervisors for live migration alone. This reads a database once
for a move, and never for a boot.
"""

import enum
from typing import Any, NamedTuple

from nova import context as nova_context
from nova import exception
from nova import objects
from oslo_context import context as oslo_context

from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler.adapters import NO_SIZE
from hypervisor_affinity.scheduler.adapters import Size


class LookUp(enum.StrEnum):
    """What became of the look-up of a server that moves."""

    FOUND = 'found'
    NOT_FOUND = 'not_found'
    HOST_GONE = 'host_gone'


class Origin(NamedTuple):
    """Where a server comes from.

    :ivar families: those of the host that it runs on, or ran on: its disk is
        for them; empty if neither the host's driver nor its aggregates tell.
        None if it has no disk on a host, and where it ran on is gone.
    :ivar size: what it takes there; None if as much as is asked now
    """

    families: frozenset[Family] | None
    size: Size | None = None

    @property
    def look_up(self) -> LookUp:
        """Whether the families were found out."""
        if self.families is None:
            return LookUp.HOST_GONE
        return LookUp.FOUND if self.families else LookUp.NOT_FOUND


def origin(request_spec: Any) -> Origin:
    """Return where the server of a move comes from.

    A shelved and offloaded server has no host; nova-compute noted the last
    one in its system metadata (``nova.compute.manager``, ``shelved_host``).

    :raises nova.exception.NovaException: if the server, its cell or its host
        is gone
    :raises Exception: whatever the database raises
    """
    current = oslo_context.get_current()
    try:
        return _look_up(request_spec)
    finally:
        # The context for a cell becomes that of the thread: nova's log lines
        # and our records would have its request id from then on.
        if current is not None:
            current.update_store()


def _look_up(request_spec: Any) -> Origin:
    context = nova_context.get_admin_context()
    with nova_context.target_cell(context, _cell(context, request_spec)) as c:
        server = objects.Instance.get_by_uuid(
            c,
            request_spec.instance_uuid,
            expected_attrs=['system_metadata', 'flavor'],
        )
        # Others have taken the room of an offloaded one meanwhile.
        size = adapters.read_size(server.flavor) if server.host else NO_SIZE
        host = server.host or server.system_metadata.get('shelved_host')
        try:
            nodes = _nodes(c, server, host)
        except exception.ComputeHostNotFound:
            if server.host:
                raise
            return Origin(None, size)
    reports = [adapters.read_node(node) for node in nodes]
    families = _families([], reports)
    if not families:
        # The driver says nothing, so what operators say of the host counts.
        aggregates = objects.AggregateList.get_by_host(context, host)
        families = _families(adapters.read_tags(aggregates), reports)
    return Origin(families, size)


def _cell(context: Any, request_spec: Any) -> Any:
    cell = request_spec.requested_destination.cell
    if cell is None:
        mapping = objects.InstanceMapping.get_by_instance_uuid(
            context, request_spec.instance_uuid
        )
        cell = mapping.cell_mapping
    return cell


def _nodes(context: Any, server: Any, host: str | None) -> Any:
    if not host:
        raise exception.ComputeHostNotFound(host='(none recorded)')
    if server.host and server.node:
        node = objects.ComputeNode.get_by_host_and_nodename(
            context, host, server.node
        )
        return [node]
    return objects.ComputeNodeList.get_all_by_host(context, host)


def _families(
    tags: list[AggregateTags], reports: list[DriverReport]
) -> frozenset[Family]:
    offers = (read_offer(tags, report, Policy()) for report in reports)
    return frozenset[Family]().union(*(offer.families for offer in offers))
