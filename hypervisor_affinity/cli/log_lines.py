# SPDX-License-Identifier: Apache-2.0
"""Log lines on a terminal: one for each message, and printable."""

import copy
import logging

from hypervisor_affinity.core.printable import printable


class Printable(logging.Formatter):
    """A formatter that has another one's text printable.

    Lines that a message itself has, other than by what it cites, stay, and so
    do those of tracebacks.
    """

    def __init__(self, formatter: logging.Formatter) -> None:
        """Wrap a formatter."""
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """Return the text."""
        if not (isinstance(record.msg, str) and '\n' in record.msg):
            record = copy.copy(record)
            record.msg, record.args = printable(record.getMessage()), None
        text = self._formatter.format(record)
        return '\n'.join(map(printable, text.split('\n')))


def make_printable(logger: logging.Logger) -> None:
    """Have all that a logger's handlers write printable."""
    for handler in logger.handlers:
        formatter = handler.formatter or logging.Formatter()
        if not isinstance(formatter, Printable):
            handler.setFormatter(Printable(formatter))
