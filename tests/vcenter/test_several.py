# SPDX-License-Identifier: Apache-2.0
"""Several clusters, several vCenters, and a large one."""

import collections

import pytest
from pyVmomi import SoapStubAdapter

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import connect
from hypervisor_affinity.cloud.vcenter import options
from hypervisor_affinity.cloud.vcenter import reader
from testbed.vcenter import inventory
from tests.vcenter import conf_files
from tests.vcenter.administrator import Administrator
from tests.vcenter.conf_files import read_once


def clusters(*names):
    return [inventory.cluster(name, hosts=1) for name in names]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes one more file of a vCenter."""
    paths = []

    def write(vcenter, **values):
        paths.append(tmp_path / f'{len(paths)}.conf')
        return conf_files.write(paths[-1], vcenter, **values)

    return write


@pytest.mark.parametrize(
    ('named', 'read', 'others'),
    [
        (['second'], ['second'], ['first', 'third']),
        (['third', 'first'], ['first', 'third'], ['second']),
        (['first', 'first'], ['first'], ['second', 'third']),
        (['first', None], ['first', 'second', 'third'], []),
        ([None], ['first', 'second', 'third'], []),
        (['nowhere'], [], ['first', 'second', 'third']),
    ],
)
def test_which_clusters_are_read(start_vcenter, write, named, read, others):
    names = ['first', 'second', 'third']
    vcenter = start_vcenter(inventory.Inventory(clusters=clusters(*names)))
    (access,) = options.read_accesses(
        [write(vcenter, cluster_name=name) for name in named]
    )
    record = read_once(access)
    assert [cluster.name for cluster in record.clusters] == read
    admin = Administrator(vcenter.connect())
    ids = {name: admin.cluster(name)._moId for name in names}
    assert {cluster.name: cluster.id for cluster in record.clusters} == {
        name: ids[name] for name in read
    }
    assert record.other_clusters == {ids[name]: name for name in others}
    assert [compute.cluster for compute in record.computes] == [
        name or '' for name in named
    ]


def test_a_vcenter_without_clusters(start_vcenter, access_of):
    record = read_once(access_of(start_vcenter(inventory.Inventory())))
    assert record.error == ''
    assert record.uuid == inventory.make_uuid('vcenter')
    assert (record.clusters, record.other_clusters) == ((), {})


def site(name, hosts, *vms):
    """Return what a vCenter has; the cluster is everywhere the first."""
    cluster = inventory.cluster('first', hosts)
    return inventory.Inventory(
        instance_uuid=inventory.make_uuid(name),
        clusters=[cluster],
        datastores=[inventory.datastore('disk', cluster.hosts)],
        vms=[inventory.VM(vm, cluster.hosts[0].name, 'disk') for vm in vms],
    )


@pytest.fixture
def two(start_vcenter):
    """Two vCenters with a cluster of the same name and id."""
    return [
        start_vcenter(site('north', 1)),
        start_vcenter(site('south', 2, 'web')),
    ]


@pytest.fixture
def vcenters(two, write):
    with connect(options.read_accesses(map(write, two))) as vcenters:
        yield vcenters


def test_two_vcenters(two, vcenters):
    north, south = vcenters.read()
    assert [north.name, south.name] == [
        f'127.0.0.1:{vcenter.port}' for vcenter in two
    ]
    assert north.uuid == inventory.make_uuid('north')
    assert south.uuid == inventory.make_uuid('south')
    assert [len(record.clusters[0].hosts) for record in (north, south)] == [
        1,
        2,
    ]
    (one,), (other,) = north.clusters, south.clusters
    assert (one.name, one.id) == (other.name, other.id)
    assert north.node(one.id) != south.node(other.id)


def test_the_order_is_that_of_the_files(two, write):
    with connect(options.read_accesses(map(write, reversed(two)))) as vcenters:
        uuids = [record.uuid for record in vcenters.read()]
    assert uuids == [inventory.make_uuid(name) for name in ('south', 'north')]


@pytest.mark.parametrize('dead', [0, 1])
@pytest.mark.parametrize('is_known', [False, True])
def test_one_of_two_is_dead(two, vcenters, dead, is_known):
    if is_known:
        assert [record.error for record in vcenters.read()] == ['', '']
    two[dead].kill()
    records = list(vcenters.read())
    lost, found = records[dead], records[1 - dead]
    assert lost.error == (
        f'vCenter 127.0.0.1:{two[dead].port}: Connection refused; see whether '
        'vCenter is up and can be reached from here'
    )
    assert (lost.uuid, lost.version, lost.clusters) == ('', '', ())
    assert len(lost.computes) == 1
    assert found.error == ''
    assert [cluster.name for cluster in found.clusters] == ['first']


def test_a_vm_is_found_in_the_vcenter_that_is_named(two, vcenters):
    north, south = (each.name for each in vcenters.each)
    cluster = Administrator(two[1].connect()).cluster('first')
    web = inventory.make_uuid('web')
    assert vcenters.find_vm(north, web) is None
    assert vcenters.find_vm(south, web) == cluster._moId
    two[0].kill()
    with pytest.raises(SourceError, match=f'^vCenter {north}: '):
        vcenters.find_vm(north, web)
    assert vcenters.find_vm(south, web) == cluster._moId


@pytest.fixture
def calls(monkeypatch):
    """What is asked of vCenters, by the name of the method."""
    counted = collections.Counter()
    original = SoapStubAdapter.InvokeMethod

    def invoke(stub, managed, info, arguments, *others):
        counted[info.name] += 1
        return original(stub, managed, info, arguments, *others)

    monkeypatch.setattr(SoapStubAdapter, 'InvokeMethod', invoke)
    return counted


def large(hosts, vms):
    """Return two clusters, of so many hosts and VMs each."""
    found = [inventory.cluster(name, hosts) for name in ('first', 'second')]
    datastores = [
        inventory.datastore(cluster.name, cluster.hosts) for cluster in found
    ]
    pairs = list(zip(found, datastores, strict=True))
    return inventory.Inventory(
        clusters=found,
        datastores=datastores,
        vms=[
            vm
            for cluster, datastore in pairs
            for vm in inventory.vms(cluster, datastore, vms, memory_mib=1024)
        ],
    )


def test_a_large_one(start_vcenter, access_of, calls):
    small = access_of(start_vcenter(large(hosts=1, vms=1)))
    calls.clear()
    read_once(small)
    few = dict(calls)
    access = access_of(start_vcenter(large(hosts=20, vms=1000)))
    calls.clear()
    record = read_once(access)
    assert record.error == ''
    for cluster in record.clusters:
        assert len(cluster.hosts) == 20
        assert len(cluster.vms) == 1000
        assert len(cluster.datastores[0].hosts) == 20
        assert cluster.running_memory_mb == 1000 * 1024
    # A cluster's 20 hosts, 1000 VMs and one datastore are two pages.
    assert calls == {**few, 'ContinueRetrievePropertiesEx': 2}
    # The clusters, and each one.
    assert few['RetrievePropertiesEx'] == 3
    assert sum(few.values()) < 15


def test_two_readings_make_one_session(start_vcenter, access_of, calls):
    access = access_of(start_vcenter(large(hosts=1, vms=1)))
    with connect([access]) as vcenters:
        first, second = (list(vcenters.read()) for _ in range(2))
    assert first == second
    assert calls['Login'] == calls['Logout'] == 1


def test_what_nobody_has_foreseen_of_one_hides_no_other(
    start_vcenter, access_of, monkeypatch
):
    good, bad = (
        access_of(start_vcenter(large(hosts=1, vms=1))) for _ in range(2)
    )
    original = reader.read_vcenter

    def read(service, known):
        if known.name == bad.name:
            raise RecursionError('hunter2')
        return original(service, known)

    monkeypatch.setattr(reader, 'read_vcenter', read)
    with connect([bad, good]) as several:
        first, second = several.read()
    assert (first.clusters, second.error) == ((), '')
    assert 'unexpected answer (RecursionError)' in first.error
    assert 'hunter2' not in first.error
    assert len(second.clusters) == 2
