# SPDX-License-Identifier: Apache-2.0
"""What is read is what was described."""

import pytest
from pyVmomi import vim
from pyVmomi import vmodl

from testbed.vcenter import inventory
from tests.vcenter import properties
from tests.vcenter.administrator import Administrator

_GIB = inventory.GIB
_options = vmodl.query.PropertyCollector.RetrieveOptions


def _clusters():
    first = inventory.cluster('first', hosts=3, moid='domain-c26')
    for host in first.hosts:
        host.networks = ['segment', 'vlan']
    second = inventory.cluster('second', hosts=3, drs='manual', ha=False)
    for host, other in zip(second.hosts, ('old', 'local', 'old'), strict=True):
        host.networks = [other]
    busy, gone, unknown = second.hosts
    busy.hardware = inventory.Hardware(256 * _GIB, 3000, 32, 64)
    busy.usage = inventory.Usage(200_000, 90_000)
    busy.services = {'vmotion': ['vmk1', 'vmk2'], 'vsan': ['vmk2']}
    busy.maintenance = True
    gone.connection = 'notResponding'
    gone.power = 'unknown'
    unknown.connection = 'disconnected'
    unknown.hardware = unknown.usage = unknown.services = None
    third = inventory.cluster('third', hosts=0, drs='off')
    return first, second, third


@pytest.fixture(scope='module')
def described():
    first, second, third = _clusters()
    shared = inventory.datastore(
        'shared', first.hosts[:2], type='NFS', maintenance='inMaintenance'
    )
    shared.mounts += [
        inventory.Mount(second.hosts[0].name, mounted=False, accessible=False),
        inventory.Mount(second.hosts[1].name, access_mode='readOnly'),
    ]
    own = inventory.datastore(
        'own',
        first.hosts,
        capacity_bytes=900 * _GIB,
        free_bytes=0,
        accessible=False,
    )
    return inventory.Inventory(
        clusters=[first, second, third],
        datastores=[shared, own],
        networks=[
            inventory.Network('segment', 'nsx_portgroup'),
            inventory.Network('old', 'opaque'),
            inventory.Network('vlan', 'portgroup'),
            inventory.Network('local', 'standard'),
        ],
        vms=[
            *inventory.vms(first, own, 3),
            inventory.VM(
                'idle', second.hosts[1].name, 'shared', power='poweredOff'
            ),
            inventory.VM(
                'golden',
                first.hosts[0].name,
                'own',
                memory_mib=512,
                power='poweredOff',
                template=True,
                is_novas=False,
            ),
        ],
    )


@pytest.fixture(scope='module')
def admin(make_vcenter, described):
    with make_vcenter(described) as vcenter:
        yield Administrator(vcenter.connect())


@pytest.fixture
def read(admin):
    """Return a function that reads properties of an object."""
    return lambda *arguments: properties.read(admin.content, *arguments)


def names(entities):
    return [entity.name for entity in entities]


def test_vcenter(admin, described):
    about = admin.content.about
    assert about.instanceUuid == described.instance_uuid
    assert about.version == '8.0.3'


@pytest.mark.parametrize(
    ('name', 'moid', 'drs', 'behaviour', 'ha'),
    [
        ('first', 'domain-c26', True, 'fullyAutomated', True),
        ('second', 'domain-c8', True, 'manual', False),
        ('third', 'domain-c1008', False, 'fullyAutomated', True),
    ],
)
def test_clusters(admin, read, name, moid, drs, behaviour, ha):
    cluster = admin.cluster(name)
    assert cluster._moId == moid
    found = read(
        cluster,
        'name',
        'configurationEx',
        'configurationEx.drsConfig',
        'configurationEx.dasConfig.enabled',
    )
    whole = found['configurationEx']
    assert found['name'] == name
    for config in (whole.drsConfig, found['configurationEx.drsConfig']):
        assert (config.enabled, config.defaultVmBehavior) == (drs, behaviour)
    assert whole.dasConfig.enabled == ha
    assert found['configurationEx.dasConfig.enabled'] == ha


def test_hosts_of_clusters(admin, described):
    for cluster in described.clusters:
        found = admin.cluster(cluster.name)
        assert names(found.host) == names(cluster.hosts)
        assert all(host.parent == found for host in found.host)


def test_summary_of_a_cluster(admin):
    summary = admin.cluster('second').summary
    # Of the others, one is in maintenance, one is gone, one never was.
    assert summary.numHosts == 3
    assert summary.numEffectiveHosts == summary.effectiveMemory == 0
    assert summary.totalMemory == (256 + 512) * _GIB
    assert summary.totalCpu == 32 * 3000 + 64 * 2500
    summary = admin.cluster('first').summary
    assert summary.numEffectiveHosts == 3
    assert summary.effectiveMemory == 3 * 512 * 1024


def test_a_busy_host(admin, read):
    found = read(
        admin.host('second-esxi-01.example.org'),
        'summary.hardware',
        'summary.quickStats',
        'runtime.connectionState',
        'runtime.powerState',
        'runtime.inMaintenanceMode',
    )
    hardware = found['summary.hardware']
    usage = found['summary.quickStats']
    assert hardware.memorySize == 256 * _GIB
    assert (hardware.cpuMhz, hardware.numCpuCores) == (3000, 32)
    assert hardware.numCpuThreads == 64
    assert usage.overallMemoryUsage == 200_000
    assert usage.overallCpuUsage == 90_000
    assert found['runtime.connectionState'] == 'connected'
    assert found['runtime.powerState'] == 'poweredOn'
    assert found['runtime.inMaintenanceMode'] is True


def test_a_host_that_is_gone(admin):
    host = admin.host('second-esxi-02.example.org')
    assert host.runtime.connectionState == 'notResponding'
    assert host.runtime.powerState == 'unknown'
    (vm,) = host.vm
    assert vm.runtime.connectionState == 'disconnected'


def test_a_host_that_vcenter_never_reached(admin, read):
    found = read(
        admin.host('second-esxi-03.example.org'),
        'summary.hardware',
        'summary.quickStats',
        'config.virtualNicManagerInfo.netConfig',
    )
    assert list(found) == ['summary.quickStats']
    assert found['summary.quickStats'].overallMemoryUsage is None


def test_adapters(admin, read):
    path = 'config.virtualNicManagerInfo.netConfig'
    configs = {
        config.nicType: config
        for config in read(admin.host('second-esxi-01.example.org'), path)[
            path
        ]
    }

    def selected(service):
        devices = {
            nic.key: nic.device for nic in configs[service].candidateVnic
        }
        assert sorted(devices.values()) == ['vmk1', 'vmk2']
        return [devices[key] for key in configs[service].selectedVnic]

    assert selected('vmotion') == ['vmk1', 'vmk2']
    assert selected('vsan') == ['vmk2']
    assert selected('management') == []


def test_networks(admin):
    seen = admin.host('first-esxi-01.example.org').network
    segment, vlan = seen
    assert isinstance(segment, vim.dvs.DistributedVirtualPortgroup)
    assert segment.config.backingType == 'nsx'
    assert segment.config.logicalSwitchUuid == inventory.make_uuid('segment')
    assert isinstance(vlan, vim.dvs.DistributedVirtualPortgroup)
    assert vlan.config.backingType == 'standard'
    assert not vlan.config.logicalSwitchUuid
    assert admin.cluster('first').network == seen
    assert len(segment.host) == 3
    old, local = admin.cluster('second').network
    assert isinstance(old, vim.OpaqueNetwork)
    assert old.summary.opaqueNetworkType == 'nsx.LogicalSwitch'
    assert old.summary.opaqueNetworkId == inventory.make_uuid('old')
    assert names(old.host) == [
        'second-esxi-01.example.org',
        'second-esxi-03.example.org',
    ]
    assert type(local) is vim.Network
    assert names([segment, vlan, old, local]) == [
        'segment',
        'vlan',
        'old',
        'local',
    ]


def test_datastores(admin, read):
    found = read(admin.datastore('own'), 'summary', 'host')
    summary = found['summary']
    assert (summary.name, summary.type) == ('own', 'VMFS')
    assert (summary.capacity, summary.freeSpace) == (900 * _GIB, 0)
    assert (summary.accessible, summary.maintenanceMode) == (False, 'normal')
    assert len(found['host']) == 3
    found = read(admin.datastore('shared'), 'summary', 'host')
    assert found['summary'].type == 'NFS'
    assert found['summary'].accessible
    assert found['summary'].maintenanceMode == 'inMaintenance'
    assert {
        mount.key.name: (
            mount.mountInfo.mounted,
            mount.mountInfo.accessible,
            mount.mountInfo.accessMode,
        )
        for mount in found['host']
    } == {
        'first-esxi-01.example.org': (True, True, 'readWrite'),
        'first-esxi-02.example.org': (True, True, 'readWrite'),
        'second-esxi-01.example.org': (False, False, 'readWrite'),
        'second-esxi-02.example.org': (True, True, 'readOnly'),
    }


def test_datastores_of_clusters_and_hosts(admin):
    assert names(admin.cluster('first').datastore) == ['shared', 'own']
    assert names(admin.cluster('second').datastore) == ['shared']
    assert names(admin.cluster('third').datastore) == []
    third_host = admin.host('first-esxi-03.example.org')
    assert names(third_host.datastore) == ['own']


def test_vms(admin, read):
    host = admin.host('first-esxi-01.example.org')
    assert names(host.vm) == ['first-vm-0000', 'golden']
    novas, golden = (
        read(
            vm,
            'name',
            'config.instanceUuid',
            'config.managedBy',
            'config.template',
            'summary.config.memorySizeMB',
            'runtime.powerState',
            'runtime.host',
        )
        for vm in host.vm
    )
    mark = novas.pop('config.managedBy')
    assert (mark.extensionKey, mark.type) == (
        'org.openstack.compute',
        'instance',
    )
    assert novas == {
        'name': 'first-vm-0000',
        'config.instanceUuid': inventory.make_uuid('first-vm-0000'),
        'config.template': False,
        'summary.config.memorySizeMB': 4096,
        'runtime.powerState': 'poweredOn',
        'runtime.host': host,
    }
    assert golden == {
        'name': 'golden',
        'config.instanceUuid': inventory.make_uuid('golden'),
        'config.template': True,
        'summary.config.memorySizeMB': 512,
        'runtime.powerState': 'poweredOff',
        'runtime.host': host,
    }


def test_novas_own_mark(admin):
    config = admin.vm('first-vm-0000').config
    values = {option.key: option.value for option in config.extraConfig}
    assert values['nvp.vm-uuid'] == config.instanceUuid
    options = admin.vm('golden').config.extraConfig
    assert 'nvp.vm-uuid' not in {option.key for option in options}


def test_a_vm_is_found_by_its_uuid(admin):
    found = admin.content.searchIndex.FindByUuid(
        None, inventory.make_uuid('idle'), True, True
    )
    assert found == admin.vm('idle')


def test_a_property_without_a_value(admin, read):
    vm = admin.vm('idle')
    assert vm.snapshot is None
    assert read(vm, 'name', 'snapshot') == {'name': 'idle'}


def test_a_property_that_does_not_exist(admin, read):
    with pytest.raises(vmodl.query.InvalidProperty) as caught:
        read(admin.vm('idle'), 'name', 'nmae')
    assert caught.value.name == 'nmae'


def test_what_does_not_exist_is_named(start_vcenter, described):
    wrong = inventory.Inventory(
        clusters=described.clusters[2:],
        vms=[inventory.VM('lost', 'nowhere', 'own')],
    )
    with pytest.raises(ChildProcessError, match='no such host: nowhere'):
        start_vcenter(wrong)


@pytest.mark.parametrize(
    ('allowed', 'page_size', 'sizes'),
    [
        (None, None, [5]),
        (2, None, [2, 2, 1]),
        (None, 3, [3, 2]),
        (2, 3, [2, 2, 1]),
        (4, 3, [3, 2]),
        (5, None, [5]),
    ],
)
def test_pages(start_vcenter, allowed, page_size, sizes):
    cluster = inventory.cluster('first', hosts=5)
    vcenter = start_vcenter(
        inventory.Inventory(clusters=[cluster], page_size=page_size)
    )
    admin = Administrator(vcenter.connect())
    collector = admin.content.propertyCollector
    hosts = admin.cluster('first').host
    page = collector.RetrievePropertiesEx(
        [properties.wanted(hosts, 'name')], _options(maxObjects=allowed)
    )
    pages = [page]
    while page.token:
        page = collector.ContinueRetrievePropertiesEx(page.token)
        pages.append(page)
    assert [len(page.objects) for page in pages] == sizes
    assert [found.obj for page in pages for found in page.objects] == hosts


def test_no_objects_are_no_answer(admin):
    view = admin.content.viewManager.CreateContainerView(
        admin.cluster('third'), [vim.HostSystem], True
    )
    wanted = properties.wanted([view], 'view')
    wanted.propSet[0].type = vim.HostSystem
    wanted.propSet[0].pathSet = ['name']
    assert (
        admin.content.propertyCollector.RetrievePropertiesEx(
            [wanted], _options()
        )
        is None
    )
