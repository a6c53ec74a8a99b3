# SPDX-License-Identifier: Apache-2.0
"""Reading scenarios, and complaining of them."""

import re

import msgspec
import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.actions import rehearse
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.world import World
from tests import cloud_of_records as records
from tests.unit.simulation import stories
from tests.unit.simulation.stories import boot

_INF = float('inf')


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a scenario from a file."""

    def read(*actions, **fields):
        path = tmp_path / 'story.yaml'
        path.write_text(yaml.safe_dump(stories.document(*actions, **fields)))
        return scenario.read(path)

    return read


@pytest.mark.parametrize(
    ('action', 'complaint'),
    [
        ({}, r'at \$.steps\[0\].do\[0\]: must have exactly one of add, boot'),
        (
            {**boot('iso'), 'delete': {'image': 'iso'}},
            r'at \$.steps\[0\].do\[0\]: must have exactly one of add, boot, ',
        ),
        (
            boot('iso', count=0),
            r'at \$.steps\[0\].do\[0\].boot.count: Expected `int` >= 1',
        ),
        (
            boot(None),
            r'at \$.steps\[0\].do\[0\].boot: does not name an image, and',
        ),
        (
            boot('iso', count=10**9),
            r'at \$.steps\[0\].do\[0\].boot.count: Expected `int` <= 100000',
        ),
        (
            boot('iso', at_once=10**300),
            r'at \$.steps\[0\].do\[0\].boot.at_once: Expected `int` <= 1000',
        ),
        (
            {'add': {'hosts': [{'name': 'a', 'count': 10**9}]}},
            r'do\[0\].add.hosts\[0\].count: Expected `int` <= 100000',
        ),
        (
            {'set_hosts': {'host': 'a', 'vcpus': {'total': -1}}},
            r'set_hosts.vcpus.total: Expected `int` >= 0',
        ),
        (
            {'set_hosts': {'host': 'a', 'vcpus': {'total': 10**20}}},
            r'set_hosts.vcpus.total: Expected `int` <= 2147483647',
        ),
        (
            {
                'set_hosts': {
                    'host': 'a',
                    'disk_gb': {'allocation_ratio': _INF},
                }
            },
            r'set_hosts.disk_gb.allocation_ratio: Expected `float` <= 3.40',
        ),
        (
            {'drain': {}},
            r'at \$.steps\[0\].do\[0\].drain: must have either host or',
        ),
        (
            {'drain': {'host': 'a', 'aggregate': 'b'}},
            r'at \$.steps\[0\].do\[0\].drain: must have either host or',
        ),
        (
            {'drain': {'host': 'a', 'by': 'boot'}},
            r'at \$.steps\[0\].do\[0\].drain: a host cannot be drained by',
        ),
        (
            {'drain': {'host': 'a', 'by': 'walk'}},
            r"do\[0\].drain.by: Invalid enum value 'walk'",
        ),
        (
            {'set_options': {'enabled_filters': []}},
            r"at \$.steps\[0\].do\[0\]: 'enabled_filters' is not a group of",
        ),
        (
            {'set_aggregate': {'name': 'kvm', 'metadata': {'a': 20}}},
            r"set_aggregate.metadata\['a'\]: Expected `str`, got `int`",
        ),
    ],
)
def test_wrong_element_is_named(read, action, complaint):
    with pytest.raises(SourceError) as raised:
        read(action)
    said = str(raised.value)
    placed = re.sub(r' \(line \d+\):', ':', said)
    assert re.search(complaint, placed)
    assert placed != said


def test_schedulers_have_options(read):
    with pytest.raises(SourceError, match="of scheduler 'a' are not a map"):
        read(schedulers={'a': None})
    with pytest.raises(SourceError, match="'debug' is not a group of options"):
        read(schedulers={'a': {'debug': True}})


def test_all_together_are_no_more_than_can_be_played(read):
    most = scenario.LARGEST
    hosts = {'add': {'hosts': [{'name': 'a', 'count': most}]}}
    assert read(boot('iso', count=most)).requests == most
    with pytest.raises(SourceError, match='boots more than 100000 servers'):
        read(boot('iso', count=most), boot('iso'))
    with pytest.raises(SourceError, match='has more than 100000 hosts in'):
        read(hosts)
    names = {f's{i}': {} for i in range(scenario.MOST_SCHEDULERS + 1)}
    with pytest.raises(SourceError, match='more than 32 schedulers'):
        read(schedulers=names)


@pytest.mark.parametrize(
    ('action', 'complaint'),
    [
        (boot('no'), "boot: the story has no image 'no'"),
        (boot('iso', 'no'), "boot: the story has no flavor 'no'"),
        ({'drain': {'host': 'no'}}, "drain: the story has no host 'no'"),
        (
            {'drain': {'host': 'kvm1'}},
            "drain: the story has no host 'kvm1'; did you mean 'kvm-1'?",
        ),
        (
            {'set_aggregate': {'name': 'kwm'}},
            "set_aggregate: the story has no aggregate 'kwm'; did you mean "
            "'kvm'?",
        ),
        (
            {'recreate': {'image': 'iso', 'aggregate': 'no'}},
            "recreate: the story has no aggregate 'no'",
        ),
        ({'delete': {'image': 'no'}}, "delete: the story has no image 'no'"),
        (
            {'set_image': {'name': 'no'}},
            "set_image: the story has no image 'no'",
        ),
        (
            {'set_aggregate': {'name': 'kvm', 'add_hosts': ['no']}},
            "set_aggregate: the story has no host 'no'",
        ),
        (
            {'add': {'hosts': [{'name': 'kvm-1'}]}},
            "add: the story has two hosts 'kvm-1'",
        ),
        (
            {'add': {'aggregates': [{'name': 'kvm'}]}},
            "add: the story has two aggregates 'kvm'",
        ),
        (
            {'add': {'hosts': [{'name': 'a', 'aggregates': ['no']}]}},
            "add: the story has no aggregate 'no'",
        ),
    ],
)
def test_missing_things_are_named_before_anything_is_played(action, complaint):
    setting = stories.setting(boot('iso'), action)
    with pytest.raises(ScenarioError) as error:
        rehearse(setting.story, setting.cloud, setting.name)
    assert str(error.value) == f"step 'step 2', {complaint}"


def test_what_a_step_adds_is_there_for_the_next():
    added = {'name': 'new', 'disk_format': 'raw'}
    setting = stories.setting({'add': {'images': [added]}}, boot('new'))
    rehearse(setting.story, setting.cloud, setting.name)


def test_host_without_an_inventory_cannot_be_resized():
    setting = stories.setting(
        {'add': {'hosts': [{'name': 'bare'}]}},
        {'set_hosts': {'host': 'bare', 'vcpus': {'total': 1}}},
    )
    with pytest.raises(ScenarioError, match="host 'bare' has no vcpus"):
        rehearse(setting.story, setting.cloud, setting.name)


def test_hosts_of_a_group_are_numbered():
    hosts = scenario.Hosts('rack', node='node', count=2)
    names = [(host.name, host.node) for host in hosts.each()]
    assert names == [('rack-1', 'node-1'), ('rack-2', 'node-2')]
    (alone,) = scenario.Hosts('rack').each()
    assert alone.name == 'rack'


def test_requests_are_counted_where_that_is_possible(read):
    assert read(boot('iso', count=3), boot('vmdk', count=4)).requests == 7
    assert read(boot('iso'), {'drain': {'host': 'kvm-1'}}).requests is None


def test_snapshot_is_named_relative_to_the_scenario(read, tmp_path):
    files.save(records.both(), tmp_path / 'cloud.json')
    story = read(snapshot='cloud.json', cloud={})
    source = scenario.own_snapshot(story, tmp_path / 'story.yaml')
    assert source.name == str(tmp_path / 'cloud.json')
    assert scenario.own_snapshot(read(), tmp_path / 'story.yaml') is None


def test_servers_of_a_snapshot_are_where_they_were():
    server = records.server('a', records.VMDK, 'vc-1')
    shelved = msgspec.structs.replace(server, id='b', host=None, node=None)
    source = records.both(servers=[server, shelved])
    cloud = scenario.with_snapshot(scenario.Cloud(), source)
    world = World(cloud, 'the test')
    ((node, resident),) = world.select(scenario.Servers('vmdk'))
    assert node.record.name == 'vc-1'
    assert (resident.name, resident.title) == ('a', 'vmdk')
    world.take(resident, node)
    assert not world.select(scenario.Servers('vmdk'))


def test_server_keeps_the_properties_that_nova_froze():
    server = Server(
        'a',
        records.SMALL,
        host='kvm-1',
        image='i-gone',
        image_properties={'hypervisor_type': 'kvm'},
    )
    source = records.both(servers=[server])
    world = World(scenario.with_snapshot(scenario.Cloud(), source), 'a')
    (resident,) = (r for n in world.nodes for r in n.residents.values())
    assert resident.image.name == 'i-gone'
    assert resident.image.properties == {'hypervisor_type': 'kvm'}
