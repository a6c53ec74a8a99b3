# SPDX-License-Identifier: Apache-2.0
"""What becomes of the connection to a message bus, in a line for each change.

oslo.messaging connects again by itself, and says so in its log alone: once for
each try.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterator

from hypervisor_affinity import redaction

# oslo.log writes the first one with a dot. And those of what it is made of.
_LOGGERS = (
    'oslo_messaging',
    'oslo.messaging',
    'oslo_utils.excutils',
    'amqp',
    'kombu',
)
_LEVELS = {'amqp': logging.DEBUG}
_DRIVERS = re.compile(r'oslo[._]messaging\._drivers')
# Words of amqp.channel: oslo.messaging does not say each time that it is back.
_OPEN = 'Channel open'
# Words of oslo_messaging._drivers.impl_rabbit for what it raises at last.
_FINAL = ('Failed to declare consumer', 'Unable to connect')
STAYS = (
    'Failed to process ',
    'ignoring duplicate message ',
    'The broker has blocked the connection',
)
"""Words of oslo_messaging._drivers for errors after which the connection is
still there: with a message, or of who sends many."""
_PREFIX = re.compile(
    r'\[[0-9a-f-]{36}\] '
    r'|Unable to connect to AMQP server on \S+ after \w+ tries: '
)
_NO_METHOD = '(0, 0): '


class News(logging.Handler):
    """Says when a connection goes and when it comes.

    * ``is_connected``: whether it is there, as far as that is known
    """

    def __init__(
        self, place: str, tell: Callable[[str], None], *, debug: bool
    ) -> None:
        """Follow nothing yet.

        :param debug: whether the log lines go where others go, too
        """
        super().__init__()
        self.is_connected = False
        self._place = place
        self._tell = tell
        self._debug = debug
        self._is_started = False
        self._is_gone_said = False
        self._is_ending = False
        self._said: set[tuple[str, int]] = set()

    @contextlib.contextmanager
    def followed(self) -> Iterator[None]:
        """Read the logs meanwhile."""
        with contextlib.ExitStack() as stack:
            for name in _LOGGERS:
                stack.enter_context(self._followed(logging.getLogger(name)))
            yield

    def connected(self) -> None:
        """Say that it is there."""
        self._is_started = True
        if not self.is_connected:
            self.is_connected = True
            self._is_gone_said = False
            self._tell(f'connected to {self._place}')

    def end(self) -> None:
        """Say no more: it is about to be closed."""
        self._is_ending = True

    def cannot(self, error: Exception) -> str:
        """Return that there will be none, and why."""
        why = _shown(str(error)) or type(error).__name__
        return f'cannot listen on {self._place}: {why}'

    def emit(self, record: logging.LogRecord) -> None:
        """Read a line of a log."""
        text = str(record.msg)
        if self._is_ending:
            return
        if record.levelno < logging.WARNING:
            # Before it has started, more can fail than the connection.
            if text == _OPEN and self._is_started:
                self.connected()
        elif (
            record.levelno < logging.ERROR
            or not _DRIVERS.match(record.name)
            or text.startswith(STAYS)
        ):
            self._say_once(record)
        elif self._is_started or not text.startswith(_FINAL):
            self._gone(record)

    @contextlib.contextmanager
    def _followed(self, logger: logging.Logger) -> Iterator[None]:
        level, propagate = logger.level, logger.propagate
        logger.addHandler(self)
        logger.propagate = self._debug
        least = _LEVELS.get(logger.name, logging.WARNING)
        if not logger.isEnabledFor(least):
            logger.setLevel(least)
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.propagate = propagate
            logger.setLevel(level)

    def _gone(self, record: logging.LogRecord) -> None:
        was_connected, self.is_connected = self.is_connected, False
        if not self._is_gone_said:
            self._is_gone_said = True
            lost = 'lost' if was_connected else 'no connection to'
            why = _shown(record.getMessage())
            self._tell(f'{lost} {self._place}, trying again: {why}')

    def _say_once(self, record: logging.LogRecord) -> None:
        # What comes of a connection that is gone is no news.
        place = (record.pathname, record.lineno)
        if self.is_connected and place not in self._said:
            self._said.add(place)
            self._tell(_shown(record.getMessage()))


def _shown(text: str) -> str:
    words = _PREFIX.sub('', text, count=1).removeprefix(_NO_METHOD)
    return redaction.one_line(words)
