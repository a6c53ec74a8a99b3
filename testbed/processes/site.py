# SPDX-License-Identifier: Apache-2.0
"""What all services of one cloud share."""

import abc
import dataclasses
import pathlib
from collections.abc import Mapping

from testbed.processes import nova_conf
from testbed.processes.broker import Broker
from testbed.processes.mariadb import MariaDb
from testbed.processes.supervisor import Supervisor
from testbed.processes.vcenter import VCenter

REGION = 'RegionOne'
ADMIN = 'admin'
PASSWORD = 'loopback'
SERVICE_PROJECT = 'service'
DOMAIN_ID = 'default'


@dataclasses.dataclass(frozen=True, slots=True)
class Site(abc.ABC):
    """Where things are.

    * ``folder``: for all state
    * ``ports``: {service: port of its API}
    """

    folder: pathlib.Path
    programs: Supervisor
    ports: Mapping[str, int]

    def url(self, service: str) -> str:
        """Return where an API is served."""
        return f'http://127.0.0.1:{self.ports[service]}'

    @abc.abstractmethod
    def database(self, name: str) -> dict[str, object]:
        """Return the options of a group such as [database]."""

    @abc.abstractmethod
    def credentials(self, user: str) -> dict[str, object]:
        """Return the options of a group for keystoneauth."""

    @abc.abstractmethod
    def token_options(self, user: str) -> nova_conf.Options:
        """Return what a service needs to check tokens and to send its own."""

    @abc.abstractmethod
    def messaging_options(self) -> nova_conf.Options:
        """Return what a service needs to talk to its parts."""

    def pipeline(self, path: pathlib.Path) -> pathlib.Path:
        """Return the paste configuration to use for a packaged one."""
        return path

    def environment(self) -> dict[str, str]:
        """Return what each API's process has in its environment."""
        return {}


@dataclasses.dataclass(frozen=True, slots=True)
class WholeSite(Site):
    """With Keystone, MariaDB, RabbitMQ and a vCenter."""

    mariadb: MariaDb
    broker: Broker
    vcenter: VCenter

    @property
    def auth_url(self) -> str:
        """Return where Keystone gives tokens."""
        return f'{self.url("keystone")}/v3'

    def database(self, name: str) -> dict[str, object]:
        """Return the options of a group such as [database]."""
        # The default pool of 5 is less than our threads of one process.
        return {'connection': self.mariadb.url(name), 'max_pool_size': 20}

    def credentials(self, user: str) -> dict[str, object]:
        """Return the options of a group for keystoneauth."""
        return {
            'auth_type': 'password',
            'auth_url': self.auth_url,
            'username': user,
            'password': PASSWORD,
            'user_domain_id': DOMAIN_ID,
            'project_name': SERVICE_PROJECT,
            'project_domain_id': DOMAIN_ID,
            'region_name': REGION,
        }

    def token_options(self, user: str) -> nova_conf.Options:
        """Return what a service needs to check tokens and to send its own."""
        return {
            'keystone_authtoken': {
                **self.credentials(user),
                'www_authenticate_uri': self.auth_url,
                # Tokens of services for those of users, as in production.
                'service_token_roles': 'service',
                'service_token_roles_required': True,
            },
            'service_user': {
                **self.credentials(user),
                'send_service_user_token': True,
            },
        }

    def messaging_options(self) -> nova_conf.Options:
        """Return what a service needs to talk to its parts."""
        return nova_conf.merge(
            self.broker.options,
            {'oslo_messaging_notifications': {'driver': 'noop'}},
        )
