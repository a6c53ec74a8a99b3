# SPDX-License-Identifier: Apache-2.0
"""Calls as nova's driver makes them, and others do not."""

import datetime
import http.client
import ssl
from xml.etree import ElementTree

import pytest
from pyVmomi import vim
from pyVmomi import vmodl

from testbed.vcenter import inventory
from tests.vcenter import properties
from tests.vcenter import tasks
from tests.vcenter import transfer
from tests.vcenter.administrator import Administrator

_collector = vmodl.query.PropertyCollector
_WSDL = '/sdk/vimService.wsdl'


@pytest.fixture(scope='module')
def vcenter(make_vcenter):
    cluster = inventory.cluster('first', hosts=2)
    datastore = inventory.datastore('disk', cluster.hosts)
    with make_vcenter(
        inventory.Inventory(
            clusters=[cluster],
            datastores=[datastore],
            vms=inventory.vms(cluster, datastore, 3),
        )
    ) as started:
        yield started


@pytest.fixture
def service(vcenter):
    return vcenter.connect()


@pytest.fixture
def admin(service):
    return Administrator(service)


def retrieve(service, spec):
    return service.content.propertyCollector.RetrievePropertiesEx(
        [spec], _collector.RetrieveOptions()
    )


def path(name, kind, property_name, *after):
    return _collector.TraversalSpec(
        name=name,
        type=kind,
        path=property_name,
        skip=False,
        selectSet=[_collector.SelectionSpec(name=other) for other in after],
    )


def find(service, kind, paths):
    """Return the names of what is found from the root by paths."""
    first = paths[0]
    first.selectSet += paths[1:]
    spec = _collector.FilterSpec(
        objectSet=[
            _collector.ObjectSpec(
                obj=service.content.rootFolder, skip=False, selectSet=[first]
            )
        ],
        propSet=[_collector.PropertySpec(type=kind, pathSet=['name'])],
    )
    answer = retrieve(service, spec)
    return sorted(found.propSet[0].val for found in answer.objects)


def test_the_description_of_the_api(vcenter):
    answer = transfer.send(vcenter, 'GET', _WSDL)
    assert answer.status == 200
    root = ElementTree.fromstring(answer.content)
    schema = '{http://www.w3.org/2001/XMLSchema}'
    names = [found.get('name') for found in root.iter(f'{schema}complexType')]
    known = [name for name in names if name]
    assert len(set(known)) == len(known)
    assert {
        'ArrayOfHostSystem',
        'ArrayOfManagedObjectReference',
        'LocalizedMethodFault',
        'VirtualMachineConfigSpec',
    } & set(known) == {
        # References are of one type, whatever to.
        'ArrayOfManagedObjectReference',
        'LocalizedMethodFault',
        'VirtualMachineConfigSpec',
    }
    wsdl = '{http://schemas.xmlsoap.org/wsdl/}'
    operations = [
        found.get('name')
        for found in root.iterfind(f'{wsdl}portType/{wsdl}operation')
    ]
    assert len(set(operations)) == len(operations)
    assert {'RetrieveServiceContent', 'CreateVM_Task'} <= set(operations)


def test_all_types_are_described(vcenter):
    root = ElementTree.fromstring(transfer.send(vcenter, 'GET', _WSDL).content)
    schema = '{http://www.w3.org/2001/XMLSchema}'
    described = {
        f'vim25:{found.get("name")}'
        for kind in ('complexType', 'simpleType')
        for found in root.iter(f'{schema}{kind}')
    }
    used = {found.get('type') for found in root.iter(f'{schema}element')}
    used |= {found.get('base') for found in root.iter(f'{schema}extension')}
    ours = {name for name in used if name and name.startswith('vim25:')}
    assert ours <= described


def test_paths_that_lead_back(service):
    paths = [
        path('folders', vim.Folder, 'childEntity', 'folders', 'hosts', 'vms'),
        path('hosts', vim.Datacenter, 'hostFolder', 'folders', 'clusters'),
        path('vms', vim.Datacenter, 'vmFolder', 'folders'),
        path('clusters', vim.ComputeResource, 'host', 'back'),
        path('back', vim.HostSystem, 'parent', 'clusters'),
    ]
    assert find(service, vim.VirtualMachine, paths) == [
        f'first-vm-{number:04}' for number in range(3)
    ]


def test_paths_are_of_one_type(service):
    # All of them have a parent, but the path is that of hosts only.
    paths = [
        path('folders', vim.Folder, 'childEntity', 'hosts', 'parents'),
        path('hosts', vim.Datacenter, 'hostFolder', 'folders', 'parents'),
        path('parents', vim.HostSystem, 'parent', 'parents'),
    ]
    assert find(service, vim.Datacenter, paths) == ['datacenter']
    # One of a kind of theirs is theirs, too.
    paths = [
        path('folders', vim.Folder, 'childEntity', 'hosts', 'networks'),
        path('hosts', vim.Datacenter, 'hostFolder', 'folders'),
        path('networks', vim.ComputeResource, 'host'),
    ]
    assert len(find(service, vim.HostSystem, paths)) == 2


def test_a_path_that_is_not_described(service):
    with pytest.raises(vmodl.fault.InvalidArgument):
        find(
            service,
            vim.HostSystem,
            [path('folders', vim.Folder, 'childEntity', 'other')],
        )


def test_one_element_of_a_property(service, admin):
    vm = admin.vm('first-vm-0000')
    wanted = 'config.extraConfig["nvp.vm-uuid"]'
    missing = 'config.extraConfig["no such key"]'
    found = properties.read(service.content, vm, wanted, missing, 'name')
    assert set(found) == {wanted, 'name'}
    assert found[wanted].value == vm.config.instanceUuid


def test_virtual_machines_by_uuid(service, admin):
    vm = admin.vm('first-vm-0001')
    search = service.content.searchIndex
    for uuid, of_instance in (
        (vm.config.instanceUuid, True),
        (vm.config.uuid, False),
    ):
        assert search.FindAllByUuid(
            uuid=uuid, vmSearch=True, instanceUuid=of_instance
        ) == [vm]
        assert (
            search.FindAllByUuid(
                uuid=uuid, vmSearch=True, instanceUuid=not of_instance
            )
            == []
        )


def test_extensions(service):
    manager = service.content.extensionManager
    assert manager.FindExtension('org.example') is None
    extension = vim.Extension(
        key='org.example',
        version='1',
        description=vim.Description(label='', summary=''),
        lastHeartbeatTime=datetime.datetime.now(datetime.UTC),
    )
    manager.RegisterExtension(extension)
    assert manager.FindExtension('org.example').version == '1'
    with pytest.raises(vmodl.fault.InvalidArgument):
        manager.RegisterExtension(extension)


def test_a_vm_is_put_on_a_host_that_runs(service, admin):
    hosts = admin.cluster('first').host
    admin.enter_maintenance(hosts[1].name)
    folder = service.content.rootFolder.childEntity[0].vmFolder
    try:
        for number in range(3):
            vm = tasks.result(
                folder.CreateVM_Task(
                    config=vim.vm.ConfigSpec(
                        name=f'new-{number}',
                        files=vim.vm.FileInfo(vmPathName='[disk]'),
                    ),
                    pool=admin.cluster('first').resourcePool,
                )
            )
            assert vm.runtime.host == hosts[0]
    finally:
        admin.exit_maintenance(hosts[1].name)
    # And not in some other order.
    assert admin.cluster('first').host == hosts


def test_files_go_to_vcenter_only(service):
    with pytest.raises(vmodl.fault.NotSupported):
        service.content.sessionManager.AcquireGenericServiceTicket(
            spec=vim.SessionManager.HttpServiceRequestSpec(
                method='PUT', url='https://first-esxi-01.example.org/folder/a'
            )
        )


def post(vcenter, service, body):
    """Send SOAP as some client writes it."""
    connection = http.client.HTTPSConnection(
        vcenter.host,
        vcenter.port,
        context=ssl.create_default_context(cafile=vcenter.ca_file),
    )
    try:
        connection.request(
            'POST',
            '/sdk',
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:s="http://www.w3.org/2001/XMLSchema"'
            f' xmlns:ns1="urn:vim25"><e:Body>{body}</e:Body></e:Envelope>',
            {'Cookie': service._stub.cookie.partition(';')[0]},
        )
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_prefixes_are_those_of_the_client(vcenter, service, admin):
    vm = admin.vm('first-vm-0002')
    answer = post(
        vcenter,
        service,
        f'<ns1:ReconfigVM_Task><ns1:_this type="VirtualMachine">{vm._moId}'
        '</ns1:_this><ns1:spec><ns1:extraConfig i:type="ns1:OptionValue">'
        '<ns1:key>key</ns1:key><ns1:value i:type="s:string">value'
        '</ns1:value></ns1:extraConfig></ns1:spec></ns1:ReconfigVM_Task>',
    )
    assert 'Fault' not in answer
    wanted = 'config.extraConfig["key"]'
    found = properties.read(service.content, vm, wanted)
    assert found[wanted].value == 'value'


def test_a_time_without_a_zone(vcenter, service):
    answer = post(
        vcenter,
        service,
        '<ns1:RegisterExtension><ns1:_this type="ExtensionManager">'
        'ExtensionManager</ns1:_this><ns1:extension>'
        '<ns1:key>org.example.time</ns1:key><ns1:version>1</ns1:version>'
        '<ns1:lastHeartbeatTime>2026-01-02T03:04:05.678901'
        '</ns1:lastHeartbeatTime></ns1:extension></ns1:RegisterExtension>',
    )
    assert 'Fault' not in answer
    manager = service.content.extensionManager
    assert manager.FindExtension('org.example.time')
