# SPDX-License-Identifier: Apache-2.0
"""What the hosts in no tagged aggregate report.

nova-scheduler holds all aggregates in memory, and of hosts none. So this asks
the cells' databases: one statement for each cell, and only before a request is
refused for lack of a host, since all others do without.
"""

import collections
import json
from collections.abc import Container
from typing import Any

from nova import context as nova_context
from nova import objects
from nova.db.main import api as main_db
from nova.db.main import models

from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.scheduler import adapters


def reports(tagged: Container[str]) -> dict[DriverReport, frozenset[str]]:
    """Return what the drivers of hosts in no tagged aggregate report.

    Hosts that are down or disabled are among them; in disabled cells and in
    cell0 nova-scheduler looks for none.

    :param tagged: names of the hosts that are in a tagged aggregate
    :returns: report -> the names of its hosts
    :raises Exception: whatever a database raises
    """
    context = nova_context.get_admin_context()
    found = collections.defaultdict(set)
    for cell in objects.CellMappingList.get_all(context):
        if cell.is_cell0() or cell.disabled:
            continue
        with nova_context.target_cell(context, cell) as cell_context:
            for host, hypervisor_type, supported in _nodes(cell_context):
                if host not in tagged:
                    found[hypervisor_type, supported].add(host)
    return {
        adapters.read_report(
            hypervisor_type, json.loads(supported or '[]')
        ): frozenset(hosts)
        for (hypervisor_type, supported), hosts in found.items()
    }


@main_db.pick_context_manager_reader
def _nodes(context: Any) -> list[tuple[str, str, str | None]]:
    """Return three columns of the compute nodes.

    nova's own function reads all of them, and some are large.
    """
    node = models.ComputeNode
    columns = (node.host, node.hypervisor_type, node.supported_instances)
    return context.session.query(*columns).filter(node.deleted == 0).all()
