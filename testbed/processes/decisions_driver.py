# SPDX-License-Identifier: Apache-2.0
"""A driver of oslo.messaging's notifier that sends records of decisions only.

nova-scheduler sends notifications of its own from the thread of a request,
which waits for a message broker that is away. Without them shows what ours do.
oslo.messaging has a driver ``routing`` for such choices, which cannot load the
one below.
"""

from typing import Any

from oslo_messaging.notify import messaging

from hypervisor_affinity.core.decision import EVENT_TYPE


class OnlyDecisions(messaging.MessagingV2Driver):
    """As ``messagingv2``, which sends all."""

    def notify(
        self, ctxt: Any, message: dict[str, Any], priority: str, retry: int
    ) -> None:
        """Send a notification, or do not."""
        if message['event_type'] == EVENT_TYPE:
            super().notify(ctxt, message, priority, retry)
