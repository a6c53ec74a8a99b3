# SPDX-License-Identifier: Apache-2.0
"""A process that lives as long as a test needs it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testbed.processes import polling

# Nothing stays behind, even if the tests are killed.
_DIES_WITH_US = ('setpriv', '--pdeathsig=TERM', '--')


class Child:
    """A started program, whose output goes into a file."""

    def __init__(
        self,
        command: Sequence[str | pathlib.Path],
        output: pathlib.Path,
        environment: Mapping[str, str] | None = None,
        is_answering: bool = False,
        outlives: bool = False,
        folder: pathlib.Path | None = None,
    ) -> None:
        """Start it.

        :param environment: all of it, or None for this process's own
        :param is_answering: whether standard input and output are pipes
        :param outlives: whether it goes on when this process ends
        :param folder: that it works in, or None for this process's own
        """
        self._output = output
        with output.open('a') as file:
            self.process = subprocess.Popen(
                [*(() if outlives else _DIES_WITH_US), *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE if is_answering else subprocess.DEVNULL,
                stdout=subprocess.PIPE if is_answering else file,
                stderr=file,
                text=True,
                # nova-scheduler signals its whole process group.
                start_new_session=True,
            )

    def log(self, begin: int = 0) -> str:
        """Return all that it wrote so far.

        :param begin: what ``log_size`` was, to leave out what was before
        """
        with self._output.open(errors='replace') as file:
            file.seek(begin)
            return file.read()

    def log_size(self) -> int:
        """Return how much it wrote so far."""
        return self._output.stat().st_size

    def ask(self, question: object) -> Any:
        """Return the answer of one that is answering, a line of JSON each."""
        self.process.stdin.write(json.dumps(question) + '\n')
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, self.log()
        return json.loads(answer)

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition; fail at once if the process ends before.

        :raises ChildProcessError: it ended before
        :raises TimeoutError: neither came in time
        """

        def is_so() -> bool:
            # In this order, or what it did last is overlooked.
            has_ended = self.process.poll() is not None
            if condition():
                return True
            if has_ended:
                raise ChildProcessError(
                    f'ended before {what}:\n{self.log()[-polling.TAIL :]}'
                )
            return False

        polling.until(is_so, f'{what}; see {self._output}')

    def wait_for_text(self, text: str) -> None:
        """Wait until it wrote this."""
        self.wait_until(lambda: text in self.log(), f'writing {text!r}')

    def wait_for_end(self) -> int:
        """Wait until it ended, and return its exit code."""
        return self.process.wait(polling.TIMEOUT)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.wait_for_end()

    def kill(self) -> None:
        """End it and what it started, as far as they still run."""
        # What it started may go on after it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()
