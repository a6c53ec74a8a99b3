# SPDX-License-Identifier: Apache-2.0
"""Reading in the background, again and again."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client.metrics_core import Metric

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.exporter import families

LOG = logging.getLogger(__name__)

_Value = TypeVar('_Value')
# What is read is forgotten if no further reading ends in so many intervals, or
# in so many times what the last one took.
_KEPT = 5


class Poller(Generic[_Value]):
    """Reads one thing at intervals, in a thread of its own.

    * ``name``: of what is read
    * ``error``: why the last reading failed; '' if it did not, or there was
      none yet
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], _Value],
        interval: float,
        error_of: Callable[[_Value], str] = lambda value: '',
        after: Sequence['Poller[Any]'] = (),
    ) -> None:
        """Read nothing yet.

        :param read: takes as long as it takes; may raise SourceError
        :param interval: in seconds, from the beginning of one reading to that
            of the next
        :param error_of: what tells a failure where ``read`` does not raise
        :param after: begins when each of these has been read, or failed to
            be, or takes longer than an interval
        """
        self.name = name
        self.error = ''
        self._read = read
        self._interval = interval
        self._error_of = error_of
        self._after = after
        self._has_read = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f'poll {name}', daemon=True
        )
        self._state = threading.Lock()
        self._value: _Value | None = None
        # Of the monotonic clock, for the age; and of the calendar.
        self._read_at = 0.0
        self._succeeded_at = 0.0
        self._took = 0.0
        self._failures = 0

    @property
    def value(self) -> _Value | None:
        """What was read last; None if nothing was, or too long ago."""
        with self._state:
            age = time.monotonic() - self._read_at
            usual = max(self._interval, self._took)
            return self._value if age <= _KEPT * usual else None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the reading that is under way."""
        self._end.set()

    def join(self, patience: float) -> None:
        """Wait for the end.

        :param patience: in seconds
        """
        self._thread.join(patience)

    def sample(self) -> dict[str, float]:
        """Return figures about the readings, by name."""
        with self._state:
            return {
                'success': float(self._has_read.is_set() and not self.error),
                'succeeded_at': self._succeeded_at,
                'interval': self._interval,
                'took': self._took,
                'failures': self._failures,
            }

    def _run(self) -> None:
        for other in self._after:
            other._has_read.wait(self._interval)
        while not self._end.is_set():
            began = time.monotonic()
            self._poll()
            rest = self._interval - (time.monotonic() - began)
            self._end.wait(max(rest, 0))

    def _poll(self) -> None:
        began = time.monotonic()
        value, error = None, ''
        try:
            value = self._read()
            error = self._error_of(value)
        except SourceError as failure:
            error = str(failure)
        except Exception as failure:
            # A thread that ended would leave old figures without a word. Of
            # the text nobody knows what it cites.
            frames = redaction.frames(failure)
            LOG.error('Reading %s failed:\n%s', printable(self.name), frames)
            error = f'{self.name}: {type(failure).__name__}'
        if error and error != self.error:
            LOG.warning('%s', printable(error))
        elif self.error and not error:
            LOG.warning('%s can be read again', printable(self.name))
        with self._state:
            self._value, self.error = value, error
            self._read_at = time.monotonic()
            self._took = self._read_at - began
            if error:
                self._failures += 1
            else:
                self._succeeded_at = time.time()
        self._has_read.set()


def metrics(pollers: list[Poller[Any]]) -> Iterator[Metric]:
    """Yield what there is to say about the readings."""
    samples = [((poller.name,), poller.sample()) for poller in pollers]

    def rows(figure: str) -> Iterator[families.Row]:
        return ((labels, sample[figure]) for labels, sample in samples)

    source = ('source',)
    yield families.gauge(
        'read_success',
        'Whether the last reading of a source succeeded.',
        source,
        rows('success'),
    )
    yield families.gauge(
        'read_duration_seconds',
        'How long the last reading of a source took.',
        source,
        rows('took'),
    )
    yield families.gauge(
        'read_interval_seconds',
        'Interval between the starts of two readings of a source, unless a '
        'reading takes longer.',
        source,
        rows('interval'),
    )
    yield families.gauge(
        'last_successful_read_timestamp_seconds',
        'Time of the last successful reading of a source, in seconds since '
        '1970; 0 for never.',
        source,
        rows('succeeded_at'),
    )
    yield families.counter(
        'read_errors',
        'Failed readings of a source.',
        source,
        rows('failures'),
    )
