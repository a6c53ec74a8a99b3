# SPDX-License-Identifier: Apache-2.0
"""Finding the hypervisor that a server's disk is for.

Nova compares hypervisors for live migration alone. This reads a database once
for a move, and never for a boot.
"""

from typing import Any

from nova import context as nova_context
from nova import exception
from nova import objects

from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler import adapters


def runs_on(request_spec: Any) -> frozenset[str]:
    """Return the families of the host that a server runs on, or ran on.

    A shelved and offloaded server has no host; nova-compute noted the last
    one in its system metadata (``nova.compute.manager``, ``shelved_host``).

    :returns: empty if neither the host's driver nor its aggregates tell
    :raises nova.exception.NovaException: if the server, its cell or its host
        is gone
    :raises Exception: whatever the database raises
    """
    context = nova_context.get_admin_context()
    with nova_context.target_cell(context, _cell(context, request_spec)) as c:
        server = objects.Instance.get_by_uuid(
            c, request_spec.instance_uuid, expected_attrs=['system_metadata']
        )
        host = server.host or server.system_metadata.get('shelved_host')
        reports = [_report(node) for node in _nodes(c, server, host)]
    families = _families([], reports)
    if not families:
        # The driver says nothing, so what operators say of the host counts.
        aggregates = objects.AggregateList.get_by_host(context, host)
        families = _families(adapters.read_tags(aggregates), reports)
    return families


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


def _report(node: Any) -> DriverReport:
    specs = node.supported_hv_specs or ()
    return adapters.read_report(
        node.hypervisor_type, [spec.to_list() for spec in specs]
    )


def _families(
    tags: list[AggregateTags], reports: list[DriverReport]
) -> frozenset[str]:
    offers = (read_offer(tags, report, Policy()) for report in reports)
    return frozenset().union(*(offer.families for offer in offers))
