# SPDX-License-Identifier: Apache-2.0
"""``decisions``."""

import argparse
import os
import pathlib
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hypervisor_affinity import writing
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import signals
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.bus import BusReading

if TYPE_CHECKING:
    from hypervisor_affinity.decisions.bus import Bus

_Write = Callable[[bytes], None]


class Decisions(BusReading):
    """Write the records of nova-scheduler's decisions as lines of JSON.

    Listens on nova's message bus for them, until SIGTERM or Ctrl-C.
    """

    # Answering makes its stdout an ending.Output; cliff knows of none.
    app: Any
    default_pool = 'hypervisor-affinity-decisions'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--nova-conf',
            action='append',
            default=[],
            metavar='FILE',
            help='read from this nova.conf which message bus and topic nova '
            'has, and how to connect; may be given several times',
        )
        parser.add_argument(
            '--output',
            type=writing.named,
            default=writing.STANDARD_OUTPUT,
            metavar='FILE',
            help='add the lines to this file, or to a new one when it was '
            'moved away; default: standard output',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Write until a signal comes.

        :raises CommandError: if there is nothing to listen on, or to write to
        """
        bus = self.bus(parsed_args)
        write = self._writer(parsed_args.output)
        # From here on a signal ends it in order.
        with signals.held_back(signals.ENDING):
            failure = self._listen(bus, parsed_args.pool, write)
        # Of standard output, it is said by who ends the command.
        if failure and self.app.stdout.lost is None:
            raise failure

    def _listen(
        self, bus: 'Bus', pool: str, write: _Write
    ) -> Exception | None:
        """Listen until a signal comes; return why it had to end before."""
        # Not above: oslo.messaging may be missing.
        from hypervisor_affinity.decisions.bus import BusError
        from hypervisor_affinity.decisions.listening import Listener

        failures: list[Exception] = []

        def fail(error: Exception) -> None:
            failures.append(error)
            os.kill(os.getpid(), signal.SIGTERM)

        listener = Listener(
            bus,
            pool,
            lambda record, line: write(line),
            lambda line: self.tell(f'{self.cmd_name}: {line}'),
            fail,
            debug=bool(self.app.options.debug),
        )
        listener.start()
        signal.sigwait(signals.ENDING)
        listener.stop()
        signals.forget(signals.ENDING)
        failure = failures[0] if failures else None
        if isinstance(failure, BusError):
            return CommandError(str(failure))
        return failure

    def _writer(self, path: pathlib.Path) -> _Write:
        """Return what writes a line.

        :raises CommandError: if nothing can be written
        """
        if path == writing.STANDARD_OUTPUT:
            return self._print
        from hypervisor_affinity.decisions.line_file import LineFile

        with base.writing_to(path):
            file = LineFile(path)

        def write(line: bytes) -> None:
            with base.writing_to(path):
                file.add(line)

        return write

    def _print(self, line: bytes) -> None:
        # At once: who reads them may be waiting.
        self.app.stdout.write(f'{line.decode()}\n')
        self.app.stdout.flush()
        if self.app.stdout.lost is not None:
            raise self.app.stdout.lost
