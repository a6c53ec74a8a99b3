# SPDX-License-Identifier: Apache-2.0
"""Sends records as nova-scheduler does: ``notify.py URL FIRST LAST``.

A process of its own: oslo.messaging's threads are to be real ones.
"""

import sys

import oslo_messaging
from oslo_config import cfg

from tests import decision_records as records


def main(url, first, last):
    """Send those of some numbers, and a notification of another kind."""
    oslo_messaging.set_transport_defaults('nova')
    conf = cfg.ConfigOpts()
    conf([])
    notifier = oslo_messaging.Notifier(
        oslo_messaging.get_notification_transport(conf, url),
        records.SCHEDULER,
        driver='messagingv2',
        topics=['notifications'],
    )
    notifier.info({}, 'compute.instance.update', {'state': 'active'})
    for number in range(int(first), int(last)):
        payload = records.payload(passed=number)
        notifier.info({}, 'hypervisor_affinity.decision', payload)


if __name__ == '__main__':
    main(*sys.argv[1:])
