# SPDX-License-Identifier: Apache-2.0
"""Programs that share the work of importing nova."""

import pathlib
import subprocess
import sys
import tempfile

from testbed.processes import programs
from testbed.processes.child import Child


class Preloaded:
    """Runs Python programs, each in a process of its own.

    The processes are forks of one that has imported what takes seconds. Where
    it counts what importing that does, start a program without this.
    """

    def __init__(self, folder: pathlib.Path, *modules: str) -> None:
        """Start what the processes are forks of.

        :param modules: that they need not import
        """
        self._folder = folder
        self._child = Child(
            [sys.executable, programs.RUN_PROGRAMS, *modules],
            folder / 'preloaded.log',
            is_answering=True,
        )

    def run(
        self, program: str, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, and return all that it wrote.

        :param program: the name of its module, or its path
        """
        folder = pathlib.Path(tempfile.mkdtemp(dir=self._folder))
        output, errors = folder / 'output', folder / 'errors'
        code = self._child.ask([program, arguments, str(output), str(errors)])
        return subprocess.CompletedProcess(
            [program, *arguments], code, output.read_text(), errors.read_text()
        )

    def stop(self) -> None:
        """Stop it."""
        self._child.kill()
