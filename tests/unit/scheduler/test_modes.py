# SPDX-License-Identifier: Apache-2.0
"""Observing before enforcing: nothing is withheld, and it is said."""

import pytest
from nova import exception
from nova.scheduler import weights as nova_weights

from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler import weights
from tests import case_table
from tests.unforeseen import Unspeakable
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler.test_cases import READABLE
from tests.unit.scheduler.test_cases import spec_of
from tests.unit.scheduler.test_cases import states_of
from tests.unit.scheduler.test_filters import ISO
from tests.unit.scheduler.test_filters import QCOW2
from tests.unit.scheduler.test_filters import VMDK
from tests.unit.scheduler.test_filters import kvm
from tests.unit.scheduler.test_filters import names
from tests.unit.scheduler.test_filters import vcenter

MODE = 'hypervisor_affinity_mode'


def set_mode(state, mode):
    """Put a host into one more aggregate, which has that mode."""
    state.aggregates = [*state.aggregates, build.aggregate(99, {MODE: mode})]
    return state


@pytest.fixture
def observer(options, monkeypatch):
    def build_filter(case=None, **more):
        options(
            **{'mode': 'observe', **(case.options if case else {}), **more}
        )
        if case is not None:
            found = build.origin(case)
            monkeypatch.setattr(moves, 'origin', lambda spec: found)
        return filters.HypervisorAffinityFilter()

    return build_filter


@pytest.mark.parametrize('case', READABLE, ids=str)
def test_every_host_passes_and_one_line_says_that_none_would(
    case, observer, log
):
    states = states_of(case)
    chosen = observer(case).filter_all(states, spec_of(case))
    assert chosen == states
    lines = [line for line in log.output.splitlines() if 'would be' in line]
    reasons = {reason for _, reason in case.expected}
    assert len(lines) == ('suitable' not in reasons)


@pytest.mark.parametrize('case', READABLE, ids=str)
def test_an_enforcing_aggregate_is_enforced(case, observer):
    states = [set_mode(state, 'enforce') for state in states_of(case)]
    one = observer(case, tell_user=False)
    suitable = {h.name for h, reason in case.expected if reason == 'suitable'}
    # In no aggregate a host is otherwise than in one without metadata.
    assert set(names(one.filter_all(states, spec_of(case)))) == suitable


def test_hosts_of_both_modes(observer, log):
    one = observer()
    states = [kvm(**{MODE: 'enforce'}), vcenter(), kvm('kvm-2')]
    spec = build.request_spec(VMDK)
    assert names(one.filter_all(states, spec)) == ['vc-1', 'kvm-2']
    assert log.output == ''


def test_a_host_in_aggregates_of_both_modes_is_enforced(observer):
    state = set_mode(kvm(**{MODE: 'observe'}), 'enforce')
    assert (
        observer(tell_user=False).filter_all([state], build.request_spec(VMDK))
        == []
    )


def test_an_aggregate_may_be_observed_alone(options, log):
    options(mode='enforce')
    one = filters.HypervisorAffinityFilter()
    spec = build.request_spec(VMDK)
    states = [kvm('kvm-1'), kvm('kvm-2', **{MODE: 'observe'})]
    assert names(one.filter_all(states, spec)) == ['kvm-2']
    assert log.output.splitlines() == [
        f'INFO Mode observe: server {spec.instance_uuid} would be refused: '
        'image needs VMware (disk_format=vmdk); hosts rejected: 2 '
        'other_hypervisor'
    ]


def test_the_mode_changes_while_it_runs(observer, options):
    one = observer()
    spec = build.request_spec(VMDK)
    assert one.host_passes(kvm(), spec)
    options(mode='enforce')
    assert not one.host_passes(kvm(), spec)
    with pytest.raises(exception.NoValidHost):
        one.filter_all([kvm()], spec)


@pytest.mark.parametrize('mode', ['', 'obsreve', 'observe,enforce'])
def test_a_mode_that_is_none_leaves_the_options(observer, log, mode):
    one = observer()
    assert one.host_passes(kvm(**{MODE: mode}), build.request_spec(VMDK))
    assert f'WARNING aggregate aggregate-1: {MODE}={mode}: is neither ' in (
        log.output
    )


def test_what_cannot_be_read_is_let_pass(observer, log, monkeypatch):
    one = observer()
    broken = kvm()
    broken.aggregates = None
    assert one.filter_all([broken], build.request_spec(VMDK)) == [broken]
    assert 'ERROR Host kvm-1 cannot be judged' in log.output

    def fail(*args):
        raise Unspeakable

    monkeypatch.setattr(one._judge, 'judge_all', fail)
    states = [kvm()]
    assert one.filter_all(states, build.request_spec(VMDK)) == states
    assert one.host_passes(states[0], build.request_spec(VMDK))
    assert 'ERROR A request cannot be judged: Unspeakable' in log.output


def test_a_request_that_cannot_be_read_is_let_pass(observer, log):
    states = [kvm()]
    assert observer().filter_all(states, None) == states
    assert 'ERROR A request cannot be judged' in log.output


@pytest.mark.parametrize(
    ('families', 'said', 'observed'),
    [
        (frozenset(), 'it cannot move to a host', 'it could not move to a'),
        (None, 'only its image decides where', 'only its image would decide'),
    ],
)
def test_what_is_said_of_a_move_is_true_in_either_mode(
    observer, monkeypatch, log, families, said, observed
):
    one = observer()
    monkeypatch.setattr(moves, 'origin', lambda spec: moves.Origin(families))
    one.filter_all([kvm()], build.move_spec(QCOW2))
    assert observed in log.output
    assert said not in log.output
    observer(mode='enforce', tell_user=False).filter_all(
        [kvm()], build.move_spec(QCOW2)
    )
    assert said in log.output


class ByRam(nova_weights.BaseHostWeigher):
    """As nova's RAMWeigher, but in MiB whatever other hosts have."""

    minval, maxval = 0, 1

    def weigh_objects(self, weighed_obj_list, weight_properties):
        return [each.obj.free_ram_mb for each in weighed_obj_list]

    def _weigh_object(self, host_state, weight_properties):
        raise NotImplementedError


def choose(one, states, spec, **ram):
    """Filter and weigh as nova does; return the names, the best first."""
    for state in states:
        state.free_ram_mb = ram.get(state.host.replace('-', '_'), 1)
    passing = one.filter_all(states, spec)
    weighers = [ByRam(), weights.HypervisorAffinityWeigher()]
    weighed = nova_weights.HostWeightHandler().get_weighed_objects(
        weighers, passing, spec
    )
    return names(each.obj for each in weighed)


def test_the_weigher_stands_aside_and_says_who_would_win(observer, log):
    spec = build.request_spec(QCOW2)
    states = [kvm(), vcenter()]
    found = choose(observer(), states, spec, vc_1=3)
    assert found == ['vc-1', 'kvm-1']
    assert log.output.splitlines() == [
        f'INFO Mode observe: server {spec.instance_uuid} would go to another '
        'host: image cannot boot on VMware (disk_format=qcow2); host vc-1 is '
        'weighed highest (cannot_boot_here), and kvm-1 would be'
    ]


def test_a_host_that_could_run_it_is_left_for_the_order(observer, log):
    choose(observer(), [kvm(), vcenter()], build.request_spec(ISO), vc_1=3)
    assert 'image' not in log.output
    assert 'host vc-1 is weighed highest (suitable), and kvm-1 would be' in (
        log.output
    )


@pytest.mark.parametrize(
    ('image', 'ram'),
    [
        (QCOW2, {'kvm_1': 3}),
        (ISO, {'kvm_1': 3}),
        (VMDK, {'vc_1': 3}),
        # More than the order weighs.
        (ISO, {'vc_1': 500}),
        # nova's own weights do not tell them apart.
        (QCOW2, {}),
    ],
)
def test_nothing_is_said_where_nothing_would_change(observer, log, image, ram):
    choose(observer(), [kvm(), vcenter()], build.request_spec(image), **ram)
    assert log.output == ''


def test_a_later_filter_leaves_hosts_out(observer, log):
    one = observer()
    states = [kvm('kvm-1'), vcenter(), kvm('kvm-2')]
    spec = build.request_spec(QCOW2)
    passing = one.filter_all(states, spec)[1:]
    for state in states:
        state.free_ram_mb = 1 + 5 * (state.host == 'vc-1')
    nova_weights.HostWeightHandler().get_weighed_objects(
        [ByRam(), weights.HypervisorAffinityWeigher()], passing, spec
    )
    assert 'host vc-1 is weighed highest (cannot_boot_here), and kvm-2' in (
        log.output
    )


def test_later_filters_leave_no_host_that_would_do(observer, log):
    one = observer()
    states = [kvm('kvm-1'), vcenter('vc-1'), vcenter('vc-2')]
    passing = one.filter_all(states, build.request_spec(VMDK))
    assert passing == states
    spec = build.request_spec(QCOW2)
    nova_weights.HostWeightHandler().get_weighed_objects(
        [weights.HypervisorAffinityWeigher()],
        one.filter_all(states, spec)[1:],
        spec,
    )
    assert log.output.splitlines() == [
        f'INFO Mode observe: server {spec.instance_uuid} would be refused: '
        'image cannot boot on VMware (disk_format=qcow2); other filters '
        'leave no host that can run it'
    ]


def test_the_round_for_alternates_says_nothing_again(observer, log):
    one = observer()
    spec = build.request_spec(QCOW2, num_instances=2)
    for server in ('a', 'b', 'b'):
        spec.instance_uuid = getattr(build.uuids, server)
        choose(one, [kvm(), vcenter()], spec, vc_1=3)
    assert log.output.count('would go to another host') == 2


def test_an_enforcing_host_gives_way_to_an_observed_one(observer, options):
    enforced = {MODE: 'enforce'}
    one = observer()
    states = [kvm(), vcenter(**enforced)]
    spec = build.request_spec(ISO)
    assert choose(one, states, spec, vc_1=3) == ['kvm-1', 'vc-1']
    states = [kvm(**enforced), vcenter()]
    spec = build.request_spec(ISO)
    assert choose(one, states, spec, vc_1=3) == ['vc-1', 'kvm-1']
    options(mode='enforce')
    observed = {MODE: 'observe'}
    states = [kvm(**observed), vcenter()]
    spec = build.request_spec(ISO)
    assert choose(one, states, spec, vc_1=3) == ['kvm-1', 'vc-1']


@pytest.mark.parametrize('multiplier', [100.0, 0.0, -3.0])
def test_nothing_is_weighed_whatever_the_multiplier(observer, multiplier):
    one = observer(weight_multiplier=multiplier)
    states = [vcenter(), kvm()]
    passing = one.filter_all(states, build.request_spec(ISO))
    weighed = [nova_weights.WeighedHost(state, 0.0) for state in passing]
    found = weights.HypervisorAffinityWeigher().weigh_objects(
        weighed, build.request_spec(ISO)
    )
    assert found == [0.0, 0.0]


def test_every_row_has_a_mode_to_run_in():
    assert READABLE
    assert all('mode' not in case.options for case in case_table.cases())
