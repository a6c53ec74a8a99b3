# SPDX-License-Identifier: Apache-2.0
"""The scenarios in ``etc/scenarios``."""

import collections
import pathlib

import msgspec

from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.actions import rehearse
from hypervisor_affinity.simulation.configuration import RECOMMENDED
from hypervisor_affinity.simulation.world import World
from testbed import example_conf

SCENARIOS = pathlib.Path(__file__).parents[3] / 'etc/scenarios'
ON_ESXI, ANYWHERE = 50, 250


def read(name):
    path = SCENARIOS / name
    return scenario.read(path), str(path)


def play_here(story, name, scheduler='nova-scheduler'):
    setting = processes.Setting(name, story, story.cloud)
    options = story.schedulers.get(scheduler, {})
    return processes.play(setting, scheduler, options)


def where(run):
    """Return the servers of each kind and hypervisor."""
    return collections.Counter(
        (o.image, o.hypervisor) for o in run.outcomes if o.action == 'boot'
    )


def test_reference_case_with_our_plug_ins():
    run = play_here(*read('reference-case.yaml'), 'hypervisor-affinity')
    counts = collections.Counter(o.hypervisor for o in run.outcomes)
    assert counts == {'VMware': ON_ESXI, 'KVM': ANYWHERE}
    assert all(o.hypervisor == o.belongs for o in run.outcomes)
    assert not any(o.misfit or o.refusal for o in run.outcomes)


def test_reference_case_with_stock_filters():
    story = read('reference-case.yaml')
    stock = play_here(*story, 'stock')
    assert sum(o.misfit is not None for o in stock.outcomes) == 180
    typed = where(play_here(*story, 'stock + image types'))
    assert typed['qcow2', 'KVM'] == 120
    assert typed['ISO', 'VMware'] == 40
    assert typed['volume', 'VMware'] == 30


def test_migration_shows_that_room_is_missing():
    run = play_here(*read('vmware-to-kvm.yaml'))
    refused = [o for o in run.outcomes if o.refusal]
    assert {o.image for o in refused} == {'database'}
    assert len(refused) == 30
    assert 'no room in MEMORY_MB' in refused[0].refusal.reason
    left = [u for u in run.usage if u.hypervisor == 'VMware'][-1]
    assert left.servers == 30
    assert not any(o.misfit for o in run.outcomes)


def test_migration_in_the_right_order_refuses_nothing():
    story, name = read('vmware-to-kvm.yaml')
    today, web, fewer, databases, reinstalled, last = story.steps
    steps = (today, web, fewer, reinstalled, databases, last)
    run = play_here(msgspec.structs.replace(story, steps=steps), name)
    assert not any(o.refusal or o.misfit for o in run.outcomes)


def test_recommended_settings_are_those_of_the_example():
    expected = example_conf.filter_scheduler()
    assert {'filter_scheduler': expected} == RECOMMENDED


def test_large_cloud_is_as_large_as_it_says():
    story, name = read('large-cloud.yaml')
    rehearse(story, story.cloud, name)
    world = World(story.cloud, name)
    assert len(world.nodes) == 1000
    assert len({node.aggregates for node in world.nodes}) == 20
    assert story.requests == 10_000
