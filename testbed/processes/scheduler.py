# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler, with the nova.conf that operators are told to copy."""

import enum
import importlib.metadata
import os
import pathlib
import re
import signal

import psutil

from testbed import example_conf
from testbed.processes import nova_conf
from testbed.processes.child import Child
from testbed.processes.supervisor import BIN

# nova writes it at level DEBUG when a worker's queues are there.
_SERVES = 'Join ServiceGroup membership'
_CHANGES = re.compile(r' (\d+) INFO oslo_config\.cfg .* changed from ')
_CHOICES = re.compile(r' (\d+) DEBUG nova\.filters .*Starting with ')
_ERRORS = re.compile(
    r'^.* ERROR hypervisor_affinity\.policy_source .*$', re.MULTILINE
)


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
        self._reloads = 0
        # From where on its log is told.
        self._begin = 0
        self._has_changes = False
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
        """Return all that it wrote since it was started or lastly reset."""
        return self._child.log(self._begin)

    def errors(self) -> list[str]:
        """Return our lines about wrong options."""
        return _ERRORS.findall(self.log())

    def starts(self) -> int:
        """Return how many workers were started, by the log."""
        return self.log().count('Starting scheduler node')

    def asked(self) -> int:
        """Return how many workers had to choose a host, by the log."""
        return len(set(_CHOICES.findall(self.log())))

    def wait(self) -> None:
        """Wait until all workers serve."""
        self._wait_for_workers(0)

    def is_whole(self) -> bool:
        """Tell whether it runs, with all its workers."""
        if self._child.process.poll() is not None:
            return False
        if self._mode is Mode.EVENTLET and self._workers == 1:
            # It works in the process that was started.
            return True
        # Those that were replaced may still be about to end.
        children = psutil.Process(self._child.process.pid).children()
        return len(children) >= self._workers

    def reset(self, changes: nova_conf.Options) -> None:
        """Have it as if it were started just now, and its options changed.

        :raises ChildProcessError: it ended
        :raises TimeoutError: it did not reload in time
        """
        if changes or self._has_changes:
            self.reload(changes)
        self._has_changes = bool(changes)
        self._begin = self._child.log_size()

    def reload(self, changes: nova_conf.Options) -> None:
        """Change the options that it was started with, by SIGHUP.

        Wait until all workers have them.
        """
        seen = self._child.log_size()
        self._has_changes = True
        self._reloads += 1
        nova_conf.write(
            self._conf, self._options, changes, _nobodys(self._reloads)
        )
        self._child.process.send_signal(signal.SIGHUP)
        if self._mode is Mode.THREADING:
            # oslo.service replaces the workers. Until the new ones serve,
            # requests that the old ones still took from the queue get lost.
            self._wait_for_workers(seen)
            return
        # The one process that starts several workers reads the file too.
        count = self._workers + (self._workers > 1)
        self._child.wait_until(
            lambda: len(self._who_read(seen)) == count,
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

    def _who_read(self, seen: int) -> set[str]:
        """Return the numbers of the processes that read nova.conf since."""
        return set(_CHANGES.findall(self._child.log(seen)))

    def _wait_for_workers(self, seen: int) -> None:
        self._child.wait_until(
            lambda: self._child.log(seen).count(_SERVES) >= self._workers,
            f'{self._workers} workers serving',
        )


def _nobodys(number: int) -> nova_conf.Options:
    """Return an option that no scheduler uses.

    It can be changed by SIGHUP, and a process tells what changed, and
    nothing if nothing did.
    """
    return {'compute': {'resource_provider_association_refresh': number}}
