# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of whatever cloud: what passes is what the pages say.

``oracle`` says what they say. The long form, by hand, ends with the number of
requests that were compared::

    .venv/bin/pytest tests/unit/scheduler/test_oracle.py -s \
        --hypothesis-profile=thorough
"""

import contextlib
import dataclasses
import operator
from unittest import mock

import pytest
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from nova import context as nova_context
from nova import exception
from nova import objects

from hypervisor_affinity.core import properties
from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import reports
from hypervisor_affinity.scheduler.request_filter import VIRTIO
from tests.examples import examples
from tests.unit.scheduler import drawn
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler import oracle
from tests.unit.scheduler import oracle_hosts


def host_state(host, aggregates):
    state = build.host_state(
        host.name, host.hypervisor_type or '', host.supported, aggregates
    )
    state.hypervisor_type = host.hypervisor_type
    if host.supported and not state.supported_instances:
        state.supported_instances = [
            list(triple)
            for triple in faces.supported_instances(
                *host.supported, architectures=['x86_64']
            )
        ]
    ratio = host.limit[0] / drawn.RAM_MB
    state.total_usable_ram_mb = drawn.RAM_MB
    state.free_ram_mb = drawn.RAM_MB - host.used[0]
    state.vcpus_total = drawn.VCPUS
    state.vcpus_used = host.used[1]
    state.ram_allocation_ratio = state.cpu_allocation_ratio = ratio
    return state


def test_every_property_of_the_core_is_drawn():
    by_nova = {
        properties.NOVA_NAMES.get(name, name) for name in drawn.PROPERTIES
    }
    assert set(properties.PROPERTY_NAMES) <= by_nova
    assert set(properties.CONSTRAINT_KEYS) <= set(drawn.METADATA)


class Databases:
    """What nova's databases have of the server of a move and its host.

    :param is_shelved: whether the server has no host, only one of before
    """

    def __init__(self, ask, is_shelved):
        self._ask = ask
        self._is_shelved = is_shelved or ask.origin == oracle.GONE

    @contextlib.contextmanager
    def open(self):
        with (
            mock.patch.object(nova_context, 'target_cell', self._cell),
            mock.patch.object(objects.Instance, 'get_by_uuid', self._server),
            mock.patch.object(
                objects.ComputeNode, 'get_by_host_and_nodename', self._node
            ),
            mock.patch.object(
                objects.ComputeNodeList,
                'get_all_by_host',
                lambda *args: [self._node(*args)],
            ),
            mock.patch.object(
                objects.AggregateList, 'get_by_host', self._aggregates
            ),
        ):
            yield

    @contextlib.contextmanager
    def _cell(self, context, cell):
        yield context

    def _server(self, *args, **kwargs):
        if self._ask.origin == oracle_hosts.UNKNOWN and self._is_shelved:
            raise exception.CellTimeout
        server = objects.Instance(
            host=None if self._is_shelved else 'origin',
            node=None if self._is_shelved else 'origin',
            system_metadata={'shelved_host': 'origin'},
        )
        server.flavor = flavor(self._ask.has)
        return server

    def _node(self, *args):
        if isinstance(self._ask.origin, str):
            raise exception.ComputeHostNotFound(host='origin')
        return objects.ComputeNode(
            hypervisor_type=self._ask.origin.hypervisor_type or '',
            supported_hv_specs=[
                objects.HVSpec.from_list(triple)
                for triple in faces.supported_instances(
                    *self._ask.origin.supported, architectures=['x86_64']
                )
                if triple[1] in objects.fields.HVType.ALL
            ],
        )

    def _aggregates(self, *args):
        return [
            build.aggregate(number, metadata)
            for number, metadata in enumerate(self._ask.origin.aggregates)
        ]


def flavor(size, extra_specs=None):
    return objects.Flavor(
        name='a flavor',
        memory_mb=size[0],
        vcpus=size[1],
        root_gb=1,
        ephemeral_gb=0,
        swap=0,
        extra_specs=extra_specs or {},
    )


def request_spec(ask, count, pretends):
    """Return the RequestSpec of a request.

    :param pretends: whether it has a hint that only rebuilds are to have
    """
    make = {
        'boot': build.request_spec,
        'move': build.move_spec,
        'rebuild': build.rebuild_spec,
    }[ask.kind]
    fields = {'is_bfv': ask.volume, 'num_instances': count}
    if pretends and ask.kind != 'rebuild':
        fields['scheduler_hints'] = {'_nova_check_type': ['rebuild']}
    if ask.kind == 'boot':
        fields['requested_destination'] = None
    image = ask.image and {
        key: value for key, value in ask.image.items() if value is not None
    }
    return make(
        image,
        pci_requests=None,
        numa_topology=None,
        **fields,
        flavor=flavor(ask.asks, ask.extra_specs),
    )


class Scheduler:
    """A scheduler whose cloud and options change with each example."""

    def __init__(self, manager, options):
        self._manager = manager
        self._options = options
        self.filter = manager.filter_obj_map['HypervisorAffinityFilter']
        self.compared = 0

    @contextlib.contextmanager
    def serve(self, cloud, policy, tell_user):
        values = dataclasses.asdict(policy)
        values['preferred_hypervisors'] = list(policy.preferred_hypervisors)
        self._options(**values, tell_user=tell_user)
        for known in list(self._manager.aggs_by_id.values()):
            self._manager.delete_aggregate(known)
        aggregates = [
            build.aggregate(number, metadata, members)
            for number, (metadata, members) in enumerate(cloud.aggregates, 1)
        ]
        self._manager.update_aggregates(aggregates)

        def reports_beside(settled):
            found = {}
            for host in cloud.hosts():
                if host.name not in settled:
                    report = adapters.DriverReport(
                        host.hypervisor_type, host.supported
                    )
                    found.setdefault(report, set()).add(host.name)
            return found

        with mock.patch.object(reports, 'read', reports_beside):
            yield [
                host_state(
                    host, [one for one in aggregates if host.name in one.hosts]
                )
                for host in cloud.hosts()
            ]


@pytest.fixture
def scheduler(build_host_manager, options, request):
    one = Scheduler(build_host_manager(placement_prefilter=True), options)
    yield one
    writer = request.config.get_terminal_writer()
    writer.line(f' {one.compared} requests compared')


# A request, the number of servers, whether a hint pretends that it is a
# rebuild, and whether the server of a move is shelved.
ASKED = st.tuples(
    drawn.requests,
    st.sampled_from([1, 1, 2, 3]),
    st.booleans(),
    st.booleans(),
)


@pytest.mark.long
@settings(
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
    # To explain takes longer than to shrink, and tells no more.
    phases=set(Phase) - {Phase.explain},
    max_examples=examples(200),
)
@given(
    drawn.clouds,
    drawn.options,
    st.booleans(),
    # Twice, since of one list hypothesis draws six on average.
    st.builds(operator.add, *[st.lists(ASKED, min_size=1)] * 2),
)
def test_what_passes_is_what_the_pages_say(
    scheduler, cloud, policy, tell_user, requests
):
    with scheduler.serve(cloud, policy, tell_user) as states:
        hosts = cloud.hosts()
        for ask, count, pretends, is_shelved in requests:
            spec = request_spec(ask, count, pretends)
            is_told = tell_user and (ask.kind != 'boot' or count == 1)
            databases = Databases(ask, is_shelved)
            if is_shelved:
                # moves, Moves stay on their hypervisor: it took nothing.
                ask = dataclasses.replace(ask, has=(0, 0))
            with databases.open():
                if ask.kind != 'rebuild':
                    expected = oracle.passing(ask, hosts, policy)
                    assert expected <= asked_of_placement(
                        scheduler, states, spec
                    )
                for _ in range(count if ask.kind == 'boot' else 1):
                    expected = oracle.passing(ask, hosts, policy)
                    compare(scheduler, states, spec, expected, is_told)
                    take_one(states, hosts, spec, expected)


def compare(scheduler, states, spec, expected, is_told):
    scheduler.compared += 1
    assert passing(scheduler, states, spec, is_told) == expected
    one = states[scheduler.compared % len(states)]
    assert scheduler.filter.host_passes(one, spec) == (one.host in expected)


def take_one(states, hosts, spec, expected):
    """Place a server on the first host that passes, as nova does."""
    for number, host in enumerate(hosts):
        if host.name in expected:
            states[number].consume_from_request(spec)
            used = (
                host.used[0] + spec.flavor.memory_mb,
                host.used[1] + spec.flavor.vcpus,
            )
            hosts[number] = dataclasses.replace(host, used=used)
            return


def passing(scheduler, states, spec, is_told):
    try:
        found = scheduler.filter.filter_all(states, spec)
    except exception.NoValidHost:
        assert is_told
        return set()
    assert found or not is_told
    return {state.host for state in found}


def asked_of_placement(scheduler, states, spec):
    """Return the hosts that the pre-filter lets Placement return."""
    try:
        scheduler.filter._prefilter(None, spec)
    except exception.NoValidHost:
        return set()
    destination = spec.requested_destination
    forbidden = (destination and destination.forbidden_aggregates) or set()
    return {
        state.host
        for state in states
        if forbidden.isdisjoint(one.uuid for one in state.aggregates)
        and not (
            VIRTIO in spec.root_forbidden and state.hypervisor_type == 'QEMU'
        )
    }
