# SPDX-License-Identifier: Apache-2.0
"""What holds for any cloud and any request, on nova's own objects."""

import collections
import contextlib
import dataclasses
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

from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import NOVA_NAMES
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler import reports
from hypervisor_affinity.scheduler.adapters import Size
from hypervisor_affinity.scheduler.request_filter import VIRTIO
from tests.unit.core import inputs
from tests.unit.scheduler import nova_objects as build

# hypervisor_type, supported_instances, and whether Placement knows a virtio
# trait of the host.
DRIVERS = {
    'libvirt': ('QEMU', ('kvm', 'qemu'), True),
    'libvirt-lxc': ('LXC', ('lxc',), False),
    'vmwareapi': ('VMware vCenter Server', ('vmware',), False),
    'a fork': ('VMware ESXi', ('vmware',), False),
    'ironic': ('ironic', ('baremetal',), False),
    'fake': ('fake', ('fake',), False),
    'new': ('HyperFoo 9', (), False),
}
VALUES = {
    'hypervisor_type': [
        *('kvm', 'vmware', 'VMware vCenter Server', 'qemu, ESXi', 'ironic'),
        *('fake', 'kvm,hyperfoo', 'vmwrae', ''),
    ],
    'img_hv_type': ['kvm,qemu', 'vmware', 'x'],
    'hypervisor_affinity_admit': ['any', 'required', 'maybe'],
    'hypervisor_affinity_reserve': ['0', '95', 'x'],
    'hypervisor_affinity_weight_multiplier': ['3', 'x'],
    'vmware_disktype': ['thin', 's*,streamOptimized', ''],
    'vmware_adaptertype': ['lsi*', 'ide'],
    'vmware_ostype': ['ubuntu*', 'other*'],
    'availability_zone': ['az'],
}
# By nova's names; another name of the same property has the same values.
PROPERTY_VALUES = {
    'disk_format': ['vmdk', 'qcow2', 'raw', 'iso', 'vhd'],
    'container_format': ['bare', 'ova'],
    'img_hv_type': ['vmware', 'kvm', 'qemu', 'baremetal', 'lxc', 'fake'],
    'hw_disk_type': ['thin', 'sparse', 'streamOptimized', 'odd'],
    'os_distro': ['ubuntu', 'ubuntu64Guest', 'otherGuest', 'debian12_64Guest'],
    'img_linked_clone': ['true', 'no'],
    'img_version': ['1', '2'],
    'vmware_adaptertype': ['lsiLogic', 'ide', 'busLogic', 'paraVirtual'],
    'hw_scsi_model': ['virtio-scsi', 'lsilogic', 'buslogic', 'vmpvscsi'],
    'hw_vif_model': [
        *('virtio', 'e1000', 'VirtualVmxnet3', 'VirtualVmxnet', 'sriov'),
        'netfront',
    ],
    'hw_architecture': ['x86_64', 'aarch64'],
    'hw_emulation_architecture': ['ppc64le'],
    'hw_disk_bus': ['virtio', 'scsi', 'ide', 'xen'],
}
# From the core's own list: one without values here ends the tests.
PROPERTIES = {
    name: PROPERTY_VALUES[NOVA_NAMES.get(name, name)]
    for name in inputs.PROPERTY_NAMES
}
EXTRA_SPECS = {
    'hypervisor_affinity:hypervisor_type': [
        'kvm',
        'vmware',
        'esxi,kvm',
        'qemu, vmware',
        'any',
        'foo',
    ],
    'hypervisor_affinity:preferred': ['vmware', 'kvm,vmware', ''],
    'capabilities:hypervisor_type': [
        'QEMU',
        'VMware vCenter Server',
        's!= ironic',
        '>= x',
    ],
    'hw:cpu_policy': ['shared'],
}


def some_of(values):
    return st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(v) for name, v in values.items()}
    )


HOSTS = [f'host-{number}' for number in range(6)]


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Aggregates as (metadata, hosts), and each host's driver."""

    aggregates: list
    drivers: dict

    def objects(self):
        return [
            build.aggregate(number, metadata, hosts)
            for number, (metadata, hosts) in enumerate(self.aggregates, 1)
        ]

    def reports_beside(self, settled):
        """Return what the databases have of all other hosts."""
        found = collections.defaultdict(set)
        for name, driver in self.drivers.items():
            if name not in settled:
                found[DriverReport(*DRIVERS[driver][:2])].add(name)
        return {report: frozenset(names) for report, names in found.items()}

    def states(self, aggregates):
        return [
            build.host_state(
                name,
                *DRIVERS[driver][:2],
                aggregates=[one for one in aggregates if name in one.hosts],
            )
            for name, driver in self.drivers.items()
        ]


clouds = st.builds(
    Cloud,
    st.lists(
        st.tuples(
            some_of(VALUES), st.lists(st.sampled_from(HOSTS), unique=True)
        ),
        max_size=5,
    ),
    st.fixed_dictionaries(
        {
            name: st.one_of(
                st.sampled_from(['libvirt', 'vmwareapi']),
                st.sampled_from(sorted(DRIVERS)),
            )
            for name in HOSTS
        }
    ),
)
policies = st.builds(
    dict,
    preferred_hypervisors=st.sampled_from([['kvm', 'vmware'], ['vmware'], []]),
    flexible_placement=st.sampled_from(['prefer', 'strict']),
    unclassified_hosts=st.sampled_from(['reported', 'none', 'any']),
    vmdk_images=st.sampled_from(['vmware', 'flexible']),
    tell_user=st.booleans(),
)


@dataclasses.dataclass(frozen=True)
class Ask:
    """A request before it is an object; ``runs_on`` None is a boot."""

    image: dict | None
    extra_specs: dict
    volume: bool
    count: int
    runs_on: frozenset | None

    def spec(self):
        make = build.request_spec
        fields = {'is_bfv': self.volume, 'num_instances': self.count}
        if self.runs_on is not None:
            make = build.move_spec
        else:
            fields['requested_destination'] = None
        return make(self.image, self.extra_specs, **fields)

    def origin(self, spec):
        return moves.Origin(self.runs_on, Size(build.ASKED_MB // 2, 1))

    def demand(self, policy):
        return classify(
            self.image or {},
            self.extra_specs,
            policy,
            volume=self.volume,
            underneath=self.runs_on,
            grows=self.runs_on is not None,
        )


asks = st.builds(
    Ask,
    st.one_of(st.none(), some_of(PROPERTIES)),
    some_of(EXTRA_SPECS),
    st.booleans(),
    st.sampled_from([1, 2]),
    st.one_of(
        st.none(),
        st.none(),
        st.sampled_from([(), ('kvm',), ('vmware',)]).map(frozenset),
    ),
)


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
    return Policy(**{**values, 'preferred_hypervisors': order})


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
        if verdict.passes and verdict.reserve <= 90:
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
