# SPDX-License-Identifier: Apache-2.0
"""nova's objects, made of a request and of the nodes of a world."""

import dataclasses
import uuid
from typing import Any

from nova import objects

from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.drivers import TABLES
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.simulation.world import Node


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of the scheduler for one server.

    :ivar server: its uuid
    :ivar at_once: how many servers the request is for
    :ivar underneath: for a move, the families of the host it is on; None for a
        boot
    """

    image: Image | None
    flavor: Flavor
    volume: bool
    server: str
    at_once: int = 1
    underneath: frozenset[Family] | None = None


def request_spec(context: Any, ask: Ask) -> Any:
    """Return the request as nova-api and the conductor make it.

    :raises ValueError: if an image property has a value that nova refuses
    """
    spec = objects.RequestSpec.from_components(
        context,
        ask.server,
        _image_meta(ask),
        objects.Flavor(
            name=ask.flavor.name,
            flavorid=ask.flavor.id or ask.flavor.name,
            memory_mb=ask.flavor.memory_mb,
            vcpus=ask.flavor.vcpus,
            root_gb=ask.flavor.disk_gb,
            ephemeral_gb=ask.flavor.ephemeral_gb,
            swap=ask.flavor.swap_mb,
            extra_specs=dict(ask.flavor.extra_specs),
        ),
        numa_topology=None,
        pci_requests=None,
        filter_properties={'scheduler_hints': {}},
        instance_group=None,
        availability_zone=None,
        project_id='simulation',
        user_id='simulation',
    )
    spec.is_bfv = ask.volume
    spec.num_instances = ask.at_once
    spec.requested_networks = objects.NetworkRequestList(objects=[])
    if ask.underneath is not None:
        # The conductor sets it for moves only. The host that the server is
        # to leave is disabled, so that it need not be ignored, too.
        spec.requested_destination = objects.Destination(cell=None)
    return spec


def _image_meta(ask: Ask) -> Any:
    image: dict[str, Any] = {'properties': {}}
    if ask.image is not None:
        image['properties'] = dict(ask.image.properties)
        if not ask.volume:
            image |= {
                'id': ask.image.id or None,
                'name': ask.image.name,
                'disk_format': ask.image.disk_format,
                'container_format': ask.image.container_format,
            }
    return objects.ImageMeta.from_dict(
        {name: value for name, value in image.items() if value is not None}
    )


def _driver_table(record: Host) -> Table | None:
    """Return what is known of a host's driver; None if it is not known."""
    family = CONCLUSIVE_TYPES.get(record.hypervisor_type or '')
    return TABLES[family] if family else None


def guest_types(record: Host) -> tuple[str, ...]:
    """Return the hypervisor types of a host's supported_instances.

    nova's APIs do not tell them, so the driver's table has to.
    """
    table = _driver_table(record)
    return record.supported or (table.guest_types if table else ())


def compute_node(node: Node) -> Any:
    """Return what nova-compute would have reported by now."""
    record = node.record
    table = _driver_table(record)
    triples = faces.supported_instances(
        *guest_types(record),
        architectures=(table and table.architectures) or faces.X86,
    )
    totals, used, ratios = {}, {}, {}
    for name in ('vcpus', 'memory_mb', 'disk_gb'):
        inventory = getattr(record, name)
        totals[name] = inventory.total if inventory else 0
        # nova's resource tracker counts as used what is reserved.
        used[name] = inventory.used + inventory.reserved if inventory else 0
        ratios[name] = inventory.allocation_ratio if inventory else 1.0
    return objects.ComputeNode(
        uuid=str(uuid.UUID(int=node.position)),
        host=record.name,
        hypervisor_hostname=node.name,
        hypervisor_type=record.hypervisor_type or '',
        hypervisor_version=record.hypervisor_version,
        supported_hv_specs=[
            objects.HVSpec.from_list(triple)
            for triple in triples
            if triple[1] in objects.fields.HVType.ALL
        ],
        vcpus=totals['vcpus'],
        vcpus_used=used['vcpus'],
        memory_mb=totals['memory_mb'],
        memory_mb_used=used['memory_mb'],
        free_ram_mb=totals['memory_mb'] - used['memory_mb'],
        local_gb=totals['disk_gb'],
        local_gb_used=used['disk_gb'],
        free_disk_gb=totals['disk_gb'] - used['disk_gb'],
        disk_available_least=None,
        cpu_allocation_ratio=ratios['vcpus'],
        ram_allocation_ratio=ratios['memory_mb'],
        disk_allocation_ratio=ratios['disk_gb'],
        cpu_info=None,
        host_ip=None,
        updated_at=None,
        stats={
            'num_instances': str(len(node.residents)),
            'io_workload': str(node.building),
        },
        metrics='[]',
        numa_topology=None,
        pci_device_pools=None,
    )
