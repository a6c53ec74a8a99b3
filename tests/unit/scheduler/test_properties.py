# SPDX-License-Identifier: Apache-2.0
"""What holds for any cloud and any request, on nova's own objects."""

import contextlib
from unittest import mock

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from nova import exception
from nova import objects
from nova.scheduler import weights as nova_weights
from oslo_utils.fixture import uuidsentinel as uuids

from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler import reports
from hypervisor_affinity.scheduler.request_filter import VIRTIO
from tests.unit.scheduler.any_cloud import DRIVERS
from tests.unit.scheduler.any_cloud import HOSTS
from tests.unit.scheduler.any_cloud import Cloud
from tests.unit.scheduler.any_cloud import asks
from tests.unit.scheduler.any_cloud import clouds
from tests.unit.scheduler.any_cloud import policies


@pytest.fixture
def scheduler(build_host_manager, options):
    return Scheduler(build_host_manager(placement_prefilter=True), options)


class Scheduler:
    """A scheduler whose cloud and options change from example to example."""

    def __init__(self, manager, options):
        self._manager = manager
        self._options = options
        self.filter = manager.filter_obj_map['HypervisorAffinityFilter']
        (self.weigher,) = (
            one
            for one in manager.weighers
            if type(one).__name__ == 'HypervisorAffinityWeigher'
        )
        self.prefilter = self.filter._prefilter

    @contextlib.contextmanager
    def serve(self, cloud, ask, policy):
        """Become the scheduler of that cloud; yield its host states."""
        self._options(**policy)
        for known in list(self._manager.aggs_by_id.values()):
            self._manager.delete_aggregate(known)
        aggregates = cloud.objects()
        self._manager.update_aggregates(aggregates)
        # The databases are outside of a unit test.
        with (
            mock.patch.object(moves, 'origin', ask.origin),
            mock.patch.object(reports, 'read', cloud.reports_beside),
        ):
            yield cloud.states(aggregates)

    def passing(self, states, ask):
        try:
            found = self.filter.filter_all(states, ask.spec())
        except exception.NoValidHost:
            return set()
        return {state.host for state in found}

    def weights(self, states, ask):
        weighed = [nova_weights.WeighedHost(state, 0.0) for state in states]
        found = self.weigher.weigh_objects(weighed, ask.spec())
        return {
            state.host: weight
            for state, weight in zip(states, found, strict=True)
        }


# The options and the scheduler serve one example after another.
one_scheduler = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def core_policy(values):
    order = tuple(values['preferred_hypervisors'])
    return Policy(
        **{
            **values,
            'preferred_hypervisors': order,
            'mode': Mode(values['mode']),
        }
    )


some_numbers = st.sets(st.integers(1, 5), min_size=1, max_size=4)


@pytest.mark.long
@settings(one_scheduler, max_examples=500)
@given(
    clouds,
    asks,
    policies,
    st.one_of(st.just([]), st.lists(some_numbers, max_size=2)),
    st.one_of(st.just(set()), some_numbers),
)
def test_placement_never_leaves_out_a_host_that_the_filter_passes(
    scheduler, cloud, ask, policy, required, forbidden
):
    required = [{uuid(number) for number in one} for one in required]
    forbidden = {uuid(number) for number in forbidden}
    with scheduler.serve(cloud, ask, policy) as states:
        spec = ask.spec()
        if required or forbidden:
            spec.requested_destination = (
                spec.requested_destination or objects.Destination()
            )
            spec.requested_destination.aggregates = [
                ','.join(sorted(one)) for one in required
            ]
            spec.requested_destination.forbidden_aggregates = forbidden
        candidates = [
            state
            for state in states
            if forbidden.isdisjoint(uuids_of(state))
            and all(one & uuids_of(state) for one in required)
        ]
        passing = scheduler.passing(candidates, ask)
        try:
            scheduler.prefilter(None, spec)
        except exception.NoValidHost:
            assert passing == set()
            return
        left = {
            state.host
            for state in candidates
            if not is_left_out(state, cloud.drivers[state.host], spec)
        }
        assert passing <= left


def uuid(number):
    return getattr(uuids, f'aggregate-{number}')


def uuids_of(state):
    return {aggregate.uuid for aggregate in state.aggregates}


def is_left_out(state, driver, spec):
    """Tell whether Placement would leave a host out, as it is asked to."""
    _, _, has_virtio = DRIVERS[driver]
    if has_virtio and VIRTIO in spec.root_forbidden:
        return True
    destination = spec.requested_destination
    return bool(destination) and not uuids_of(state).isdisjoint(
        destination.forbidden_aggregates or ()
    )


@one_scheduler
@given(clouds, asks, policies)
def test_the_filter_says_what_judge_says(scheduler, cloud, ask, policy):
    values = core_policy(policy)
    demand = ask.demand(values)
    expected = set()
    for name, driver in cloud.drivers.items():
        tags = [
            AggregateTags(f'{number}', metadata)
            for number, (metadata, hosts) in enumerate(cloud.aggregates)
            if name in hosts
        ]
        offer = read_offer(tags, DriverReport(*DRIVERS[driver][:2]), values)
        verdict = judge(demand, offer, values)
        # A server takes a tenth of a host that is empty.
        has_room = verdict.reserve <= 90 or not verdict.enforced
        if not verdict.withholds and has_room:
            expected.add(name)
    with scheduler.serve(cloud, ask, policy) as states:
        assert scheduler.passing(states, ask) == expected


@one_scheduler
@given(clouds, asks, policies)
def test_no_order_changes_what_passes_or_what_it_weighs(
    scheduler, cloud, ask, policy
):
    with scheduler.serve(cloud, ask, policy) as states:
        passing = scheduler.passing(states, ask)
        weights = scheduler.weights(states, ask)
    turned = Cloud(
        [
            (dict(reversed(metadata.items())), hosts[::-1])
            for metadata, hosts in reversed(cloud.aggregates)
        ],
        dict(reversed(cloud.drivers.items())),
    )
    with scheduler.serve(turned, ask, policy) as states:
        assert scheduler.passing(states, ask) == passing
        assert scheduler.weights(states, ask) == weights


@one_scheduler
@given(clouds, asks, policies, st.sets(st.sampled_from(HOSTS)))
def test_a_further_host_changes_nothing_for_the_others(
    scheduler, cloud, ask, policy, others
):
    with scheduler.serve(cloud, ask, policy) as states:
        few = [state for state in states if state.host in others]
        assert scheduler.passing(few, ask) == (
            scheduler.passing(states, ask) & others
        )
        weights = scheduler.weights(states, ask)
        assert scheduler.weights(few, ask) == {
            name: weights[name] for name in sorted(others)
        }
