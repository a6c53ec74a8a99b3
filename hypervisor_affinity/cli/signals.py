# SPDX-License-Identifier: Apache-2.0
"""How a signal ends a command that runs until one comes."""

import contextlib
import signal
from collections.abc import Collection, Iterator

ENDING = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def held_back(signals: Collection[signal.Signals]) -> Iterator[None]:
    """Leave signals to who waits for them, in this thread and its children.

    A handler would run between any two steps of this thread; one that sets
    what the thread is about to wait for may wait for the thread itself.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def forget(signals: Collection[signal.Signals]) -> None:
    """Take those that wait, so that none comes when the end has begun."""
    while signal.sigtimedwait(signals, 0) is not None:
        pass
