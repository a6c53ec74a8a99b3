# SPDX-License-Identifier: Apache-2.0
"""What the filter does beside asking judge."""

import logging

import fixtures
import pytest
from nova import exception
from nova.scheduler import filters as nova_filters

from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler import moves
from tests.unforeseen import Unspeakable
from tests.unit.scheduler import nova_objects as build

VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}
ISO = {'disk_format': 'iso'}


@pytest.fixture
def one(options):
    return filters.HypervisorAffinityFilter()


def kvm(name='kvm-1', **more):
    tags = build.aggregate(1, {'hypervisor_type': 'kvm', **more})
    return build.host_state(name, aggregates=[tags])


def vcenter(name='vc-1', **more):
    tags = build.aggregate(2, {'hypervisor_type': 'vmware', **more})
    return build.host_state(
        name, 'VMware vCenter Server', ('vmware',), aggregates=[tags]
    )


def names(states):
    return [state.host for state in states]


def test_hosts_stay_in_their_order(one):
    states = [kvm('k1'), vcenter('v1'), kvm('k2'), vcenter('v2')]
    spec = build.request_spec(VMDK)
    assert names(one.filter_all(iter(states), spec)) == ['v1', 'v2']


def test_no_hosts_at_all_is_not_ours_to_explain(one, log):
    assert one.filter_all([], build.request_spec(VMDK)) == []
    assert log.output == ''


def test_one_info_line_says_what_was_asked_and_what_hosts_fell_to(one, log):
    states = [kvm(), kvm('kvm-2'), vcenter(vmware_disktype='thin')]
    spec = build.request_spec({**VMDK, 'vmware_disktype': 'sparse'})
    with pytest.raises(exception.NoValidHost):
        one.filter_all(states, spec)
    assert log.output.splitlines() == [
        f'INFO No host for server {spec.instance_uuid}: image needs VMware '
        '(vmware_disktype=sparse); hosts rejected: 2 other_hypervisor, '
        '1 property_not_accepted (aggregate aggregate-2 '
        'vmware_disktype=thin)'
    ]


def test_the_user_may_be_told_nothing(options, log):
    options(tell_user=False)
    one = filters.HypervisorAffinityFilter()
    assert one.filter_all([kvm()], build.request_spec(VMDK)) == []
    assert 'INFO No host for server' in log.output


def test_a_request_for_several_never_raises(one, log):
    spec = build.request_spec(VMDK, num_instances=2)
    assert one.filter_all([kvm()], spec) == []
    assert 'INFO No host for server' in log.output


def test_a_move_is_single_whatever_the_first_boot_was(one, monkeypatch):
    found = moves.Origin(frozenset({'vmware'}))
    monkeypatch.setattr(moves, 'origin', lambda spec: found)
    spec = build.move_spec(ISO, num_instances=2)
    with pytest.raises(exception.NoValidHost, match='runs on VMware'):
        one.filter_all([kvm()], spec)


def test_the_user_never_reads_a_name_of_ours(one):
    state = kvm('secret-host', vmware_disktype='sparse')
    for raw in (VMDK, ISO, {**ISO, 'vmware_disktype': 'thin'}):
        try:
            one.filter_all([state], build.request_spec(raw))
        except exception.NoValidHost as error:
            assert 'secret' not in str(error)
            assert 'aggregate-' not in str(error)


def test_a_boot_looks_nothing_up(one, monkeypatch):
    def look_up(spec):
        raise AssertionError('a boot must not read the database')

    monkeypatch.setattr(moves, 'origin', look_up)
    spec = build.request_spec(ISO)
    assert one.filter_all([kvm()], spec)
    # An availability zone or isolated aggregates make a destination too.
    spec.requested_destination = build.objects.Destination(
        aggregates=['a'], host='kvm-1'
    )
    assert one.filter_all([kvm()], spec)
    assert one.filter_all([kvm()], build.rebuild_spec(ISO))


@pytest.mark.parametrize('answer', ['nothing', 'error', 'odd error'])
def test_a_move_from_nowhere_goes_to_no_known_hypervisor(
    one, log, monkeypatch, answer
):
    def look_up(spec):
        if answer == 'error':
            raise exception.ComputeHostNotFound(host='gone')
        if answer == 'odd error':
            raise Unspeakable
        return moves.Origin(frozenset())

    monkeypatch.setattr(moves, 'origin', look_up)
    # The image may be what it is: the server was perhaps forced elsewhere.
    spec = build.move_spec(VMDK)
    with pytest.raises(exception.NoValidHost, match='is not known'):
        one.filter_all([kvm(), vcenter()], spec)
    assert f'WARNING The hypervisor of server {spec.instance_uuid}' in (
        log.output
    )
    unknown = build.host_state('odd', 'HyperFoo', ())
    assert names(one.filter_all([kvm(), unknown], spec)) == ['odd']


def test_an_image_decides_for_a_server_whose_host_is_gone(
    one, log, monkeypatch
):
    monkeypatch.setattr(moves, 'origin', lambda spec: moves.Origin(None))
    spec = build.move_spec(VMDK)
    assert names(one.filter_all([kvm(), vcenter()], spec)) == ['vc-1']
    assert f'WARNING The host on which server {spec.instance_uuid} ran' in (
        log.output
    )


def test_a_server_whose_host_is_gone_leaves_free_what_is_reserved(
    one, monkeypatch
):
    size = adapters.Size(build.ASKED_MB, build.ASKED_VCPUS)
    monkeypatch.setattr(moves, 'origin', lambda spec: moves.Origin(None, size))
    state = vcenter(hypervisor_affinity_reserve='30')
    state.vcpus_used = 6
    assert one.filter_all([state], build.move_spec(ISO))
    state.vcpus_used = 7
    with pytest.raises(exception.NoValidHost, match='reserved for servers'):
        one.filter_all([state], build.move_spec(ISO))
    assert one.filter_all([state], build.move_spec(VMDK))


def test_each_instance_of_a_request_takes_of_what_is_not_reserved(one):
    state = vcenter(hypervisor_affinity_reserve='50')
    spec = build.request_spec(ISO, num_instances=9)
    placed = 0
    while one.filter_all([state], spec) and placed < 9:
        state.consume_from_request(spec)
        placed += 1
    # Each takes a tenth of the host.
    assert placed == 5
    assert one.filter_all([state], build.request_spec(VMDK))


def test_a_reserve_counts_in_allocation_ratios(one):
    state = vcenter(hypervisor_affinity_reserve='50')
    state.vcpus_used = 5
    assert not one.filter_all(
        [state], build.request_spec(ISO, num_instances=2)
    )
    state.cpu_allocation_ratio = 4.0
    assert one.filter_all([state], build.request_spec(ISO))


def test_each_instance_is_filtered(one):
    assert all(one.run_filter_for_index(index) for index in (0, 1, 99))


def test_a_rebuild_is_what_forces_its_host(one):
    # A user's hint, which nova-api strips only since its newest releases.
    hints = {'_nova_check_type': ['rebuild']}
    state = vcenter(hypervisor_affinity_admit='required')
    boot = build.request_spec(ISO, scheduler_hints=hints)
    with pytest.raises(exception.NoValidHost, match='admit only'):
        one.filter_all([state], boot)
    boot = build.request_spec(QCOW2, scheduler_hints=hints, force_hosts=[])
    with pytest.raises(exception.NoValidHost):
        one.filter_all([state], boot)
    assert one.filter_all([state], build.rebuild_spec(ISO))


def test_a_hint_that_was_stored_keeps_no_move_from_being_one(one, monkeypatch):
    found = moves.Origin(frozenset({'vmware'}))
    monkeypatch.setattr(moves, 'origin', lambda spec: found)
    hints = {'_nova_check_type': ['rebuild']}
    spec = build.move_spec(ISO, scheduler_hints=hints)
    assert names(one.filter_all([kvm(), vcenter()], spec)) == ['vc-1']


def test_novas_handler_runs_it_on_rebuild(one):
    spec = build.rebuild_spec(QCOW2)
    handler = nova_filters.HostFilterHandler()
    with pytest.raises(exception.NoValidHost):
        handler.get_filtered_objects([one], [vcenter()], spec)
    assert handler.get_filtered_objects([one], [kvm()], spec)


def test_debug_names_each_host_with_reason_and_evidence(one):
    with fixtures.FakeLogger(
        'hypervisor_affinity', format='%(message)s', level=logging.DEBUG
    ) as logger:
        spec = build.request_spec(VMDK)
        one.filter_all([kvm(), vcenter()], spec)
    assert (
        f'Host kvm-1 for server {spec.instance_uuid}: other_hypervisor '
        '(image disk_format=vmdk; aggregate aggregate-1 hypervisor_type=kvm; '
        'driver hypervisor_type=QEMU)'
    ) in logger.output
    assert 'Host vc-1 for server' in logger.output


def test_changed_options_count_from_the_next_request_on(one, options):
    states = [kvm(), vcenter()]
    spec = build.request_spec(VMDK)
    assert names(one.filter_all(states, spec)) == ['vc-1']
    options(vmdk_images='flexible')
    assert names(one.filter_all(states, spec)) == ['kvm-1', 'vc-1']


def test_changed_metadata_counts_from_the_next_request_on(one):
    state = build.host_state('h', 'fake', ('fake',))
    state.aggregates = [build.aggregate(1, {'hypervisor_type': 'kvm'})]
    spec = build.request_spec(VMDK, num_instances=2)
    assert not one.filter_all([state], spec)
    state.aggregates = [build.aggregate(1, {'hypervisor_type': 'vmware'})]
    assert one.filter_all([state], spec)


def test_a_new_tag_that_cannot_be_read_is_named_anew(one, log):
    for value in ('foo', 'foo', 'bar', 'bar'):
        state = build.host_state('h')
        state.aggregates = [build.aggregate(1, {'hypervisor_type': value})]
        one.filter_all([state], build.request_spec(ISO))
    assert log.output.count('foo is not a known hypervisor') == 1
    assert log.output.count('bar is not a known hypervisor') == 1
