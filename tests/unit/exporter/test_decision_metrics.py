# SPDX-License-Identifier: Apache-2.0
"""What is counted of decisions, and under which labels."""

import datetime
import threading

import pytest

from hypervisor_affinity.core import reason as reasons
from hypervisor_affinity.core.hypervisor import KVM
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.exporter import decision_metrics
from hypervisor_affinity.exporter.decision_metrics import DecisionCounts
from hypervisor_affinity.scheduler.moves import LookUp
from hypervisor_affinity.scheduler.requests import Kind
from tests import case_table
from tests import case_verdicts
from tests import core_decisions as records
from tests.core_decisions import ISO
from tests.core_decisions import QCOW2
from tests.core_decisions import VMDK
from tests.core_decisions import host

OBSERVED = {'hypervisor_affinity_mode': 'observe'}
VCENTER = host('vmware')
COMPUTE = host('kvm')
UNKNOWN = host(None)
ASKED = 'hypervisor_affinity:hypervisor_type'


@pytest.fixture
def counts():
    return DecisionCounts((KVM, VMWARE))


def samples(counts):
    """Return {(name, labels…): figure} of what is not 0."""
    return {key: value for key, value in all_samples(counts).items() if value}


def all_samples(counts):
    return {
        (
            sample.name.removeprefix('hypervisor_affinity_'),
            *sample.labels.values(),
        ): sample.value
        for metric in counts.metrics()
        for sample in metric.samples
    }


def decisions(counts):
    """Return the labels of what was counted, and how often."""
    return {
        tuple(labels): value
        for (name, *labels), value in samples(counts).items()
        if name == 'decisions_total'
    }


# Image, hosts, more of the request, and the labels that are to be.
ROWS = {
    'it needs one': (
        *(VMDK, [VCENTER, COMPUTE], {}),
        ('vmware', 'passed', 'suitable', 'enforce'),
    ),
    'nothing of it names any': (
        *(ISO, [VCENTER, COMPUTE], {}),
        ('any', 'passed', 'suitable', 'enforce'),
    ),
    'it cannot run on one of them': (
        *(QCOW2, [COMPUTE], {}),
        ('any', 'passed', 'suitable', 'enforce'),
    ),
    'its flavor names two': (
        *(ISO, [COMPUTE], {'specs': {ASKED: 'kvm,vmware'}}),
        ('any', 'passed', 'suitable', 'enforce'),
    ),
    'its flavor names two, of which one can boot it': (
        *(QCOW2, [COMPUTE], {'specs': {ASKED: 'kvm,vmware'}}),
        ('any', 'passed', 'suitable', 'enforce'),
    ),
    'a move': (
        QCOW2,
        [COMPUTE],
        {'underneath': frozenset({KVM}), 'kind': 'move'},
        ('kvm', 'passed', 'suitable', 'enforce'),
    ),
    'a move from a host of two': (
        QCOW2,
        [COMPUTE],
        {'underneath': frozenset({KVM, VMWARE}), 'kind': 'move'},
        ('several', 'passed', 'suitable', 'enforce'),
    ),
    'a move from nobody knows where': (
        QCOW2,
        [COMPUTE],
        {'underneath': frozenset(), 'kind': 'move'},
        ('undetermined', 'refused', 'undetermined_server', 'enforce'),
    ),
    'there is none of them': (
        *(VMDK, [COMPUTE], {}),
        ('vmware', 'refused', 'other_hypervisor', 'enforce'),
    ),
    'there is none of them, which is observed': (
        *(VMDK, [host('kvm', **OBSERVED)], {}),
        ('vmware', 'would_be_refused', 'other_hypervisor', 'observe'),
    ),
    'there are hosts of both modes': (
        *(VMDK, [COMPUTE, host('kvm', **OBSERVED)], {}),
        ('vmware', 'would_be_refused', 'other_hypervisor', 'both'),
    ),
    'only the first would do': (
        ISO,
        [VCENTER],
        {'policy': Policy(flexible_placement=FlexiblePlacement.STRICT)},
        ('any', 'refused', 'not_preferred', 'enforce'),
    ),
    'it cannot boot where it must': (
        *({**QCOW2, 'hypervisor_type': 'vmware'}, [VCENTER], {}),
        ('none', 'refused', 'cannot_boot', 'enforce'),
    ),
    'it contradicts itself': (
        {'hypervisor_type': 'vmware'},
        [VCENTER],
        {'specs': {ASKED: 'kvm'}},
        ('none', 'refused', 'contradictory_signs', 'enforce'),
    ),
    'it is refused before Placement is asked': (
        *({'hypervisor_type': 'nothing'}, [], {}),
        ('none', 'refused', 'unreadable_sign', 'enforce'),
    ),
    'it is refused by its signs, and observed': (
        *({'hypervisor_type': 'x'}, [host('kvm', **OBSERVED)], {}),
        ('none', 'would_be_refused', 'unreadable_sign', 'observe'),
    ),
}


@pytest.mark.parametrize('row', ROWS)
def test_labels(counts, row):
    image, hosts, more, labels = ROWS[row]
    before = all_samples(counts)
    counts.count(records.read(records.payload(image, *hosts, **more)))
    assert decisions(counts) == {labels: 1}
    if labels[0] != 'several' and labels[3] != 'both':
        # Else Prometheus sees no increase.
        assert before['decisions_total', *labels] == 0


@pytest.mark.parametrize('case', case_table.cases(), ids=str)
def test_what_is_refused_by_its_signs_needs_none(case):
    demand = case_verdicts.demand_of(case)
    found = records.read(
        records.payload(
            case.image or {},
            COMPUTE,
            specs=case.extra_specs,
            policy=case_verdicts.policy_of(case),
            volume=case.volume,
            underneath=case.runs_on,
            rebuild=case.rebuild,
        )
    )
    label = decision_metrics._hypervisor(found.demand)
    assert (label == 'none') == (demand.refusal is not None)
    if demand.refusal is not None:
        assert demand.refusal in reasons.OF_REQUEST
    elif demand.is_undetermined:
        assert label == 'undetermined'
    elif demand.is_flexible:
        assert label == 'any'
    elif len(demand.needed) == 1:
        assert {label} == demand.needed


def test_what_is_not_known_is_other(counts):
    found = records.payload(VMDK, VCENTER)
    demand = {**found['demand'], 'required': ['new_one']}
    counts.count(
        records.read(
            found,
            demand=demand,
            outcome='put_off',
            reason='too_late',
            modes=['try', 'enforce'],
            order=['new_one'],
            kind='new',
            look_up='new',
        )
    )
    assert decisions(counts) == {('other',) * 4: 1}


@pytest.mark.parametrize('modes', [[], ['new'], ['observe', 'new']])
def test_modes_that_are_not_known(counts, modes):
    counts.count(records.read(records.payload(VMDK, VCENTER), modes=modes))
    assert decisions(counts) == {('vmware', 'passed', 'suitable', 'other'): 1}


def test_labels_are_bounded(counts):
    """Whatever comes over the bus."""
    found = records.payload(VMDK, VCENTER)
    for number in range(50):
        name = f'made_up_{number}'
        demand = {**found['demand'], 'required': [name]}
        counts.count(
            records.read(
                found,
                demand=demand,
                outcome=name,
                reason=name,
                modes=[name],
                order=[name],
                first_left=False,
            )
        )
    assert decisions(counts) == {('other',) * 4: 50}


def test_the_order_is_not_followed(counts):
    counts.count(records.read(records.payload(ISO, COMPUTE)))
    counts.count(records.read(records.payload(ISO, VCENTER, COMPUTE)))
    assert ('order_not_followed_total', 'kvm') not in samples(counts)
    counts.count(records.read(records.payload(ISO, VCENTER)))
    counts.count(
        records.read(records.payload(ISO, host('vmware', **OBSERVED)))
    )
    assert samples(counts)['order_not_followed_total', 'kvm'] == 2


@pytest.mark.parametrize(
    'payload',
    [
        pytest.param(records.payload(VMDK, COMPUTE), id='it is refused'),
        pytest.param(
            records.payload(VMDK, host('kvm', **OBSERVED)),
            id='it would be refused',
        ),
        pytest.param(
            records.payload(ISO, VCENTER, rebuild=True, kind='rebuild'),
            id='its host is settled',
        ),
        pytest.param(
            records.payload(
                QCOW2, UNKNOWN, underneath=frozenset(), kind='move'
            ),
            id='nothing is known of it',
        ),
    ],
)
def test_there_was_no_choice(counts, payload):
    assert payload['first_left'] is False
    counts.count(records.read(payload))
    assert ('order_not_followed_total', 'kvm') not in samples(counts)


def test_undetermined_requests_and_failed_look_ups(counts):
    move = records.payload(QCOW2, COMPUTE, underneath=frozenset(), kind='move')
    counts.count(records.read(move, look_up=LookUp.NOT_FOUND.value))
    counts.count(
        records.read(records.payload(QCOW2, COMPUTE), look_up='found')
    )
    assert samples(counts)['undetermined_requests_total',] == 1
    assert samples(counts)['move_look_ups_failed_total',] == 1


def test_an_image_may_say_as_much_as_glance_keeps(counts):
    image = {**VMDK, 'hypervisor_type': 'x' * 65535}
    counts.count(records.read(records.payload(image, VCENTER)))
    assert decisions(counts) == {
        ('none', 'refused', 'unreadable_sign', 'enforce'): 1
    }


def test_words_are_the_schedulers():
    assert decision_metrics._REBUILD == Kind.REBUILD
    assert decision_metrics._NOT_FOUND == LookUp.NOT_FOUND


def test_a_message_that_comes_again_is_counted_once(counts, monkeypatch):
    monkeypatch.setattr(decision_metrics, '_REMEMBERED', 2)
    found = records.payload(VMDK, VCENTER)
    for message_id in ('a', 'a', 'b', 'a', 'c', None, None):
        counts.count(records.read(found, message_id))
    (number,) = decisions(counts).values()
    assert number == 5
    # Which are remembered for ever?
    counts.count(records.read(found, 'a'))
    (number,) = decisions(counts).values()
    assert number == 6
    assert len(counts._ids) == 2


def test_the_time_of_the_last(counts):
    assert all_samples(counts)['last_record_timestamp_seconds',] == 0
    counts.count(records.read(records.payload(VMDK, VCENTER)))
    decided_at = datetime.datetime.fromisoformat(records.DECIDED_AT)
    assert (
        all_samples(counts)['last_record_timestamp_seconds',]
        == decided_at.timestamp()
    )


@pytest.mark.parametrize(
    'at', ['0001-01-01T00:00:00+14:00', '9999-12-31T23:59:59-14:00']
)
def test_a_time_that_no_clock_has(counts, at):
    counts.count(records.read(records.payload(VMDK, VCENTER), decided_at=at))
    assert decisions(counts)


def test_messages_that_are_no_records(counts):
    counts.count_unreadable()
    assert samples(counts) == {('unreadable_records_total',): 1}


def test_what_there_is_before_anything_has_come(counts):
    found = all_samples(counts)
    assert not any(found.values())
    wanted = {
        labels[0] for name, *labels in found if name == 'decisions_total'
    }
    assert wanted == {'any', 'kvm', 'vmware', 'none', 'undetermined'}
    # Few enough that nobody minds.
    assert len(found) < 150


def test_many_threads_may_ask_while_one_counts(counts):
    found = records.read(records.payload(VMDK, VCENTER))
    threads = [
        threading.Thread(
            target=lambda: [all_samples(counts) for _ in range(20)]
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for _ in range(2000):
        counts.count(found)
    for thread in threads:
        thread.join()
    assert list(decisions(counts).values()) == [2000]
