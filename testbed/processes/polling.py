# SPDX-License-Identifier: Apache-2.0
"""Waiting for other processes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar('T')

# Says that something hangs, not that it is slow: a machine that runs other
# things too may take ten times as long as an idle one.
TIMEOUT = 180.0
# As much of a log as a message shows, in characters.
TAIL = 4000
_PAUSE = 0.1


def until(
    condition: Callable[[], T], what: str, seconds: float = TIMEOUT
) -> T:
    """Return the first truthy value of ``condition()``.

    :param what: is waited for, for the message
    :param seconds: how long
    :raises TimeoutError: there was none in time
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f'timed out after {seconds:g} s waiting for {what}'
            )
        time.sleep(_PAUSE)
    return value
