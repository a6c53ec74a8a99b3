# SPDX-License-Identifier: Apache-2.0
"""Makes oslo.messaging's in-memory driver deliver at once.

Its listeners look for messages every 50 ms. A server's way through nova has
four to ten hops, so that polling is most of the time of a single boot; and
each compute service has four queues, so that with many hosts idle polling
takes more of the processor than the work. Here a listener sleeps until one
of its queues gets something.
"""

import collections
import functools
import threading
import time

import fixtures
from oslo_messaging._drivers import base
from oslo_messaging._drivers import impl_fake

# A listener that nobody wakes looks again after this many seconds, in case
# a message came while it was between looking and sleeping.
_SAFETY_NET = 1.0


class _Bells:
    """Which sleeping listeners a message must wake: {(topic, server)}."""

    def __init__(self) -> None:
        self._bells = collections.defaultdict(list)

    def add(self, topic: str, server: str | None, bell) -> None:
        self._bells[topic, server].append(bell)

    def ring(self, topic: str, server: str | None, fanout: bool) -> None:
        if fanout:
            keys = [key for key in self._bells if key[0] == topic]
        else:
            keys = [(topic, server)]
        for key in keys:
            for bell in self._bells.get(key, ()):
                bell.set()


class PromptDelivery(fixtures.Fixture):
    """Install prompt delivery for the life of the fixture.

    Must be set up before the first service starts.
    """

    def _setUp(self) -> None:
        bells = _Bells()
        deliver = impl_fake.FakeExchange.deliver_message

        def deliver_and_ring(
            exchange,
            topic,
            ctxt,
            message,
            server=None,
            fanout=False,
            reply_q=None,
        ):
            deliver(
                exchange,
                topic,
                ctxt,
                message,
                server=server,
                fanout=fanout,
                reply_q=reply_q,
            )
            bells.ring(topic, server, bool(fanout))

        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_messaging._drivers.impl_fake.FakeExchange.deliver_message',
                deliver_and_ring,
            )
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_messaging._drivers.impl_fake.FakeListener',
                functools.partial(_PromptListener, bells),
            )
        )


class _PromptListener(impl_fake.FakeListener):
    def __init__(self, bells, exchange_manager, targets, pool=None):
        super().__init__(exchange_manager, targets, pool)
        self._bell = threading.Event()
        for target in targets:
            bells.add(target.topic, target.server, self._bell)

    @base.batch_poll_helper
    def poll(self, timeout=None):
        deadline = None if timeout is None else time.time() + timeout
        while not self._stopped.is_set():
            # Cleared before looking: what comes after rings again.
            self._bell.clear()
            message = self._next_message()
            if message is not None:
                return message
            pause = _SAFETY_NET
            if deadline is not None:
                pause = min(pause, deadline - time.time())
                if pause < 0:
                    break
            self._bell.wait(pause)
        return None

    def _next_message(self):
        for target in self._targets:
            exchange = self._exchange_manager.get_exchange(target.exchange)
            ctxt, message, reply_q, requeue = exchange.poll(target, self._pool)
            if message is not None:
                return impl_fake.FakeIncomingMessage(
                    ctxt, message, reply_q, requeue
                )
        return None

    def stop(self):
        super().stop()
        self._bell.set()
