# SPDX-License-Identifier: Apache-2.0
"""Tables that fit a width, without a word that is cut in two.

cliff cuts wherever a column ends. Here a line ends between words, or, where a
word alone is too long, behind a sign in it: ``vmware_ostype=`` and then
``windows2019srv_64Guest``. A table in which such parts do not fit is wider.
"""

import itertools
import re
import unicodedata
from collections.abc import Callable, Sequence

# Behind what a word may end a line, the best first.
_JOINTS = (
    re.compile(r'(?<=[=;,/|])(?=.)'),
    re.compile(r'(?<=[:_.-])(?=\w)'),
)


def frame(columns: int) -> int:
    """Return what the lines and blanks of a table take of its width."""
    return 3 * columns + 1


def wide(text: str) -> int:
    """Return how many places of a terminal a line takes."""
    return sum(
        0
        if unicodedata.combining(sign)
        else 1 + (unicodedata.east_asian_width(sign) in 'WF')
        for sign in text
    )


def widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return how wide each column may be, so that the table fits.

    :param rows: cells of one line each, the names of the columns among them
    :param width: of the whole table
    """
    columns = list(zip(*rows, strict=True))
    most = [max(map(wide, cells)) for cells in columns]
    room = width - frame(len(columns))
    # First no word is broken, then some at their best places, then all.
    for level in range(len(_JOINTS) + 1):
        least = [max(map(_least(level), cells)) for cells in columns]
        if sum(least) <= room:
            break
    else:
        # It will be wider: then not for words that are broken for nothing.
        least = [max(map(_least(1), cells)) for cells in columns]
    chosen = least
    for cap in range(1, max(most, default=0) + 1):
        tried = [
            min(one, max(low, cap))
            for one, low in zip(most, least, strict=True)
        ]
        if sum(tried) > room:
            break
        chosen = tried
    return chosen


def lines(text: str, width: int) -> list[str]:
    """Return a text as lines of a width, or as near as words allow."""
    found = ['']
    for word in text.split(' '):
        for level in range(len(_JOINTS) + 1):
            parts = _parts(word, level)
            if all(wide(part) <= width for part in parts):
                break
        before = ' ' if found[-1] else ''
        for part in parts:
            if found[-1] and wide(found[-1] + before + part) > width:
                found.append('')
                before = ''
            found[-1] += before + part
            before = ''
    return found


def _least(level: int) -> Callable[[str], int]:
    """Return what tells how narrow a column of a text may be."""
    return lambda text: max(
        (
            wide(part)
            for word in text.split(' ')
            for part in _parts(word, level)
        ),
        default=0,
    )


def _parts(word: str, level: int) -> list[str]:
    parts = [word]
    for joint in _JOINTS[:level]:
        parts = list(
            itertools.chain.from_iterable(joint.split(part) for part in parts)
        )
    return parts
