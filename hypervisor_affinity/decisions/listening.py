# SPDX-License-Identifier: Apache-2.0
"""Listening for the notifications that carry records."""

import contextlib
import re
import threading
from collections.abc import Callable
from typing import Any

import oslo_messaging
from oslo_messaging.notify.dispatcher import NotificationResult

from hypervisor_affinity.core import decision
from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.decisions import record
from hypervisor_affinity.decisions.bus import Bus
from hypervisor_affinity.decisions.bus import BusError
from hypervisor_affinity.decisions.connection import News
from hypervisor_affinity.decisions.record import Record
from hypervisor_affinity.decisions.record import RecordError

# Seconds in which a broker answers, or is away.
_PATIENCE = 5
# Distinct lines on messages that are no records.
_MOST_LINES = 100

Take = Callable[[Record, bytes], None]
Tell = Callable[[str], None]


class Listener:
    """Takes records from the bus, in a thread of its own."""

    def __init__(
        self,
        bus: Bus,
        pool: str,
        take: Take,
        tell: Tell,
        failed: Callable[[Exception], None],
        *,
        debug: bool = False,
    ) -> None:
        """Connect to nothing yet.

        :param pool: the queue's name. Each pool gets every notification, and
            takes none from others
        :param take: called with each record and its line, one at a time;
            what it raises ends the listening, and the record stays on the bus
        :param tell: called with lines for people
        :param failed: called once with why, if the listening has ended by
            itself: a BusError, or what ``take`` has raised
        :param debug: whether what oslo.messaging logs is logged as it is
        """
        self._bus = bus
        self._pool = pool
        self._failed = failed
        self._news = News(bus.place, tell, debug=debug)
        self._following = contextlib.ExitStack()
        self._endpoint = _Endpoint(take, tell, failed)
        self._server: Any = None

    @property
    def is_connected(self) -> bool:
        """Whether it is connected, as far as that is known."""
        return self._news.is_connected

    def start(self) -> None:
        """Begin; connecting goes on for as long as the broker is away."""
        self._following.enter_context(self._news.followed())
        threading.Thread(target=self._start, name='bus', daemon=True).start()

    def stop(self) -> None:
        """End; do not wait long for a broker that is away."""
        self._news.end()
        self._endpoint.stopping.set()
        thread = threading.Thread(target=self._close, daemon=True)
        thread.start()
        thread.join(_PATIENCE)
        self._following.close()

    def _start(self) -> None:
        server = oslo_messaging.get_notification_listener(
            self._bus.transport,
            [oslo_messaging.Target(topic=self._bus.topic)],
            [self._endpoint],
            allow_requeue=True,
            pool=self._pool,
        )
        server.dispatcher = _Guarded(server.dispatcher, self._endpoint)
        try:
            # One thread: records come in the order of the queue.
            server.start(override_pool_size=1)
        except Exception as error:
            self._failed(BusError(self._news.cannot(error)))
            return
        self._server = server
        self._news.connected()

    def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server.wait()
            self._bus.transport.cleanup()


class _Endpoint:
    """What oslo.messaging calls for each notification."""

    filter_rule = oslo_messaging.NotificationFilter(
        event_type=rf'\A{re.escape(decision.EVENT_TYPE)}\Z'
    )

    def __init__(
        self, take: Take, tell: Tell, failed: Callable[[Exception], None]
    ) -> None:
        self._take = take
        self._tell = tell
        self._failed = failed
        self._has_failed = False
        self._said: set[str] = set()
        self.stopping = threading.Event()

    def info(
        self,
        context: object,
        publisher_id: object,
        event_type: str,
        payload: object,
        metadata: dict[str, Any],
    ) -> NotificationResult:
        """Take a notification."""
        try:
            line = record.line(publisher_id, metadata['message_id'], payload)
            found = record.read(line)
        except RecordError as error:
            self.leave_out(error)
            return NotificationResult.HANDLED
        if not self._has_failed:
            try:
                self._take(found, line)
            except Exception as error:
                self._has_failed = True
                self._failed(error)
            else:
                return NotificationResult.HANDLED
        # It would come again at once.
        self.stopping.wait()
        return NotificationResult.REQUEUE

    def leave_out(self, error: Exception) -> None:
        """Say that a message is no record, once for each cause."""
        why = cited(str(error))
        if why not in self._said and len(self._said) < _MOST_LINES:
            self._said.add(why)
            self._tell(f'a message is left out, as are others like it: {why}')


class _Guarded:
    """A dispatcher that raises nothing.

    oslo.messaging would send a message again and again that it stumbles over.
    """

    def __init__(self, dispatcher: Any, endpoint: _Endpoint) -> None:
        self._dispatcher = dispatcher
        self._endpoint = endpoint
        self.supported_priorities = dispatcher.supported_priorities

    def dispatch(self, incoming: object) -> NotificationResult:
        try:
            return self._dispatcher.dispatch(incoming)
        except Exception as error:
            kind = type(error).__name__
            self._endpoint.leave_out(
                RecordError(f'it is no notification ({kind})')
            )
            return NotificationResult.HANDLED
