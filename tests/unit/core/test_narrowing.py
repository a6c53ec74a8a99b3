# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.narrowing import Fleet
from hypervisor_affinity.core.narrowing import HostAggregate
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import judge
from tests.unit.core import inputs

VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}
ISO = {'disk_format': 'iso'}


def aggregate(uuid, hosts, **metadata):
    return HostAggregate(uuid, AggregateTags(uuid, metadata), hosts.split())


KVM = aggregate('kvm', 'k1 k2 k3', hypervisor_type='kvm')
VMWARE = aggregate('vmware', 'v1', hypervisor_type='vmware')


def narrow(image, *aggregates, required=(), forbidden=(), **options):
    policy = Policy(**options)
    return Fleet(aggregates, policy).narrow(
        classify(image, {}, policy),
        [frozenset(one.split()) for one in required],
        frozenset(forbidden),
    )


def test_aggregates_whose_hosts_cannot_pass():
    assert narrow(VMDK, KVM, VMWARE).aggregates == ('kvm',)
    assert narrow(QCOW2, KVM, VMWARE).aggregates == ('vmware',)
    assert narrow(ISO, KVM, VMWARE).aggregates == ()


@pytest.mark.parametrize(
    ('metadata', 'options'),
    [
        ({}, {'flexible_placement': 'strict'}),
        ({'hypervisor_affinity_admit': 'required'}, {}),
    ],
)
def test_aggregates_that_keep_flexible_requests_out(metadata, options):
    vmware = aggregate('vmware', 'v1', hypervisor_type='vmware', **metadata)
    assert narrow(ISO, KVM, vmware, **options).aggregates == ('vmware',)
    assert narrow(VMDK, KVM, vmware, **options).aggregates == ('kvm',)


def test_aggregates_that_accept_other_properties():
    thin = aggregate(
        'thin', 'v2', hypervisor_type='vmware', vmware_disktype='thin'
    )
    image = {**VMDK, 'vmware_disktype': 'sparse'}
    assert narrow(image, VMWARE, thin).aggregates == ('thin',)


def test_one_host_that_may_pass_keeps_its_aggregates():
    mixed = aggregate('also-vmware', 'k2', hypervisor_type='vmware')
    assert narrow(VMDK, KVM, VMWARE, mixed).aggregates == ()


def test_an_aggregate_is_left_out_for_its_own_tags_only():
    zone = aggregate('az', 'k1 k2 k3', availability_zone='az')
    assert narrow(VMDK, KVM, VMWARE, zone).aggregates == ('kvm',)


def test_tags_that_cannot_be_read_leave_it_to_the_driver():
    unreadable = aggregate('typo', 'x', hypervisor_type='vmwrae')
    assert narrow(VMDK, KVM, unreadable).aggregates == ('kvm',)
    assert narrow(QCOW2, KVM, unreadable).aggregates == ()


def test_the_largest_aggregates_first():
    found = narrow(
        VMDK,
        aggregate('few', 'a', hypervisor_type='kvm'),
        aggregate('many', 'b c d', hypervisor_type='kvm'),
        aggregate('some', 'e f', hypervisor_type='kvm'),
        aggregate('none', '', hypervisor_type='kvm'),
        VMWARE,
    )
    assert found.aggregates == ('many', 'some', 'few')


def test_hosts_with_virtio_devices_only_where_all_must_be_vmware():
    both = {**ISO, 'hypervisor_type': 'kvm'}
    assert narrow(VMDK).virtio
    assert narrow({**ISO, 'vmware_disktype': 'thin'}).virtio
    assert not any(narrow(image).virtio for image in (QCOW2, ISO, both))
    assert not narrow(VMDK, vmdk_images='flexible').virtio


def test_no_host_at_all():
    # An untagged host might still report VMware.
    assert narrow(VMDK, KVM).undecided
    found = narrow(VMDK, KVM, unclassified_hosts='none')
    assert not found.undecided
    assert set(found.rejections) == {
        Reason.OTHER_HYPERVISOR,
        Reason.UNCLASSIFIED_HOST,
    }
    wrong = narrow({**QCOW2, 'hypervisor_type': 'vmware'}, KVM, VMWARE)
    assert set(wrong.rejections) == {Reason.CANNOT_BOOT}


def test_no_host_where_it_has_to_be():
    zone = aggregate('az-kvm', 'k1 k2 k3', availability_zone='kvm')
    found = narrow(VMDK, KVM, VMWARE, zone, required=['az-kvm'])
    assert set(found.rejections) == {Reason.OTHER_HYPERVISOR}
    other = aggregate('az-both', 'k1 v1', availability_zone='both')
    found = narrow(VMDK, KVM, VMWARE, other, required=['az-both'])
    assert not found.rejections
    assert found.aggregates == ('kvm',)
    # Each of the sets must be met.
    found = narrow(
        VMDK, KVM, VMWARE, zone, other, required=['az-both', 'kvm vmware']
    )
    assert not found.rejections
    found = narrow(VMDK, KVM, VMWARE, zone, other, required=['az-both', 'kvm'])
    assert found.rejections


def test_no_host_outside_what_is_forbidden_anyway():
    options = {'unclassified_hosts': 'none'}
    found = narrow(VMDK, KVM, VMWARE, forbidden=['vmware'], **options)
    assert set(found.rejections) == {
        Reason.OTHER_HYPERVISOR,
        Reason.UNCLASSIFIED_HOST,
    }


def test_where_no_host_is_known_there_is_nothing_to_say():
    empty = aggregate('az', '', availability_zone='az')
    found = narrow(VMDK, KVM, empty, required=['az'])
    assert not found.rejections
    assert not found.undecided
    assert not found.aggregates


VCENTER_REPORT = DriverReport('VMware vCenter Server', ('vmware',))
KVM_REPORT = DriverReport('QEMU', ('kvm', 'qemu'))
XEN = {**ISO, 'hypervisor_type': 'xen'}
ZONE = aggregate('az', 'k1 z1 z2', availability_zone='az')


@pytest.mark.parametrize(
    ('image', 'reports', 'required', 'reasons'),
    [
        # Hosts in no aggregate.
        (VMDK, {VCENTER_REPORT: 'x'}, [], None),
        (VMDK, {KVM_REPORT: 'x'}, [], {'other_hypervisor'}),
        (VMDK, {KVM_REPORT: 'x', VCENTER_REPORT: 'y'}, [], None),
        (VMDK, {}, [], set()),
        (VMDK, {DriverReport('new'): 'x'}, [], {'undetermined_host'}),
        # Hosts of an untagged aggregate.
        (VMDK, {VCENTER_REPORT: 'z1'}, ['az'], None),
        (VMDK, {KVM_REPORT: 'z1'}, ['az'], {'other_hypervisor'}),
        # Hosts elsewhere do not count.
        (
            VMDK,
            {VCENTER_REPORT: 'x', KVM_REPORT: 'z1'},
            ['az'],
            {'other_hypervisor'},
        ),
    ],
)
def test_hosts_of_which_only_their_drivers_tell(
    image, reports, required, reasons
):
    policy = Policy()
    fleet = Fleet([KVM, ZONE], policy)
    demand = classify(image, {}, policy)
    found = fleet.narrow(demand, [frozenset(one.split()) for one in required])
    assert set(found.rejections) == {Reason.OTHER_HYPERVISOR}
    offers = fleet.read(
        {report: frozenset({host}) for report, host in reports.items()}
    )
    told = fleet.judge_unsettled(demand, found.undecided, offers)
    assert (told if told is None else set(told)) == reasons


def test_untagged_hosts_do_not_matter_where_a_tagged_one_may_do():
    assert not narrow(VMDK, KVM, VMWARE, ZONE).undecided
    assert not narrow(VMDK, KVM, VMWARE, ZONE).rejections


def test_hosts_in_forbidden_aggregates_do_not_count():
    policy = Policy()
    fleet = Fleet([KVM, ZONE], policy)
    demand = classify(VMDK, {}, policy)
    found = fleet.narrow(demand, (), frozenset({'az'}))
    inside = fleet.read({VCENTER_REPORT: frozenset({'z1'})})
    assert fleet.judge_unsettled(demand, found.undecided, inside) == {}
    beside = fleet.read({VCENTER_REPORT: frozenset({'z1', 'x'})})
    assert fleet.judge_unsettled(demand, found.undecided, beside) is None


def test_what_nobody_may_have_where_a_host_is_sure_to_be_asked():
    policy = Policy()
    demand = classify(XEN, {}, policy)
    # Placement returns the hosts of the zone, and the filter says why.
    assert not Fleet([KVM, ZONE], policy).narrow(demand).undecided
    # In no aggregate there may be none.
    fleet = Fleet([KVM], policy)
    found = fleet.narrow(demand)
    assert fleet.judge_unsettled(demand, found.undecided, []) == {}
    stray = fleet.read({KVM_REPORT: frozenset({'x'})})
    told = fleet.judge_unsettled(demand, found.undecided, stray)
    assert set(told) == {Reason.OTHER_HYPERVISOR}


@pytest.mark.parametrize(
    'metadata',
    [
        {'hypervisor_affinity_weight_multiplier': '2'},
        {'hypervisor_affinity_reserve': '10'},
        {'hypervisor_type': 'kvm,vmware'},
        {'hypervisor_type': 'vmwrae'},
    ],
)
def test_hosts_with_virtio_devices_that_tags_do_not_settle(metadata):
    # Placement is to leave them out, so that the filter never sees them.
    policy = Policy()
    fleet = Fleet([aggregate('a', 'k1 v1', **metadata)], policy)
    demand = classify(VMDK, {}, policy)
    found = fleet.narrow(demand)
    assert found.virtio
    assert fleet.settled_hosts == frozenset()
    kvm = fleet.read({KVM_REPORT: frozenset({'k1'})})
    told = fleet.judge_unsettled(demand, found.undecided, kvm)
    assert set(told) == {Reason.OTHER_HYPERVISOR}
    both = {KVM_REPORT: frozenset({'k1'}), VCENTER_REPORT: frozenset({'v1'})}
    offers = fleet.read(both)
    assert fleet.judge_unsettled(demand, found.undecided, offers) is None


HOSTS = 'abcde'
members = st.lists(st.sampled_from(HOSTS), max_size=5, unique=True)
clouds = st.lists(st.tuples(inputs.metadata, members), max_size=5)
some_aggregates = st.sets(st.integers(0, 5).map(str), min_size=1).map(
    frozenset
)


@given(
    inputs.images,
    inputs.extra_specs,
    clouds,
    st.fixed_dictionaries(dict.fromkeys(HOSTS, inputs.reports)),
    inputs.policies,
    inputs.moves,
    st.lists(some_aggregates, max_size=2),
    st.one_of(st.just(frozenset()), some_aggregates),
)
@example(
    VMDK,
    {},
    [({'hypervisor_type': 'kvm'}, ['a'])],
    dict.fromkeys(HOSTS, DriverReport('VMware vCenter Server')),
    Policy(),
    None,
    [],
    frozenset(),
)
def test_no_host_that_passes_is_left_out(
    image, specs, cloud, reports, policy, underneath, required, forbidden
):
    aggregates = [
        HostAggregate(str(number), AggregateTags(str(number), tags), hosts)
        for number, (tags, hosts) in enumerate(cloud)
    ]
    demand = classify(image, specs, policy, underneath=underneath)
    fleet = Fleet(aggregates, policy)
    found = fleet.narrow(demand, required, forbidden)
    rejections = found.rejections
    if found.undecided:
        hosts = {
            report: frozenset(
                host
                for host, its_own in reports.items()
                if its_own == report and host not in fleet.settled_hosts
            )
            for report in reports.values()
        }
        offers = fleet.read(hosts)
        told = fleet.judge_unsettled(demand, found.undecided, offers)
        rejections = {} if told is None else {**rejections, **told}
    for host, report in reports.items():
        its_own = [one for one in aggregates if host in one.hosts]
        uuids = {one.uuid for one in its_own}
        offer = read_offer([one.tags for one in its_own], report, policy)
        if not judge(demand, offer, policy).passes:
            continue
        assert uuids.isdisjoint(found.aggregates)
        assert not found.virtio or offer.reported != {'kvm'}
        if uuids.isdisjoint(forbidden) and all(uuids & r for r in required):
            assert not rejections
    if rejections:
        assert explanation.user_text(demand, rejections)
    backwards = Fleet(aggregates[::-1], policy)
    again = backwards.narrow(demand, required, forbidden)
    assert set(again.aggregates) == set(found.aggregates)
    assert again.virtio == found.virtio
    assert set(again.rejections) == set(found.rejections)
    assert again.undecided == found.undecided
