# SPDX-License-Identifier: Apache-2.0
"""Waiting for the services, which run in this process as green threads."""

import time
from collections.abc import Callable
from typing import TypeVar

from testbed.embedded_cloud.results import CloudTimeout

T = TypeVar('T')

# Asking takes processor time from the very services that are waited for,
# so the pause grows while nothing happens.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25
_GROWTH = 1.5


def until(condition: Callable[[], T], what: str, timeout: float = 30.0) -> T:
    """Return the first truthy value of ``condition()``.

    Raises CloudTimeout, saying ``what`` was waited for, after ``timeout``
    seconds.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise CloudTimeout(
                f'timed out after {timeout:g} s waiting for {what}'
            )
        time.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return value
