# SPDX-License-Identifier: Apache-2.0
"""The programs of one cloud."""

import contextlib
import os
import pathlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeAlias

from testbed.processes import polling
from testbed.processes.child import Child
from testbed.processes.program import Command
from testbed.processes.program import Program

BIN = pathlib.Path(sys.executable).parent
# For the PYTHONPATH of programs that have modules of it.
CHECKOUT = pathlib.Path(__file__).parents[2]

Action: TypeAlias = Callable[[], object]


class Supervisor:
    """Starts programs, keeps their logs, and ends what still runs.

    * ``logs``: the folder of their logs
    """

    def __init__(self, folder: pathlib.Path, outlive: bool = False) -> None:
        """Start nothing.

        :param folder: of the whole cloud
        :param outlive: whether programs go on when this process ends
        """
        self.folder = folder
        self.logs = folder / 'logs'
        for subfolder in (self.logs, folder / 'pids'):
            subfolder.mkdir(exist_ok=True)
        self._outlive = outlive
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
        self._programs: dict[str, Program] = {}
        self._ending: list[Child] = []
        self._ends: list[Action] = []

    def add(
        self,
        name: str,
        command: Command,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        ready_text: str | None = None,
    ) -> Program:
        """Return a program that is to run as long as the cloud.

        :param environment: what it has beside the usual
        :param port: that it listens on when it is ready
        :param ready_text: that is in its log when it is ready
        """
        program = Program(
            name,
            command,
            {**self._environment, **(environment or {})},
            self.folder,
            port=port,
            ready_text=ready_text,
            outlives=self._outlive,
        )
        self._programs[name] = program
        return program

    def remove(self, name: str) -> None:
        """End a program that is not to run as long as the cloud."""
        self._programs.pop(name).kill()

    def __getitem__(self, name: str) -> Program:
        """Return the program of this name.

        :raises KeyError: there is none
        """
        return self._programs[name]

    def __iter__(self) -> Iterator[Program]:
        """Return all, the first added first."""
        return iter(self._programs.values())

    def begin(self, name: str, command: Command) -> Child:
        """Start a program that ends by itself; ``finish`` waits for it.

        :param name: of its log
        """
        child = Child(
            command,
            self.logs / f'{name}.log',
            self._environment,
            folder=self.folder,
        )
        self._ending.append(child)
        return child

    def finish(self, child: Child, successes: Collection[int] = (0,)) -> None:
        """Wait for the end of a program that ends by itself.

        :param successes: exit codes that are none of failures
        :raises ChildProcessError: it failed
        """
        code = child.wait_for_end()
        # Its number may soon be that of somebody else's process.
        self._ending.remove(child)
        if code not in successes:
            raise ChildProcessError(
                f'exit code {code}:\n{child.log()[-polling.TAIL :]}'
            )

    def run(self, name: str, *commands: Command) -> None:
        """Run programs that end by themselves, one after the other."""
        for command in commands:
            self.finish(self.begin(name, command))

    def check(self) -> None:
        """Fail if a program ended that is to run.

        :raises ChildProcessError: one did
        """
        for program in self:
            program.check()

    def at_end(self, action: Action) -> None:
        """Have something else done when the cloud is killed."""
        self._ends.append(action)

    def kill(self) -> None:
        """End all at once, the last started first."""
        # All of it, whatever fails.
        with contextlib.ExitStack() as stack:
            for action in self._ends:
                stack.callback(action)
            for program in self:
                stack.callback(program.kill)
            for child in self._ending:
                stack.callback(child.kill)
