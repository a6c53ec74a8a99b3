# SPDX-License-Identifier: Apache-2.0
"""Saying a thing once, not once per request."""

import collections
import threading
from collections.abc import Iterable

from oslo_log import log as logging

from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.core.reason import Problem

LOG = logging.getLogger(__name__)

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

    def remember(self, statement: str) -> bool:
        """Remember a statement; return whether it is new, so to be said."""
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

    def warn(self, problems: Iterable[Problem], kind: str, name: str) -> None:
        """Log what could not be read, with where it was seen first.

        :param kind: ``server`` or ``host``
        """
        for problem in problems:
            if self.remember(str(problem)):
                LOG.warning('%s (seen first at %s %s)', problem, kind, name)

    def report(self, statement: str, error: Exception | None = None) -> None:
        """Log at level ERROR, with the traceback of what was raised."""
        if error is not None:
            statement = f'{statement}: {described(error)}'
        if self.remember(statement):
            LOG.error('%s', statement, exc_info=error)


def described(error: Exception) -> str:
    """Return an exception's kind and what it says; never raises."""
    try:
        return cited(f'{type(error).__name__}: {error}')
    except Exception:
        return type(error).__name__
