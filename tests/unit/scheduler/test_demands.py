# SPDX-License-Identifier: Apache-2.0
"""A request is classified once, whoever asks and for however many servers."""

import contextlib
import gc
import sys
import threading
import types
import weakref

import pytest
from nova import objects
from nova.scheduler import manager as scheduler_manager
from nova.scheduler import request_filter

from hypervisor_affinity.core import demand as core_demand
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler import demands
from tests.unit.scheduler import nova_objects as build

ISO = {'disk_format': 'iso'}
VMDK = {'disk_format': 'vmdk'}
POLICY = Policy()
CLASSIFY = core_demand.classify.__code__


@contextlib.contextmanager
def counted():
    """Yield a list that grows with each classification of this thread."""
    calls = []

    def note(frame, event, argument):
        if event == 'call' and frame.f_code is CLASSIFY:
            calls.append(frame.f_locals['image'])

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def settings():
    return {
        'available_filters': ['hypervisor_affinity.scheduler.all_filters'],
        'enabled_filters': ['HypervisorAffinityFilter'],
        'weight_classes': ['hypervisor_affinity.scheduler.all_weighers'],
    }


class Scheduler:
    """What nova does with one request, but for Placement and databases."""

    def __init__(self, host_manager):
        self._prefilter = request_filter.ALL_REQUEST_FILTERS[-1]
        self._manager = types.SimpleNamespace(host_manager=host_manager)

    def schedule(self, spec, states):
        """Return the chosen host of each server, as ``_schedule`` does."""
        self._prefilter(None, spec)
        chosen = []
        for number in range(spec.num_instances):
            spec.instance_uuid = f'00000000-0000-0000-0000-00000000000{number}'
            hosts = scheduler_manager.SchedulerManager._get_sorted_hosts(
                self._manager, spec, states, number
            )
            chosen.append(hosts[0].host)
        return chosen


@pytest.fixture
def scheduler(build_host_manager):
    tag = build.aggregate(1, {'hypervisor_type': 'vmware'}, ['vc'])
    return Scheduler(build_host_manager(tag, placement_prefilter=True))


def states():
    return [
        build.host_state('kvm'),
        build.host_state('vc', 'VMware vCenter Server', ('vmware',)),
    ]


def boot_of_three(image):
    return build.request_spec(
        image,
        num_instances=3,
        requested_destination=None,
        instance_group=None,
        numa_topology=None,
        pci_requests=None,
        requested_networks=objects.NetworkRequestList(),
        ignore_hosts=None,
        force_hosts=None,
        force_nodes=None,
    )


@pytest.mark.parametrize(('image', 'host'), [(ISO, 'kvm'), (VMDK, 'vc')])
def test_once_for_three_servers_by_all_who_ask(scheduler, image, host):
    with counted() as calls:
        chosen = scheduler.schedule(boot_of_three(image), states())
    assert chosen == [host] * 3
    assert len(calls) == 1


def test_each_request_is_another_one(scheduler):
    with counted() as calls:
        for image in (ISO, VMDK, ISO):
            scheduler.schedule(boot_of_three(image), states())
    assert [call['disk_format'] for call in calls] == ['iso', 'vmdk', 'iso']


def change_image(spec):
    spec.image = build.image_meta(VMDK)


def change_image_in_place(spec):
    spec.image.disk_format = 'vmdk'


def change_property(spec):
    spec.image.properties.img_hv_type = 'vmware'


def change_extra_specs(spec):
    spec.flavor.extra_specs['hypervisor_affinity:hypervisor_type'] = 'vmware'


def change_flavor(spec):
    spec.flavor = objects.Flavor(
        extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'}
    )


@pytest.mark.parametrize(
    'change',
    [
        change_image,
        change_image_in_place,
        change_property,
        change_extra_specs,
        change_flavor,
    ],
)
def test_what_changes_in_a_request_counts(change):
    spec = build.request_spec(ISO)
    before = demands.read_demand(spec, POLICY)
    assert before.required is None
    assert demands.read_demand(spec, POLICY) is before
    change(spec)
    assert demands.read_demand(spec, POLICY).required == {'vmware'}


def test_a_rebuild_a_volume_and_a_move_are_no_boot():
    spec = build.request_spec(ISO, is_bfv=False)
    boot = demands.read_demand(spec, POLICY)
    spec.is_bfv = True
    assert demands.read_demand(spec, POLICY) is not boot
    spec.is_bfv = False
    spec.scheduler_hints = {'_nova_check_type': ['rebuild']}
    spec.force_hosts = ['its-own']
    assert demands.read_demand(spec, POLICY).rebuild
    spec.force_hosts = None
    kvm = frozenset({'kvm'})
    assert demands.read_demand(spec, POLICY, kvm).required == kvm
    assert demands.read_demand(spec, POLICY, kvm, grows=True).grows
    assert demands.read_demand(spec, POLICY).required is None


def test_options_that_change_count():
    spec = build.request_spec(VMDK)
    assert demands.read_demand(spec, POLICY).required == {'vmware'}
    flexible = Policy(vmdk_images='flexible')
    assert demands.read_demand(spec, flexible).required is None


def test_a_move_is_weighed_as_a_boot_and_read_once_for_each():
    spec = build.move_spec(ISO)
    kvm = frozenset({'kvm'})
    with counted() as calls:
        for _ in range(3):
            demands.read_demand(spec, POLICY, kvm)
            demands.read_demand(spec, POLICY)
    assert len(calls) == 2


def test_nothing_is_kept_of_a_request_that_is_over():
    spec = build.request_spec(ISO)
    demands.read_demand(spec, POLICY)
    ended = weakref.ref(spec)
    assert spec in demands._KNOWN
    del spec
    gc.collect()
    assert ended() is None


def test_threads_that_share_a_request_get_its_demand():
    specs = [build.request_spec(VMDK) for _ in range(50)]
    barrier = threading.Barrier(4)
    found = []

    def ask():
        barrier.wait()
        for spec in specs:
            found.append(demands.read_demand(spec, POLICY).required)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{'vmware'}] * 200
