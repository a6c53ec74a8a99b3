# SPDX-License-Identifier: Apache-2.0
import oslo_messaging
import pytest

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import modes
from tests.unit.status.hosts import TAGGED_KVM
from tests.unit.status.hosts import TAGGED_VMWARE
from tests.unit.status.hosts import aggregate

OBSERVED = aggregate('a1', hypervisor_affinity_mode=' Observe')
ENFORCED = aggregate('a2', hypervisor_affinity_mode='enforce')


def found(policy, *aggregates):
    """Return the text of the only finding; None if there is none."""
    findings = list(modes.check(policy, aggregates))
    assert len(findings) <= 1
    if not findings:
        return None
    assert findings[0].severity is Severity.WARNING
    return findings[0].text


def test_enforcing_all_is_in_order():
    assert found(Policy(), TAGGED_KVM, TAGGED_VMWARE, ENFORCED) is None


def test_a_mode_that_was_left_on_observe():
    policy = Policy(mode=Mode.OBSERVE)
    assert 'mode is observe' in found(policy, TAGGED_KVM)
    but = 'but for the hosts of 1 aggregate (a2)'
    assert but in found(policy, TAGGED_KVM, ENFORCED)


def test_an_aggregate_that_was_left_on_observe():
    text = found(Policy(), ENFORCED, OBSERVED)
    assert 'hypervisor_affinity_mode is observe on 1 aggregate (a1)' in text


@pytest.mark.parametrize(
    ('enabled', 'driver', 'is_found'),
    [
        ('true', '', True),
        ('true', 'noop', True),
        ('true', 'messagingv2', False),
        ('false', '', False),
    ],
)
def test_records_that_go_nowhere(load, enabled, driver, is_found):
    conf = load(
        f'[hypervisor_affinity]\ndecision_notifications = {enabled}\n'
        + (
            f'[oslo_messaging_notifications]\ndriver = {driver}\n'
            if driver
            else ''
        )
    )
    oslo_messaging.get_notification_transport(conf)
    policy = our_conf.read_policy(conf)
    findings = list(modes.check_notifications(conf, policy))
    assert bool(findings) == is_found
