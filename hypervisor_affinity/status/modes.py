# SPDX-License-Identifier: Apache-2.0
"""Checks of what is left of the introduction: observing, and its records."""

from collections.abc import Iterable, Iterator

from oslo_config import cfg

from hypervisor_affinity.core.offer import MODE_KEY
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import mode_of
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler.decision_notifier import has_driver
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import warning


def check(
    policy: Policy, aggregates: Iterable[AggregateTags]
) -> Iterator[Statement]:
    """Find hosts that are only observed."""
    chosen = [(tags.name, mode_of(tags)) for tags in aggregates]
    observed = {name for name, mode in chosen if mode is Mode.OBSERVE}
    enforced = {name for name, mode in chosen if mode is Mode.ENFORCE}
    if policy.mode is Mode.OBSERVE:
        but = ''
        if enforced:
            but = f', but for the hosts of {counted("aggregate", enforced)}'
        yield warning(
            '[hypervisor_affinity] mode is observe: servers are placed as '
            f'without this package{but}. nova-scheduler logs what would '
            'change. When you have seen enough, set it to enforce.'
        )
    elif observed:
        yield warning(
            f'{MODE_KEY} is observe on {counted("aggregate", observed)}: '
            'servers are placed on the hosts as without this package. When '
            'you have seen enough, remove it.'
        )


def check_notifications(
    conf: cfg.ConfigOpts, policy: Policy
) -> Iterator[Statement]:
    """Find out whether the records of decisions are sent anywhere.

    :param conf: with what ``nova.rpc.init`` registers
    """
    if policy.decision_notifications and not has_driver(conf):
        yield warning(
            '[hypervisor_affinity] decision_notifications is enabled, but '
            '[oslo_messaging_notifications] driver is not set: no decision is '
            'sent. Set it to messagingv2.'
        )
