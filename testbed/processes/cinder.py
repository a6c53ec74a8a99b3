# SPDX-License-Identifier: Apache-2.0
"""Cinder, with volumes that are files."""

from testbed.processes import nova_conf
from testbed.processes import privsep
from testbed.processes.api_service import ETC
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command
from testbed.processes.site import REGION
from testbed.processes.site import Site
from testbed.processes.supervisor import CHECKOUT

_BACKEND = 'files'
# In seconds.
_REPORTS_EVERY = 5
_DRIVER = 'testbed.processes.file_volumes.FileVolumes'


class Cinder(ApiService):
    """Volumes."""

    name = 'cinder'
    conf_name = 'cinder.conf'
    wsgi = 'cinder.wsgi.api'

    def __init__(self, site: Site) -> None:
        """Write its configuration, and start nothing."""
        super().__init__(site)
        self._parts = [
            site.programs.add(
                name,
                self.program(name),
                # The driver is there.
                {'PYTHONPATH': str(CHECKOUT)},
            )
            for name in ('cinder-scheduler', 'cinder-volume')
        ]

    def options(self) -> nova_conf.Options:
        """Return cinder.conf."""
        return nova_conf.merge(
            self.site.messaging_options(),
            self.site.token_options(self.name),
            {
                'DEFAULT': {
                    'api_paste_config': ETC / 'cinder/api-paste.ini',
                    'enabled_backends': _BACKEND,
                    'glance_api_servers': self.site.url('glance'),
                    'my_ip': '127.0.0.1',
                    'os_region_name': REGION,
                    # Without it, only an administrator finds a volume by name.
                    'resource_query_filters_file': (
                        ETC / 'cinder/resource_filters.json'
                    ),
                    # Nothing can be placed until the driver has reported.
                    'backend_stats_polling_interval': _REPORTS_EVERY,
                    'periodic_interval': _REPORTS_EVERY,
                    'periodic_fuzzy_delay': 0,
                    # A busy machine delays what says that a part is up.
                    'service_down_time': 600,
                    'state_path': self.folder,
                },
                # It looks at an image's format as root, usually by sudo.
                'cinder_sys_admin': {
                    'helper_command': privsep.helper(self.conf),
                },
                'database': self.site.database('cinder'),
                'oslo_concurrency': {'lock_path': self.folder},
                _BACKEND: {
                    'volume_backend_name': _BACKEND,
                    'volume_driver': _DRIVER,
                },
            },
        )

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database."""
        return {'cinder-sync': self.program('cinder-manage', 'db', 'sync')}

    def start(self) -> None:
        """Start its three parts."""
        super().start()
        for part in self._parts:
            part.start()
