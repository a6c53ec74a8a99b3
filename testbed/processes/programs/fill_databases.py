# SPDX-License-Identifier: Apache-2.0
"""Fill nova's databases and Placement: hosts, aggregates, flavors, servers.

Does what nova-compute, discover_hosts, an operator and users would have done.
Takes the arguments of any of nova's programs, and on standard input a
document in the shape of a snapshot (``hypervisor_affinity.cloud.snapshot``),
without images. A server may have what a snapshot leaves out::

    {"metadata": {...}, "user_data": "...", "description": "...",
     "system_metadata": {...}, "fault_details": "...",
     "volumes": [{"id": "...", "device": "/dev/vda"}, ...]}

and a flavor ``"is_public": false``.
"""

import datetime
import json
import sys

from nova import config
from nova import context
from nova import objects
from nova.compute import power_state
from nova.network import model as network_model
from nova.scheduler.client import report
from oslo_utils import uuidutils

from hypervisor_affinity.fake_compute import faces

_CLASSES = {'VCPU': 'vcpus', 'MEMORY_MB': 'memory_mb', 'DISK_GB': 'disk_gb'}
_LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
# nova's API makes the status of it.
_VM_STATES = {
    'ACTIVE': 'active',
    'ERROR': 'error',
    'PAUSED': 'paused',
    'SHELVED_OFFLOADED': 'shelved_offloaded',
    'SHUTOFF': 'stopped',
}

# Of Placement's API: with it, an allocation of a new consumer can be written.
_VERSION = '1.28'


class _Filling:
    def __init__(self, document):
        self._document = document
        self._admin = context.get_admin_context()
        self._placement = report.SchedulerReportClient()
        self._cells = {
            mapping.is_cell0(): mapping
            for mapping in objects.CellMappingList.get_all(self._admin)
        }
        # {hypervisor_hostname: id in its cell}
        self._nodes = {}
        self._flavors = {}

    def run(self):
        aggregates = self._add_aggregates()
        for host in self._document.get('hosts', ()):
            with context.target_cell(self._admin, self._cells[False]) as cell:
                service = self._add_service(cell, host)
                node_uuid = None
                if host.get('hypervisor_type'):
                    node_uuid = self._add_node(cell, host, service)
            if node_uuid and any(map(host.get, _CLASSES.values())):
                self._add_provider(
                    host, node_uuid, aggregates.get(host['name'], [])
                )
        for flavor in self._document.get('flavors', ()):
            self._add_flavor(flavor)
        for server in self._document.get('servers', ()):
            self._add_server(server)

    def _add_aggregates(self):
        """Add them, and return {host: uuids of its aggregates}."""
        of_host = {}
        for found in self._document.get('aggregates', ()):
            aggregate = objects.Aggregate(
                self._admin,
                name=found['name'],
                uuid=found.get('uuid') or uuidutils.generate_uuid(),
                metadata=found.get('metadata', {}),
            )
            aggregate.create()
            for host in found.get('hosts', ()):
                aggregate.add_host(host)
                of_host.setdefault(host, []).append(aggregate.uuid)
        return of_host

    def _add_service(self, cell, host):
        service = objects.Service(
            cell,
            host=host['name'],
            binary='nova-compute',
            topic='compute',
            report_count=1,
            disabled=host.get('status') == 'disabled',
            disabled_reason=host.get('disabled_reason'),
        )
        if host.get('state') == 'down':
            service.last_seen_up = _LONG_AGO
        service.create()
        objects.HostMapping(
            self._admin, host=host['name'], cell_mapping=self._cells[False]
        ).create()
        return service

    def _add_node(self, cell, host, service):
        totals = {
            part: (host.get(part) or {'total': 0})['total']
            for part in _CLASSES.values()
        }
        node = objects.ComputeNode(
            cell,
            uuid=uuidutils.generate_uuid(),
            host=host['name'],
            service_id=service.id,
            hypervisor_hostname=host.get('node') or host['name'],
            hypervisor_type=host['hypervisor_type'],
            hypervisor_version=host.get('hypervisor_version', 8000000),
            supported_hv_specs=[
                objects.HVSpec.from_list(triple)
                for triple in faces.supported_instances(
                    *host.get('supported', ()), architectures=['x86_64']
                )
            ],
            cpu_info='',
            vcpus=totals['vcpus'],
            vcpus_used=0,
            memory_mb=totals['memory_mb'],
            memory_mb_used=0,
            free_ram_mb=totals['memory_mb'],
            local_gb=totals['disk_gb'],
            local_gb_used=0,
            free_disk_gb=totals['disk_gb'],
            disk_available_least=totals['disk_gb'],
            current_workload=0,
            running_vms=0,
            cpu_allocation_ratio=1.0,
            ram_allocation_ratio=1.0,
            disk_allocation_ratio=1.0,
        )
        node.create()
        self._nodes[node.hypervisor_hostname] = node.id
        return node.uuid

    def _add_provider(self, host, node_uuid, aggregates):
        inventories = {}
        used = {}
        for resource_class, part in _CLASSES.items():
            inventory = dict(host.get(part) or {})
            if inventory:
                used[resource_class] = inventory.pop('used', 0)
                inventory.setdefault('max_unit', inventory['total'])
                inventories[resource_class] = inventory
        provider = f'/resource_providers/{node_uuid}'
        name = host.get('node') or host['name']
        self._send(
            'post', '/resource_providers', {'name': name, 'uuid': node_uuid}
        )
        for generation, (part, content) in enumerate(
            [
                ('inventories', inventories),
                ('traits', host.get('traits', [])),
                # nova-api puts a host into the aggregates of Placement too.
                ('aggregates', aggregates),
            ]
        ):
            body = {'resource_provider_generation': generation, part: content}
            self._send('put', f'{provider}/{part}', body)
        while any(used.values()):
            # One consumer alone may not take more.
            part = {
                name: min(amount, inventories[name]['max_unit'])
                for name, amount in used.items()
                if amount
            }
            self._allocate(node_uuid, part)
            for name, amount in part.items():
                used[name] -= amount

    def _allocate(self, node_uuid, resources):
        self._send(
            'put',
            f'/allocations/{uuidutils.generate_uuid()}',
            {
                'allocations': {node_uuid: {'resources': resources}},
                'consumer_generation': None,
                'project_id': 'project',
                'user_id': 'user',
            },
        )

    def _send(self, method, url, body):
        call = getattr(self._placement, method)
        answer = call(url, body, version=_VERSION)
        if answer.status_code >= 400:
            sys.exit(f'{method} {url}: {answer.text}')

    def _add_flavor(self, found):
        flavor = objects.Flavor(
            self._admin,
            flavorid=found['id'],
            is_public=found.get('is_public', True),
            disabled=False,
            rxtx_factor=1.0,
            vcpu_weight=0,
            **_sizes(found),
        )
        flavor.create()
        self._flavors[found['name']] = flavor

    def _add_server(self, found):
        # What was never on a host is in cell0.
        is_buried = found.get('status') == 'ERROR' and not found.get('host')
        mapping = self._cells[is_buried]
        with context.target_cell(self._admin, mapping) as cell:
            self._add_instance(cell, found)
            for volume in found.get('volumes', ()):
                _add_volume(cell, found['id'], volume)
            if found.get('fault'):
                _add_fault(cell, found)
        objects.InstanceMapping(
            self._admin,
            instance_uuid=found['id'],
            cell_mapping=mapping,
            project_id=found['project'],
            user_id='user',
            queued_for_delete=False,
        ).create()

    def _add_instance(self, cell, found):
        flavor = self._flavors[found['flavor']['name']].obj_clone()
        # A server keeps the flavor as it was.
        flavor.update(_sizes(found['flavor']))
        objects.Instance(
            cell,
            uuid=found['id'],
            project_id=found['project'],
            user_id='user',
            display_name=found['name'],
            display_description=found.get('description', ''),
            hostname='guest',
            host=found.get('host'),
            node=found.get('node'),
            compute_id=self._nodes.get(found.get('node')),
            image_ref=found.get('image') or '',
            flavor=flavor,
            instance_type_id=flavor.id,
            memory_mb=flavor.memory_mb,
            vcpus=flavor.vcpus,
            root_gb=flavor.root_gb,
            ephemeral_gb=flavor.ephemeral_gb,
            system_metadata=_system_metadata(found),
            metadata=found.get('metadata', {}),
            user_data=found.get('user_data'),
            vm_state=_VM_STATES[found.get('status', 'ACTIVE')],
            power_state=power_state.RUNNING,
            root_device_name='/dev/vda',
            launched_at=_LONG_AGO,
            info_cache=objects.InstanceInfoCache(
                network_info=network_model.NetworkInfo()
            ),
        ).create()


def _add_volume(cell, server_id, volume):
    objects.BlockDeviceMapping(
        cell,
        instance_uuid=server_id,
        source_type='volume',
        destination_type='volume',
        volume_id=volume['id'],
        device_name=volume['device'],
        boot_index=0 if volume['device'] == '/dev/vda' else -1,
        delete_on_termination=False,
        uuid=uuidutils.generate_uuid(),
    ).create()


def _add_fault(cell, found):
    objects.InstanceFault(
        cell,
        instance_uuid=found['id'],
        code=500,
        message=found['fault'],
        details=found.get('fault_details', ''),
        host=found.get('host'),
    ).create()


def _system_metadata(found):
    # nova keeps image properties by raw names, with a prefix.
    properties = found.get('image_properties') or {}
    return {
        **{f'image_{name}': value for name, value in properties.items()},
        **found.get('system_metadata', {}),
    }


def _sizes(flavor):
    """Return the fields of a nova flavor that a snapshot has, too."""
    return {
        'name': flavor['name'],
        'vcpus': flavor.get('vcpus', 1),
        'memory_mb': flavor.get('memory_mb', 0),
        'root_gb': flavor.get('disk_gb', 0),
        'ephemeral_gb': flavor.get('ephemeral_gb', 0),
        'swap': flavor.get('swap_mb', 0),
        'extra_specs': flavor.get('extra_specs', {}),
    }


def main():
    config.parse_args(sys.argv)
    objects.register_all()
    _Filling(json.load(sys.stdin)).run()


if __name__ == '__main__':
    main()
