# SPDX-License-Identifier: Apache-2.0
"""Neutron's API without agents: a port is bound, and leads nowhere.

nova asks it for the ports of every server that it shows or deletes.
"""

from testbed.processes import nova_conf
from testbed.processes.api_service import ETC
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command
from testbed.processes.supervisor import CHECKOUT

# Neutron finds a driver by an entry point of an installed distribution; this
# is as much of one as that takes.
_DISTRIBUTION = 'hypervisor_affinity_testbed-0.dist-info'
_DRIVER = 'port_binding'
_FILES = {
    'METADATA': (
        'Metadata-Version: 2.1\nName: hypervisor-affinity-testbed\n'
        'Version: 0\n'
    ),
    'entry_points.txt': (
        '[neutron.ml2.mechanism_drivers]\n'
        f'{_DRIVER} = testbed.processes.{_DRIVER}:PortBinding\n'
    ),
}


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
        distribution = plugins / _DISTRIBUTION
        distribution.mkdir(parents=True, exist_ok=True)
        for name, content in _FILES.items():
            (distribution / name).write_text(content)
        return {'PYTHONPATH': f'{plugins}:{CHECKOUT}'}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database."""
        return {
            'neutron-sync': self.program(
                'neutron-db-manage', 'upgrade', 'heads'
            )
        }
