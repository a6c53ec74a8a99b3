# SPDX-License-Identifier: Apache-2.0
"""Properties of judge that hold for any input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import Room
from hypervisor_affinity.core.verdict import judge
from tests.unit.core import inputs

any_boot = given(
    inputs.images,
    inputs.extra_specs,
    inputs.aggregates,
    inputs.reports,
    inputs.policies,
)


@given(
    inputs.images,
    inputs.extra_specs,
    inputs.aggregates,
    inputs.reports,
    inputs.policies,
    inputs.moves,
)
def test_any_input_gets_a_verdict_and_words(
    image, specs, metadata_list, report, policy, underneath
):
    demand = classify(image, specs, policy, underneath=underneath)
    offer = read_offer(inputs.tags(metadata_list), report, policy)
    verdict = judge(demand, offer, policy)
    if not verdict.passes:
        assert explanation.user_text(demand, {verdict.reason: verdict})
    else:
        assert verdict.families <= offer.families


@any_boot
def test_no_order_of_aggregates_changes_a_verdict(
    image, specs, metadata_list, report, policy
):
    demand = classify(image, specs, policy)
    forwards = read_offer(inputs.tags(metadata_list), report, policy)
    backwards = read_offer(inputs.tags(metadata_list)[::-1], report, policy)
    first, second = (
        judge(demand, offer, policy) for offer in (forwards, backwards)
    )
    assert first.reason == second.reason
    assert first.families == second.families


@any_boot
def test_a_host_never_offers_what_its_driver_denies(
    image, specs, metadata_list, report, policy
):
    reported = read_offer([], report, Policy()).families
    offer = read_offer(inputs.tags(metadata_list), report, policy)
    if reported:
        assert offer.families <= reported


@any_boot
def test_a_rebuild_passes_wherever_a_boot_does(
    image, specs, metadata_list, report, policy
):
    boot = classify(image, specs, policy)
    rebuild = classify(image, specs, policy, rebuild=True)
    offer = read_offer(inputs.tags(metadata_list), report, policy)
    # What fails only after the old disk is gone is worse than a failed boot.
    unfit = any(sign.unfit for sign in boot.signs)
    if judge(boot, offer, policy).passes and not unfit:
        assert judge(rebuild, offer, policy).passes


def test_what_takes_no_more_takes_nothing_of_a_reserve():
    room = Room(1000, 990, 0, 10, 0, 1)
    assert room.leaves(30)
    assert not room._replace(ram_asked=1).leaves(30)


def test_room():
    room = Room(1000, 500, 200, 10, 5, 1)
    assert room.leaves(30)
    assert not room.leaves(31)
    vcpus_short = room._replace(vcpus_asked=3)
    assert vcpus_short.leaves(20)
    assert not vcpus_short.leaves(21)


@pytest.mark.parametrize('percent', range(101))
def test_what_is_not_reserved_may_be_taken_to_the_last_bit(percent):
    free = 100 - percent
    taken = Room(1000, 0, 10 * free, 100, 0, free)
    assert taken.leaves(percent)
    if free:
        assert not taken._replace(ram_used=1).leaves(percent)
        assert not taken._replace(vcpus_used=1).leaves(percent)


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_larger_reserve_never_lets_more_in(one, other):
    room = Room(1000, 500, 200, 10, 5, 1)
    if room.leaves(max(one, other)):
        assert room.leaves(min(one, other))
