# SPDX-License-Identifier: Apache-2.0
"""What a vCenter does not tell is missing in the records, and no more.

All of it is imitated: the answers of one that tells it are changed.
"""

import pytest
from pyVmomi import SoapStubAdapter
from pyVmomi import vim

from hypervisor_affinity.cloud.snapshot import EsxiHost
from testbed.vcenter import inventory
from tests.vcenter.conf_files import read_once

HOST = 'first-esxi-01.example.org'
NOVAS = inventory.make_uuid('web')


@pytest.fixture
def access(start_vcenter, access_of):
    cluster = inventory.cluster('first', hosts=1)
    cluster.hosts[0].networks = ['segment', 'old']
    return access_of(
        start_vcenter(
            inventory.Inventory(
                clusters=[cluster],
                datastores=[inventory.datastore('disk', cluster.hosts)],
                networks=[
                    inventory.Network('segment', 'nsx_portgroup'),
                    inventory.Network('old', 'opaque'),
                ],
                vms=[inventory.VM('web', HOST, 'disk')],
            )
        )
    )


@pytest.fixture
def change(monkeypatch):
    """Return a function that has each object in an answer changed."""
    original = SoapStubAdapter.InvokeMethod

    def change(kind, work):
        def invoke(stub, managed, info, arguments, *others):
            answer = original(stub, managed, info, arguments, *others)
            if info.name == 'RetrievePropertiesEx' and answer:
                for found in answer.objects:
                    if type(found.obj) is kind:
                        work(found)
            return answer

        monkeypatch.setattr(SoapStubAdapter, 'InvokeMethod', invoke)

    return change


@pytest.fixture
def leave_out(change):
    """Return a function that has properties missing in answers."""

    def leave_out(kind, *paths):
        def work(found):
            found.propSet = [
                value
                for value in found.propSet
                if paths and value.name not in paths
            ]

        change(kind, work)

    return leave_out


def read(access):
    record = read_once(access)
    assert record.error == ''
    (cluster,) = record.clusters
    return cluster


def test_nothing_is_left_out(access):
    cluster = read(access)
    (host,) = cluster.hosts
    (datastore,) = cluster.datastores
    assert host.nsx_networks == ('old', 'segment')
    assert datastore.hosts == (HOST,)
    assert (cluster.vms, cluster.other_vms) == ({NOVAS: 'web'}, 0)
    assert cluster.running_memory_mb == 4096


def test_configuration_of_a_cluster(access, leave_out):
    leave_out(vim.ClusterComputeResource, 'configurationEx')
    cluster = read(access)
    assert (cluster.name, cluster.drs, cluster.ha) == ('first', 'off', False)


def test_all_of_a_host(access, leave_out):
    leave_out(vim.HostSystem)
    cluster = read(access)
    assert cluster.hosts == (
        EsxiHost(name='', connection='disconnected', power='unknown'),
    )
    assert cluster.vms == {NOVAS: 'web'}


@pytest.mark.parametrize(
    ('path', 'missing'),
    [
        ('summary.hardware', {'memory_mb': 0, 'threads': 0, 'cpu_mhz': 0}),
        ('summary.quickStats', {'memory_used_mb': 0, 'cpu_used_mhz': 0}),
        ('config.virtualNicManagerInfo.netConfig', {'adapters': {}}),
        ('network', {'nsx_networks': ()}),
    ],
)
def test_a_part_of_a_host(access, leave_out, path, missing):
    (whole,) = read(access).hosts
    leave_out(vim.HostSystem, path)
    (host,) = read(access).hosts
    assert {name: getattr(host, name) for name in missing} == missing
    assert all(getattr(whole, name) for name in missing)
    assert host.name == HOST


def test_usage_without_numbers(access, change):
    def work(found):
        for value in found.propSet:
            if value.name == 'summary.quickStats':
                value.val = type(value.val)()

    change(vim.HostSystem, work)
    (host,) = read(access).hosts
    assert (host.memory_used_mb, host.cpu_used_mhz) == (0, 0)
    assert host.memory_mb


def test_an_adapter_that_is_no_candidate(access, change):
    def work(found):
        for value in found.propSet:
            if value.name == 'config.virtualNicManagerInfo.netConfig':
                for config in value.val:
                    config.candidateVnic = []

    change(vim.HostSystem, work)
    (host,) = read(access).hosts
    assert host.adapters == {'vmk0': ('management',), 'vmk1': ('vmotion',)}


@pytest.mark.parametrize(
    ('paths', 'novas', 'others', 'running'),
    [
        ((), {}, 1, 0),
        (('name',), {NOVAS: ''}, 0, 4096),
        (('config.instanceUuid',), {}, 1, 4096),
        (('config.managedBy',), {}, 1, 4096),
        (('config.instanceUuid', 'config.managedBy'), {}, 1, 4096),
        (('summary.config.memorySizeMB',), {NOVAS: 'web'}, 0, 0),
        (('runtime.powerState',), {NOVAS: 'web'}, 0, 0),
    ],
)
def test_an_inaccessible_vm(access, leave_out, paths, novas, others, running):
    leave_out(vim.VirtualMachine, *paths)
    cluster = read(access)
    assert (cluster.vms, cluster.other_vms) == (novas, others)
    assert cluster.running_memory_mb == running


def test_a_vm_that_another_extension_made(access, change):
    def work(found):
        for value in found.propSet:
            if value.name == 'config.managedBy':
                value.val.extensionKey = 'org.example.other'

    change(vim.VirtualMachine, work)
    cluster = read(access)
    assert (cluster.vms, cluster.other_vms) == ({}, 1)


@pytest.mark.parametrize(
    ('kind', 'path', 'odd', 'says'),
    [
        (vim.ClusterComputeResource, 'name', 7, 'got `int` - at `$.clusters'),
        (vim.HostSystem, 'runtime.connectionState', 'x' * 999, "'xxx"),
        (vim.HostSystem, 'name', None, 'Expected `str`, got `null`'),
        (
            *(vim.VirtualMachine, 'summary.config.memorySizeMB', -1),
            'Expected `int` >= 0 - at `$.clusters[0].running_memory_mb`',
        ),
    ],
    ids=['another type', 'a long word', 'nothing', 'a negative number'],
)
def test_what_is_no_value_of_a_record(access, change, kind, path, odd, says):
    def work(found):
        for value in found.propSet:
            if value.name == path:
                # pyVmomi lets nobody set what has another type.
                value.__dict__['val'] = odd

    change(kind, work)
    record = read_once(access)
    assert record.clusters == ()
    assert record.error.startswith(f'{record.name}: not a valid answer of ')
    assert says in record.error
    assert len(record.error) < 500


# Datastores and networks are in folders of their own, each with its rights.
def test_datastores_that_the_user_may_not_read(access, leave_out):
    leave_out(vim.Datastore)
    cluster = read(access)
    assert cluster.datastores == ()
    assert cluster.vms == {NOVAS: 'web'}


def test_a_datastore_without_hosts(access, leave_out):
    leave_out(vim.Datastore, 'host')
    (datastore,) = read(access).datastores
    assert (datastore.name, datastore.hosts) == ('disk', ())


@pytest.mark.parametrize(
    ('kind', 'others'),
    [
        (vim.OpaqueNetwork, ('segment',)),
        (vim.dvs.DistributedVirtualPortgroup, ('old',)),
    ],
)
@pytest.mark.parametrize('paths', [(), ('summary', 'config')])
def test_networks_that_the_user_may_not_read(
    access, leave_out, kind, others, paths
):
    leave_out(kind, *paths)
    (host,) = read(access).hosts
    assert host.nsx_networks == others


@pytest.mark.parametrize('attribute', ['mounted', 'accessible'])
def test_a_mount_that_does_not_say_so(access, change, attribute):
    def work(found):
        for value in found.propSet:
            if value.name == 'host':
                setattr(value.val[0].mountInfo, attribute, None)

    change(vim.Datastore, work)
    (datastore,) = read(access).datastores
    assert datastore.hosts == (HOST,)


def test_drs_at_its_default(access, change):
    def work(found):
        for value in found.propSet:
            if value.name == 'configurationEx':
                value.val.drsConfig.defaultVmBehavior = None

    change(vim.ClusterComputeResource, work)
    assert read(access).drs == 'fully_automated'
