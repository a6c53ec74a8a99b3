# SPDX-License-Identifier: Apache-2.0
"""Glance, with images in files and its default checks of their formats."""

from testbed.processes import nova_conf
from testbed.processes.api_service import ETC
from testbed.processes.api_service import ApiService
from testbed.processes.program import Command

_STORE = 'local'


class Glance(ApiService):
    """Images."""

    name = 'glance'
    wsgi = 'glance.wsgi.api'
    conf_name = 'glance-api.conf'

    def options(self) -> nova_conf.Options:
        """Return glance-api.conf."""
        stores = {}
        for name in (
            _STORE,
            'os_glance_staging_store',
            'os_glance_tasks_store',
        ):
            folder = self.folder / name
            folder.mkdir(exist_ok=True)
            stores[name] = {'filesystem_store_datadir': folder}
        return nova_conf.merge(
            self.site.token_options(self.name),
            {
                'DEFAULT': {'enabled_backends': f'{_STORE}:file'},
                'database': self.site.database('glance'),
                'glance_store': {'default_backend': _STORE},
                'oslo_concurrency': {'lock_path': self.folder},
                'oslo_messaging_notifications': {'driver': 'noop'},
                'paste_deploy': {
                    'flavor': 'keystone',
                    'config_file': self.site.pipeline(
                        ETC / 'glance/glance-api-paste.ini'
                    ),
                },
            },
            stores,
        )

    def environment(self) -> dict[str, str]:
        """Return where glance looks for its configuration."""
        return {'OS_GLANCE_CONFIG_DIR': str(self.folder)}

    def syncs(self) -> dict[str, Command]:
        """Return how to fill the database."""
        return {'glance-sync': self.program('glance-manage', 'db_sync')}
