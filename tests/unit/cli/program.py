# SPDX-License-Identifier: Apache-2.0
"""The program, run in this process: importing its libraries takes a second.

So does importing nova, for which the processes of a simulation are forks.

Signals are for a whole process, and this one may have green threads, since
tests of nova ran before: for them the program is started as one of its own.
"""

import json
import logging
import signal
import subprocess
import sys
from unittest import mock

from hypervisor_affinity.cli import shell
from hypervisor_affinity.simulation import processes
from tests.unit.simulation import forking

PROGRAM = (sys.executable, '-m', 'hypervisor_affinity.cli.shell')


class Run:
    """One run.

    :ivar code: the exit code
    """

    def __init__(self, capsys, *arguments):
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        try:
            with mock.patch.object(processes, 'CONTEXT', forking.CONTEXT):
                self.code = shell.main(list(map(str, arguments)))
        except SystemExit as error:
            self.code = error.code
        finally:
            # The program's write to what is no longer standard error, and
            # it sets the level for its whole process.
            root.handlers[:] = handlers
            root.setLevel(level)
        self.out, self.err = capsys.readouterr()

    def json(self):
        return json.loads(self.out)


def start(*command, **options):
    """Start a command, such as :data:`PROGRAM`, as a process of its own."""
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests may ignore signals.
        preexec_fn=_default_signals,
        **options,
    )


def _default_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
