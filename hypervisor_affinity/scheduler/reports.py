# SPDX-License-Identifier: Apache-2.0
"""What the drivers of hosts report whose aggregates leave that open.

nova-scheduler holds all aggregates in memory, and of hosts none. So this asks
the cells' databases: one statement for each cell, and only before a request is
refused for lack of a host, since all others do without.
"""

import collections
import json
from collections.abc import Callable, Container
from typing import Any

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.db.main import api as main_db
from nova.db.main import models

from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.scheduler import adapters


def read(settled: Container[str]) -> dict[DriverReport, frozenset[str]]:
    """Return what the drivers of all other hosts report.

    Hosts that are down or disabled are among them; in disabled cells and in
    cell0 nova-scheduler looks for none.

    :param settled: names of the hosts that do not matter
    :returns: report -> the names of its hosts
    :raises nova.exception.NovaException: if a cell does not answer, in nova's
        own time for that
    :raises Exception: whatever a database raises
    """
    context = nova_context.get_admin_context()
    cells = [
        cell
        for cell in objects.CellMappingList.get_all(context)
        if not (cell.is_cell0() or cell.disabled)
    ]
    answers = nova_context.scatter_gather_cells(
        context, cells, nova_context.CELL_TIMEOUT, _nodes
    )
    found = collections.defaultdict(set)
    for nodes in answers.values():
        if isinstance(nodes, Exception):
            raise nodes
        if nova_context.is_cell_failure_sentinel(nodes):
            raise exception.CellTimeout()
        for host, hypervisor_type, supported in nodes:
            if host not in settled:
                found[hypervisor_type, supported].add(host)
    return {
        adapters.read_report(
            hypervisor_type, json.loads(supported or '[]')
        ): frozenset(hosts)
        for (hypervisor_type, supported), hosts in found.items()
    }


# host, hypervisor_type and supported_instances, which are JSON.
_Node = tuple[str, str, str | None]


def _read_nodes(context: Any) -> list[_Node]:
    """Return three columns of the compute nodes.

    nova's own function reads all of them, and some are large.
    """
    node = models.ComputeNode
    columns = (node.host, node.hypervisor_type, node.supported_instances)
    nodes: list[_Node] = (
        context.session.query(*columns).filter(node.deleted == 0).all()
    )
    return nodes


_nodes: Callable[[Any], list[_Node]] = main_db.pick_context_manager_reader(
    _read_nodes
)
