# SPDX-License-Identifier: Apache-2.0
"""The log records of the embedded services, kept in memory.

Independent of pytest's caplog and of any handler a script has installed:
both go on working beside it.
"""

import collections
import dataclasses
import logging
from collections.abc import Iterable, Mapping

import fixtures

# Nobody reads the services' INFO lines, and nova writes some twenty per
# boot; the loggers below are told to stop at WARNING.
_QUIET = (
    'alembic',
    'futurist',
    'keystoneauth',
    'keystonemiddleware',
    'nova',
    'os_vif',
    'oslo_concurrency',
    'oslo_db',
    'oslo_messaging',
    'oslo_service',
    'placement',
    'stevedore',
    'urllib3',
)
# What is kept by default: decisions of the scheduler, which filter left no
# host, and our own package.
DEFAULT_LEVELS = {
    'nova.scheduler': logging.INFO,
    'nova.filters': logging.INFO,
    'hypervisor_affinity': logging.INFO,
}
# Bounds the memory of a cloud that is left running.
_MOST_LINES = 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class LogLine:
    """One log record: ``level`` is logging's number, ``exception`` the type
    name of an exception logged with it, or None."""

    logger: str
    level: int
    message: str
    exception: str | None = None


class LogCapture(logging.Handler):
    """Keeps what the embedded services log.

    ``levels``: {logger name: level}; these loggers are opened to that level,
    everything else is kept from WARNING on.
    """

    def __init__(self, levels: Mapping[str, int | str] | None = None) -> None:
        super().__init__(logging.NOTSET)
        self._levels = dict.fromkeys(_QUIET, logging.WARNING)
        # It warns, of nova's fixture, about every rule that is a default.
        self._levels['oslo_policy'] = logging.ERROR
        self._levels.update(DEFAULT_LEVELS if levels is None else levels)
        self._lines: collections.deque[LogLine] = collections.deque(
            maxlen=_MOST_LINES
        )
        self._previous: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        # The text only: a record would keep requests and databases alive.
        exception = None
        if record.exc_info and record.exc_info[0] is not None:
            exception = record.exc_info[0].__name__
        self._lines.append(
            LogLine(
                record.name, record.levelno, record.getMessage(), exception
            )
        )

    def lines(
        self,
        logger: str = '',
        level: int = logging.NOTSET,
        containing: str = '',
    ) -> list[LogLine]:
        """Return the lines kept so far, oldest first.

        ``logger``: that logger and those below it, "" for all; ``level``:
        from this level on; ``containing``: with this text in the message.
        """
        return [
            line
            for line in list(self._lines)
            if line.level >= level
            and containing in line.message
            and (
                not logger
                or line.logger == logger
                or line.logger.startswith(f'{logger}.')
            )
        ]

    def messages(
        self,
        logger: str = '',
        level: int = logging.NOTSET,
        containing: str = '',
    ) -> list[str]:
        """Return the messages of ``lines(...)``."""
        return [line.message for line in self.lines(logger, level, containing)]

    def clear(self) -> None:
        """Forget all lines."""
        self._lines.clear()

    def put_back(self, lines: Iterable[LogLine]) -> None:
        """Have these lines, and no others."""
        self._lines.clear()
        self._lines.extend(lines)

    def install(self) -> None:
        """Start capturing."""
        for name, level in self._levels.items():
            logger = logging.getLogger(name)
            self._previous[name] = logger.level
            logger.setLevel(level)
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        """Stop capturing and give every logger its old level back."""
        logging.getLogger().removeHandler(self)
        for name, level in self._previous.items():
            logging.getLogger(name).setLevel(level)
        self._previous.clear()


class NoStandardLogging(fixtures.Fixture):
    """Stands in for nova's StandardLogging fixture.

    That one throws away all handlers of the root logger and formats every
    DEBUG record; LogCapture does what we need of it.
    """

    def _setUp(self) -> None:
        # Starting a service must not set up logging anew.
        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_log.log.setup', lambda *args, **kwargs: None
            )
        )
