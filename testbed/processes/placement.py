# SPDX-License-Identifier: Apache-2.0
"""Placement, as a process on loopback with a database of its own."""

import os
import pathlib
import re
import sys

from testbed.processes import nova_conf
from testbed.processes import programs
from testbed.processes.child import Child


class Placement:
    """Placement's own WSGI application, served by the standard library."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Start it."""
        nova_conf.write(
            folder / 'placement.conf',
            {
                'api': {'auth_strategy': 'noauth2'},
                'placement_database': {
                    'connection': f'sqlite:///{folder}/placement.db',
                    'sync_on_startup': True,
                },
            },
        )
        self._child = Child(
            [sys.executable, programs.SERVE_PLACEMENT],
            folder / 'placement.log',
            {**os.environ, 'OS_PLACEMENT_CONFIG_DIR': str(folder)},
        )

    def wait(self) -> nova_conf.Options:
        """Wait until it serves, and return what nova needs to find it."""
        self._child.wait_for_text('serving http')
        (url,) = re.findall(r'^serving (\S+)$', self._child.log(), re.M)
        return {
            'placement': {
                'auth_type': 'admin_token',
                'endpoint': url,
                # Placement's noauth2 gives the rights that go by this name.
                'token': 'admin',
            }
        }

    def stop(self) -> None:
        """Stop it."""
        self._child.kill()
