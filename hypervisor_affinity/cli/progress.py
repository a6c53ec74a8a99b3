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
    with _bars(progress.MofNCompleteColumn()) as bars:
        task = bars.add_task(title, total=total)
        yield lambda done: bars.update(task, completed=done)


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str, float], None]]:
    """Show a bar for each step on standard error, as :func:`bar` does.

    :returns: a function to call with a step, as a title, and how much of it
        is done, from 0 to 1
    """
    tasks: dict[str, progress.TaskID] = {}
    columns = progress.TaskProgressColumn(), progress.TimeRemainingColumn()
    with _bars(*columns) as bars:

        def show(title: str, done: float) -> None:
            if title not in tasks:
                tasks[title] = bars.add_task(title, total=1)
            bars.update(tasks[title], completed=done)

        yield show


def counted(title: str, items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield the items, and show how many they are so far."""
    with bar(title) as show:
        for number, item in enumerate(items, 1):
            show(number)
            yield item


def _bars(*figures: progress.ProgressColumn) -> progress.Progress:
    """Return bars that tell how far they are by some columns."""
    out = console.Console(stderr=True)
    return progress.Progress(
        progress.TextColumn('{task.description}'),
        progress.BarColumn(),
        *figures,
        progress.TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )
