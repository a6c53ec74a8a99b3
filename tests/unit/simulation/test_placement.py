# SPDX-License-Identifier: Apache-2.0
"""What Placement would answer."""

import msgspec
import pytest
from nova import context
from nova import objects
from nova.scheduler import utils

from hypervisor_affinity.cloud.adapters import read_size
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.placement import Placement
from hypervisor_affinity.simulation.placement import aggregate_uuid
from hypervisor_affinity.simulation.placement_query import Query
from hypervisor_affinity.simulation.placement_query import QueryError
from hypervisor_affinity.simulation.placement_query import read_query
from hypervisor_affinity.simulation.world import World
from tests.unit.scheduler import nova_objects
from tests.unit.simulation import stories

objects.register_all()

ONE = {'VCPU': 1}


@pytest.fixture
def world():
    return World(msgspec.convert(stories.CLOUD, scenario.Cloud), 'the test')


@pytest.fixture
def placement(world):
    return Placement(world)


@pytest.fixture
def found(world, placement):
    """Return a function that returns the names of the candidates."""

    def names(query):
        positions = placement.candidates(query).positions()
        return [world.nodes[position].name for position in positions]

    return names


@pytest.mark.parametrize('volume', [False, True])
@pytest.mark.parametrize(
    'flavor',
    [
        Flavor('plain', vcpus=2, memory_mb=512, disk_gb=20),
        Flavor('disks', disk_gb=5, ephemeral_gb=7, swap_mb=1025),
        Flavor('none', vcpus=1, memory_mb=0, disk_gb=0),
        Flavor(
            'odd',
            vcpus=2,
            memory_mb=512,
            extra_specs={'resources:VCPU': '0', 'resources:CUSTOM_GOLD': '3'},
        ),
    ],
    ids=lambda flavor: flavor.name,
)
def test_servers_take_what_nova_asks_for(flavor, volume):
    spec = objects.RequestSpec(
        image=None,
        is_bfv=volume,
        flavor=nova_objects.flavor(flavor),
        requested_resources=[],
    )
    asked = utils.resources_from_request_spec(
        context.get_admin_context(), spec, None
    )
    query = read_query(asked.to_querystring())
    assert query.resources == read_size(flavor, volume=volume)
    assert query.limit == 1000


def test_query_has_traits_and_aggregates():
    query = read_query(
        'limit=5&member_of=in%3Aa%2Cb&member_of=in%3Ac&member_of=%21in%3Ad'
        '&required=T1&root_required=T2%2C%21T3&resources=VCPU%3A1'
    )
    assert query == Query(
        resources=ONE,
        limit=5,
        required=frozenset({'T1', 'T2'}),
        forbidden=frozenset({'T3'}),
        member_of=(frozenset('ab'), frozenset('c')),
        not_member_of=frozenset('d'),
    )


def test_query_with_groups_is_refused():
    with pytest.raises(QueryError, match='resources1, which is not simul'):
        read_query('resources1=VCPU%3A1&group_policy=none')


def test_room_is_what_is_left_of_the_inventory(world, found):
    kvm = world.nodes[0]
    for _ in range(15):
        server = world.resident(None, world.flavor('small'), True)
        world.put(server, kvm)
    assert 'kvm-1' in found(Query(ONE))
    assert 'kvm-1' not in found(Query({'VCPU': 2}))


def test_changes_are_followed(world, placement):
    before = placement.candidates(Query(ONE)).positions()
    world.set_hosts(scenario.SetHosts(host='kvm-2', status='disabled'))
    query = Query(ONE, forbidden=frozenset({'COMPUTE_STATUS_DISABLED'}))
    assert before == [0, 1, 2]
    assert placement.candidates(query).positions() == [0, 2]
    world.set_hosts(scenario.SetHosts(host='kvm-2', status='enabled'))
    assert placement.candidates(query).positions() == [0, 1, 2]


def test_traits(found):
    vmdk = frozenset({'COMPUTE_IMAGE_TYPE_VMDK'})
    assert found(Query(ONE, required=vmdk)) == ['vcenter']
    assert found(Query(ONE, forbidden=vmdk)) == ['kvm-1', 'kvm-2']


def test_aggregates(world, found):
    kvm = frozenset({aggregate_uuid(world.aggregates['kvm'])})
    assert found(Query(ONE, member_of=(kvm,))) == ['kvm-1', 'kvm-2']
    assert found(Query(ONE, not_member_of=kvm)) == ['vcenter']


def test_no_more_candidates_than_the_limit_in_the_order_of_hosts(placement):
    answer = placement.candidates(Query(ONE, limit=1))
    assert answer.groups == [[0]]
    assert answer.left_out == {'max_placement_results': 2}


def test_what_is_left_out_is_counted(placement):
    query = Query({'VCPU': 17}, required=frozenset({'T'}))
    assert placement.candidates(query).left_out == {
        'no room in VCPU': 2,
        'too small in VCPU': 1,
    }


def test_host_without_an_inventory_is_no_candidate(found):
    assert found(Query({'PCPU': 1})) == []


def test_hosts_that_nova_can_tell_apart_are_no_group(world, placement):
    nothing = Flavor('nothing', vcpus=0)
    first, second, _ = world.nodes
    assert placement.candidates(Query(ONE)).groups == [[0, 1], [2]]
    world.put(world.resident(None, nothing, True), second)
    assert placement.candidates(Query(ONE)).groups == [[0], [2], [1]]
    world.put(world.resident(None, nothing, True), first)
    world.set_building(first, 1)
    assert placement.candidates(Query(ONE)).groups == [[2], [1], [0]]
    world.set_building(first, 0)
    assert sorted(placement.candidates(Query(ONE)).groups) == [[0, 1], [2]]
