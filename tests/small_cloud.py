# SPDX-License-Identifier: Apache-2.0
"""A small cloud, as Keystone and all services answer of it if all is good."""

from typing import Any

from tests import fake_keystone

IMAGE = '6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e'
VMDK = '0f0b9d52-6f3c-4a3f-9a57-3f6f1c8a2b10'
SERVER = '2c0f3f0a-9d8f-4a57-a8fb-3d1f0e9f1a11'
BOOTED = '7f0e8a11-2222-4e0e-8f3c-1b7d5c9e0a44'
VOLUME = '3f1c2d3e-3333-4e0e-8f3c-1b7d5c9e0a45'
KVM = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b11'
VCENTER = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b12'

# All services have the same endpoint here.
BASE = '/v2.1'
# Of the server, which has its own one each time.
URL = 'http://the-server'


def _service(host: str, **fields: Any) -> dict[str, Any]:
    return {
        'id': f'{host}-id',
        'binary': 'nova-compute',
        'host': host,
        'state': 'up',
        'status': 'enabled',
        'disabled_reason': None,
        'updated_at': '2026-11-02T07:59:55.000000',
        **fields,
    }


def _hypervisor(provider: str, host: str, kind: str, version: int) -> dict:
    return {
        'id': provider,
        'hypervisor_hostname': f'{host}.example.org',
        'hypervisor_type': kind,
        'hypervisor_version': version,
        'state': 'up',
        'status': 'enabled',
        'service': {'id': 's', 'host': host, 'disabled_reason': None},
    }


def _inventories() -> dict[str, Any]:
    return {
        'inventories': {
            name: {
                'total': total,
                'reserved': 1,
                'allocation_ratio': 1.5,
                'max_unit': total,
                'min_unit': 1,
                'step_size': 1,
            }
            for name, total in (
                ('VCPU', 64),
                ('MEMORY_MB', 65536),
                ('DISK_GB', 2000),
            )
        },
        'resource_provider_generation': 7,
    }


def _image(image_id: str, name: str, **fields: Any) -> dict[str, Any]:
    return {
        'id': image_id,
        'name': name,
        'status': 'active',
        'size': 1000,
        'virtual_size': 4096,
        'disk_format': 'qcow2',
        'container_format': 'bare',
        'os_hash_algo': 'sha512',
        'os_hash_value': 'abc',
        'tags': [],
        'os_distro': 'debian',
        'os_version': '12',
        'hw_disk_bus': 'virtio',
        'team': 'blue',
        **fields,
    }


def _server(server_id: str, **fields: Any) -> dict[str, Any]:
    return {
        'id': server_id,
        'name': 'web',
        'status': 'ACTIVE',
        'tenant_id': 'blue',
        'image': {
            'id': IMAGE,
            'properties': {'hw_disk_bus': 'virtio', 'os_distro': 'debian'},
        },
        'flavor': {
            'original_name': 'small',
            'vcpus': 1,
            'ram': 2048,
            'disk': 20,
            'ephemeral': 0,
            'swap': 0,
            'extra_specs': {'hw:cpu_policy': 'shared'},
        },
        'fault': {'message': 'No valid host was found.', 'code': 500},
        'OS-EXT-SRV-ATTR:host': 'kvm-1',
        'OS-EXT-SRV-ATTR:hypervisor_hostname': 'kvm-1.example.org',
        'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
        'OS-EXT-STS:task_state': None,
        'os-extended-volumes:volumes_attached': [],
        **fields,
    }


_IMAGES = [
    _image(IMAGE, 'debian'),
    _image(
        VMDK,
        'windows',
        disk_format='vmdk',
        hypervisor_type='vmware',
        vmware_disktype='streamOptimized',
        vmware_adaptertype='paraVirtual',
        vmware_ostype='windows2019srv_64Guest',
    ),
]
_SERVERS = [
    _server(SERVER),
    _server(
        BOOTED,
        image='',
        name='database',
        **{'os-extended-volumes:volumes_attached': [{'id': VOLUME}]},
    ),
]

# What is good. By the path; the first page of what is read in pages.
GOOD: dict[str, Any] = {
    '/os-services': {
        'services': [
            _service('kvm-1'),
            _service('vc-1', status='disabled', disabled_reason='work'),
            _service('kvm-new', state='down', updated_at=None),
        ]
    },
    '/os-hypervisors/detail': {
        'hypervisors': [
            _hypervisor(KVM, 'kvm-1', 'QEMU', 8002000),
            _hypervisor(VCENTER, 'vc-1', 'VMware vCenter Server', 8000003),
        ]
    },
    **{
        f'/resource_providers/{provider}/{what}': content
        for provider in (KVM, VCENTER)
        for what, content in (
            ('inventories', _inventories()),
            ('usages', {'usages': {'VCPU': 2, 'MEMORY_MB': 2, 'DISK_GB': 2}}),
            ('traits', {'traits': ['HW_CPU_X86_VMX', 'CUSTOM_GOLD']}),
        )
    },
    '/os-aggregates': {
        'aggregates': [
            {
                'id': 1,
                'uuid': KVM,
                'name': 'kvm',
                'metadata': {
                    'hypervisor_type': 'kvm',
                    'hypervisor_affinity_reserve': '1',
                },
                'hosts': ['kvm-1', 'kvm-new'],
            },
            {
                'id': 2,
                'uuid': VCENTER,
                'name': 'vmware',
                'metadata': {'hypervisor_type': 'vmware'},
                'hosts': ['vc-1'],
            },
        ]
    },
    '/flavors/detail': {
        'flavors': [
            {
                'id': '1',
                'name': 'small',
                'vcpus': 1,
                'ram': 2048,
                'disk': 20,
                'swap': '',
                'OS-FLV-EXT-DATA:ephemeral': 0,
                'extra_specs': {
                    'hw:cpu_policy': 'shared',
                    'resources:VGPU': '0',
                    'trait:CUSTOM_GOLD': 'required',
                },
            }
        ]
    },
    '/images': {'images': _IMAGES},
    f'/images/{IMAGE}': _IMAGES[0],
    '/servers/detail': {'servers': _SERVERS},
    f'/servers/{SERVER}': {'server': _SERVERS[0]},
    '/volumes/detail': {
        'volumes': [
            {
                'id': VOLUME,
                'bootable': 'true',
                'attachments': [{'device': '/dev/vda'}],
                'volume_image_metadata': {'os_distro': 'debian'},
            }
        ]
    },
}
IN_PAGES = frozenset(
    {
        *('/os-hypervisors/detail', '/flavors/detail', '/images'),
        *('/servers/detail', '/volumes/detail'),
    }
)

# What is asked for alone.
BY_ID = frozenset({f'/images/{IMAGE}', f'/servers/{SERVER}'})


# What Keystone answers if all is good, and nova of its versions.
IDENTITY: dict[str, Any] = {
    '/v3': fake_keystone.version(URL),
    '/v3/auth/tokens': fake_keystone.token(
        [fake_keystone.service('compute', f'{URL}{BASE}', 'nova')]
    ),
    BASE: fake_keystone.version(
        URL, BASE, 'v2.1', version='2.98', min_version='2.1'
    ),
}
