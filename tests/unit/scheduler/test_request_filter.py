# SPDX-License-Identifier: Apache-2.0
"""The pre-filter, as nova's own host manager and list of pre-filters have it.

What Placement makes of it is for the functional tests.
"""

import inspect

import fixtures
import pytest
from nova import exception
from nova import objects
from nova.scheduler import request_filter as nova_request_filter
from nova.virt import driver as virt
from nova.virt.libvirt import vif
from nova.virt.vmwareapi import driver as vmwareapi
from oslo_utils.fixture import uuidsentinel as uuids

from hypervisor_affinity.scheduler import demands
from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler import request_filter
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler.prefilter import IMPOSSIBLE
from tests.unit.scheduler.prefilter import ISO
from tests.unit.scheduler.prefilter import QCOW2
from tests.unit.scheduler.prefilter import VMDK
from tests.unit.scheduler.prefilter import ask
from tests.unit.scheduler.prefilter import boot
from tests.unit.scheduler.prefilter import forbidden
from tests.unit.scheduler.prefilter import installed
from tests.unit.scheduler.prefilter import kvm
from tests.unit.scheduler.prefilter import vmware


def test_it_is_there_once_after_novas_own(start_prefilter):
    own = list(nova_request_filter.ALL_REQUEST_FILTERS)
    start_prefilter()
    start_prefilter()
    assert nova_request_filter.ALL_REQUEST_FILTERS[:-1] == own
    assert len(installed()) == 1


def test_it_does_nothing_unless_wanted(build_host_manager, options, log):
    build_host_manager(kvm(), vmware())
    for is_wanted in (False, True, False):
        options(placement_prefilter=is_wanted)
        spec = boot(VMDK)
        assert ask(spec) == is_wanted
        assert bool(forbidden(spec)) == is_wanted
        assert bool(spec.root_forbidden) == is_wanted
    assert log.output.count('Placement leaves out') == 1


@pytest.mark.parametrize('missing', ['list', 'host manager'])
def test_a_nova_that_is_otherwise_is_named_once(
    start_prefilter, options, log, monkeypatch, missing
):
    if missing == 'list':
        monkeypatch.delattr(nova_request_filter, 'ALL_REQUEST_FILTERS')
        manager = start_prefilter(placement_prefilter=False)
        one = manager.filter_obj_map['HypervisorAffinityFilter']
    else:
        one = filters.HypervisorAffinityFilter()
    assert log.output == ''
    options(placement_prefilter=True)
    for _ in range(3):
        assert one.filter_all([build.host_state('k1')], boot(QCOW2))
    assert log.output.count('ERROR placement_prefilter has no effect') == 1


def test_what_cannot_pass_is_forbidden(start_prefilter, log):
    start_prefilter()
    spec = boot(VMDK)
    assert ask(spec)
    assert forbidden(spec) == {kvm().uuid}
    assert spec.root_forbidden == {'COMPUTE_NET_VIF_MODEL_VIRTIO'}
    assert log.output.splitlines() == [
        'INFO Placement leaves out host aggregates (1) and hosts with virtio '
        f'devices for server {spec.instance_uuid}: image needs VMware '
        '(disk_format=vmdk)'
    ]
    spec = boot(QCOW2)
    assert ask(spec)
    assert forbidden(spec) == {vmware().uuid}
    assert spec.root_forbidden == set()


def test_a_flexible_request_stays_as_it_is(start_prefilter, log):
    start_prefilter()
    spec = boot(ISO)
    assert not ask(spec)
    assert spec.requested_destination is None
    assert log.output == ''


def test_a_volume_counts_as_for_the_filter(start_prefilter):
    start_prefilter()
    spec = boot({'vmware_ostype': 'otherGuest'}, is_bfv=True)
    assert ask(spec)
    assert forbidden(spec) == {kvm().uuid}
    assert not ask(boot(None, is_bfv=True))


def test_what_others_put_there_stays(start_prefilter):
    zone = build.aggregate(3, {'availability_zone': 'az'}, ['k1', 'v1'])
    start_prefilter(kvm(), vmware(), zone)
    spec = boot(VMDK)
    required = [f'{uuids.tenant},{zone.uuid}']
    spec.requested_destination = objects.Destination(
        aggregates=required, forbidden_aggregates={uuids.isolated}
    )
    spec.root_forbidden.add('COMPUTE_STATUS_DISABLED')
    assert ask(spec)
    assert spec.requested_destination.aggregates == required
    assert forbidden(spec) == {uuids.isolated, kvm().uuid}
    assert len(spec.root_forbidden) == 2


def test_it_never_makes_a_boot_look_like_a_move(start_prefilter, monkeypatch):
    monkeypatch.setattr(moves, 'origin', pytest.fail)
    manager = start_prefilter()
    spec = boot(VMDK)
    ask(spec)
    one = manager.filter_obj_map['HypervisorAffinityFilter']
    vcenter = build.host_state('v1', 'VMware vCenter Server', ('vmware',))
    assert one.filter_all([vcenter], spec) == [vcenter]


def test_a_move_is_looked_up_once_for_both(start_prefilter, monkeypatch):
    looked_up = []

    def look_up(spec):
        looked_up.append(spec)
        return moves.Origin(frozenset({'kvm'}))

    monkeypatch.setattr(moves, 'origin', look_up)
    manager = start_prefilter()
    spec = build.move_spec(ISO)
    assert ask(spec)
    assert forbidden(spec) == {vmware().uuid}
    one = manager.filter_obj_map['HypervisorAffinityFilter']
    host = build.host_state('k1')
    assert one.filter_all([host], spec) == [host]
    assert looked_up == [spec]


@pytest.mark.parametrize(
    'fields',
    [
        {'force_hosts': ['k1']},
        {'force_nodes': ['k1']},
        {'requested_destination': objects.Destination(host='k1')},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_host_that_an_administrator_named_is_asked_for(
    start_prefilter, fields
):
    start_prefilter()
    spec = boot(IMPOSSIBLE)
    for name, value in fields.items():
        setattr(spec, name, value)
    assert not ask(spec)
    assert spec.root_forbidden == set()


@pytest.mark.parametrize('count', [1, 3])
def test_a_request_that_no_host_can_run_ends_with_the_reason(
    start_prefilter, log, count
):
    start_prefilter()
    with pytest.raises(exception.NoValidHost) as raised:
        ask(boot(IMPOSSIBLE, num_instances=count))
    assert str(raised.value) == (
        'No valid host was found. The image needs VMware '
        '(hypervisor_type=vmware), which cannot boot an image with '
        'disk_format=qcow2: convert it to VMDK'
    )
    assert log.output.splitlines() == [
        f'INFO No host for server {uuids.server}: image needs VMware '
        '(hypervisor_type=vmware), which cannot boot an image with '
        'disk_format=qcow2; Placement is not asked, because every host is '
        'rejected: cannot_boot'
    ]


def test_a_zone_that_cannot_run_it_ends_with_the_reason(start_prefilter):
    zone = build.aggregate(3, {'availability_zone': 'az'}, ['k1'])
    start_prefilter(kvm(), vmware(), zone)
    spec = boot(VMDK)
    spec.requested_destination = objects.Destination(aggregates=[zone.uuid])
    with pytest.raises(exception.NoValidHost) as raised:
        ask(spec)
    assert str(raised.value).endswith(
        'image needs VMware (disk_format=vmdk); no VMware host is available'
    )


def test_the_user_may_be_told_nothing(start_prefilter):
    start_prefilter(tell_user=False)
    with pytest.raises(exception.NoValidHost) as raised:
        ask(boot(IMPOSSIBLE))
    assert str(raised.value) == (
        'No valid host was found. There are not enough hosts available.'
    )


def test_changed_options_count_at_once(start_prefilter, options):
    start_prefilter()
    spec = boot(ISO)
    assert not ask(spec)
    options(flexible_placement='strict')
    assert ask(spec)
    assert forbidden(spec) == {vmware().uuid}


def test_options_that_change_meanwhile_do_not_count(
    start_prefilter, options, monkeypatch
):
    start_prefilter()
    reads = []

    def classify(spec, policy, *of_a_move):
        reads.append(policy.placement_prefilter)
        return read_demand(spec, policy, *of_a_move)

    def has_its_host(spec):
        options(placement_prefilter=False)
        return False

    read_demand = demands.read_demand
    monkeypatch.setattr(demands, 'read_demand', classify)
    monkeypatch.setattr(request_filter.adapters, 'has_its_host', has_its_host)
    # The first was asked with the option on, and is so to its end.
    assert [ask(boot(VMDK)), ask(boot(VMDK))] == [True, False]
    assert reads == [True]


def test_the_query_stays_short_enough_for_a_url(start_prefilter):
    many = [
        build.aggregate(n, {'hypervisor_type': 'kvm'}, [f'k{n}', f'l{n}'])
        for n in range(10, 130)
    ]
    small = build.aggregate(9, {'hypervisor_type': 'kvm'}, ['alone'])
    start_prefilter(small, vmware(), *many)
    spec = boot(VMDK)
    ask(spec)
    assert len(forbidden(spec)) == request_filter.MOST_AGGREGATES
    assert small.uuid not in forbidden(spec)


@pytest.mark.parametrize('broken', ['request', 'aggregates'])
def test_what_cannot_be_read_leaves_the_request_to_the_filter(
    start_prefilter, log, broken
):
    manager = start_prefilter()
    spec = boot(VMDK)
    if broken == 'aggregates':
        manager.aggs_by_id = {1: object()}
    else:
        spec = object()
    for _ in range(3):
        assert not ask(spec)
    assert log.output.count('ERROR') == 1
    assert 'ERROR Placement is asked for all hosts' in log.output


def test_it_says_so_at_info_and_not_more(start_prefilter):
    start_prefilter()
    with fixtures.FakeLogger('hypervisor_affinity', level=30) as logger:
        ask(boot(VMDK))
    assert logger.output == ''


def test_the_trait_is_libvirts_alone():
    for virt_type in ('kvm', 'qemu'):
        assert 'virtio' in vif.SUPPORTED_VIF_MODELS[virt_type]
    # The vSphere driver reports traits for its capabilities and a few that it
    # names.
    assert request_filter.VIRTIO not in virt.CAPABILITY_TRAITS_MAP.values()
    assert 'VIF_MODEL' not in inspect.getsource(vmwareapi)
