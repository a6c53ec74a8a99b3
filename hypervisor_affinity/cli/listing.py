# SPDX-License-Identifier: Apache-2.0
"""Commands whose tables people read in a terminal of 80 columns.

As OpenStackClient's: a few columns, and ``--long`` for the rest; a column that
is named by ``-c`` is always there.
"""

import argparse
import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from cliff import columns

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import cells
from hypervisor_affinity.cli import fitting
from hypervisor_affinity.core.printable import printable


class _Broken(cells.Lines):
    """A text that is broken into lines."""

    def __init__(self, value: Any, broken: list[str]) -> None:
        super().__init__(value)
        self._broken = broken

    def lines(self) -> list[str]:
        return self._broken


class FittedCommand(base.Command):
    """A command whose table fits the terminal, or ``--max-width``."""

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Any,
    ) -> int:
        """Write the answer; a table with no word cut in two."""
        width = self._width(parsed_args)
        if width:
            data = _fitted(column_names, list(data), parsed_args, width)
            # cliff would cut what is wider, in a terminal even if it is told
            # not to fit anything.
            given = {**vars(parsed_args), 'max_width': sys.maxsize}
            parsed_args = argparse.Namespace(**given)
        return super().produce_output(parsed_args, column_names, data)

    def _width(self, parsed_args: argparse.Namespace) -> int:
        """Return the most that a table may have; 0 if that is all the same."""
        if parsed_args.formatter != 'table':
            return 0
        if parsed_args.max_width > 0:
            return parsed_args.max_width
        if parsed_args.fit_width or self._out.isatty():
            return shutil.get_terminal_size((0, 0)).columns
        return 0


class LongCommand(FittedCommand):
    """A command with ``--long``."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser with the argument."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--long',
            action='store_true',
            help='show all columns; -c shows any of them without --long, too',
        )
        return parser

    def chosen(
        self,
        parsed_args: argparse.Namespace,
        short: Collection[str],
        rows: Iterable[tuple],
    ) -> tuple[tuple[str, ...], list[tuple]]:
        """Return the columns that are to be shown.

        :param short: names of those that are there without ``--long``, and
            without ``-c`` or ``--sort-column`` for another
        """
        column_names = tuple(self.columns(parsed_args))
        if self.is_long(parsed_args, short):
            return column_names, list(rows)
        kept = [n for n, name in enumerate(column_names) if name in short]
        return tuple(column_names[n] for n in kept), [
            tuple(row[n] for n in kept) for row in rows
        ]

    def is_long(
        self, parsed_args: argparse.Namespace, short: Collection[str]
    ) -> bool:
        """Tell whether all columns are asked for."""
        named = (*parsed_args.columns, *parsed_args.sort_columns)
        others = set(map(base.normalized, named)).difference(
            map(base.normalized, short)
        )
        return parsed_args.long or bool(others)


def _fitted(
    names: Sequence[str],
    rows: list[Sequence[Any]],
    parsed_args: argparse.Namespace,
    width: int,
) -> list[tuple]:
    wanted = {name.lower().replace('_', ' ') for name in parsed_args.columns}
    shown = [
        n
        for n, name in enumerate(names)
        if not wanted or name.lower().replace('_', ' ') in wanted
    ]
    texts = [[_text(row[n]) for n in shown] for row in rows]
    head = [names[n] for n in shown]
    most = fitting.widths([head, *texts], width)
    fitted = []
    for row, words in zip(rows, texts, strict=True):
        cells_of_row = list(row)
        for n, text, limit in zip(shown, words, most, strict=True):
            # cliff puts numbers to the right, by their type. What has a colour
            # is one word.
            if not isinstance(row[n], (int, float, cells.Coloured)):
                broken = fitting.lines(text, limit)
                cells_of_row[n] = _Broken(row[n], broken)
        fitted.append(tuple(cells_of_row))
    return fitted


def _text(cell: Any) -> str:
    if isinstance(cell, (cells.Coloured, cells.Wrapped)):
        cell = cell.machine_readable()
    elif isinstance(cell, columns.FormattableColumn):
        cell = cell.human_readable()
    return '' if cell is None else printable(str(cell))
