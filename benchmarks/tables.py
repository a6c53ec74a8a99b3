# SPDX-License-Identifier: Apache-2.0
"""Tables in reStructuredText that can be read in a terminal too."""

from collections.abc import Iterable, Sequence


def simple_table(
    widths: Sequence[int],
    heads: Iterable[Sequence[str]],
    rows: Iterable[Sequence[str]],
) -> str:
    """Return a simple table.

    :param heads: the lines of its heading
    """
    border = '  '.join('=' * width for width in widths)

    def text(cells: Sequence[str]) -> str:
        return '  '.join(map(str.ljust, cells, widths)).rstrip()

    return '\n'.join(
        [border, *map(text, heads), border, *map(text, rows), border]
    )
