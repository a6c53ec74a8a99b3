# SPDX-License-Identifier: Apache-2.0
"""Counting the decisions whose records come over a message bus."""

import functools
import logging
import threading
from collections.abc import Callable, Iterator

from prometheus_client.metrics_core import Metric

from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.decisions.bus import Bus
from hypervisor_affinity.decisions.listening import Listener
from hypervisor_affinity.exporter import families
from hypervisor_affinity.exporter.decision_metrics import DecisionCounts

LOG = logging.getLogger(__name__)

_MakeListener = Callable[..., Listener]


class DecisionReading:
    """Listens, and begins again where that has ended by itself."""

    def __init__(
        self,
        bus: Bus,
        pool: str,
        counts: DecisionCounts,
        interval: float,
        *,
        debug: bool = False,
        listener: _MakeListener = Listener,
    ) -> None:
        """Connect to nothing yet.

        :param pool, debug: as in ``Listener``
        :param interval: in seconds, after which it listens again if the
            broker has refused it: a password may have been changed
        """
        self._counts = counts
        self._interval = interval
        self._make = functools.partial(
            listener,
            bus,
            pool,
            lambda record, line: counts.count(record),
            _say,
            self._failed,
            left_out=counts.count_unreadable,
            debug=debug,
        )
        self._listener = self._make()
        self._why = ''
        self._changing = threading.Lock()
        self._end = threading.Event()

    def start(self) -> None:
        """Begin; connecting goes on for as long as the broker is away."""
        self._listener.start()

    def stop(self) -> None:
        """End; do not wait long for a broker that is away."""
        self._end.set()
        with self._changing:
            listener = self._listener
        listener.stop()

    def metrics(self) -> Iterator[Metric]:
        """Yield what has come, and whether more can come."""
        with self._changing:
            is_connected = self._listener.is_connected
        yield families.gauge(
            'message_bus_connected',
            'Whether records of decisions can come over the message bus.',
            (),
            [((), is_connected)],
        )
        yield from self._counts.metrics()

    def _failed(self, error: Exception) -> None:
        """Begin again after a while; in a thread that has nothing to do."""
        why = f'{error}' or type(error).__name__
        if why != self._why:
            self._why = why
            _say(why)
        self._listener.stop()
        if self._end.wait(self._interval):
            return
        with self._changing:
            if self._end.is_set():
                return
            self._listener = self._make()
            self._listener.start()


def _say(text: str) -> None:
    LOG.warning('%s', printable(text))
