# SPDX-License-Identifier: Apache-2.0
"""Log lines on a terminal: one for each message, printable, no passwords.

Libraries cite what servers answer, and the URLs that they were given.
"""

import copy
import logging

from hypervisor_affinity import redaction
from hypervisor_affinity.core.printable import printable


def make_fit(logger: logging.Logger) -> None:
    """Have all that a logger's handlers write fit to be shown.

    Whoever adds a handler later calls it again.
    """
    # The last writes to standard error as long as there is no other.
    for handler in (*logger.handlers, logging.lastResort):
        if handler and not isinstance(handler.formatter, _Formatter):
            handler.setFormatter(_Formatter(handler.formatter))


class _Formatter(logging.Formatter):
    """Formats as another one does.

    Lines that a message itself has, other than by what it cites, stay, and so
    do those of tracebacks.
    """

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self._other = other or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        if not (isinstance(record.msg, str) and '\n' in record.msg):
            record = copy.copy(record)
            record.msg, record.args = printable(record.getMessage()), None
        text = redaction.without_passwords(self._other.format(record))
        return '\n'.join(map(printable, text.split('\n')))
