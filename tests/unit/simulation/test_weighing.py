# SPDX-License-Identifier: Apache-2.0
"""What nova's weighers give hosts, as far as a snapshot tells."""

import dataclasses

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import ranking
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.simulation import weighing
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.weighing import Question
from tests.cloud_of_records import ISO
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import kvm
from tests.cloud_of_records import vcenter

HOSTS = (
    vcenter('vc-1'),
    kvm('busy', memory_mb=Inventory(16384, used=8192)),
    kvm('idle'),
)
IMAGE = msgspec.structs.replace(ISO, id='')
QUESTION = Question(HOSTS, (), SMALL, IMAGE)
NOT_KNOWN = {
    'BuildFailureWeigher',
    'DiskWeigher',
    'IoOpsWeigher',
    'PCIWeigher',
}


def shares(found, name):
    (place,) = [p for (host, _), p in found.places.items() if host == name]
    return {share.weigher: share.added for share in place.shares}


def ranks(found):
    return {host: place.rank for (host, _), place in found.places.items()}


def conf(tmp_path, *lines):
    path = tmp_path / 'nova.conf'
    weighers = (
        'weight_classes = nova.scheduler.weights.all_weighers, '
        'hypervisor_affinity.scheduler.all_weighers'
    )
    path.write_text('\n'.join(('[filter_scheduler]', weighers, *lines)))
    return str(path)


def test_shares_are_those_of_novas_weighers():
    found = weighing.weigh(QUESTION)
    assert ranks(found) == {'idle': 1, 'busy': 2, 'vc-1': 3}
    idle, busy = shares(found, 'idle'), shares(found, 'busy')
    assert idle['HypervisorAffinityWeigher'] == 100
    assert shares(found, 'vc-1')['HypervisorAffinityWeigher'] == 50
    # nova divides by the most that any of them has free.
    assert idle['RAMWeigher'] == pytest.approx(16384 / 65536)
    assert busy['RAMWeigher'] == pytest.approx(8192 / 65536)
    assert "nova's defaults and the recommended" in found.settings


def test_what_no_snapshot_tells_is_not_guessed():
    found = weighing.weigh(QUESTION)
    for name in ('idle', 'vc-1'):
        assert {
            weigher
            for weigher, added in shares(found, name).items()
            if added is None
        } == NOT_KNOWN
    assert 'DiskWeigher: free_disk_mb' in found.not_known


def test_a_version_that_nobody_has_told(tmp_path):
    path = conf(tmp_path, 'hypervisor_version_weight_multiplier = 1')
    question = dataclasses.replace(QUESTION, files=(path,))
    told = weighing.weigh(question)
    assert shares(told, 'vc-1')['HypervisorVersionWeigher'] == 0
    assert shares(told, 'idle')['HypervisorVersionWeigher'] == 1
    hosts = (*HOSTS, kvm('new', hypervisor_version=0))
    untold = weighing.weigh(dataclasses.replace(question, hosts=hosts))
    assert shares(untold, 'idle')['HypervisorVersionWeigher'] is None


def test_a_weigher_that_is_switched_off_is_known(tmp_path):
    path = conf(
        tmp_path,
        'disk_weight_multiplier = 0',
        'ram_weight_multiplier = -2',
        'host_subset_size = 3',
    )
    found = weighing.weigh(dataclasses.replace(QUESTION, files=(path,)))
    assert shares(found, 'idle')['DiskWeigher'] == 0
    assert shares(found, 'idle')['RAMWeigher'] == pytest.approx(-0.5)
    assert ranks(found)['busy'] == 1
    assert found.settings == f'by {path}'
    assert found.notes == (
        'nova chooses one of the first 3 hosts at random (host_subset_size)',
    )


def test_an_aggregate_overrides_a_multiplier():
    metadata = {'ram_weight_multiplier': '40'}
    aggregate = Aggregate('rack', '', metadata, ('busy', 'not-asked'))
    found = weighing.weigh(
        dataclasses.replace(QUESTION, aggregates=(aggregate,))
    )
    assert shares(found, 'busy')['RAMWeigher'] == pytest.approx(5)
    assert ranks(found)['busy'] == 1


@pytest.mark.parametrize('override', [{}, {'weight_multiplier': '7'}])
def test_our_share_is_the_same_without_nova(override):
    metadata = {
        f'hypervisor_affinity_{key}': value for key, value in override.items()
    }
    aggregates = (Aggregate('a', '', metadata, ('busy',)),)
    question = dataclasses.replace(QUESTION, aggregates=aggregates)
    policy = Policy()
    places = ranking.by_hypervisor(
        requests.boot(ISO, SMALL, policy),
        HOSTS,
        HostOffers(aggregates, policy),
        policy,
    )
    with_nova = weighing.weigh(question)
    for key, place in places.items():
        (ours,) = place.shares
        assert ours in with_nova.places[key].shares


def test_hosts_of_the_same_weight_have_the_same_rank():
    hosts = (*HOSTS, kvm('idle-too'))
    found = weighing.weigh(dataclasses.replace(QUESTION, hosts=hosts))
    assert ranks(found) == {'idle': 1, 'idle-too': 1, 'busy': 3, 'vc-1': 4}


def test_a_move_is_weighed_without_the_cells():
    found = weighing.weigh(
        dataclasses.replace(QUESTION, underneath=frozenset())
    )
    assert shares(found, 'idle')['CrossCellWeigher'] == 0


def test_what_nova_refuses_is_said():
    image = Image('x', properties={'hw_disk_bus': 'no bus'})
    with pytest.raises(ScenarioError, match='nova-api refuses it'):
        weighing.weigh(dataclasses.replace(QUESTION, image=image))


def test_a_process_of_its_own(tmp_path):
    assert weighing.ask(QUESTION) == weighing.weigh(QUESTION)
    files = (str(tmp_path / 'missing.conf'),)
    with pytest.raises(ScenarioError, match='missing'):
        weighing.ask(dataclasses.replace(QUESTION, files=files))
