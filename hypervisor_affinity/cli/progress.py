# SPDX-License-Identifier: Apache-2.0
"""Showing on a terminal how far something is."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich import console
from rich import progress

_Item = TypeVar('_Item')


@contextlib.contextmanager
def bar(
    title: str, total: int | None = None
) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while in the context.

    Nothing is written if standard error is no terminal, and nothing of it
    stays there.

    :param total: None if it is not known before the end
    :returns: a function to call with how much is done so far
    """
    columns = [
        progress.TextColumn('{task.description}'),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
    ]
    out = console.Console(stderr=True)
    with progress.Progress(
        *columns, console=out, transient=True, disable=not out.is_terminal
    ) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.update(task, completed=done)


def counted(title: str, items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield the items, and show how many they are so far."""
    with bar(title) as show:
        for number, item in enumerate(items, 1):
            show(number)
            yield item
