# SPDX-License-Identifier: Apache-2.0
"""Saying things once, not once per request."""

import collections
import threading

# Enough for every tag of a large cloud; beyond it the oldest notice may come
# a second time.
_REMEMBERED = 4096


class Notices:
    """What has been said already, for one process.

    A notice is about a subject, such as an aggregate's tag. It is due when
    its text is not the one last given for that subject, so that a change is
    told, and a change back as well.
    """

    def __init__(self) -> None:
        """Start with nothing said."""
        self._said: collections.OrderedDict = collections.OrderedDict()
        self._lock = threading.Lock()

    def is_due(self, subject: object, text: str) -> bool:
        """Tell whether to log a text now, and remember that it was."""
        # A reader sees the old entry or the new one, so that what has been
        # said already, the usual case by far, needs no lock.
        if self._said.get(subject) == text:
            return False
        with self._lock:
            self._said[subject] = text
            self._said.move_to_end(subject)
            while len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        return True
