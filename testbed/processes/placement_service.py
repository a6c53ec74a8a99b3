# SPDX-License-Identifier: Apache-2.0
"""Placement as a whole cloud has it: with Keystone and MariaDB."""

from testbed.processes import nova_conf
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command


class PlacementService(ApiService):
    """Resource providers."""

    name = 'placement'
    conf_name = 'placement.conf'
    wsgi = 'placement.wsgi.api'

    def options(self) -> nova_conf.Options:
        """Return placement.conf."""
        return nova_conf.merge(
            self.site.token_options(self.name),
            {
                'api': {'auth_strategy': 'keystone'},
                'placement_database': self.site.database('placement'),
            },
        )

    def environment(self) -> dict[str, str]:
        """Return where placement looks for its configuration."""
        return {'OS_PLACEMENT_CONFIG_DIR': str(self.folder)}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database."""
        return {
            'placement-sync': self.program('placement-manage', 'db', 'sync')
        }
