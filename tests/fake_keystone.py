# SPDX-License-Identifier: Apache-2.0
"""What Keystone answers, for who serves it with ``testbed.fake_api``."""

from collections.abc import Iterable
from typing import Any

REGION = 'north'
PASSWORD = 'swordfish'

_DOMAIN = {'id': 'default', 'name': 'Default'}


def credentials(url: str) -> dict[str, str]:
    """Return what openstacksdk needs to get a token.

    :param url: of the server
    """
    return {
        'auth_url': f'{url}/v3',
        'username': 'admin',
        'password': PASSWORD,
        'project_name': 'admin',
        'user_domain_id': 'default',
        'project_domain_id': 'default',
    }


def version(
    url: str, path: str = '/v3', name: str = 'v3.14', **fields: str
) -> dict[str, Any]:
    """Return the version of a service; Keystone's by default.

    :param fields: further ones, such as microversions
    """
    links = [{'rel': 'self', 'href': f'{url}{path}/'}]
    return {
        'version': {'id': name, 'status': 'stable', 'links': links, **fields}
    }


def service(service_type: str, url: str, name: str = '') -> dict[str, Any]:
    """Return a service as a catalog has it."""
    return {
        'id': service_type,
        'name': name or service_type,
        'type': service_type,
        'endpoints': [
            {
                'id': service_type,
                'interface': 'public',
                'region': REGION,
                'region_id': REGION,
                'url': url,
            }
        ],
    }


def token(catalog: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return a token of an administrator, which does not end.

    :param catalog: services by :func:`service`
    """
    return {
        'token': {
            'methods': ['password'],
            'user': {'id': 'u', 'name': 'admin', 'domain': _DOMAIN},
            'project': {'id': 'p', 'name': 'admin', 'domain': _DOMAIN},
            'roles': [{'id': 'r', 'name': 'admin'}],
            'expires_at': '2999-01-01T00:00:00.000000Z',
            'issued_at': '2026-01-01T00:00:00.000000Z',
            'catalog': list(catalog),
        }
    }
