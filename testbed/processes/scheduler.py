# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler, with the nova.conf that operators are told to copy."""

import enum
import importlib.metadata
import os
import pathlib
import re
import signal

from testbed import example_conf
from testbed.processes import nova_conf
from testbed.processes.child import Child
from testbed.processes.supervisor import BIN

# nova writes it at level DEBUG when a worker's queues are there.
_SERVES = 'Join ServiceGroup membership'
_CHANGES = re.compile(r' (\d+) INFO oslo_config\.cfg .* changed from ')
_ERRORS = re.compile(r'^.* ERROR hypervisor_affinity\.conf .*$', re.MULTILINE)


class Mode(enum.Enum):
    """nova's concurrency modes, by the variable that turns eventlet off."""

    EVENTLET = 'false'
    THREADING = 'true'

    def is_there(self) -> bool:
        """Tell whether the installed nova has this mode."""
        return self is Mode.EVENTLET or any(
            requirement.startswith('oslo.service[threading]')
            for requirement in importlib.metadata.requires('nova')
        )

    def is_logged_in(self, log: str) -> bool:
        """Tell whether a log, at level DEBUG, is of this mode."""
        has_eventlet = re.search(r'oslo_service\.backend\._?eventlet', log)
        has_threading = 'cotyledon' in log
        if self is Mode.EVENTLET:
            return bool(has_eventlet and not has_threading)
        return bool(has_threading and not has_eventlet)


class Scheduler:
    """The program and its workers."""

    def __init__(
        self,
        folder: pathlib.Path,
        mode: Mode,
        workers: int,
        options: nova_conf.Options,
    ) -> None:
        """Start it.

        :param folder: its own
        :param options: what nova.conf has beside the example
        """
        self._mode = mode
        self._workers = workers
        self._conf = folder / 'nova.conf'
        self._options = nova_conf.merge(
            {
                'DEFAULT': {
                    'debug': True,
                    'state_path': folder,
                    # No nova-compute says again that the hosts are up.
                    'service_down_time': 1_000_000,
                    # nova 33 sleeps as long when a worker is to end.
                    'manager_shutdown_timeout': 1,
                },
                'oslo_concurrency': {'lock_path': folder},
                'scheduler': {'workers': workers},
            },
            options,
        )
        nova_conf.write(self._conf, self._options)
        self._child = Child(
            [
                BIN / 'nova-scheduler',
                f'--config-file={example_conf.PATH}',
                f'--config-file={self._conf}',
            ],
            folder / 'scheduler.log',
            {**os.environ, 'OS_NOVA_DISABLE_EVENTLET_PATCHING': mode.value},
        )

    def log(self) -> str:
        """Return all that it wrote so far."""
        return self._child.log()

    def errors(self) -> list[str]:
        """Return our lines about wrong options."""
        return _ERRORS.findall(self.log())

    def starts(self) -> int:
        """Return how many workers were started so far."""
        return self.log().count('Starting scheduler node')

    def wait(self) -> None:
        """Wait until all workers serve."""
        self._wait_for_workers(0)

    def hang_up(self, changes: nova_conf.Options) -> None:
        """Change the options that it was started with, and send SIGHUP."""
        nova_conf.write(self._conf, self._options, changes)
        self._child.process.send_signal(signal.SIGHUP)

    def reload(self, changes: nova_conf.Options) -> None:
        """Change options by SIGHUP, and wait until all workers have them."""
        seen = len(self.log())
        self.hang_up(changes)
        if self._mode is Mode.THREADING:
            # oslo.service replaces the workers. Until the new ones serve,
            # requests that the old ones still took from the queue get lost.
            self._wait_for_workers(seen)
            return
        # The one process that starts several workers reads the file too.
        count = self._workers + (self._workers > 1)
        self._child.wait_until(
            lambda: len(set(_CHANGES.findall(self.log()[seen:]))) == count,
            f'{count} processes having read {self._conf}',
        )

    def wait_for_end(self) -> int:
        """Wait until it ended, and return its exit code."""
        return self._child.wait_for_end()

    def stop(self) -> int:
        """Send SIGTERM, and return its exit code."""
        return self._child.stop()

    def has_left_workers(self) -> bool:
        """Tell, once it ended, whether workers go on without it."""
        try:
            os.killpg(self._child.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self) -> None:
        """End it, if it still runs."""
        self._child.kill()

    def _wait_for_workers(self, seen: int) -> None:
        self._child.wait_until(
            lambda: self.log().count(_SERVES, seen) >= self._workers,
            f'{self._workers} workers serving',
        )
