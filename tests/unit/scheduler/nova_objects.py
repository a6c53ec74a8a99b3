# SPDX-License-Identifier: Apache-2.0
"""Real nova objects for the rows of the case table."""

from nova import objects
from nova.scheduler import host_manager
from oslo_utils.fixture import uuidsentinel as uuids

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import moves
from tests import case_table

objects.register_all()

ASKED_MB = case_table.RAM_MB // 10
ASKED_VCPUS = case_table.VCPUS // 10


def aggregate(number, metadata, hosts=()):
    return objects.Aggregate(
        id=number,
        uuid=getattr(uuids, f'aggregate-{number}'),
        name=f'aggregate-{number}',
        hosts=list(hosts),
        metadata=dict(metadata),
    )


def host_state(
    name, hypervisor_type='QEMU', supported=('kvm', 'qemu'), aggregates=()
):
    """Return a HostState as nova-scheduler builds one from the database."""
    specs = [
        objects.HVSpec.from_list(triple)
        for triple in faces.supported_instances(*supported)
        if triple[1] in objects.fields.HVType.ALL
    ]
    node = objects.ComputeNode(
        uuid=getattr(uuids, name),
        host=name,
        hypervisor_hostname=name,
        hypervisor_type=hypervisor_type,
        hypervisor_version=8002000,
        supported_hv_specs=specs,
        memory_mb=case_table.RAM_MB,
        memory_mb_used=0,
        free_ram_mb=case_table.RAM_MB,
        vcpus=case_table.VCPUS,
        vcpus_used=0,
        local_gb=1000,
        local_gb_used=0,
        free_disk_gb=1000,
        disk_available_least=1000,
        ram_allocation_ratio=1.0,
        cpu_allocation_ratio=1.0,
        disk_allocation_ratio=1.0,
        cpu_info=None,
        host_ip='127.0.0.1',
        updated_at=None,
        stats={},
        metrics='[]',
        numa_topology=None,
        pci_device_pools=None,
    )
    state = host_manager.HostState(name, name, uuids.cell)
    state.update(node, {'host': name}, list(aggregates), {})
    return state


def case_host_state(host, first_id=1):
    """Return the HostState of a host of the table."""
    aggregates = [
        aggregate(first_id + offset, metadata, [host.name])
        for offset, metadata in enumerate(host.aggregates)
    ]
    state = host_state(
        host.name,
        host.driver['hypervisor_type'] or '',
        host.driver['supported'],
        aggregates,
    )
    # None until the compute node has reported for the first time.
    state.hypervisor_type = host.driver['hypervisor_type']
    if host.driver['supported'] and not state.supported_instances:
        # nova's enum has no place for an invented type; a driver of the
        # future may well report one.
        state.supported_instances = [
            list(triple)
            for triple in faces.supported_instances(
                *host.driver['supported'], architectures=['x86_64']
            )
        ]
    state.free_ram_mb -= case_table.RAM_MB * host.used // 100
    state.vcpus_used += case_table.VCPUS * host.used / 100
    return state


def image_meta(raw):
    """Return what the conductor makes of a Glance image."""
    formats = ('disk_format', 'container_format')
    image = {name: raw[name] for name in formats if name in raw}
    image['properties'] = {
        name: value for name, value in raw.items() if name not in formats
    }
    return objects.ImageMeta.from_dict(image)


def flavor(shown):
    """Return nova's flavor of a snapshot's."""
    return objects.Flavor(
        name=shown.name,
        vcpus=shown.vcpus,
        memory_mb=shown.memory_mb,
        root_gb=shown.disk_gb,
        ephemeral_gb=shown.ephemeral_gb,
        swap=shown.swap_mb,
        extra_specs=shown.extra_specs,
    )


def request_spec(raw_image=None, extra_specs=None, **fields):
    """Return a RequestSpec for one server.

    :param raw_image: Glance's properties and formats, or None for none
    """
    asked = objects.Flavor(
        name='m1.tenth',
        memory_mb=ASKED_MB,
        vcpus=ASKED_VCPUS,
        root_gb=1,
        ephemeral_gb=0,
        swap=0,
        extra_specs=dict(extra_specs or {}),
    )
    spec = objects.RequestSpec(
        image=None if raw_image is None else image_meta(raw_image),
        flavor=asked,
        instance_uuid=uuids.server,
        num_instances=1,
        scheduler_hints={},
    )
    for name, value in fields.items():
        setattr(spec, name, value)
    return spec


def move_spec(raw_image=None, extra_specs=None, cell=None, **fields):
    """Return the RequestSpec of a move, as the conductor sends it."""
    cell = cell or objects.CellMapping(
        uuid=uuids.cell, database_connection='none:///', transport_url='none:'
    )
    return request_spec(
        raw_image,
        extra_specs,
        requested_destination=objects.Destination(cell=cell),
        **fields,
    )


def rebuild_spec(raw_image=None, extra_specs=None, **fields):
    """Return the RequestSpec of a rebuild, as nova-api makes it."""
    return move_spec(
        raw_image,
        extra_specs,
        scheduler_hints={'_nova_check_type': ['rebuild']},
        force_hosts=['its-own'],
        force_nodes=['its-own'],
        **fields,
    )


def origin(case):
    """Return where the server of a move of the table comes from."""
    size = adapters.Size(
        case_table.RAM_MB * case.has // 100,
        case_table.VCPUS * case.has / 100,
    )
    return moves.Origin(case.runs_on, size)
