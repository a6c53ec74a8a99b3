# SPDX-License-Identifier: Apache-2.0
"""Disks and other files of virtual machines."""

import struct
import threading

import pytest
from pyVmomi import vim

from testbed.vcenter import inventory
from tests.vcenter import tasks
from tests.vcenter import transfer
from tests.vcenter.administrator import Administrator

HOST = 'first-esxi-01.example.org'
GIB = inventory.GIB
KIB = 1024
# What every VMDK of one file begins with, for 3 GiB.
STREAM = struct.pack('<4sIIQ', b'KDMV', 3, 0, 3 * GIB // 512).ljust(2048, b'x')


@pytest.fixture
def vcenter(start_vcenter):
    cluster = inventory.cluster('first', hosts=2)
    datastore = inventory.datastore('disk', cluster.hosts)
    return start_vcenter(
        inventory.Inventory(clusters=[cluster], datastores=[datastore])
    )


@pytest.fixture
def service(vcenter):
    return vcenter.connect()


@pytest.fixture
def admin(service):
    return Administrator(service)


@pytest.fixture
def datacenter(service):
    return service.content.rootFolder.childEntity[0]


@pytest.fixture
def manager(service):
    return service.content.virtualDiskManager


@pytest.fixture
def search(admin):
    """Return a function that returns {file: size} of a folder."""
    browser = admin.datastore('disk').browser

    def find(path='', spec=None):
        found = tasks.result(
            browser.SearchDatastore_Task(f'[disk] {path}', spec)
        )
        # A size of 0 is not sent.
        return {file.path: file.fileSize or 0 for file in found.file}

    return find


SIZES = vim.host.DatastoreBrowser.SearchSpec(
    details=vim.host.DatastoreBrowser.FileInfo.Details(
        fileSize=True, fileType=False, modification=False
    )
)


def create(manager, datacenter, name, capacity):
    spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
        capacityKb=capacity // KIB,
        diskType='thin',
        adapterType='lsiLogic',
    )
    tasks.result(
        manager.CreateVirtualDisk_Task(f'[disk] {name}', datacenter, spec)
    )


def disk_spec(capacity, key=-101, controller=-100, parent=None):
    backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
        fileName='[disk]' if parent is None else '',
        diskMode='persistent',
        thinProvisioned=True,
    )
    if parent:
        backing.parent = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
            fileName=parent, diskMode='persistent'
        )
    return vim.vm.device.VirtualDeviceSpec(
        operation='add',
        fileOperation='create',
        device=vim.vm.device.VirtualDisk(
            key=key,
            controllerKey=controller,
            unitNumber=0,
            capacityInKB=capacity // KIB,
            backing=backing,
        ),
    )


def controller_spec():
    return vim.vm.device.VirtualDeviceSpec(
        operation='add',
        device=vim.vm.device.VirtualLsiLogicController(
            key=-100, busNumber=0, sharedBus='noSharing'
        ),
    )


def config(name, *devices):
    return vim.vm.ConfigSpec(
        name=name,
        guestId='otherGuest',
        files=vim.vm.FileInfo(vmPathName='[disk]'),
        deviceChange=[controller_spec(), *devices],
    )


def disks(vm):
    return [
        device
        for device in vm.config.hardware.device
        if isinstance(device, vim.vm.device.VirtualDisk)
    ]


@pytest.fixture
def make_vm(admin, datacenter):
    """Return a function that makes a VM with one disk."""

    def make(name='one', capacity=GIB, **keywords):
        return tasks.result(
            datacenter.vmFolder.CreateVM_Task(
                config=config(name, disk_spec(capacity, **keywords)),
                pool=admin.cluster('first').resourcePool,
            )
        )

    return make


@pytest.fixture
def lease(admin, datacenter):
    """An import of a disk whose size is not known yet."""
    pool = admin.cluster('first').resourcePool
    return pool.ImportVApp(
        vim.vm.VmImportSpec(configSpec=config('imported', disk_spec(KIB))),
        datacenter.vmFolder,
    )


def test_a_disk_is_two_files(manager, datacenter, search):
    create(manager, datacenter, 'new.vmdk', GIB)
    assert search(spec=SIZES) == {'new.vmdk': 0, 'new-flat.vmdk': GIB}
    # Without a specification, only the names.
    assert set(search()) == {'new.vmdk', 'new-flat.vmdk'}
    with pytest.raises(vim.fault.FileAlreadyExists):
        create(manager, datacenter, 'new.vmdk', GIB)


def test_larger_and_not_smaller(manager, datacenter, search):
    create(manager, datacenter, 'new.vmdk', GIB)

    def extend(capacity, name='new.vmdk'):
        tasks.result(
            manager.ExtendVirtualDisk_Task(
                f'[disk] {name}', datacenter, capacity // KIB, False
            )
        )

    extend(2 * GIB)
    assert search(spec=SIZES)['new-flat.vmdk'] == 2 * GIB
    with pytest.raises(vim.fault.FileNotFound):
        extend(GIB, 'other.vmdk')
    with pytest.raises(Exception, match='newCapacityKb'):
        extend(GIB)


def test_copies(manager, datacenter, search):
    create(manager, datacenter, 'new.vmdk', GIB)

    def copy(source, target):
        tasks.result(
            manager.CopyVirtualDisk_Task(
                sourceName=f'[disk] {source}',
                sourceDatacenter=datacenter,
                destName=f'[disk] {target}',
            )
        )

    copy('new.vmdk', 'copy.vmdk')
    assert search(spec=SIZES)['copy-flat.vmdk'] == GIB
    with pytest.raises(vim.fault.FileAlreadyExists):
        copy('new.vmdk', 'copy.vmdk')
    with pytest.raises(vim.fault.FileNotFound):
        copy('other.vmdk', 'another.vmdk')


def test_a_copy_of_a_sparse_disk(
    vcenter, service, manager, datacenter, search
):
    for name, content in (('sparse', STREAM), ('text', b'text')):
        path = transfer.folder_path('disk', f'{name}.vmdk')
        answer = transfer.send(vcenter, 'PUT', path, content, service)
        assert answer.status == 201

    def copy(name):
        tasks.result(
            manager.CopyVirtualDisk_Task(
                sourceName=f'[disk] {name}.vmdk',
                sourceDatacenter=datacenter,
                destName=f'[disk] {name}-copy.vmdk',
            )
        )

    copy('sparse')
    assert search(spec=SIZES)['sparse-copy-flat.vmdk'] == 3 * GIB
    with pytest.raises(vim.fault.InvalidDiskFormat):
        copy('text')


def test_disks_of_a_vm(make_vm, admin):
    vm = make_vm()
    (disk,) = disks(vm)
    assert disk.capacityInBytes == GIB
    assert disk.capacityInKB == GIB // KIB
    (controller,) = [
        device
        for device in vm.config.hardware.device
        if isinstance(device, vim.vm.device.VirtualLsiLogicController)
    ]
    assert controller.scsiCtlrUnitNumber == 7
    # Nobody writes into it.
    assert admin.datastore('disk').summary.freeSpace == 4000 * GIB
    admin.destroy_vm('one')
    assert admin.datastore('disk').summary.freeSpace == 4000 * GIB


def test_a_disk_with_a_parent(make_vm, manager, datacenter):
    create(manager, datacenter, 'parent.vmdk', 2 * GIB)
    vm = make_vm(parent='[disk] parent.vmdk')
    (disk,) = disks(vm)
    assert disk.capacityInBytes == 2 * GIB
    assert disk.backing.parent.fileName == '[disk] parent.vmdk'


def test_a_clone_has_disks_of_its_own(make_vm, datacenter):
    vm = make_vm()
    (before,) = disks(vm)
    clone = tasks.result(
        vm.CloneVM_Task(
            folder=datacenter.vmFolder,
            name='two',
            spec=vim.vm.CloneSpec(
                location=vim.vm.RelocateSpec(), template=True, powerOn=False
            ),
        )
    )
    (after,) = disks(vm)
    (cloned,) = disks(clone)
    assert after.backing.fileName == before.backing.fileName
    assert cloned.backing.fileName == '[disk] two/two.vmdk'
    assert cloned.capacityInBytes == GIB


def test_an_import(vcenter, lease, search):
    vm = lease.info.entity
    path = transfer.lease_path(lease)
    # Which needs no session.
    assert transfer.send(vcenter, 'PUT', path, STREAM).status == 201
    lease.HttpNfcLeaseProgress(percent=100)
    lease.HttpNfcLeaseComplete()
    (disk,) = disks(vm)
    assert disk.capacityInBytes == 3 * GIB
    assert search('imported', SIZES)['imported-flat.vmdk'] == 3 * GIB
    assert transfer.send(vcenter, 'PUT', path, STREAM).status == 404


def test_the_end_of_an_import_waits_for_its_disks(vcenter, lease):
    path = transfer.lease_path(lease)
    ended = threading.Event()

    def complete():
        lease.HttpNfcLeaseComplete()
        ended.set()

    thread = threading.Thread(target=complete)
    thread.start()
    assert not ended.is_set()
    # And others are answered meanwhile.
    assert vcenter.connect().content.about.version
    assert transfer.send(vcenter, 'PUT', path, STREAM).status == 201
    thread.join()
    assert ended.is_set()


def test_an_import_that_is_given_up(vcenter, service, lease, search):
    path = transfer.lease_path(lease)
    lease.HttpNfcLeaseAbort()
    assert transfer.send(vcenter, 'PUT', path, STREAM).status == 404
    folder = service.content.rootFolder.childEntity[0].vmFolder
    assert folder.childEntity == []
    assert search() == {}


def test_an_export(vcenter, lease, make_vm, admin):
    transfer.send(vcenter, 'PUT', transfer.lease_path(lease), STREAM)
    lease.HttpNfcLeaseComplete()
    exported = admin.vm('imported').ExportVm()
    path = transfer.lease_path(exported)
    assert transfer.send(vcenter, 'GET', path) == (200, STREAM)
    assert transfer.send(vcenter, 'PUT', path, STREAM).status == 405
    exported.HttpNfcLeaseComplete()
    assert transfer.send(vcenter, 'GET', path).status == 404
    # What was never imported is empty.
    content = transfer.send(
        vcenter, 'GET', transfer.lease_path(make_vm().ExportVm())
    ).content
    magic, _, _, sectors = struct.unpack_from('<4sIIQ', content)
    assert (magic, sectors * 512) == (b'KDMV', GIB)
    assert b'createType="streamOptimized"' in content


def test_no_export_of_what_runs(make_vm, admin):
    vm = make_vm()
    admin.power_on('one')
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.ExportVm()


def test_files_of_a_datastore(vcenter, service, search):
    path = transfer.folder_path('disk', 'folder/file.iso')
    assert transfer.send(vcenter, 'PUT', path, b'text').status == 401
    assert transfer.send(vcenter, 'GET', path, None, service).status == 404
    assert transfer.send(vcenter, 'PUT', path, b'text', service).status == 201
    assert transfer.send(vcenter, 'GET', path, None, service) == (200, b'text')
    assert search('folder', SIZES) == {'file.iso': 4}
    assert transfer.send(vcenter, 'GET', path).status == 401
    other = transfer.folder_path('other', 'file')
    assert transfer.send(vcenter, 'PUT', other, b'', service).status == 404


def test_no_file_outside_of_a_datastore(vcenter, service, search):
    path = transfer.folder_path('disk', '%2e%2e/%2e%2e/outside')
    transfer.send(vcenter, 'PUT', path, b'text', service)
    assert set(search()) <= {'outside'}
    assert not list(vcenter._folder.rglob('../outside'))
