# SPDX-License-Identifier: Apache-2.0
"""A cloud with as many servers as one likes, made up page by page.

nova's, Placement's, Glance's and Cinder's APIs in one server, as far as a
snapshot of servers, or the exporter, needs them.
"""

from collections.abc import Mapping
from typing import Any

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import Request
from testbed.fake_api import in_json

_LARGEST_PAGE = 1000
# Of so many servers, one boots from a volume.
_WITH_VOLUME = 2
_ID = '%08d-0000-4000-8000-%012d'

_VERSIONS = {
    '/v2': {'id': 'v2.9', 'status': 'CURRENT'},
    '/v2.1': {
        'id': 'v2.1',
        'status': 'CURRENT',
        'version': '2.104',
        'min_version': '2.1',
    },
    '/v3': {
        'id': 'v3.0',
        'status': 'CURRENT',
        'version': '3.71',
        'min_version': '3.0',
    },
}
_EMPTY = {
    '/v2.1/os-services': 'services',
    '/v2.1/os-aggregates': 'aggregates',
    '/v2.1/flavors/detail': 'flavors',
    '/v2/images': 'images',
}
_PLACEMENT = {
    'id': 'v1.0',
    'status': 'CURRENT',
    'max_version': '1.39',
    'min_version': '1.0',
}
# Of any resource provider.
_PROVIDER = {
    'inventories': {
        'inventories': {
            name: {
                'total': total,
                'reserved': 0,
                'allocation_ratio': 1.0,
                'max_unit': total,
            }
            for name, total in (('VCPU', 128), ('MEMORY_MB', 2**20))
        }
    },
    'usages': {'usages': {'VCPU': 64, 'MEMORY_MB': 2**19}},
    'traits': {'traits': ['HW_CPU_X86_AVX']},
}


class EndlessCloud(FakeApi):
    """With this number of servers, half of them on volumes."""

    def __init__(self, servers: int, changed: int = 0, hosts: int = 0) -> None:
        """Serve.

        :param changed: how many of the servers have changed, whenever that is
            asked; none is deleted
        :param hosts: at most 500 have servers; all are KVM
        """
        self._servers = servers
        self._hosts = hosts
        self._changed = changed
        super().__init__(self._answer)

    def _answer(self, request: Request) -> Answer:
        path = request.path.rstrip('/')
        if path in _VERSIONS:
            link = {'rel': 'self', 'href': f'{self.url}{path}/'}
            return in_json({'version': {**_VERSIONS[path], 'links': [link]}})
        if not path:
            link = {'rel': 'self', 'href': self.url}
            return in_json({'versions': [{**_PLACEMENT, 'links': [link]}]})
        if path in _EMPTY:
            return in_json({_EMPTY[path]: []})
        if path == '/v2.1/os-hypervisors/detail':
            numbers = range(0 if 'marker' in request.query else self._hosts)
            return in_json({'hypervisors': list(map(_hypervisor, numbers))})
        if path.startswith('/resource_providers/'):
            return in_json(_PROVIDER[path.rpartition('/')[2]])
        if path == '/v2.1/servers':
            return in_json({'servers': []})
        if path.startswith('/v3/volumes/') and not path.endswith('/detail'):
            number = int(path.removeprefix('/v3/volumes/')[:8])
            return in_json({'volume': _volume(number)})
        numbers = self._page(request.query)
        if path == '/v2.1/servers/detail':
            return in_json({'servers': list(map(_server, numbers))})
        return in_json(
            {
                'volumes': [
                    _volume(number)
                    for number in numbers
                    if number % _WITH_VOLUME == 0
                ]
            }
        )

    def _page(self, query: Mapping[str, str]) -> range:
        first = int(query['marker'][:8]) + 1 if 'marker' in query else 0
        size = min(int(query['limit']), _LARGEST_PAGE)
        count = self._changed if 'changes-since' in query else self._servers
        return range(first, min(first + size, count))


def _hypervisor(number: int) -> dict[str, Any]:
    return {
        'id': _ID % (number, 3),
        'hypervisor_hostname': f'kvm-{number}',
        'hypervisor_type': 'QEMU',
        'hypervisor_version': 8002000,
        'state': 'up',
        'status': 'enabled',
        'service': {'host': f'kvm-{number}', 'disabled_reason': None},
    }


def _server(number: int) -> dict[str, Any]:
    server_id = _ID % (number, number)
    image: Any = ''
    volumes = [{'id': _ID % (number, 1), 'delete_on_termination': False}]
    if number % _WITH_VOLUME:
        volumes = []
        image = {
            'id': _ID % (number % 50, 2),
            'properties': {'hw_disk_bus': 'scsi', 'os_distro': 'ubuntu'},
            'links': [],
        }
    return {
        'id': server_id,
        'name': f'server-{number}',
        'status': 'ACTIVE',
        'tenant_id': 'a' * 32,
        'user_id': 'b' * 32,
        'description': 'x' * 200,
        'metadata': {f'key-{key}': 'y' * 40 for key in range(10)},
        'addresses': {
            'net': [{'version': 4, 'addr': '10.0.0.1', 'type': 'fixed'}]
        },
        'links': [{'rel': 'self', 'href': f'http://nova/{server_id}'}] * 2,
        'image': image,
        'flavor': {
            'original_name': f'flavor-{number % 20}',
            'vcpus': 2,
            'ram': 4096,
            'disk': 40,
            'ephemeral': 0,
            'swap': 0,
            'extra_specs': {'hw:cpu_policy': 'shared'},
        },
        'OS-EXT-SRV-ATTR:host': f'kvm-{number % 500}',
        'OS-EXT-SRV-ATTR:hypervisor_hostname': f'kvm-{number % 500}',
        'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
        'OS-EXT-SRV-ATTR:user_data': 'c' * 500,
        'os-extended-volumes:volumes_attached': volumes,
    }


def _volume(number: int) -> dict[str, Any]:
    return {
        'id': _ID % (number, 1),
        'bootable': 'true',
        'attachments': [
            {'server_id': _ID % (number, number), 'device': '/dev/vda'}
        ],
        'volume_image_metadata': {
            'image_id': _ID % (number % 50, 2),
            'os_distro': f'distribution-{number % 50}',
            'disk_format': 'raw',
            'container_format': 'bare',
        },
    }
