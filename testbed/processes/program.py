# SPDX-License-Identifier: Apache-2.0
"""A program that may be started again, and found again by its pid file."""

import contextlib
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import psutil

from testbed.processes import polling
from testbed.processes import ports
from testbed.processes.child import Child

Command: TypeAlias = Sequence[str | pathlib.Path]

# The system tells when a process began to the second, roughly.
_TOLERANCE = 5.0


class Program:
    """A program of a cloud.

    * ``name``: of its log and its pid file
    """

    def __init__(
        self,
        name: str,
        command: Command,
        environment: Mapping[str, str],
        folder: pathlib.Path,
        port: int | None = None,
        ready_text: str | None = None,
        outlives: bool = False,
        pid_file: pathlib.Path | None = None,
    ) -> None:
        """Start nothing.

        :param environment: all that it has
        :param folder: of the cloud
        :param port: that it listens on when it is ready
        :param ready_text: that is in its log when it is ready
        :param outlives: whether it goes on when this process ends
        :param pid_file: that somebody else writes; None for the cloud's own
        """
        self.name = name
        self._command = command
        self._environment = environment
        self._folder = folder
        self._port = port
        self._ready_text = ready_text
        self._outlives = outlives
        self._log_file = folder / 'logs' / f'{name}.log'
        self._pid_file = pid_file or folder / 'pids' / f'{name}.pid'
        # From where on the log is of the last start.
        self._began = 0
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Return its number; None if it does not run."""
        process = self._process()
        return process.pid if process else None

    @property
    def pids(self) -> list[int]:
        """Return the numbers of it and of what it started."""
        return [process.pid for process in self._family()]

    def start(self) -> None:
        """Start it, unless it runs.

        What is left of one that has ended itself is ended first: it has what
        the new one is to listen on.
        """
        if self._process():
            return
        if self._family():
            self.kill()
        if self._log_file.exists():
            self._began = self._log_file.stat().st_size
        self._child = Child(
            self._command,
            self._log_file,
            self._environment,
            outlives=self._outlives,
            folder=self._folder,
        )
        self._pid_file.write_text(f'{self._child.process.pid}\n')

    def log(self) -> str:
        """Return what it wrote since this process started it.

        If another one did, all that it ever wrote.
        """
        with self._log_file.open(errors='replace') as file:
            file.seek(self._began)
            return file.read()

    def wait(self) -> None:
        """Wait until it is ready.

        :raises ChildProcessError: it ended before
        :raises TimeoutError: it is not ready in time
        """
        polling.until(
            self._is_ready_or_ended, f'{self.name}; see {self._log_file}'
        )

    def check(self) -> None:
        """Fail if it does not run.

        :raises ChildProcessError: it does not
        """
        if not self._process():
            raise ChildProcessError(
                f'{self.name} has ended; see {self._log_file}:\n'
                f'{self.log()[-polling.TAIL :]}'
            )

    def terminate(self) -> None:
        """Ask it to end, if it runs."""
        process = self._process()
        if process:
            process.terminate()

    def wait_for_end(self, seconds: float = polling.TIMEOUT) -> bool:
        """Wait until nothing of it runs, and tell whether that came."""
        # Not psutil's own wait: it needs what eventlet takes from a process.
        try:
            polling.until(lambda: not self._family(), self.name, seconds)
        except TimeoutError:
            return False
        self._forget()
        return True

    def kill(self) -> None:
        """End it and what it started, as a crash would."""
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.wait_for_end()

    def _is_ready_or_ended(self) -> bool:
        # In this order, or what it did last is overlooked.
        ended = not self._process()
        if self._is_ready():
            return True
        if ended:
            self.check()
        return False

    def _is_ready(self) -> bool:
        if self._ready_text:
            return self._ready_text in self.log()
        return self._port is None or ports.is_served(self._port)

    def _process(self) -> psutil.Process | None:
        """Return what the pid file names, if that is the program."""
        number = self._recorded()
        try:
            process = number and psutil.Process(number)
            if not process or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process

    def _family(self) -> list[psutil.Process]:
        """Return it and what it started, even if it has ended itself."""
        # Each that we start has a session of its own, with its number.
        number = self._recorded()
        if not number:
            return []
        return [
            process
            for process in psutil.process_iter()
            if (session := _session(process)) is not None
            and number in (session, process.pid)
        ]

    def _recorded(self) -> int | None:
        """Return its number by the pid file.

        None if there is none, or the number is somebody else's by now.
        """
        try:
            number = int(self._pid_file.read_text())
            written = self._pid_file.stat().st_mtime
        except (FileNotFoundError, ValueError):
            return None
        began = psutil.boot_time()
        with contextlib.suppress(psutil.NoSuchProcess):
            began = psutil.Process(number).create_time()
        return number if began < written + _TOLERANCE else None

    def _forget(self) -> None:
        self._pid_file.unlink(missing_ok=True)
        if self._child:
            # Else it would stay behind as a zombie.
            self._child.process.wait()
            self._child = None


def _session(process: psutil.Process) -> int | None:
    """Return the number of who began its session; None if it has ended.

    0 if that is outside of the container.
    """
    try:
        # The first of several threads can end before the others, which keep
        # what it listens on.
        if (
            process.status() == psutil.STATUS_ZOMBIE
            and process.num_threads() <= 1
        ):
            return None
        return os.getsid(process.pid)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
