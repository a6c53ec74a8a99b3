# SPDX-License-Identifier: Apache-2.0
"""A small cloud behind a real server, and what may be wrong in its answers.

An answer is changed at one place of its JSON, or as a message of HTTP: as by
a service that is broken, a proxy that is none, or somebody who means harm.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from openstack import connection

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import Request

REGION = 'north'
PASSWORD = 'swordfish'
TOKEN = 'a-token-of-an-administrator'
IMAGE = '6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e'
VMDK = '0f0b9d52-6f3c-4a3f-9a57-3f6f1c8a2b10'
SERVER = '2c0f3f0a-9d8f-4a57-a8fb-3d1f0e9f1a11'
BOOTED = '7f0e8a11-2222-4e0e-8f3c-1b7d5c9e0a44'
VOLUME = '3f1c2d3e-3333-4e0e-8f3c-1b7d5c9e0a45'
KVM = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b11'
VCENTER = '0c1f0d3e-6d2b-4b7e-9a55-3f6f1c8a2b12'

# All services have the same endpoint here.
_BASE = '/v2.1'
# Of the server, which has its own one each time.
_URL = 'http://the-server'
_DOMAIN = {'id': 'default', 'name': 'Default'}


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


def _version(path: str, name: str, **fields: str) -> dict[str, Any]:
    links = [{'rel': 'self', 'href': f'{_URL}{path}/'}]
    return {
        'version': {'id': name, 'status': 'stable', 'links': links, **fields}
    }


# What Keystone answers if all is good, and nova of its versions.
IDENTITY: dict[str, Any] = {
    '/v3': _version('/v3', 'v3.14'),
    '/v3/auth/tokens': {
        'token': {
            'methods': ['password'],
            'user': {'id': 'u', 'name': 'admin', 'domain': _DOMAIN},
            'project': {'id': 'p', 'name': 'admin', 'domain': _DOMAIN},
            'roles': [{'id': 'r', 'name': 'admin'}],
            'expires_at': '2999-01-01T00:00:00.000000Z',
            'issued_at': '2026-01-01T00:00:00.000000Z',
            'catalog': [
                {
                    'id': 'c',
                    'name': 'nova',
                    'type': 'compute',
                    'endpoints': [
                        {
                            'id': 'e',
                            'interface': 'public',
                            'region': REGION,
                            'region_id': REGION,
                            'url': f'{_URL}{_BASE}',
                        }
                    ],
                }
            ],
        }
    },
    _BASE: _version(_BASE, 'v2.1', version='2.98', min_version='2.1'),
}

# A way from the top of an answer to a place in it.
_Place = tuple[str | int, ...]


class _Again(str):
    """A key beside an equal one."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _with_all_again(value: Any) -> Any:
    if isinstance(value, dict):
        return value | {_Again(key): None for key in value}
    return value


def _twice(value: Any) -> Any:
    return value * 2 if isinstance(value, list | str) else [value, value]


def _of_other_type(value: Any) -> Any:
    return str(value) if isinstance(value, int) else {'x': value}


# What may stand in the place of what is good.
_ODD = {
    'null': None,
    'true': True,
    'zero': 0,
    'minus one': -1,
    'beyond 31 bits': 2**31,
    'beyond 63 bits': 2**63,
    '400 digits': 10**400,
    'a float': 0.1,
    'a large float': 1e308,
    'NaN': float('nan'),
    'infinity': float('inf'),
    'NaN in words': 'nan',
    'a number in words': '9' * 400,
    'empty': '',
    'a word': 'unheard-of',
    'a pattern': 'a{99999999999}(',
    'a large pattern': 'a{99999999999}',
    'a path': '../../../etc/passwd?a=b#c%2f',
    'long': 'long ' * 2000,
    'a surrogate': 'a\ud800',
    'two surrogates': '\udc00\ud800',
    'a NUL': 'a\0b',
    'marks': '\x1b[2J\r\n\u202eabc\u2066\u2028\u200b\ufeff\x9b31m',
    'a date that is none': '2026-02-30T25:61:61.000000',
    'a date of another year': '999999-01-01T00:00:00+99:99',
    'an empty list': [],
    'a list': ['a', 1, None],
    'an empty object': {},
    'an object': {'id': 1, '': None, 'a\0\x1b': [[]]},
    'deep': json.loads('[' * 60 + ']' * 60),
}
_WORKS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda value, odd=odd: copy.deepcopy(odd)
        for name, odd in _ODD.items()
    },
    'keys twice': _with_all_again,
    'twice': _twice,
    'another type': _of_other_type,
}
_REMOVED = 'removed'
# The names of all.
CHANGES = (*_WORKS, _REMOVED)


def places(value: Any, way: _Place = ()) -> Iterator[_Place]:
    """Yield the ways to all places."""
    yield way
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, element in inner:
            yield from places(element, (*way, key))


def changed(value: Any, way: _Place, change: str) -> Any:
    """Return a value, itself unchanged, with a change at a place.

    Without any if another one took the place away.
    """
    if not way:
        return None if change == _REMOVED else _WORKS[change](value)
    first, *others = way
    try:
        inner = value[first]
    except (IndexError, KeyError, TypeError):
        return value
    copied = copy.copy(value)
    if change == _REMOVED and not others:
        del copied[first]
    elif isinstance(copied, dict | list):
        copied[first] = changed(inner, tuple(others), change)
    return copied


def _resized(body: bytes, step: Callable[[bytes], bytes]) -> Answer:
    return Answer(200, step(body), _JSON)


_JSON = {'Content-Type': 'application/json'}
_STATUSES = (
    *(201, 203, 204, 206, 300, 302, 304, 400, 401, 403, 404, 406, 407, 409),
    *(410, 413, 415, 418, 429, 431, 500, 501, 502, 503, 504, 511, 599, 999),
)
_PAGE = b'<html><body><h1>Log in\x1b[2J</h1>\xff</body></html>'
# What may become of a message whose body is good.
MESSAGES: dict[str, Callable[[bytes], Answer]] = {
    **{
        f'status {status}': lambda body, status=status: Answer(
            status, b'' if status in (204, 304) else body, _JSON
        )
        for status in _STATUSES
    },
    **{
        f'a page, {status}': lambda body, status=status: Answer(
            status, _PAGE, {'Content-Type': 'text/html'}
        )
        for status in (200, 404, 500, 503)
    },
    'an error in an odd form': lambda body: Answer(
        500, b'{"error": [1], "message": {"a": "\\u001b[2J"}}', _JSON
    ),
    'an error in a long form': lambda body: Answer(
        409, json.dumps({'message': '\x1b' * 5000}).encode(), _JSON
    ),
    'no type': lambda body: Answer(200, body),
    'another type': lambda body: Answer(
        200, body, {'Content-Type': 'image/png; charset=utf-7'}
    ),
    'an unknown charset': lambda body: Answer(
        200, body, {'Content-Type': 'application/json; charset=\xff'}
    ),
    'compressed in words': lambda body: Answer(
        200, body, {**_JSON, 'Content-Encoding': 'gzip'}
    ),
    'in UTF-16': lambda body: _resized(
        body, lambda b: b.decode().encode('utf-16')
    ),
    'no UTF-8': lambda body: _resized(
        body, lambda b: b.replace(b'a', b'\xff')
    ),
    'half': lambda body: _resized(body, lambda b: b[: len(b) // 2]),
    'broken off': lambda body: Answer(200, body, _JSON, cut=True),
    'more': lambda body: _resized(body, lambda b: b + b' {}'),
    'nothing': lambda body: _resized(body, lambda b: b''),
}

# {path: ([(place, change)], a change of the message or None)}
Wrong = dict[str, tuple[list[tuple[_Place, str]], str | None]]


def _wrong(changes: list[tuple[str, Any]]) -> Wrong:
    wrong: Wrong = {}
    for path, change in changes:
        values, message = wrong.get(path, ([], None))
        if isinstance(change, str):
            message = change
        else:
            values = [*values, change]
        wrong[path] = values, message
    return wrong


def wrong_answers(good: dict[str, Any]) -> st.SearchStrategy[Wrong]:
    """Return a strategy for one or two changes of what is good."""
    ways = {path: list(places(content)) for path, content in good.items()}
    value = st.sampled_from(list(good)).flatmap(
        lambda path: st.tuples(
            st.just(path),
            st.tuples(
                st.sampled_from(ways[path]),
                st.sampled_from(CHANGES),
            ),
        )
    )
    message = st.tuples(
        st.sampled_from(list(good)), st.sampled_from(list(MESSAGES))
    )
    # There are many more places than messages.
    change = st.one_of(value, value, value, message)
    return st.lists(change, min_size=1, max_size=2).map(_wrong)


class WrongCloud(FakeApi):
    """Keystone and all services.

    * ``wrong``: what is not as it should be
    """

    def __init__(self) -> None:
        """Serve what is good."""
        self.wrong: Wrong = {}
        super().__init__(self._answer)

    def connect(self) -> connection.Connection:
        """Return a connection without retries, which pause."""
        return connection.Connection(
            auth_type='password',
            auth={
                'auth_url': f'{self.url}/v3',
                'username': 'admin',
                'password': PASSWORD,
                'project_name': 'admin',
                'user_domain_id': 'default',
                'project_domain_id': 'default',
            },
            region_name=REGION,
            status_code_retries=0,
            connect_retries=0,
            # openstacksdk's own default for Glance goes before.
            image_status_code_retries=0,
            # So that they are not asked for versions.
            image_api_version='2',
            image_endpoint_override=f'{self.url}{_BASE}',
            placement_api_version='1',
            placement_endpoint_override=f'{self.url}{_BASE}',
            block_storage_api_version='3',
            block_storage_endpoint_override=f'{self.url}{_BASE}',
        )

    def _answer(self, request: Request) -> Answer:
        self.requests.clear()
        path = request.path.rstrip('/')
        if path in IDENTITY:
            content = IDENTITY[path]
        else:
            path = path.removeprefix(_BASE)
            content = GOOD.get(path)
            if content is None:
                return Answer(404, b'{"message": "none"}', _JSON)
        values, message = self.wrong.get(path, ([], None))
        hidden = request.query.get('os_hidden') == 'true'
        if path in IN_PAGES and ('marker' in request.query or hidden):
            content = {key: [] for key in content}
        else:
            for place, change in values:
                content = changed(content, place, change)
        body = json.dumps(content).replace(_URL, self.url).encode()
        if message is not None:
            answer = MESSAGES[message](body)
        elif path == '/v3/auth/tokens':
            answer = Answer(201, body, _JSON)
        else:
            answer = Answer(200, body, _JSON)
        if path == '/v3/auth/tokens':
            headers = {**answer.headers, 'X-Subject-Token': TOKEN}
            answer = Answer(answer.status, answer.body, headers)
        return answer
