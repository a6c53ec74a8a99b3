# SPDX-License-Identifier: Apache-2.0
"""All servers booted again by nova's own scheduler, and by ``audit``.

Where there is room for all, both say the same.
"""

import collections
import pathlib
import random
import uuid

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.audit.replay import replay
from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.outcome import Run
from tests import cloud_of_records as records
from tests import reference_cloud
from tests.cloud_of_records import Records

BOOT_AGAIN = pathlib.Path('etc/scenarios/boot-again.yaml')
OURS = 'hypervisor_affinity:hypervisor_type'
PREFERRED = 'hypervisor_affinity:preferred'
FREE = {
    'vcpus': Inventory(100_000),
    'memory_mb': Inventory(10_000_000),
    'disk_gb': Inventory(1_000_000),
}


def played(source: Records) -> Run:
    """Return what nova's scheduler does, with the shipped scenario."""
    path = pathlib.Path(__file__).parents[3] / BOOT_AGAIN
    story = scenario.read(path)
    cloud = scenario.with_snapshot(story.cloud, source)
    setting = processes.Setting(str(path), story, cloud)
    return processes.play(setting, 'nova-scheduler', {})


def check_same(source: Records) -> collections.Counter:
    """Check that both say the same of each server; return the kinds."""
    run = played(source)
    found = list(replay(source, Policy()))
    assert [outcome.server for outcome in run.outcomes] == [
        finding.about.server.name for finding in found
    ]
    for finding, outcome in zip(found, run.outcomes, strict=True):
        about = finding.about
        told = finding, outcome
        if finding.check is ReplayCheck.NOT_KNOWN:
            assert outcome.refusal.by == 'nova-api', told
        elif finding.check is ReplayCheck.WOULD_BE_REFUSED:
            assert outcome.refusal.by == 'HypervisorAffinityFilter', told
            assert outcome.refusal.reason == finding.evidence, told
        else:
            assert outcome.refusal is None, told
            assert outcome.hypervisor == about.destination, told
            assert outcome.misfit is None, told
        if finding.check is ReplayCheck.WOULD_GO_ELSEWHERE:
            assert outcome.host != about.server.host, told
    return collections.Counter(finding.check for finding in found)


def test_the_reference_case():
    assert check_same(reference_cloud.read()) == {
        ReplayCheck.STAYS: 50,
        ReplayCheck.WOULD_GO_ELSEWHERE: 180,
        ReplayCheck.OTHER_HYPERVISOR_FIRST: 70,
    }


# Each as Image has it: name, format, container, and properties.
_IMAGES = [
    ('qcow2', 'active', 'qcow2', 'bare', {}),
    ('iso', 'active', 'iso', 'bare', {}),
    ('vmdk', 'active', 'vmdk', 'bare', {}),
    ('off', 'deactivated', 'qcow2', 'bare', {}),
    ('esxi', 'active', 'qcow2', 'bare', {'hypervisor_type': 'vmware'}),
    ('guest', 'active', 'vmdk', 'bare', {'vmware_ostype': 'rhel7_64Guest'}),
    ('ova', 'active', 'vmdk', 'ova', {'hw_vif_model': 'vmxnet3'}),
    ('kvm', 'active', 'raw', 'bare', {'hw_vif_model': 'virtio'}),
]
IMAGES = [
    Image(name, str(uuid.UUID(int=number)), *fields)
    for number, (name, *fields) in enumerate(_IMAGES, 1)
]
FLAVORS = [
    records.SMALL,
    Flavor('esxi', 'f-e', 1, 1024, 10, extra_specs={OURS: 'vmware'}),
    Flavor('cheap', 'f-c', 1, 1024, 10, extra_specs={PREFERRED: 'esxi,kvm'}),
    Flavor('typo', 'f-t', 1, 1024, 10, extra_specs={OURS: 'vmwrae'}),
]
GONE = Image('gone', str(uuid.UUID(int=99)), 'active', 'qcow2', 'bare')
VOLUMES = [{}, {'hypervisor_type': 'vmware'}, {'hypervisor_type': 'kvm'}]


def mixed(seed: int) -> Records:
    """Return a cloud with servers anywhere; the same number, the same one."""
    chance = random.Random(seed)
    hosts = [
        *(records.kvm(f'kvm-{number}', **FREE) for number in range(6)),
        *(records.vcenter(f'vc-{number}', **FREE) for number in range(3)),
    ]
    names = [host.name for host in hosts]
    admit = chance.choice(['any', 'required'])
    aggregates = [
        Aggregate('kvm', '', {'hypervisor_type': 'kvm'}, (*names[:4],)),
        # One of them by mistake.
        Aggregate('vmware', '', {'hypervisor_type': 'esx'}, (*names[5:],)),
        Aggregate(
            'some',
            '',
            {'hypervisor_affinity_admit': admit},
            (*chance.sample(names, 2),),
        ),
    ]
    servers = [
        _server(f's{number:03}', chance, names) for number in range(120)
    ]
    return Records(
        hosts=hosts,
        aggregates=aggregates,
        images=IMAGES,
        flavors=FLAVORS,
        servers=servers,
    )


def _server(name: str, chance: random.Random, hosts: list[str]) -> Server:
    image = chance.choice([*IMAGES, GONE, None])
    flavor = chance.choice(FLAVORS)
    server = records.server(name, image, chance.choice(hosts), flavor=flavor)
    if image is None:
        properties = chance.choice(VOLUMES)
        return msgspec.structs.replace(server, image_properties=properties)
    return server


@pytest.mark.parametrize('seed', range(6))
def test_a_mixed_cloud(seed):
    assert check_same(mixed(seed)).keys() == set(ReplayCheck)


def test_an_empty_cloud():
    assert check_same(records.both()) == {}


def test_an_image_that_only_has_the_name_of_what_is_gone():
    """Nothing is booted from an image because of what somebody calls it."""
    given = records.server('a', GONE, 'kvm-1')
    volume = records.server(
        'b', None, 'kvm-1', image_properties={'hypervisor_type': 'kvm'}
    )
    images = [
        Image(GONE.id, 'i-x', 'active', 'iso', 'bare'),
        Image('unknown image', 'i-y', 'active', 'vmdk', 'bare'),
    ]
    run = played(records.both(servers=[given, volume], images=images))
    gone, copied = run.outcomes
    assert gone.refusal.by == 'nova-api'
    assert copied.hypervisor == 'KVM'


def test_a_flavor_as_it_is_now():
    tied = msgspec.structs.replace(records.SMALL, extra_specs={OURS: 'esx'})
    server = records.server('a', records.ISO, 'kvm-1')
    assert check_same(records.both(servers=[server], flavors=[tied])) == {
        ReplayCheck.WOULD_GO_ELSEWHERE: 1
    }
