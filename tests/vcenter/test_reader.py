# SPDX-License-Identifier: Apache-2.0
"""What the records say is what was described."""

import dataclasses

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.snapshot import Datastore
from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import VCenter
from testbed.vcenter import inventory
from tests.vcenter import conf_files
from tests.vcenter.conf_files import read_once

_GIB = inventory.GIB
NETWORKS = [
    inventory.Network('segment', 'nsx_portgroup'),
    inventory.Network('old', 'opaque'),
    inventory.Network('vlan', 'portgroup'),
    inventory.Network('local', 'standard'),
]


def _first():
    cluster = inventory.cluster('first', hosts=3, moid='domain-c26')
    one, two, three = cluster.hosts
    one.networks = ['vlan', 'segment', 'local', 'old']
    two.networks = ['vlan', 'local']
    one.services = {
        'management': ['vmk0'],
        'vsan': ['vmk2'],
        'vmotion': ['vmk2', 'vmk1'],
        # What every adapter could do, one does.
        'vSphereProvisioning': ['vmk3'],
    }
    two.services = {'management': ['vmk0'], 'vmotion': []}
    three.hardware = inventory.Hardware(256 * _GIB + 1, 3000, 32, 64)
    three.usage = inventory.Usage(200_000, 90_000)
    return cluster


def _second():
    cluster = inventory.cluster('second', hosts=5, drs='manual', ha=False)
    busy, gone, unknown, standby, idle = cluster.hosts
    busy.maintenance = True
    gone.connection, gone.power = 'notResponding', 'unknown'
    unknown.connection, unknown.power = 'disconnected', 'unknown'
    unknown.hardware = unknown.usage = unknown.services = None
    standby.power = 'standBy'
    idle.usage = inventory.Usage(0, 0)
    return cluster


def _datastores(first, second):
    local = inventory.datastore('local', first.hosts[:1], type='OTHER')
    disk = inventory.datastore(
        'disk', first.hosts, capacity_bytes=900 * _GIB, free_bytes=0
    )
    disk.mounts[0].mounted = False
    disk.mounts[1].accessible = False
    share = inventory.datastore(
        'share',
        [first.hosts[2], *second.hosts[:2], first.hosts[0]],
        type='NFS',
        maintenance='inMaintenance',
    )
    share.mounts[1].access_mode = 'readOnly'
    return [
        local,
        disk,
        share,
        inventory.datastore('objects', second.hosts, type='vsan'),
        inventory.datastore(
            'lost',
            second.hosts[:1],
            accessible=False,
            maintenance='enteringMaintenance',
        ),
    ]


def _vms(first, second):
    one, two, _ = first.hosts
    return [
        inventory.VM('web', one.name, 'share', memory_mib=8192),
        inventory.VM('off', one.name, 'share', power='poweredOff'),
        inventory.VM('asleep', one.name, 'share', power='suspended'),
        inventory.VM('tool', two.name, 'disk', memory_mib=512, is_novas=False),
        inventory.VM(
            'golden',
            one.name,
            'share',
            power='poweredOff',
            template=True,
            is_novas=False,
        ),
        # On hosts that are in maintenance, or gone.
        inventory.VM('stays', second.hosts[0].name, 'objects'),
        inventory.VM('lost', second.hosts[1].name, 'objects'),
        inventory.VM('forgotten', second.hosts[2].name, 'objects'),
    ]


@pytest.fixture(scope='module')
def described():
    first, second = _first(), _second()
    fourth = inventory.cluster('fourth', hosts=2, drs='partiallyAutomated')
    fourth.hosts.reverse()
    return inventory.Inventory(
        clusters=[
            second,
            first,
            inventory.cluster('third', hosts=0, drs='off'),
            fourth,
        ],
        datastores=_datastores(first, second),
        networks=NETWORKS,
        vms=_vms(first, second),
        version='7.0.3',
    )


@pytest.fixture(scope='module')
def access(make_vcenter, described, tmp_path_factory):
    path = tmp_path_factory.mktemp('conf') / 'nova.conf'
    with make_vcenter(described) as vcenter:
        yield conf_files.access(path, vcenter, datastore_regex='d.*')


@pytest.fixture(scope='module')
def record(access):
    return read_once(access)


@pytest.fixture(scope='module')
def clusters(record):
    return {cluster.name: cluster for cluster in record.clusters}


@pytest.fixture(scope='module')
def hosts(clusters):
    return {
        host.name.partition('.')[0]: host
        for cluster in clusters.values()
        for host in cluster.hosts
    }


def test_vcenter(record, access, described):
    assert msgspec.structs.replace(record, clusters=()) == VCenter(
        name=f'127.0.0.1:{access.port}',
        uuid=described.instance_uuid,
        version='7.0.3',
        error='',
        verified=True,
        computes=(
            ComputeConf(access.computes[0].file, datastore_regex='d.*'),
        ),
    )


def test_it_can_be_written_and_read(record):
    written = msgspec.json.encode(record)
    assert msgspec.json.decode(written, type=VCenter) == record


@pytest.mark.parametrize(
    ('name', 'moid', 'drs', 'ha', 'hosts'),
    [
        ('first', 'domain-c26', 'fully_automated', True, 3),
        ('fourth', 'domain-c2008', 'partially_automated', True, 2),
        ('second', 'domain-c8', 'manual', False, 5),
        ('third', 'domain-c1008', 'off', True, 0),
    ],
)
def test_clusters(clusters, name, moid, drs, ha, hosts):
    assert list(clusters) == ['first', 'fourth', 'second', 'third']
    cluster = clusters[name]
    assert (cluster.id, cluster.name) == (moid, name)
    assert (cluster.drs, cluster.ha) == (drs, ha)
    assert [host.name for host in cluster.hosts] == [
        f'{name}-esxi-{number:02}.example.org'
        for number in range(1, hosts + 1)
    ]


def test_a_host(hosts):
    assert hosts['first-esxi-03'] == EsxiHost(
        name='first-esxi-03.example.org',
        connection='connected',
        power='poweredOn',
        maintenance=False,
        memory_mb=256 * 1024,
        memory_used_mb=200_000,
        threads=64,
        cpu_mhz=32 * 3000,
        cpu_used_mhz=90_000,
        adapters={'vmk0': ('management',), 'vmk1': ('vmotion',)},
        nsx_networks=(),
    )


@pytest.mark.parametrize(
    ('name', 'connection', 'power', 'maintenance', 'takes_servers'),
    [
        ('first-esxi-01', 'connected', 'poweredOn', False, True),
        ('second-esxi-01', 'connected', 'poweredOn', True, False),
        ('second-esxi-02', 'notResponding', 'unknown', False, False),
        ('second-esxi-03', 'disconnected', 'unknown', False, False),
        ('second-esxi-04', 'connected', 'standBy', False, True),
    ],
)
def test_states_of_hosts(
    hosts, name, connection, power, maintenance, takes_servers
):
    host = hosts[name]
    assert (host.connection, host.power) == (connection, power)
    assert host.maintenance is maintenance
    assert host.takes_servers is takes_servers


def test_a_host_that_vcenter_never_reached(hosts):
    assert hosts['second-esxi-03'] == EsxiHost(
        name='second-esxi-03.example.org',
        connection='disconnected',
        power='unknown',
    )


def test_a_host_that_uses_nothing(hosts):
    idle = hosts['second-esxi-05']
    assert (idle.memory_used_mb, idle.cpu_used_mhz) == (0, 0)
    assert idle.memory_free_mb == idle.memory_mb == 512 * 1024


def test_adapters(hosts):
    assert hosts['first-esxi-01'].adapters == {
        'vmk0': ('management',),
        'vmk1': ('vmotion',),
        'vmk2': ('vmotion', 'vsan'),
        'vmk3': ('vSphereProvisioning',),
    }
    assert hosts['first-esxi-02'].adapters == {'vmk0': ('management',)}


def test_nsx(hosts):
    assert hosts['first-esxi-01'].nsx_networks == ('old', 'segment')
    assert hosts['first-esxi-02'].nsx_networks == ()


@pytest.mark.parametrize(
    ('cluster', 'expected'),
    [
        (
            'first',
            [
                Datastore('disk', 'VMFS', 900 * _GIB, 0, hosts=(3,)),
                Datastore(
                    'local', 'OTHER', 10_000 * _GIB, 4000 * _GIB, hosts=(1,)
                ),
                Datastore(
                    'share',
                    'NFS',
                    10_000 * _GIB,
                    4000 * _GIB,
                    maintenance='inMaintenance',
                    hosts=(1, 3),
                ),
            ],
        ),
        (
            'second',
            [
                Datastore(
                    'lost',
                    'VMFS',
                    10_000 * _GIB,
                    4000 * _GIB,
                    accessible=False,
                    maintenance='enteringMaintenance',
                    hosts=(1,),
                ),
                Datastore(
                    'objects',
                    'vsan',
                    10_000 * _GIB,
                    4000 * _GIB,
                    hosts=(1, 2, 3, 4, 5),
                ),
                Datastore(
                    'share',
                    'NFS',
                    10_000 * _GIB,
                    4000 * _GIB,
                    maintenance='inMaintenance',
                    hosts=(1, 2),
                ),
            ],
        ),
        ('third', []),
    ],
)
def test_datastores(clusters, cluster, expected):
    names = [f'{cluster}-esxi-{number:02}.example.org' for number in range(9)]
    assert list(clusters[cluster].datastores) == [
        msgspec.structs.replace(
            datastore, hosts=tuple(names[number] for number in datastore.hosts)
        )
        for datastore in expected
    ]


@pytest.mark.parametrize(
    ('cluster', 'novas', 'others', 'running'),
    [
        ('first', ['web', 'off', 'asleep'], 2, 8192 + 512),
        ('second', ['stays', 'lost', 'forgotten'], 0, 3 * 4096),
        ('third', [], 0, 0),
    ],
)
def test_vms(clusters, cluster, novas, others, running):
    found = clusters[cluster]
    assert found.vms == {inventory.make_uuid(name): name for name in novas}
    assert found.other_vms == others
    assert found.running_memory_mb == running


@pytest.mark.parametrize('size', [1, 2, 3])
def test_pages(make_vcenter, described, tmp_path, record, size):
    paged = dataclasses.replace(described, page_size=size)
    with make_vcenter(paged) as vcenter:
        found = read_once(conf_files.access(tmp_path / 'nova.conf', vcenter))
    assert found.clusters == record.clusters
