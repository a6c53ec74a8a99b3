# SPDX-License-Identifier: Apache-2.0
"""Sending records of decisions as notifications.

By nova's own notifier, so that its ``[notifications]`` and
``[oslo_messaging_notifications]`` options count for them.
"""

import contextlib
import os
import queue
import threading
from typing import Any, NamedTuple

import nova.conf
from nova import context as nova_context
from nova import rpc
from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_log import log as logging
from oslo_utils import timeutils

from hypervisor_affinity.core.decision import EVENT_TYPE
from hypervisor_affinity.core.decision import Decision
from hypervisor_affinity.scheduler.moves import LookUp
from hypervisor_affinity.scheduler.notices import Notices
from hypervisor_affinity.scheduler.requests import Kind
from hypervisor_affinity.scheduler.requests import Request

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# Some 3 KiB each. While the message broker is away, one is tried at a time:
# for ever, by oslo.messaging's default; but with RabbitMQ, kombu ends that
# after some 6 seconds, or at once if it has never been connected. The record
# is lost, and oslo.messaging logs an ERROR.
MOST_WAITING = 1000


class Record(NamedTuple):
    """A decision, with whose it was and when.

    :ivar decided_at: in UTC, as ISO 8601
    :ivar request_id: of the API request that led there; None if unknown
    :ivar server: its uuid
    :ivar project: its id; None if unknown
    :ivar look_up: for a move, whether it was found out where the server
        comes from; else None
    """

    decision: Decision
    decided_at: str
    request_id: str | None
    server: str
    project: str | None
    kind: Kind
    look_up: LookUp | None

    def primitive(self) -> dict[str, Any]:
        """Return the notification's payload, in JSON's own kinds."""
        return {
            **self.decision.primitive(),
            'decided_at': self.decided_at,
            'request_id': self.request_id,
            'server': self.server,
            'project': self.project,
            'kind': self.kind.value,
            'look_up': self.look_up and self.look_up.value,
        }


def record(request: Request, decision: Decision) -> Record:
    """Make the record of a decision, in the thread of its request."""
    context = oslo_context.get_current()
    return Record(
        decision=decision,
        decided_at=timeutils.utcnow(with_timezone=True).isoformat(),
        request_id=context.request_id if context else None,
        server=request.server,
        project=request.project,
        kind=request.kind,
        look_up=request.origin and request.origin.look_up,
    )


def has_driver(conf: cfg.ConfigOpts) -> bool:
    """Tell whether notifications are sent anywhere.

    :param conf: with what ``nova.rpc.init`` registers
    """
    return not set(conf.oslo_messaging_notifications.driver) <= {'noop'}


class DecisionNotifier:
    """Sends records from a thread of its own; a request never waits.

    nova-scheduler's processes fork, and each has a thread from its first
    record on.
    """

    def __init__(self, notices: Notices, most_waiting: int = MOST_WAITING):
        """Start nothing yet.

        :param most_waiting: records that wait to be sent; further ones are
            left out
        """
        self._notices = notices
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._sender: _Sender | None = None

    def send(self, request: Request, decision: Decision) -> None:
        """Have a record sent; never waits for it, and never raises."""
        try:
            self._sender_of_process().put(record(request, decision))
        except Exception as error:
            self._notices.report('Cannot record a decision', error)

    def _sender_of_process(self) -> '_Sender':
        sender = self._sender
        if sender is None or not sender.is_working:
            with self._lock:
                sender = self._sender
                if sender is None or not sender.is_working:
                    sender = _Sender(self._notices, self._most_waiting)
                    self._sender = sender
        return sender


class _Sender:
    """The thread of a process, with what waits for it."""

    def __init__(self, notices: Notices, most_waiting: int):
        self._pid = os.getpid()
        self._notices = notices
        self._waiting: queue.Queue[Record] = queue.Queue(most_waiting)
        self._left_out = 0
        self._thread = threading.Thread(
            target=self._run, name='decision records', daemon=True
        )
        self._thread.start()

    @property
    def is_working(self) -> bool:
        """Whether it is of this process, and its thread has not ended.

        What is no error, as SystemExit, ends a thread without a word.
        """
        return self._pid == os.getpid() and self._thread.is_alive()

    def put(self, record: Record) -> None:
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(record)
            return
        # Not while that is handled: oslo.log would add its name.
        if not self._left_out:
            LOG.warning(
                'Records of decisions are left out: %d wait to be sent '
                'already. Is the message broker away?',
                self._waiting.maxsize,
            )
        self._left_out += 1

    def _run(self) -> None:
        while True:
            waiting = self._waiting.get()
            try:
                self._notify(waiting)
            except Exception as error:
                self._notices.report('Cannot send a record', error)
            if self._left_out and not self._waiting.full():
                left_out, self._left_out = self._left_out, 0
                LOG.warning(
                    'Records of decisions are sent again; %d were left out',
                    left_out,
                )

    def _notify(self, waiting: Record) -> None:
        # Not by rpc.get_notifier, whose own warns for each event type that is
        # none of nova's; the format that is off has a notifier that does
        # nothing.
        is_versioned = CONF.notifications.notification_format == 'versioned'
        notifier = rpc.NOTIFIER if is_versioned else rpc.LEGACY_NOTIFIER
        if notifier is None:
            # No service: a tool that runs nova's scheduler by itself.
            return
        if not has_driver(CONF):
            self._notices.report(
                'decision_notifications has no effect: '
                '[oslo_messaging_notifications] driver is not set'
            )
            return
        notifier.prepare(publisher_id=f'nova-scheduler:{CONF.host}').info(
            nova_context.RequestContext(
                request_id=waiting.request_id, overwrite=False
            ),
            EVENT_TYPE,
            waiting.primitive(),
        )
