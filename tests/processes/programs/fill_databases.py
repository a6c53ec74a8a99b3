# SPDX-License-Identifier: Apache-2.0
"""Add compute hosts to nova's databases and to Placement.

Does what nova-compute, discover_hosts and an operator with aggregates do.
Takes the arguments of any of nova's programs, and on standard input a list of
hosts {"name", "hypervisor_type", "supported", "traits", "aggregate",
"metadata"}.
"""

import json
import sys

from nova import config
from nova import context
from nova import objects
from nova.scheduler.client import report
from oslo_utils import uuidutils

# Enough for all that the tests ever place: nothing frees it again.
_VCPUS = 10_000
_MEMORY_MB = 10_000_000
_DISK_GB = 100_000
_TOTALS = {'VCPU': _VCPUS, 'MEMORY_MB': _MEMORY_MB, 'DISK_GB': _DISK_GB}

# Of Placement's API: the first in which all answers have a body.
_VERSION = '1.20'


def _add_to_cell(cell_context, host):
    service = objects.Service(
        cell_context,
        host=host['name'],
        binary='nova-compute',
        topic='compute',
        report_count=1,
    )
    service.create()
    node = objects.ComputeNode(
        cell_context,
        uuid=uuidutils.generate_uuid(),
        host=host['name'],
        service_id=service.id,
        hypervisor_hostname=host['name'],
        hypervisor_type=host['hypervisor_type'],
        hypervisor_version=8000000,
        supported_hv_specs=[
            objects.HVSpec.from_list(spec) for spec in host['supported']
        ],
        cpu_info='',
        vcpus=_VCPUS,
        vcpus_used=0,
        memory_mb=_MEMORY_MB,
        memory_mb_used=0,
        free_ram_mb=_MEMORY_MB,
        local_gb=_DISK_GB,
        local_gb_used=0,
        free_disk_gb=_DISK_GB,
        disk_available_least=_DISK_GB,
        current_workload=0,
        running_vms=0,
        cpu_allocation_ratio=1.0,
        ram_allocation_ratio=1.0,
        disk_allocation_ratio=1.0,
    )
    node.create()
    return node.uuid


def _add_to_placement(client, host, node_uuid, aggregate_uuid):
    provider = f'/resource_providers/{node_uuid}'
    inventories = {
        resource_class: {'total': total, 'max_unit': total}
        for resource_class, total in _TOTALS.items()
    }
    # nova-scheduler asks for the second of nova's own ones.
    traits = ['COMPUTE_NODE', 'OWNER_NOVA', *host['traits']]
    answers = [
        client.post(
            '/resource_providers',
            {'name': host['name'], 'uuid': node_uuid},
            version=_VERSION,
        )
    ]
    for generation, (part, content) in enumerate(
        [
            ('inventories', inventories),
            ('traits', traits),
            # nova-api puts a host into the aggregates of Placement too.
            ('aggregates', [aggregate_uuid]),
        ]
    ):
        body = {'resource_provider_generation': generation, part: content}
        answers.append(
            client.put(f'{provider}/{part}', body, version=_VERSION)
        )
    for answer in answers:
        if answer.status_code != 200:
            sys.exit(answer.text)


def _add_to_aggregate(admin, host):
    aggregate = objects.Aggregate(
        admin, name=host['aggregate'], metadata=host['metadata']
    )
    aggregate.create()
    aggregate.add_host(host['name'])
    return aggregate.uuid


def main():
    config.parse_args(sys.argv)
    objects.register_all()
    admin = context.get_admin_context()
    client = report.SchedulerReportClient()
    (cell,) = [
        mapping
        for mapping in objects.CellMappingList.get_all(admin)
        if not mapping.is_cell0()
    ]
    for host in json.load(sys.stdin):
        with context.target_cell(admin, cell) as cell_context:
            node_uuid = _add_to_cell(cell_context, host)
        mapping = objects.HostMapping(
            admin, host=host['name'], cell_mapping=cell
        )
        mapping.create()
        aggregate_uuid = _add_to_aggregate(admin, host)
        _add_to_placement(client, host, node_uuid, aggregate_uuid)


if __name__ == '__main__':
    main()
