# SPDX-License-Identifier: Apache-2.0
"""What other services of nova send to nova-scheduler."""

import pathlib
import sys
from collections.abc import Mapping
from typing import Any

from testbed.processes import nova_conf
from testbed.processes import programs
from testbed.processes.child import Child


class Client:
    """One process for all requests: nova takes seconds to import."""

    def __init__(
        self, folder: pathlib.Path, options: nova_conf.Options
    ) -> None:
        """Start it."""
        conf = folder / 'client.conf'
        nova_conf.write(conf, options)
        self._child = Child(
            [sys.executable, programs.CALL_SCHEDULER, f'--config-file={conf}'],
            folder / 'client.log',
            is_answering=True,
        )

    def place(self, **image: str) -> str:
        """Ask for a host for a server; return the host, or why there is none.

        :param image: Glance's properties and formats
        """
        return self._call('place', image=image)

    def set_metadata(
        self, aggregate: str, metadata: Mapping[str, str | None]
    ) -> None:
        """Change an aggregate's metadata, and tell nova-scheduler."""
        self._call('set_metadata', name=aggregate, metadata=metadata)

    def stop(self) -> None:
        """Stop it."""
        self._child.kill()

    def _call(self, function: str, **arguments: Any) -> Any:
        return self._child.ask([function, arguments])
