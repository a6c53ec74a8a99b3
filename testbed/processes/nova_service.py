# SPDX-License-Identifier: Apache-2.0
"""A process of nova that the others reach by messages."""

import pathlib
from collections.abc import Mapping, Sequence

from testbed.processes import nova_conf
from testbed.processes.nova import Nova
from testbed.processes.supervisor import BIN

# nova writes it at level DEBUG when its queues are there.
_SERVES = 'Join ServiceGroup membership'


class NovaService:
    """A conductor, a scheduler or a compute.

    * ``name``: of the process and its folder
    """

    CONF = 'nova.conf'

    def __init__(
        self,
        nova: Nova,
        name: str,
        program: str,
        host: str,
        options: nova_conf.Options,
        first: Sequence[pathlib.Path] = (),
        environment: Mapping[str, str] | None = None,
        inside: Sequence[str | pathlib.Path] = (),
    ) -> None:
        """Write its configuration, and start nothing.

        :param host: its name in nova
        :param options: what it needs beside what is its own
        :param first: files with options that count less
        :param inside: command that runs the program, given as its arguments
        """
        self.name = name
        folder = nova.folder / self.name
        folder.mkdir(exist_ok=True)
        self._conf = folder / self.CONF
        self._options = nova_conf.merge(
            options,
            {
                'DEFAULT': {
                    'debug': True,
                    'host': host,
                    'state_path': folder,
                },
                'oslo_concurrency': {'lock_path': folder},
            },
        )
        nova_conf.write(self._conf, self._options)
        self._program = nova.site.programs.add(
            self.name,
            [
                *inside,
                BIN / program,
                *(f'--config-file={path}' for path in (*first, self._conf)),
            ],
            environment,
            ready_text=_SERVES,
        )

    def start(self) -> None:
        """Start it; ``wait`` says when it takes messages."""
        self._program.start()

    def wait(self) -> None:
        """Wait until it takes messages."""
        self._program.wait()

    def restart(self, changes: nova_conf.Options) -> None:
        """Have it run with other options than it was made with."""
        self._program.terminate()
        self._program.wait_for_end()
        nova_conf.write(self._conf, self._options, changes)
        self._program.start()
