# SPDX-License-Identifier: Apache-2.0
"""Keystone, and what is registered in it."""

import grp
import os
import pwd

import openstack
from openstack.identity.v3._proxy import Proxy

from testbed.processes import nova_conf
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command
from testbed.processes.site import ADMIN
from testbed.processes.site import DOMAIN_ID
from testbed.processes.site import PASSWORD
from testbed.processes.site import REGION
from testbed.processes.site import SERVICE_PROJECT
from testbed.processes.site import WholeSite


class Keystone(ApiService):
    """Identity, with an administrator."""

    name = 'keystone'
    conf_name = 'keystone.conf'
    wsgi = 'keystone.wsgi.api'
    site: WholeSite

    def options(self) -> nova_conf.Options:
        """Return keystone.conf."""
        return {
            # Without one, each request reads the user's roles anew.
            'cache': {'enabled': True, 'backend': 'oslo_cache.dict'},
            'database': self.site.database('keystone'),
            'fernet_tokens': {'key_repository': self.folder / 'fernet-keys'},
            # Made with the former, though nobody asks for receipts.
            'fernet_receipts': {
                'key_repository': self.folder / 'receipt-keys'
            },
            'credential': {'key_repository': self.folder / 'credential-keys'},
            # Nobody guesses the passwords of a cloud of minutes; the default
            # of 12 takes a quarter of a second for each.
            'identity': {'password_hash_rounds': 4},
        }

    def environment(self) -> dict[str, str]:
        """Return where keystone looks for its configuration."""
        return {'OS_KEYSTONE_CONFIG_DIR': str(self.folder)}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database and make keys."""
        return {
            'keystone-sync': self.program('keystone-manage', 'db_sync'),
            'keystone-keys': self.program(
                'keystone-manage',
                'fernet_setup',
                f'--keystone-user={pwd.getpwuid(os.getuid()).pw_name}',
                f'--keystone-group={grp.getgrgid(os.getgid()).gr_name}',
            ),
        }

    def bootstrap(self) -> Command:
        """Return how to make the administrator."""
        return self.program(
            'keystone-manage',
            'bootstrap',
            f'--bootstrap-username={ADMIN}',
            f'--bootstrap-password={PASSWORD}',
            f'--bootstrap-project-name={ADMIN}',
            f'--bootstrap-region-id={REGION}',
            *(
                f'--bootstrap-{interface}-url={self.site.auth_url}'
                for interface in ('admin', 'internal', 'public')
            ),
        )


def connect(
    auth_url: str, user: str = ADMIN
) -> openstack.connection.Connection:
    """Return the connection of a user, to the project of the same name."""
    return openstack.connection.Connection(
        auth_type='password',
        auth={
            'auth_url': auth_url,
            'username': user,
            'password': PASSWORD,
            'project_name': user,
            'user_domain_id': DOMAIN_ID,
            'project_domain_id': DOMAIN_ID,
        },
        region_name=REGION,
        compute_api_version='2.1',
    )


def ensure_user(identity: Proxy, name: str) -> None:
    """Have a user who may do what any user may, in a project of the name."""
    if identity.find_user(name):
        return
    project = identity.create_project(name=name, domain_id=DOMAIN_ID)
    user = identity.create_user(
        name=name, password=PASSWORD, domain_id=DOMAIN_ID
    )
    identity.assign_project_role_to_user(
        project, user, identity.find_role('member')
    )


def register(
    cloud: openstack.connection.Connection, services: dict[str, list[str]]
) -> None:
    """Add users and endpoints of the other services.

    :param services: {user: [type and URL]}
    """
    identity = cloud.identity
    project = identity.create_project(
        name=SERVICE_PROJECT, domain_id=DOMAIN_ID
    )
    roles = [identity.find_role(name) for name in ('admin', 'service')]
    for name, (kind, url) in services.items():
        user = identity.create_user(
            name=name,
            password=PASSWORD,
            domain_id=DOMAIN_ID,
            default_project_id=project.id,
        )
        for role in roles:
            identity.assign_project_role_to_user(project, user, role)
        service = identity.create_service(name=name, type=kind)
        for interface in ('internal', 'public'):
            identity.create_endpoint(
                service_id=service.id,
                interface=interface,
                region_id=REGION,
                url=url,
            )
