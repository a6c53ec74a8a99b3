# SPDX-License-Identifier: Apache-2.0
"""What the case table does not show of the texts."""

import pytest

from hypervisor_affinity.core import demand as demands
from hypervisor_affinity.core import explanation
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict

# Why there is no host, or what refuses all of them before one is looked at.
REASONS = sorted(set(Reason) - {Reason.SUITABLE})
# Their words are the signs and the properties themselves.
SPELT_OUT = {Reason.SUITABLE, Reason.CANNOT_BOOT, Reason.PROPERTY_NOT_ACCEPTED}


@pytest.mark.parametrize('reason', REASONS)
def test_every_reason_has_words(reason):
    text = explanation.user_text(
        classify({}, {}, Policy()), {reason: Verdict(reason)}
    )
    assert text.startswith('The server can run on any hypervisor; ')
    assert bool(reason.words) is (reason not in SPELT_OUT)


def test_of_several_reasons_the_nearest_to_passing_is_told():
    demand = classify({'disk_format': 'iso'}, {}, Policy())
    reasons = (Reason.CONTRADICTORY_HOST, Reason.RESERVED)
    verdicts = {reason: Verdict(reason) for reason in reasons}
    assert 'is reserved for servers' in explanation.user_text(demand, verdicts)


def test_a_request_that_cannot_be_read():
    reason = Reason.UNREADABLE_REQUEST
    text = explanation.user_text(demands.UNREADABLE, {reason: Verdict(reason)})
    assert text == 'The request cannot be read'


def test_the_operator_reads_how_many_hosts_fell_to_what():
    demand = classify({'disk_format': 'vmdk'}, {}, Policy())
    counts = {Reason.OTHER_HYPERVISOR: 9, Reason.PROPERTY_NOT_ACCEPTED: 1}
    verdicts = {reason: Verdict(reason) for reason in counts}
    assert explanation.operator_text(demand, counts, verdicts) == (
        'image needs VMware (disk_format=vmdk); hosts rejected: '
        '9 other_hypervisor, 1 property_not_accepted'
    )


def test_the_operator_reads_by_which_policy():
    demand = classify({'disk_format': 'iso'}, {}, Policy())
    admit = Evidence('aggregate a', 'hypervisor_affinity_admit', 'required')
    reason = Reason.ADMITS_REQUIRED_ONLY
    verdicts = {reason: Verdict(reason, (admit,), deciding=(admit,))}
    fact = 'aggregate a hypervisor_affinity_admit=required'
    for count, told in ((1, f'({fact})'), (3, f'(one of them: {fact})')):
        text = explanation.operator_text(demand, {reason: count}, verdicts)
        assert text.endswith(f'{count} admits_required_only {told}')


def test_several_signs_are_all_named():
    image = {'disk_format': 'vmdk', 'vmware_disktype': 'thin'}
    image['vmware_ostype'] = 'otherGuest'
    assert explanation.demand_text(classify(image, {}, Policy())) == (
        'image needs VMware (vmware_disktype=thin, vmware_ostype=otherGuest)'
    )


def test_a_flavor_that_lists_every_hypervisor_allows_any():
    real = ','.join(hypervisor.FAMILIES - hypervisor.SAY_NOTHING)
    specs = {'hypervisor_affinity:hypervisor_type': real}
    demand = classify({'disk_format': 'iso'}, specs, Policy())
    assert explanation.demand_text(demand).startswith('flavor allows any (')


FORGED = 'x\n2026-01-01 ERROR nova: \x1b[2K forged'


@pytest.mark.parametrize(
    'key',
    ['disk_format', 'hypervisor_type', 'vmware_disktype', 'vmware_ostype'],
)
def test_what_a_user_writes_begins_no_line_of_its_own(key):
    image = {key: FORGED, 'vmware_linked_clone': FORGED}
    demand = classify(image, {'hypervisor_affinity:x': FORGED}, Policy())
    reason = Reason.ADMITS_REQUIRED_ONLY
    tag = Evidence(f'aggregate {FORGED}', 'hypervisor_affinity_admit', FORGED)
    verdicts = {reason: Verdict(reason, (tag,), deciding=(tag,))}
    texts = [
        explanation.demand_text(demand),
        explanation.operator_text(demand, {}, {}),
        explanation.operator_text(demand, {reason: 1}, verdicts),
        *map(str, demand.problems),
    ]
    assert all(text.isprintable() for text in texts), texts
