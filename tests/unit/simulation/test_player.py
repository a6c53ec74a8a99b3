# SPDX-License-Identifier: Apache-2.0
"""Scenarios played with nova's own filters and weighers."""

import collections

import pytest
from nova.scheduler import filters

from hypervisor_affinity.simulation.outcome import Refusal
from hypervisor_affinity.simulation.outcome import Run
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.scheduler import Scheduler
from tests.unit.simulation import stories
from tests.unit.simulation.runs import hosts
from tests.unit.simulation.runs import last
from tests.unit.simulation.stories import boot
from tests.unit.simulation.stories import hypervisors
from tests.unit.simulation.stories import play


def refusal(run: Run):
    """Return the refusal of the last request."""
    return run.outcomes[-1].refusal


def test_images_go_where_they_belong():
    run = play(
        boot('vmdk', count=3),
        boot('qcow2', count=3),
        boot('iso'),
        boot(None, volume=True),
    )
    assert hypervisors(run) == ['VMware'] * 3 + ['KVM'] * 5
    assert [o.belongs for o in run.outcomes] == hypervisors(run)
    assert not any(o.misfit for o in run.outcomes)


def test_stock_scheduler_takes_the_largest_host():
    run = play(boot('qcow2'), boot('iso'), options=stories.STOCK)
    assert hypervisors(run) == ['VMware', 'VMware']
    assert [o.misfit for o in run.outcomes] == ['cannot_boot_here', None]
    assert [o.belongs for o in run.outcomes] == ['KVM', 'KVM']


def test_pre_filters_of_nova_are_asked():
    options = {
        **stories.STOCK,
        'scheduler': {'query_placement_for_image_type_support': True},
    }
    run = play(boot('qcow2'), options=options)
    assert hypervisors(run) == ['KVM']


def test_usage_follows_the_servers():
    run = play(
        boot('qcow2', 'large', 2),
        {'set_aggregate': {'name': 'kvm', 'metadata': {'a': 'b'}}},
        {'delete': {'image': 'qcow2', 'count': 1}},
    )
    figures = [
        (u.servers, u.vcpus, u.vcpus_limit, u.memory_mb, u.disk_gb)
        for u in run.usage
        if u.ends_step and u.hypervisor == 'KVM'
    ]
    assert figures == [
        (2, 16, 32, 16384, 160),
        (2, 16, 32, 16384, 160),
        (1, 8, 32, 8192, 80),
    ]


def test_volume_takes_no_disk():
    run = play(boot(None, volume=True), boot('vmdk', volume=True))
    assert [o.image for o in run.outcomes] == ['volume', 'volume of vmdk']
    assert last(run, 'KVM').disk_gb == 0


def test_filter_tells_its_reason():
    run = play(boot('wrong'))
    assert refusal(run) == Refusal(
        'HypervisorAffinityFilter',
        'image needs VMware (hypervisor_type=vmware), which cannot boot '
        'an image with disk_format=qcow2; hosts rejected: 3 cannot_boot',
        'No valid host was found. The image needs VMware '
        '(hypervisor_type=vmware), which cannot boot an image with '
        'disk_format=qcow2: convert it to VMDK',
    )
    assert run.outcomes[-1].belongs == 'nothing'


def test_stock_filter_is_named():
    options = {
        'filter_scheduler': {
            **stories.STOCK['filter_scheduler'],
            'enabled_filters': ['ComputeFilter', 'ImagePropertiesFilter'],
        }
    }
    cloud = {**stories.CLOUD, 'hosts': [stories.KVM]}
    run = play(boot('wrong'), options=options, cloud=cloud)
    assert refusal(run) == Refusal(
        'ImagePropertiesFilter', 'hosts rejected: 2', ''
    )


def test_filters_of_allocation_candidates_have_some():
    filters = ['NUMATopologyFilter', 'PciPassthroughFilter']
    run = play(
        boot('iso'), options={'filter_scheduler': {'enabled_filters': filters}}
    )
    assert hypervisors(run) == ['KVM']


def test_placement_tells_what_is_missing():
    run = play(boot('vmdk', 'huge'))
    assert refusal(run) == Refusal(
        'Placement',
        '2 no room in MEMORY_MB, 1 too small in MEMORY_MB',
        '',
    )


def test_filter_is_told_what_placement_left_out():
    run = play(
        boot('vmdk', 'large', 8),
        boot('vmdk', 'large'),
    )
    assert refusal(run).by == 'HypervisorAffinityFilter'
    assert refusal(run).reason.endswith(
        'hosts rejected: 2 other_hypervisor; Placement left out: '
        '1 no room in VCPU'
    )


def test_prefilter_refuses_before_placement():
    run = play(
        boot('wrong'),
        options={'hypervisor_affinity': {'placement_prefilter': True}},
    )
    assert refusal(run).by == 'pre-filter'
    assert refusal(run).reason.endswith(
        'because every host is rejected: cannot_boot'
    )
    assert refusal(run).told.endswith('convert it to VMDK')


def test_nova_api_refuses_what_it_cannot_read():
    images = [{'name': 'bad', 'properties': {'hypervisor_type': 'esxi'}}]
    cloud = {**stories.CLOUD, 'images': images}
    run = play(boot('bad'), cloud=cloud)
    assert refusal(run).by == 'nova-api'
    assert "'esxi'" in refusal(run).reason


def test_flavor_of_several_request_groups_is_not_simulated():
    spec = {'resources1:VCPU': '1'}
    flavors = [{'name': 'groups', 'extra_specs': spec}]
    cloud = {**stories.CLOUD, 'flavors': flavors}
    run = play(boot('iso', 'groups'), cloud=cloud)
    assert refusal(run).by == 'simulation'
    assert refusal(run).reason.endswith('resources1, which is not simulated')


def test_full_hypervisor_overflows_or_refuses():
    overflow = play(boot('iso', 'large', 5))
    assert hypervisors(overflow) == ['KVM'] * 4 + ['VMware']
    strict = play(
        {
            'set_options': {
                'hypervisor_affinity': {'flexible_placement': 'strict'}
            }
        },
        boot('iso', 'large', 5),
    )
    assert hypervisors(strict) == ['KVM'] * 4 + [None]
    assert 'not_preferred' in refusal(strict).reason


def test_refused_requests_are_refused_once_and_counted_each():
    run = play(boot('qcow2', 'large', 7))
    assert hypervisors(run) == ['KVM'] * 4 + [None] * 3
    assert len({id(o.refusal) for o in run.outcomes[4:]}) == 1


def test_reserve_is_kept_and_can_be_changed():
    reserve = {'hypervisor_affinity_reserve': '90'}
    run = play(
        {'set_aggregate': {'name': 'vmware', 'metadata': reserve}},
        boot('iso', 'large', 6),
        {
            'set_aggregate': {
                'name': 'vmware',
                'unset': ['hypervisor_affinity_reserve'],
            }
        },
        boot('iso', 'large'),
    )
    assert hypervisors(run) == ['KVM'] * 4 + [None, None, 'VMware']
    assert '1 reserved' in run.outcomes[4].refusal.reason


def test_servers_of_one_request_are_built_at_the_same_time():
    # nova prefers hosts that build nothing; here to all else.
    options = {'filter_scheduler': {'io_ops_weight_multiplier': -1000.0}}
    one_by_one = play(boot('iso', count=3), options=options)
    assert hypervisors(one_by_one) == ['KVM'] * 3
    at_once = play(boot('iso', count=3, at_once=3), options=options)
    assert sorted(hosts(at_once)) == ['kvm-1', 'kvm-2', 'vcenter']


def test_one_request_places_all_its_servers_or_none():
    run = play(boot('qcow2', 'large', 8, at_once=3), boot('qcow2', 'large'))
    # Three, none of the next three, none of the last two, and one alone.
    assert hypervisors(run) == ['KVM'] * 3 + [None] * 5 + ['KVM']
    assert last(run, 'KVM').servers == 4
    # The last request is for fewer servers, and those fit.
    run = play(boot('qcow2', 'large', 6, at_once=5))
    assert hypervisors(run) == [None] * 5 + ['KVM']
    # Told to the owners of single servers only.
    assert refusal(play(boot('wrong', count=2, at_once=2))).told == ''


def test_one_request_for_several_refuses_with_its_reason():
    reason = refusal(play(boot('wrong', count=2, at_once=2))).reason
    assert reason.endswith('hosts rejected: 3 cannot_boot')


def test_nova_chooses_at_random_by_the_seed():
    options = {'filter_scheduler': {'host_subset_size': 3}}

    def spread(seed):
        run = play(boot('iso', count=12), options=options, seed=seed)
        return hosts(run)

    assert spread(1) == spread(1)
    assert len({tuple(spread(seed)) for seed in range(4)}) > 1


class SecondHostFilter(filters.BaseHostFilter):
    def host_passes(self, host_state, filter_properties):
        return host_state.host == 'kvm-2'


def test_third_party_classes_see_each_host():
    path = f'{__name__}.{SecondHostFilter.__name__}'
    options = {
        'filter_scheduler': {
            'available_filters': ['nova.scheduler.filters.all_filters', path],
            'enabled_filters': ['SecondHostFilter'],
        }
    }
    assert hosts(play(boot('iso'), options=options)) == ['kvm-2']


def test_flavor_that_asks_for_a_host_by_name_gets_it():
    spec = {'capabilities:hypervisor_hostname': 'kvm-2'}
    flavors = [{'name': 'there', 'memory_mb': 512, 'extra_specs': spec}]
    cloud = {**stories.CLOUD, 'flavors': flavors}
    assert hosts(play(boot('iso', 'there'), cloud=cloud)) == ['kvm-2']


def test_flavors_may_override_resources():
    spec = {'resources:VCPU': '0', 'resources:MEMORY_MB': '2048'}
    flavors = [{'name': 'odd', 'memory_mb': 512, 'extra_specs': spec}]
    cloud = {**stories.CLOUD, 'flavors': flavors}
    run = play(boot('qcow2', 'odd'), cloud=cloud)
    assert (last(run, 'KVM').vcpus, last(run, 'KVM').memory_mb) == (0, 2048)


@pytest.mark.parametrize(
    ('options', 'complaint'),
    [
        (
            {'filter_scheduler': {'enabled_filters': ['NoFilter']}},
            'nova-scheduler does not start: Scheduler Host Filter NoFilter',
        ),
        (
            {'filter_scheduler': {'weight_classes': ['no.such.module']}},
            'nova-scheduler does not start: ',
        ),
        (
            {'hypervisor_affinity': {'flexible_placement': 'sometimes'}},
            'option hypervisor_affinity.flexible_placement: ',
        ),
        ({'scheduler': {'max_lacement_results': 5}}, 'option scheduler.max_l'),
        ({'no_group': {'workers': 5}}, 'option no_group.workers: '),
    ],
)
def test_wrong_options_are_named(options, complaint):
    with pytest.raises(ScenarioError, match='^' + complaint):
        play(boot('iso'), options=options)


def test_what_is_not_simulated_is_said():
    run = play(
        boot('iso'),
        options={'scheduler': {'enable_isolated_aggregate_filtering': True}},
    )
    assert run.notes == [
        '[scheduler] enable_isolated_aggregate_filtering is not simulated'
    ]


def test_warnings_of_the_filter_are_passed_on():
    run = play(
        {
            'set_aggregate': {
                'name': 'kvm',
                'metadata': {'hypervisor_type': 'kwm'},
            }
        },
        boot('iso', count=2),
    )
    assert len(run.notes) == 1
    assert 'kwm is not a known hypervisor' in run.notes[0]


def test_option_set_midway_restarts_the_scheduler():
    stock = stories.STOCK['filter_scheduler']
    run = play(
        boot('qcow2'),
        {'set_options': {'filter_scheduler': stock}},
        boot('qcow2'),
    )
    assert hypervisors(run) == ['KVM', 'VMware']


def test_large_scenarios_have_no_more_moments_than_are_seen():
    run = play(boot('qcow2', 'small', 32), boot('vmdk', count=64))
    moments = collections.Counter(u.done for u in run.usage if not u.ends_step)
    assert sorted(moments) == list(range(97))


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        ({'properties': {'hypervisor_type': 'baremetal'}}, 'bare metal'),
        ({'properties': {'hypervisor_type': 'xen'}}, 'Xen'),
        ({'disk_format': 'vhd', 'container_format': 'bare'}, 'nothing'),
        ({'disk_format': 'iso', 'container_format': 'bare'}, 'KVM'),
    ],
    ids=str,
)
def test_where_an_image_belongs(image, expected):
    cloud = {**stories.CLOUD, 'images': [{'name': 'odd', **image}]}
    (found,) = play(boot('odd'), cloud=cloud).outcomes
    assert found.belongs == expected


def test_where_an_image_belongs_that_no_preferred_one_can_run():
    options = {'hypervisor_affinity': {'preferred_hypervisors': ['vmware']}}
    (found,) = play(boot('qcow2'), options=options).outcomes
    assert found.belongs == 'KVM'


def test_a_request_that_nobody_has_foreseen_ends_no_scenario(monkeypatch):
    original = Scheduler.place

    def place(self, ask):
        if ask.image and ask.image.name == 'iso':
            raise LookupError('hunter2')
        return original(self, ask)

    monkeypatch.setattr(Scheduler, 'place', place)
    run = play(boot('qcow2'), boot('iso'), boot('vmdk'))
    assert [host is None for host in hosts(run)] == [False, True, False]
    refused = run.outcomes[1].refusal
    assert refused.by == 'simulation'
    assert refused.reason.startswith('unexpected LookupError in ')
    assert 'hunter2' not in refused.reason
