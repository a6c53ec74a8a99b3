# SPDX-License-Identifier: Apache-2.0
"""What becomes of the connection to a message bus, in a line for each change.

oslo.messaging connects again by itself, and says so in its log alone: once for
each try.
"""

import logging
from collections.abc import Callable

from hypervisor_affinity import redaction

# Those of what it is made of, too.
_LOGGERS = ('oslo_messaging', 'oslo.messaging', 'kombu', 'amqp')
_DRIVERS = 'oslo_messaging._drivers'
# oslo_messaging._drivers.impl_rabbit
_BACK = 'Reconnected'
_REFUSED = 'Failed to declare consumer'


class News(logging.Handler):
    """Says when a connection goes and when it comes.

    * ``is_connected``: whether it is there, as far as that is known
    * ``refusal``: why the broker is there and serves nothing; '' if it does
    """

    def __init__(
        self, place: str, tell: Callable[[str], None], *, debug: bool
    ) -> None:
        """Follow nothing yet.

        :param debug: whether the log lines go where others go, too
        """
        super().__init__(logging.INFO)
        self.is_connected = False
        self.refusal = ''
        self._place = place
        self._tell = tell
        self._debug = debug
        self._is_said = False
        self._said: set[tuple[str, int]] = set()

    def follow(self) -> None:
        """Read the logs."""
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(self)
            logger.propagate = self._debug
            if not logger.isEnabledFor(logging.INFO):
                logger.setLevel(logging.INFO)

    def leave(self) -> None:
        """Read them no more."""
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)

    def connected(self) -> None:
        """Say that it is there."""
        self.is_connected = True
        self._is_said = False
        self._tell(f'connected to {self._place}')

    def cannot(self, error: Exception) -> str:
        """Return that it can never be there, and why."""
        why = redaction.one_line(str(error)) or type(error).__name__
        return f'cannot connect to {self._place}: {why}'

    def emit(self, record: logging.LogRecord) -> None:
        """Read a line of a log."""
        text = str(record.msg)
        if _BACK in text:
            self.connected()
        elif record.levelno < logging.WARNING:
            return
        elif not record.name.startswith(_DRIVERS):
            self._say_once(record)
        elif text.startswith(_REFUSED):
            self.refusal = self._line(record)
        elif record.levelno >= logging.ERROR:
            self._gone(record)
        else:
            self._say_once(record)

    def _gone(self, record: logging.LogRecord) -> None:
        was_connected, self.is_connected = self.is_connected, False
        if not self._is_said:
            self._is_said = True
            lost = 'lost' if was_connected else 'no connection to'
            self._tell(f'{lost} {self._place}: {self._line(record)}')

    def _say_once(self, record: logging.LogRecord) -> None:
        place = (record.pathname, record.lineno)
        if self.is_connected and place not in self._said:
            self._said.add(place)
            self._tell(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        return redaction.one_line(record.getMessage())
