# SPDX-License-Identifier: Apache-2.0
"""nova's API and databases; the processes behind it are elsewhere."""

import pathlib

from testbed.processes import nova_conf
from testbed.processes.api_service import ETC
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command
from testbed.processes.site import REGION
from testbed.processes.site import Site

DATABASES = ('nova_api', 'nova_cell0', 'nova_cell1')
# Seconds.
RPC_TIMEOUT = 20
_DOWN_TIME = 'service_down_time'
# What says that a service is up comes late there.
_PATIENCE = 600
_UNLIMITED = -1


class Nova(ApiService):
    """Servers, in one cell."""

    name = 'nova'
    conf_name = 'nova.conf'
    wsgi = 'nova.wsgi.osapi_compute'

    def __init__(self, site: Site, down_time: int | None = None) -> None:
        """Write its configuration, and start nothing.

        :param down_time: in seconds, after which a service that is silent
            counts as down; None for what was so before, or suits a machine
            that is busy with tests
        """
        conf = site.folder / self.name / self.conf_name
        before = nova_conf.value(conf, 'DEFAULT', _DOWN_TIME)
        self._down_time = down_time or before or _PATIENCE
        super().__init__(site)

    def options(self) -> nova_conf.Options:
        """Return what all but the computes need."""
        return nova_conf.merge(
            self.common_options(),
            {'api_database': self.site.database('nova_api')},
            {'database': self.site.database('nova_cell1')},
        )

    def common_options(self) -> nova_conf.Options:
        """Return what every part of nova needs."""
        credentials = self.site.credentials(self.name)
        return nova_conf.merge(
            self.site.messaging_options(),
            self.site.token_options(self.name),
            {
                'DEFAULT': {
                    'my_ip': '127.0.0.1',
                    'state_path': self.folder,
                    # A vCenter cluster is a single host to nova.
                    'allow_resize_to_same_host': True,
                    _DOWN_TIME: self._down_time,
                    # Nobody waits a minute for who has died.
                    'rpc_response_timeout': RPC_TIMEOUT,
                },
                'cinder': {
                    **credentials,
                    'catalog_info': 'block-storage::publicURL',
                    'os_region_name': REGION,
                },
                'glance': {'region_name': REGION},
                'neutron': credentials,
                'oslo_concurrency': {'lock_path': self.folder},
                'placement': credentials,
                # Of tests that run at the same time, none is to run out.
                'quota': dict.fromkeys(
                    ('instances', 'cores', 'ram'), _UNLIMITED
                ),
                'vnc': {'enabled': False},
            },
        )

    def environment(self) -> dict[str, str]:
        """Return where nova looks for its configuration."""
        pipeline = self.site.pipeline(ETC / 'nova/api-paste.ini')
        files = [pipeline, self.conf]
        return {'OS_NOVA_CONFIG_FILES': ';'.join(map(str, files))}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the databases."""
        cell0 = self.folder / 'cell0.conf'
        nova_conf.write(
            cell0,
            self.common_options(),
            {'database': self.site.database('nova_cell0')},
        )
        # In the cell that the configuration names, whatever is mapped.
        sync = ['db', 'sync', '--local_cell']
        return {
            'nova-sync-api': self.manage('api_db', 'sync'),
            'nova-sync-cell0': self.manage(*sync, conf=cell0),
            'nova-sync-cell1': self.manage(*sync),
        }

    def manage(
        self, *arguments: str, conf: pathlib.Path | None = None
    ) -> Command:
        """Return a command of nova-manage.

        :param conf: instead of the usual configuration
        """
        return self.program('nova-manage', *arguments, conf=conf)

    def map_cells(self) -> list[Command]:
        """Return how to tell nova of its cells."""
        cell0 = self.site.database('nova_cell0')['connection']
        return [
            self.manage(
                'cell_v2', 'map_cell0', f'--database_connection={cell0}'
            ),
            self.manage('cell_v2', 'create_cell', '--name=cell1'),
        ]

    def discover_hosts(self) -> Command:
        """Return how to tell nova of the computes that have started."""
        return self.manage('cell_v2', 'discover_hosts')

    def remove_orphans(self) -> Command:
        """Return how to free what no server has in Placement."""
        return self.manage('placement', 'audit', '--delete', '--verbose')
