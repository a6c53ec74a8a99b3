# SPDX-License-Identifier: Apache-2.0
"""Broken input: no exception leaves the filter, and no host is guessed."""

import logging

import fixtures
import nova.conf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nova import exception
from nova import objects
from nova.scheduler import host_manager
from nova.scheduler import weights as nova_weights

from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import request_filter
from hypervisor_affinity.scheduler import weights
from tests.unforeseen import Unspeakable
from tests.unit.scheduler import nova_objects as build

VMDK = {'disk_format': 'vmdk'}
VCENTER = ('VMware vCenter Server', ('vmware',))


class Anything:
    """An object whose every attribute is missing."""


@pytest.fixture
def one(options):
    return filters.HypervisorAffinityFilter()


BROKEN_SPECS = {
    'none': lambda: None,
    'no-object': Anything,
    'empty': objects.RequestSpec,
    'no-flavor': lambda: objects.RequestSpec(
        image=build.image_meta(VMDK), num_instances=1
    ),
    'flavor-without-extra-specs': lambda: objects.RequestSpec(
        image=build.image_meta(VMDK), flavor=objects.Flavor()
    ),
    'image-without-properties': lambda: objects.RequestSpec(
        image=objects.ImageMeta(disk_format='vmdk'), flavor=objects.Flavor()
    ),
    'hints-none': lambda: build.request_spec(VMDK, scheduler_hints=None),
}


@pytest.mark.parametrize('name', BROKEN_SPECS)
def test_a_broken_request_raises_nothing_but_our_reason(one, name):
    hosts = [build.host_state('kvm-1')]
    for _ in range(2):
        try:
            chosen = one.filter_all(hosts, BROKEN_SPECS[name]())
        except exception.NoValidHost:
            chosen = []
        # None of these says that KVM would do where it says VMDK.
        assert chosen in ([], hosts)
        if name != 'empty':
            assert chosen == []


@pytest.mark.parametrize('name', ['none', 'no-object'])
def test_a_request_that_cannot_be_read_is_named_once(one, log, name):
    for _ in range(3):
        hosts = [build.host_state('kvm-1')]
        assert one.filter_all(hosts, BROKEN_SPECS[name]()) == []
    assert log.output.count('ERROR A request gets no host') == 1


def break_host(name, **attributes):
    state = build.host_state(name)
    for attribute, value in attributes.items():
        setattr(state, attribute, value)
    return state


BROKEN_HOSTS = {
    'aggregates-none': {'aggregates': None},
    'aggregates-no-objects': {'aggregates': [Anything()]},
    'supported-no-triples': {
        'hypervisor_type': 'Xen',
        'supported_instances': [7],
    },
    'supported-too-short': {
        'hypervisor_type': 'Xen',
        'supported_instances': [['x86_64']],
    },
}


@pytest.mark.parametrize('name', BROKEN_HOSTS)
def test_a_broken_host_gets_no_server_and_spares_the_others(one, log, name):
    good = build.host_state('vc', 'VMware vCenter Server', ('vmware',))
    bad = break_host('bad', **BROKEN_HOSTS[name])
    for _ in range(3):
        chosen = one.filter_all([bad, good], build.request_spec(VMDK))
        assert chosen == [good]
    assert log.output.count('ERROR Host bad gets no server') == 1


class Odd(host_manager.HostState):
    """A host with an attribute that cannot be read, and no name for it."""

    def __init__(self, attribute):
        self._attribute = attribute

    def __getattribute__(self, name):
        if name == object.__getattribute__(self, '_attribute'):
            raise Unspeakable
        return super().__getattribute__(name)


def odd_host(attribute):
    tags = build.aggregate(1, {'hypervisor_affinity_reserve': '10'})
    state = Odd(attribute)
    vars(state).update(vars(build.host_state('odd', aggregates=[tags])))
    vars(state)['hypervisor_type'] = 'Xen'
    return state


@pytest.mark.parametrize(
    'attribute',
    [
        'host',
        'aggregates',
        'hypervisor_type',
        'supported_instances',
        'total_usable_ram_mb',
        'free_ram_mb',
        'vcpus_used',
        'cpu_allocation_ratio',
    ],
)
def test_an_attribute_that_raises_costs_that_host_only(
    one, options, log, attribute
):
    good = build.host_state('good')
    state = odd_host(attribute)
    spec = build.request_spec({'disk_format': 'iso'})
    for _ in range(3):
        chosen = one.filter_all([state, good], spec)
        assert chosen == [good] or attribute == 'host'
        assert one.host_passes(state, spec) is (attribute == 'host')
    assert log.output.count('ERROR Host') == (attribute != 'host')
    weigher = weights.HypervisorAffinityWeigher()
    weighed = [nova_weights.WeighedHost(s, 0.0) for s in (state, good)]
    assert weigher.weigh_objects(weighed, spec)[1] == 100.0


def test_a_list_of_hosts_that_breaks_off_chooses_none(one, log):
    def hosts():
        yield build.host_state('first')
        raise Unspeakable

    spec = build.request_spec({'disk_format': 'iso'})
    assert one.filter_all(hosts(), spec) == []
    assert 'ERROR A request gets no host: Unspeakable' in log.output


class OddLog(logging.Filter):
    """What an operator has put into the log, and fails on what is no error."""

    def __init__(self, error):
        super().__init__()
        self._error = error

    def filter(self, record):
        if record.levelno < logging.ERROR:
            raise self._error
        return True


@pytest.mark.parametrize('level', [logging.DEBUG, logging.INFO])
@pytest.mark.parametrize('error', [Unspeakable, KeyError, RecursionError])
def test_what_cannot_be_explained_is_decided_all_the_same(
    one, log, caplog, level, error
):
    logger = filters.LOG.logger
    caplog.set_level(level, logger.name)
    kvm, vmware = build.host_state('kvm'), build.host_state('vc', *VCENTER)
    odd = OddLog(error)
    logger.addFilter(odd)
    try:
        assert one.filter_all([kvm], build.request_spec(VMDK)) == []
        assert one.filter_all([kvm, vmware], build.request_spec(VMDK)) == [
            vmware
        ]
    finally:
        logger.removeFilter(odd)
    assert 'ERROR An answer cannot be explained: ' in log.output


LONG = 'x' * 60_000


@pytest.mark.parametrize(
    ('image', 'extra_specs', 'metadata'),
    [
        ({'disk_format': 'iso', 'vmware_disktype': LONG}, {}, {}),
        ({'disk_format': 'iso', 'os_distro': f'{LONG}Guest'}, {}, {}),
        ({'disk_format': 'iso', 'os_distro': '\0\u202e' * 9_000}, {}, {}),
        (VMDK, {'hypervisor_affinity:hypervisor_type': LONG}, {}),
        (VMDK, {'hypervisor_affinity:preferred': f'{LONG},kvm'}, {}),
        (VMDK, {'capabilities:hypervisor_type': LONG}, {}),
        (VMDK, {f'hypervisor_affinity:{LONG}': LONG}, {}),
        (
            {'disk_format': 'iso', 'vmware_disktype': LONG},
            {},
            {'vmware_disktype': f'{LONG},a'},
        ),
        (VMDK, {}, {'hypervisor_type': f'{LONG},\n,kvm'}),
        (VMDK, {}, {'hypervisor_affinity_admit': LONG}),
    ],
)
def test_nothing_long_fills_the_log(options, image, extra_specs, metadata):
    """A property has 60,000 characters, and 1,000 hosts a line each."""
    one = filters.HypervisorAffinityFilter()
    tags = build.aggregate(1, metadata)
    hosts = [build.host_state(f'h{n}', aggregates=[tags]) for n in range(1000)]
    spec = build.request_spec(image, extra_specs)
    with fixtures.FakeLogger(
        'hypervisor_affinity', format='%(message)s', level=logging.DEBUG
    ) as logger:
        try:
            one.filter_all(hosts, spec)
        except exception.NoValidHost as error:
            assert len(str(error)) < 1500
    lines = logger.output.splitlines()
    assert len(lines) >= 1000
    assert max(map(len, lines)) < 1500
    assert logger.output.replace('\n', '').isprintable()


def test_a_host_that_reports_nothing_yet(one):
    state = break_host(
        'new', hypervisor_type=None, supported_instances=None, aggregates=[]
    )
    spec = build.request_spec(VMDK, num_instances=2)
    assert one.filter_all([state], spec) == []
    assert one.filter_all([state], build.request_spec({'disk_format': 'iso'}))


def test_figures_that_are_missing_leave_no_room(one, log):
    tags = build.aggregate(1, {'hypervisor_affinity_reserve': '10'})
    state = break_host('new', aggregates=[tags], free_ram_mb=None)
    spec = build.request_spec({'disk_format': 'iso'}, num_instances=2)
    assert one.filter_all([state], spec) == []
    assert 'ERROR Host new gets no server' in log.output


def test_the_weigher_survives_all_of_it(options):
    weigher = weights.HypervisorAffinityWeigher()
    states = [build.host_state('good')]
    states += [break_host(n, **b) for n, b in BROKEN_HOSTS.items()]
    weighed = [nova_weights.WeighedHost(state, 0.0) for state in states]
    found = weigher.weigh_objects(
        weighed, build.request_spec({'disk_format': 'iso'})
    )
    assert found == [100.0, 0.0, 0.0, 0.0, 0.0]
    for broken in BROKEN_SPECS.values():
        assert len(weigher.weigh_objects(weighed, broken())) == len(states)


@pytest.mark.parametrize(
    'function', ['forbid_aggregates', 'read_required', 'read_circumstances']
)
def test_the_prefilter_leaves_a_request_as_it_was(
    build_host_manager, log, monkeypatch, function
):
    def fail(*arguments):
        raise Unspeakable

    manager = build_host_manager(
        build.aggregate(1, {'hypervisor_type': 'kvm'}, ['kvm-1']),
        build.aggregate(2, {'hypervisor_type': 'vmware'}, ['vc-1']),
        placement_prefilter=True,
    )
    one = manager.filter_obj_map['HypervisorAffinityFilter']
    monkeypatch.setattr(request_filter.adapters, function, fail)
    try:
        assert one._prefilter(None, build.request_spec(VMDK)) is False
    except exception.NoValidHost:
        assert function == 'read_circumstances'
    assert 'Unspeakable' in log.output


def test_the_prefilter_survives_all_of_it(build_host_manager):
    tags = build.aggregate(1, {'hypervisor_type': '\0,%'}, ['h'])
    manager = build_host_manager(tags, placement_prefilter=True)
    one = manager.filter_obj_map['HypervisorAffinityFilter']
    for name, broken in BROKEN_SPECS.items():
        spec = broken()
        try:
            one._prefilter(None, spec)
        except exception.NoValidHost:
            # As the filter has it, on whatever host.
            assert name not in ('empty', 'no-flavor', 'hints-none')


rubbish = st.one_of(
    st.none(),
    st.integers(),
    st.text('[]*?,%\n\0 kvmé', max_size=8),
    st.lists(st.text('kvm, ', max_size=4), max_size=2),
    st.dictionaries(st.text('ab', max_size=1), st.integers(), max_size=1),
)


@pytest.fixture(scope='module')
def shared_filter():
    nova.conf.CONF([], project='nova', default_config_files=[])
    return filters.HypervisorAffinityFilter()


@given(
    hypervisor_type=rubbish,
    supported_instances=rubbish,
    aggregates=rubbish,
    metadata=st.dictionaries(
        st.sampled_from(
            [
                'hypervisor_type',
                'hypervisor_affinity_admit',
                'hypervisor_affinity_reserve',
                'hypervisor_affinity_weight_multiplier',
                'vmware_disktype',
            ]
        ),
        st.text('[]*?,%\n\0 kvmé9', max_size=8),
    ),
    value=st.text('[]*?,%\n\0 kvmé', max_size=8),
)
def test_whatever_a_host_and_a_flavor_hold_nothing_is_raised(
    shared_filter,
    hypervisor_type,
    supported_instances,
    aggregates,
    metadata,
    value,
):
    spec = build.request_spec(
        VMDK, {'hypervisor_affinity:hypervisor_type': value}, num_instances=2
    )
    tagged = build.host_state('tagged')
    tagged.aggregates = [build.aggregate(1, metadata)]
    odd = break_host(
        'odd',
        hypervisor_type=hypervisor_type,
        supported_instances=supported_instances,
        aggregates=aggregates,
    )
    chosen = shared_filter.filter_all([odd, tagged], spec)
    assert set(map(id, chosen)) <= {id(odd), id(tagged)}
