# SPDX-License-Identifier: Apache-2.0
"""The APIs of nova, Placement and Glance, with SQLite and without Keystone.

Enough to read a cloud: nova's hosts and servers are only in its databases.
Tokens are believed (``trusted_tokens``); Neutron, which nova-api asks for the
ports of servers, is a fake that has none. There is no Cinder.
"""

import dataclasses
import pathlib
from collections.abc import Mapping

from openstack import connection

from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from testbed.processes import databases
from testbed.processes import nova_conf
from testbed.processes import ports
from testbed.processes.glance import Glance
from testbed.processes.nova import Nova
from testbed.processes.placement_service import PlacementService
from testbed.processes.site import ADMIN
from testbed.processes.site import REGION
from testbed.processes.site import Site
from testbed.processes.supervisor import Supervisor

_CHECKOUT = pathlib.Path(__file__).parents[2]
_TOKEN_FILTER = 'testbed.processes.trusted_tokens:filter_factory'


@dataclasses.dataclass(frozen=True, slots=True)
class _SmallSite(Site):
    def database(self, name: str) -> dict[str, object]:
        return {
            'connection': f'sqlite:///{self.folder}/{name}.db',
            # What is lost in a crash is not missed.
            'sqlite_synchronous': False,
        }

    def credentials(self, user: str) -> dict[str, object]:
        return {'auth_type': 'admin_token', 'token': ADMIN, 'endpoint': ''}

    def token_options(self, user: str) -> nova_conf.Options:
        return {}

    def messaging_options(self) -> nova_conf.Options:
        return {
            'DEFAULT': {'transport_url': 'fake:/'},
            'oslo_messaging_notifications': {'driver': 'noop'},
        }

    def pipeline(self, path: pathlib.Path) -> pathlib.Path:
        own = self.folder / path.name
        own.write_text(
            path.read_text().replace(
                'keystonemiddleware.auth_token:filter_factory', _TOKEN_FILTER
            )
        )
        return own

    def environment(self) -> dict[str, str]:
        # The filter is there.
        return {'PYTHONPATH': str(_CHECKOUT)}


class _SmallNova(Nova):
    def common_options(self) -> nova_conf.Options:
        return nova_conf.merge(
            super().common_options(),
            {
                # No nova-compute says again that the hosts are up.
                'DEFAULT': {'service_down_time': 1_000_000},
                'neutron': {'endpoint_override': self.site.url('neutron')},
                'placement': {'endpoint_override': self.site.url('placement')},
            },
        )


class _SmallPlacement(PlacementService):
    def options(self) -> nova_conf.Options:
        # Believes tokens by itself, with fewer roles.
        return nova_conf.merge(
            super().options(), {'api': {'auth_strategy': 'noauth2'}}
        )


class SmallCloud:
    """All of it, on loopback, with its state in one folder.

    What it started ends when it is stopped, the folder stays.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Start nothing.

        :param folder: an empty one
        """
        self._folder = folder
        self._programs = Supervisor(folder)
        self.site: _SmallSite
        self.glance: Glance

    def start(self, document: Mapping[str, list]) -> None:
        """Start it, and wait until it serves.

        :param document: what nova and Placement are to have, in the shape of
            a snapshot
        """
        neutron = FakeApi(lambda _: in_json({'ports': []}))
        self._programs.at_end(neutron.stop)
        names = ('placement', 'glance', 'nova')
        numbers = ports.free(len(names))
        self.site = _SmallSite(
            folder=self._folder,
            programs=self._programs,
            ports={
                'neutron': neutron.port,
                **dict(zip(names, numbers, strict=True)),
            },
        )
        placement = _SmallPlacement(self.site)
        glance = self.glance = Glance(self.site)
        nova = _SmallNova(self.site)
        syncs = [
            self._programs.begin(name, command)
            for service in (placement, glance, nova)
            for name, command in service.syncs().items()
        ]
        for child in syncs:
            self._programs.finish(child)
        for service in (placement, glance):
            service.start()
        self._programs.run('nova-cells', *nova.map_cells())
        placement.wait()
        databases.fill(f'--config-file={nova.conf}', document)
        nova.start()
        for service in (nova, glance):
            service.wait()

    def stop(self) -> None:
        """Stop it."""
        self._programs.kill()

    def connect(self, **options: object) -> connection.Connection:
        """Return a connection to it.

        :param options: that override those of an administrator
        """
        return connect(
            **{
                'compute_endpoint_override': f'{self.site.url("nova")}/v2.1',
                'image_endpoint_override': self.site.url('glance'),
                'placement_endpoint_override': self.site.url('placement'),
                'has_block_storage': False,
                **options,
            }
        )


def connect(token: str = ADMIN, **options: object) -> connection.Connection:
    """Return a connection that sends a token which Keystone never made.

    :param options: of the connection, such as endpoints
    """
    return connection.Connection(
        auth_type='admin_token',
        auth={'endpoint': 'http://127.0.0.1:9', 'token': token},
        region_name=REGION,
        **options,
    )
