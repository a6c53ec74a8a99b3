# SPDX-License-Identifier: Apache-2.0
"""Programs of one cloud that all end with it."""

import contextlib
import os
import pathlib
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from tests.processes.child import Child

BIN = pathlib.Path(sys.executable).parent

Command: TypeAlias = Sequence[str | pathlib.Path]

_TAIL = 4000


class Supervisor:
    """Starts programs, keeps their logs, and ends what still runs."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Start nothing.

        :param folder: of the whole cloud
        """
        self.logs = folder / 'logs'
        self.logs.mkdir()
        self._environment = {
            # Nothing else of the caller's, whose OS_ variables and proxies
            # are for other clouds.
            'PATH': f'{BIN}:{os.defpath}:/usr/sbin:/sbin',
            'HOME': str(folder),
            'LC_ALL': 'C.UTF-8',
            'PYTHONUNBUFFERED': '1',
            # Deprecations are the services' business.
            'PYTHONWARNINGS': 'ignore',
        }
        self._running: list[Child] = []
        self._ends: list[Callable[[], object]] = []

    def start(
        self,
        name: str,
        command: Command,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a program; what still runs ends with the cloud.

        :param name: of its log
        :param environment: what it has beside the usual
        """
        child = Child(
            command,
            self.logs / f'{name}.log',
            {**self._environment, **(environment or {})},
        )
        self._running.append(child)
        return child

    def run(self, name: str, *commands: Command) -> None:
        """Run programs that end by themselves, one after the other."""
        for command in commands:
            self.finish(self.start(name, command))

    def finish(self, child: Child) -> None:
        """Wait for the end of a program that ends by itself."""
        code = child.wait_for_end()
        # Its number may soon be that of somebody else's process.
        self._running.remove(child)
        _check(child, code)

    def check(self) -> None:
        """Fail if a program failed that is to run."""
        for child in self._running:
            _check(child, child.process.poll())

    def at_end(self, action: Callable[[], object]) -> None:
        """Have something else done when the cloud ends."""
        self._ends.append(action)

    def stop(self) -> None:
        """End all, the last started first."""
        # All of it, whatever fails.
        with contextlib.ExitStack() as stack:
            for action in self._ends:
                stack.callback(action)
            for child in self._running:
                stack.callback(child.kill)


def _check(child: Child, code: int | None) -> None:
    assert not code, f'exit code {code}:\n{child.log()[-_TAIL:]}'


def wait_for_port(child: Child, port: int) -> None:
    """Wait until a program listens."""

    def listens() -> bool:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
        except OSError:
            return False
        return True

    child.wait_until(listens, f'listening on port {port}')
