# SPDX-License-Identifier: Apache-2.0
"""How a program ends, whatever happens: by a code and at most one line.

Who runs a program in a cron job reads its code: an error that nobody has
foreseen, or an answer that could not be written, is no answer, and never a bad
one.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from hypervisor_affinity import redaction
from hypervisor_affinity.core.printable import printable

# Of the commands for operators; what is like nova-status has 255.
NO_ANSWER = 3
# As shells have it for a program that a signal ended.
INTERRUPTED = 130
BROKEN_PIPE = 141


class Output:
    """Standard output, which remembers that it could not be written.

    No writer has to look after that: what follows goes nowhere, and
    :func:`ended` has the last word.

    * ``lost``: why it could not be written; None while it can
    * ``is_abandoned``: whether that was said
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to a stream."""
        self.lost: OSError | None = None
        self.is_abandoned = False
        self._stream = stream
        take_all(stream)

    def write(self, text: str) -> int:
        """Write some text; return how much."""
        if self.lost is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self.lost = error
        return len(text)

    def flush(self) -> None:
        """Write all that was not written yet."""
        if self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self.lost = error

    def abandon(self) -> None:
        """Let what was not written go nowhere."""
        self.is_abandoned = True
        _abandon(self._stream)

    def __getattr__(self, name: str) -> Any:
        """Be as the stream is, otherwise."""
        return getattr(self._stream, name)


def prepare() -> None:
    """Have three standard streams, as none may be there.

    What is written to a standard output that was closed fails, as it should.
    """
    for name, mode, access in (
        ('stdin', 'r', os.O_RDONLY),
        ('stdout', 'w', os.O_RDONLY),
        ('stderr', 'w', os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            # The lowest number that is free: files that are opened later get
            # none of a standard stream's.
            number = os.open(os.devnull, access)
            setattr(sys, name, os.fdopen(number, mode, encoding='utf-8'))


def take_all(stream: TextIO) -> None:
    """Have a stream escape what its encoding lacks, and not fail."""
    if hasattr(stream, 'reconfigure'):
        stream.reconfigure(errors='backslashreplace')


def ended(
    run: Callable[[], int],
    name: str,
    stdout: Output,
    stderr: TextIO,
    *,
    no_answer: int,
    debug: bool,
) -> int:
    """Run something, write out what it has said, and return the exit code.

    :param name: what to call it in a line
    :param no_answer: the code if it fails in a way that nobody has foreseen
    :param debug: whether to show a traceback then
    """
    failure: Exception | None = None
    code = no_answer
    try:
        try:
            code = run()
        except SystemExit as error:
            # Of argparse, which may not have written all yet.
            code = int(error.code or 0)
        stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        failure = error
    if stdout.is_abandoned:
        # It was said by what was run.
        return code
    if stdout.lost is not None:
        stdout.abandon()
        if isinstance(stdout.lost, BrokenPipeError):
            # Who reads has read enough, as "| head".
            return BROKEN_PIPE
        why = stdout.lost.strerror
        say(stderr, f'{name}: cannot write standard output: {why}')
        return no_answer
    if failure is None:
        return code
    if debug:
        shown = ''.join(traceback.format_exception(failure))
        say(stderr, *shown.splitlines())
    say(
        stderr,
        f'{name}: unexpected {type(failure).__name__}: {_line(failure)}; run '
        'it again with --debug and report it',
    )
    return no_answer


def say(stderr: TextIO, *lines: str) -> None:
    """Write lines for people, as they can be shown, if they can be written."""
    try:
        stderr.write(''.join(f'{_shown(line)}\n' for line in lines))
        stderr.flush()
    except OSError:
        _abandon(stderr)


def _shown(line: str) -> str:
    return printable(redaction.without_passwords(line))


def _abandon(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere.

    Python writes it when the program ends, and would end it by a code and
    lines of its own.
    """
    try:
        number = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(number, stream.fileno())
            stream.flush()
        finally:
            os.close(number)
    except OSError:
        # It is no file, or there are no numbers for files left.
        pass


def _line(error: Exception) -> str:
    """Return an error's text in one line of no great length."""
    try:
        return redaction.one_line(str(error))
    except Exception:
        return 'it has no text'
