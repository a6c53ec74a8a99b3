# SPDX-License-Identifier: Apache-2.0
"""Neutron's API without agents: a port is bound, and leads nowhere.

nova asks it for the ports of every server that it shows or deletes.
"""

from testbed.processes import entry_points
from testbed.processes import nova_conf
from testbed.processes.api_service import ETC
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command
from testbed.processes.supervisor import CHECKOUT

_DRIVERS = 'neutron.ml2.mechanism_drivers'
_DRIVER = 'port_binding'


class Neutron(ApiService):
    """Networks without anything behind them."""

    name = 'neutron'
    conf_name = 'neutron.conf'
    wsgi = 'neutron.wsgi.api'

    def options(self) -> nova_conf.Options:
        """Return neutron.conf."""
        return nova_conf.merge(
            self.site.messaging_options(),
            self.site.token_options(self.name),
            {
                'DEFAULT': {
                    'api_paste_config': ETC / 'neutron/api-paste.ini',
                    'core_plugin': 'ml2',
                    'service_plugins': '',
                    'state_path': self.folder,
                    'notify_nova_on_port_status_changes': False,
                    'notify_nova_on_port_data_changes': False,
                },
                'database': self.site.database('neutron'),
                'ml2': {
                    'type_drivers': 'local',
                    'tenant_network_types': 'local',
                    'mechanism_drivers': _DRIVER,
                },
                'oslo_concurrency': {'lock_path': self.folder},
            },
        )

    def environment(self) -> dict[str, str]:
        """Return where its driver is, and what says so."""
        plugins = self.folder / 'plugins'
        entry_points.write(
            plugins,
            _DRIVERS,
            _DRIVER,
            f'testbed.processes.{_DRIVER}:PortBinding',
        )
        return {'PYTHONPATH': f'{plugins}:{CHECKOUT}'}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database."""
        return {
            'neutron-sync': self.program(
                'neutron-db-manage', 'upgrade', 'heads'
            )
        }
