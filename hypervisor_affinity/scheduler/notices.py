# SPDX-License-Identifier: Apache-2.0
"""Saying a thing once, not once per request."""

import collections
import threading

# Enough for every tag of a large cloud; beyond it the oldest statement may
# come a second time.
_REMEMBERED = 4096


class Notices:
    """What a process has said already.

    Statements hold the input they complain of, so that a changed tag makes a
    new statement.
    """

    def __init__(self) -> None:
        """Start with nothing said."""
        self._said: collections.OrderedDict[str, None] = (
            collections.OrderedDict()
        )
        self._lock = threading.Lock()

    def is_due(self, statement: str) -> bool:
        """Tell whether to log a statement now, and remember that it was."""
        # What has been said already is the usual case by far, and reading a
        # dictionary needs no lock.
        if statement in self._said:
            return False
        with self._lock:
            if statement in self._said:
                return False
            self._said[statement] = None
            if len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        return True
