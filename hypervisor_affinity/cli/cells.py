# SPDX-License-Identifier: Apache-2.0
"""Cells of an answer, so that whoever shows them shows only what is meant.

Users name what is in them. ``json`` and ``yaml`` have their own ways to write
any text, and give it back exactly; all other formats get it printable.
"""

import abc
import enum
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from cliff import columns

from hypervisor_affinity.core.printable import printable

EXACT = frozenset({'json', 'yaml'})

# What a spreadsheet takes for the beginning of a formula, in both widths.
_FORMULA = re.compile(' *[=+@\\-\uff1d\uff0b\uff20\uff0d]')
# What a shell does not take for itself between double quotes.
_OF_SHELL = re.compile(r'[$`\\]')


class Lines(columns.FormattableColumn):
    """Several lines in a cell of a table; one value elsewhere."""

    @abc.abstractmethod
    def lines(self) -> list[str]:
        """Return them."""

    def human_readable(self) -> str:
        """Return them, each printable."""
        return '\n'.join(map(printable, self.lines()))


class Wrapped(Lines):
    """A text of several words, in lines of a table; whole elsewhere.

    Between words only: cliff's own way to fit a table chops them.
    """

    def __init__(self, text: str, width: int) -> None:
        """Take a text.

        :param width: in characters, of which only a longer word takes more
        """
        super().__init__(text)
        self._width = width

    def lines(self) -> list[str]:
        """Return them."""
        return textwrap.wrap(
            printable(self._value),
            self._width,
            break_long_words=False,
            break_on_hyphens=False,
        )


class Colour(enum.StrEnum):
    """How a terminal is told one: ECMA-48, select graphic rendition."""

    RED = '31'
    YELLOW = '33'
    CYAN = '36'


class Coloured(columns.FormattableColumn):
    """A word of ours, in a colour where people read it on a terminal."""

    def __init__(self, word: str, colour: Colour) -> None:
        super().__init__(word)
        self._colour = colour

    def human_readable(self) -> str:
        """Return it with its colour."""
        return f'\x1b[{self._colour}m{self._value}\x1b[0m'


def takes_colours(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that shows colours.

    ``NO_COLOR`` as https://no-color.org has it.
    """
    return (
        stream.isatty()
        and not os.environ.get('NO_COLOR')
        and os.environ.get('TERM') != 'dumb'
    )


class _Shown(columns.FormattableColumn):
    """A cell that has other words for people, in printable ones."""

    def __init__(self, cell: Any, text: Callable[[str], str]) -> None:
        super().__init__(cell)
        self._text = text

    def human_readable(self) -> str:
        shown = self._value.human_readable()
        # These have seen to it themselves.
        is_fit = isinstance(self._value, (Lines, Coloured))
        return shown if is_fit else printable(shown)

    def machine_readable(self) -> Any:
        return _plain(self._value.machine_readable(), self._text)


def shown(cell: Any, formatter: str) -> Any:
    """Return a cell as a formatter is to show it.

    :param formatter: its name
    """
    if formatter in EXACT:
        return cell
    text = _TEXTS.get(formatter, printable)
    if isinstance(cell, columns.FormattableColumn):
        return _Shown(cell, text)
    return _plain(cell, text)


def words(value: Any) -> str:
    """Return a value without Python's signs: ``a=1, b=2``, ``x, y``."""
    if isinstance(value, Mapping):
        return ', '.join(
            f'{name}={"?" if each is None else words(each)}'
            for name, each in value.items()
        )
    if isinstance(value, (list, tuple)):
        return ', '.join(map(words, value))
    return '' if value is None else str(value)


def _plain(value: Any, text: Callable[[str], str]) -> Any:
    if value is None:
        return ''
    if isinstance(value, (int, float)):
        return value
    return text(words(value))


def _for_spreadsheets(value: str) -> str:
    """Return a text that no spreadsheet runs.

    An apostrophe before it is how people write such text into a cell.
    """
    value = printable(value)
    return f"'{value}" if _FORMULA.match(value) else value


def _for_shells(value: str) -> str:
    """Return a text that a shell leaves alone between double quotes.

    cliff escapes these themselves.
    """
    return _OF_SHELL.sub(r'\\\g<0>', printable(value))


_TEXTS = {'csv': _for_spreadsheets, 'shell': _for_shells}
