# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked of whatever cloud: what passes is what the pages say.

``oracle`` says what they say. The long form, by hand, ends with the number of
requests that were compared::

    .venv/bin/pytest tests/unit/scheduler/test_oracle.py \
        --hypothesis-profile=thorough
"""

import contextlib
import dataclasses
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

from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import reports
from hypervisor_affinity.scheduler.request_filter import VIRTIO
from tests.examples import examples
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler import oracle

RAM_MB, VCPUS = 1000, 20

# What somebody may write for a hypervisor. Of the last ones, some look like
# one that is known.
WORDS = [
    'kvm',
    'vmware',
    'QEMU',
    ' VCenter ',
    'VMware vCenter Server',
    'kvm,vmware',
    'esxi, qemu',
    'ironic',
    'lxc,kvm',
    'xen',
    'fake',
    'vmwrae',
    '',
    ' , ',
    'kvm,,vmware',
    'kvm,vmwrae',
    'any',
    'ANY ',
    'any,kvm',
    'kvm vmware',
    'vmware esxi',
    'VMware  ESXi',
    'kvm\n',
    '\u3000vmware\xa0',
    'kvm\0',
    '\u202evmware\u202c',
    '\uff4b\uff56\uff4d',
    '\u043avm',
    '\u212avm',
    'v\u017fphere',
    'kvm' * 999,
    'x,' * 999 + 'kvm',
]
TEXTS = ['', 'x', '*', '\0', '\u202e', '\uff56', ' ', 'thin\0', 'x' * 3000]
GUESTS = ['ubuntu64Guest', 'windows2019srv_64Guest', 'otherGuest']

METADATA = {
    'hypervisor_type': WORDS,
    'img_hv_type': WORDS,
    'hypervisor_affinity_admit': ['any', 'required', ' Required ', 'x', ''],
    'hypervisor_affinity_reserve': [
        *('0', '10', '30', '50', '55', '70', '90', '100', ' 20 '),
        *('-1', '101', 'nan', 'x', '', '1' * 5000),
    ],
    'vmware_disktype': ['thin', 's*,streamOptimized', 'THIN', ' , ', *TEXTS],
    'vmware_adaptertype': [
        *('lsi*', 'IDE', 'lsisas1068,busLogic', 'para*', 'vmpvscsi'),
        *('[', '[!l]*', '?de', ' , ', 'virtio*'),
    ],
    'vmware_ostype': ['ubuntu*', 'WINDOWS*', 'other*', '*[!x]Guest', ','],
    'vmware_linked_clone': ['true', 'no', 't*', 'x'],
    'vmware_image_version': ['1', '[2-9]', 'x'],
    'hypervisor_affinity_weight_multiplier': ['3', 'x'],
    'availability_zone': ['az'],
}
PROPERTIES = {
    'container_format': ['bare', 'ova'],
    'hypervisor_type': ['vmware', 'kvm', 'QEMU', 'baremetal', 'xen', 'fake'],
    'img_hv_type': ['vmware', 'kvm'],
    'vmware_disktype': [
        *('preallocated', 'thin', 'eagerZeroedThick', 'sparse'),
        *('streamOptimized', 'streamoptimized', 'Thin', *TEXTS),
    ],
    'vmware_ostype': [*GUESTS, 'ubuntu64guest', 'UBUNTU64GUEST', *TEXTS],
    'os_distro': ['ubuntu', 'debian', *GUESTS],
    'vmware_adaptertype': ['ide', *oracle.ADAPTERS],
    'vmware_linked_clone': ['true', 'no', 'yes', '0'],
    'vmware_image_version': ['1', '2'],
    'hw_vif_model': [
        *('virtio', 'e1000', 'rtl8139', 'netfront', 'vmxnet', 'sriov'),
        *('vmxnet3', 'lan9118', 'igb', *oracle.VIFS),
    ],
    'architecture': ['x86_64', 'aarch64', 'amd64', 'i386'],
    'hw_emulation_architecture': ['ppc64le', 'x86_64'],
    'hw_disk_bus': ['virtio', 'scsi', 'ide', 'xen', 'usb', 'uml'],
    'hw_scsi_model': [
        *('virtio-scsi', 'lsilogic', 'buslogic', 'vmpvscsi', 'lsisas1078'),
    ],
    'os_type': ['linux'],
    'a custom one': TEXTS,
}
FORMATS = [
    *('vmdk', 'vmdk', 'vmdk', 'qcow2', 'qcow2', 'iso', 'iso', 'raw', 'vhd'),
    *('vstorageobject', 'vhdx', 'ploop', 'x', None),
]
EXTRA_SPECS = {
    'hypervisor_affinity:hypervisor_type': WORDS,
    'hypervisor_affinity:preferred': WORDS,
    'capabilities:hypervisor_type': [
        *('QEMU', 'VMware vCenter Server', '<in> VMware', 's!= QEMU', 'qemu'),
        *('<or> QEMU <or> ironic', '<or> QEMU <or> VMware vCenter Server'),
        *('s== VMware vCenter Server', '= 8', 'HyperFoo 9', ' QEMU', 'QEMU\0'),
    ],
    'hypervisor_type': ['QEMU', 'VMware ESXi', 'ironic'],
    'hypervisor_affinity:typo': ['kvm'],
    'hw:cpu_policy': ['shared'],
}
DRIVERS = [
    ('QEMU', ('kvm', 'qemu')),
    ('QEMU', ('qemu',)),
    ('VMware vCenter Server', ('vmware',)),
    ('VMware vCenter Server', ('vmware',)),
    ('VMware ESXi', ('vmware',)),
    ('ironic', ('baremetal',)),
    ('LXC', ('lxc',)),
    ('fake', ('fake',)),
    ('test', ('kvm',)),
    ('HyperFoo 9', ('hyperfoo',)),
    ('HyperFoo 9', ('kvm', 'vmware', 'fake')),
    (None, ()),
    ('', ()),
    ('', ('qemu',)),
    ('VMware', ()),
    (' esxi', ('hyperfoo',)),
    ('\uff31EMU', ()),
    ('QEMU\0', ()),
]
NAMES = [f'host-{number}' for number in range(4)]


def some_of(values, most):
    pairs = [
        st.tuples(st.just(key), st.sampled_from(all_))
        for key, all_ in values.items()
    ]
    return st.lists(st.one_of(pairs), max_size=most).map(dict)


def without_clashes(image):
    """Leave out what nova's own names would write over.

    The pages say nothing of it but for two properties, which are left.
    """
    if 'vmware_adaptertype' in image:
        for name in ('hw_disk_bus', 'hw_scsi_model'):
            image.pop(name, None)
    return image


images = st.one_of(
    st.none(),
    *[
        st.builds(
            lambda form, more: without_clashes({'disk_format': form, **more}),
            st.sampled_from(FORMATS),
            some_of(PROPERTIES, 3),
        )
    ]
    * 9,
)
amounts = st.tuples(
    st.sampled_from([0, 100, 200, 300, 450, 600, 700, 900, 1000, 1500]),
    st.sampled_from([0, 2, 4, 6, 8, 9, 10, 12, 14, 18, 20, 30]),
)
sizes = st.tuples(st.sampled_from([50, 100, 200]), st.sampled_from([1, 2, 4]))
loads = st.one_of(st.just((0, 0)), amounts)


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A cloud: (metadata, names of hosts) and (driver, load, ratio)."""

    aggregates: list
    drivers: list
    loads: list
    ratios: list

    def objects(self):
        return [
            build.aggregate(number, metadata, members)
            for number, (metadata, members) in enumerate(self.aggregates, 1)
        ]

    def hosts(self):
        """Return the hosts as the oracle reads them."""
        return [
            oracle.Host(
                name,
                *driver,
                tuple(
                    metadata
                    for metadata, members in self.aggregates
                    if name in members
                ),
                limit=(RAM_MB * ratio, VCPUS * ratio),
                used=load,
            )
            for name, driver, load, ratio in zip(
                NAMES, self.drivers, self.loads, self.ratios, strict=True
            )
        ]

    def states(self, aggregates):
        """Return the hosts as nova-scheduler holds them."""
        return [
            host_state(
                host, [one for one in aggregates if host.name in one.hosts]
            )
            for host in self.hosts()
        ]


def host_state(host, aggregates):
    state = build.host_state(
        host.name, host.hypervisor_type or '', host.supported, aggregates
    )
    state.hypervisor_type = host.hypervisor_type
    if host.supported and not state.supported_instances:
        state.supported_instances = [
            ['x86_64', name, 'hvm'] for name in host.supported
        ]
    ratio = host.limit[0] / RAM_MB
    state.total_usable_ram_mb = RAM_MB
    state.free_ram_mb = RAM_MB - host.used[0]
    state.vcpus_total = VCPUS
    state.vcpus_used = host.used[1]
    state.ram_allocation_ratio = state.cpu_allocation_ratio = ratio
    return state


def of_all(values):
    return st.tuples(*[values] * len(NAMES)).map(list)


clouds = st.builds(
    Cloud,
    st.lists(
        st.tuples(
            some_of(METADATA, 3), st.lists(st.sampled_from(NAMES), unique=True)
        ),
        max_size=3,
    ),
    of_all(st.sampled_from(DRIVERS)),
    of_all(loads),
    of_all(st.sampled_from([1.0, 1.0, 1.5, 4.0])),
)
origins = st.builds(
    lambda driver, metadata: oracle.Host('origin', *driver, (metadata,)),
    st.sampled_from(DRIVERS),
    st.one_of(st.just({}), some_of(METADATA, 2)),
)
asks = st.builds(
    oracle.Request,
    st.sampled_from(['boot', 'boot', 'move', 'rebuild']),
    images,
    some_of(EXTRA_SPECS, 2),
    st.booleans(),
    st.one_of(
        origins, origins, st.sampled_from([oracle.UNKNOWN, oracle.GONE])
    ),
    sizes,
    sizes,
)
policies = st.builds(
    oracle.Options,
    st.sampled_from(
        [('kvm', 'vmware'), ('vmware',), (), ('esxi', 'xen', 'qemu')]
    ),
    st.sampled_from(['prefer', 'strict']),
    st.sampled_from(['reported', 'none', 'any']),
    st.sampled_from(['vmware', 'flexible']),
)


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
        if self._ask.origin == oracle.UNKNOWN and self._is_shelved:
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
                objects.HVSpec(arch='x86_64', hv_type=name, vm_mode='hvm')
                for name in self._ask.origin.supported
                if name in objects.fields.HVType.ALL
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
        aggregates = cloud.objects()
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
            yield cloud.states(aggregates)


@pytest.fixture
def scheduler(build_host_manager, options, request):
    one = Scheduler(build_host_manager(placement_prefilter=True), options)
    yield one
    # Also where the output of tests that pass is not shown.
    writer = request.config.get_terminal_writer()
    writer.line(f' {one.compared} requests compared')


@settings(
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
    # To explain takes longer than to shrink, and tells no more.
    phases=set(Phase) - {Phase.explain},
    max_examples=examples(400),
)
@given(
    clouds,
    policies,
    st.booleans(),
    st.lists(
        st.tuples(
            asks, st.sampled_from([1, 1, 2, 3]), st.booleans(), st.booleans()
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_what_passes_is_what_the_pages_say(
    scheduler, cloud, policy, tell_user, requests
):
    with scheduler.serve(cloud, policy, tell_user) as states:
        hosts = cloud.hosts()
        for ask, count, pretends, is_shelved in requests:
            spec = request_spec(ask, count, pretends)
            is_told = tell_user and (ask.kind != 'boot' or count == 1)
            with Databases(ask, is_shelved).open():
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
    one_by_one = {
        state.host
        for state in states
        if scheduler.filter.host_passes(state, spec)
    }
    assert one_by_one == expected


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
