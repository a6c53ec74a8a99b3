# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import struct
import subprocess

import pytest

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.installed import skip_without

MIB = 1024**2


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """The same disk in each format and subformat; name -> path."""
    skip_without('qemu-img')
    return disk_files.every_kind(tmp_path_factory.mktemp('disks'))


@pytest.fixture
def streamed(tmp_path, disks):
    """A streamOptimized VMDK written by VMDKstream."""
    skip_without(disk_files.VMDKSTREAM)
    return disk_files.vmdkstream(disks['raw'], tmp_path / 'streamed.vmdk')


def by_qemu(path, disk_format):
    done = subprocess.run(
        ['qemu-img', 'info', '--output=json', '-f', disk_format, path],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize('subformat', disk_files.SUBFORMATS)
def test_vmdk(disks, subformat):
    path = disks[subformat]
    disk = inspect(path)
    files = {path, *(path.parent / extent.file for extent in disk.extents)}
    qemu = by_qemu(path, 'vmdk')
    assert disk.name == str(path)
    assert disk.format == 'vmdk'
    assert disk.create_type == subformat
    assert disk.virtual_bytes == qemu['virtual-size'] == 16 * MIB
    assert disk.grain_bytes == qemu.get('cluster-size')
    assert (disk.adapter_type, disk.hardware_version) == ('ide', '4')
    assert disk.file_bytes == sum(file.stat().st_size for file in files)
    assert disk.allocated_bytes == sum(
        file.stat().st_blocks * 512 for file in files
    )
    assert len(files) == len(disk.extents) + (
        subformat not in ('monolithicSparse', 'streamOptimized')
    )


def test_extents(disks):
    disk = inspect(disks['monolithicFlat'])
    assert disk.extents == (
        Extent('RW', 16 * MIB, 'FLAT', 'monolithicFlat-flat.vmdk', 0),
    )


def test_what_the_descriptor_says(tmp_path):
    skip_without('qemu-img')
    path = disk_files.vmdk(
        tmp_path, 'streamOptimized', adapter_type='lsilogic', hwversion='13'
    )
    disk = inspect(path)
    assert (disk.adapter_type, disk.hardware_version) == ('lsilogic', '13')


@pytest.mark.parametrize(
    ('name', 'found', 'formats'),
    [
        ('raw', 'raw', ('raw',)),
        ('qcow2', 'qcow2', ('qcow2',)),
        ('vdi', 'vdi', ('vdi',)),
        ('vhdx', 'vhdx', ('vhdx',)),
        ('vpc', 'vhd', ('vhd',)),
    ],
)
def test_other_formats(disks, name, found, formats):
    disk = inspect(disks[name])
    assert (disk.format, disk.formats) == (found, formats)
    assert disk.virtual_bytes == by_qemu(disks[name], name)['virtual-size']
    assert disk.file_bytes == disks[name].stat().st_size
    assert disk.create_type is None


def test_partition_table_on_a_raw_disk(tmp_path, disks):
    content = bytearray(disks['raw'].read_bytes())
    content[510:512] = b'\x55\xaa'
    path = tmp_path / 'disk.img'
    path.write_bytes(content)
    disk = inspect(path)
    assert (disk.format, disk.formats) == ('raw', ('gpt',))
    assert disk.failures == ('mbr: GPT MBR has no partitions defined',)


def test_iso(tmp_path):
    skip_without('qemu-img')
    path = tmp_path / 'system.iso'
    content = bytearray(MIB)
    content[32768:32774] = b'\x01CD001'
    path.write_bytes(content)
    disk = inspect(path)
    assert (disk.format, disk.virtual_bytes) == ('iso', MIB)


def test_another_writer(streamed):
    disk = inspect(streamed)
    qemu = by_qemu(streamed, 'vmdk')
    assert disk.create_type == 'streamOptimized'
    assert disk.virtual_bytes == qemu['virtual-size'] == 16 * MIB
    assert disk.grain_bytes == qemu['cluster-size']
    assert (disk.adapter_type, disk.hardware_version) == ('lsilogic', '7')
    assert disk.extents == (
        Extent('RDONLY', 16 * MIB, 'SPARSE', 'call-me-stream.vmdk'),
    )
    assert disk.failures == ()


@pytest.mark.parametrize('subformat', disk_files.SUBFORMATS)
def test_another_reader(disks, subformat):
    skip_without('vmdkinfo')
    said = subprocess.run(
        ['vmdkinfo', disks[subformat]],
        stdout=subprocess.PIPE,
        encoding='utf-8',
        check=True,
    ).stdout
    assert f'({inspect(disks[subformat]).virtual_bytes} bytes)' in said


def test_what_esxi_writes(tmp_path):
    """A flat disk as a datastore has it, with ESXi's own descriptor."""
    skip_without('qemu-img')
    disk_files.raw(tmp_path / 'web-flat.vmdk')
    path = tmp_path / 'web.vmdk'
    path.write_text(
        '# Disk DescriptorFile\n'
        'version=1\n'
        'encoding="UTF-8"\n'
        'CID=fffffffe\n'
        'parentCID=ffffffff\n'
        'isNativeSnapshot="no"\n'
        'createType="vmfs"\n'
        '\n'
        '# Extent description\n'
        f'RW {16 * MIB // 512} VMFS "web-flat.vmdk"\n'
        '\n'
        '# The Disk Data Base \n'
        '#DDB\n'
        '\n'
        'ddb.adapterType = "lsilogic"\n'
        'ddb.thinProvisioned = "1"\n'
        'ddb.uuid = "60 00 C2 9d 5c 3f 6a 8e-a1 9e 5e 0e 4b 3d 1a 7c"\n'
        'ddb.virtualHWVersion = "19"\n'
    )
    disk = inspect(path)
    assert disk.create_type == 'vmfs'
    assert disk.extents == (Extent('RW', 16 * MIB, 'VMFS', 'web-flat.vmdk'),)
    assert (disk.adapter_type, disk.hardware_version) == ('lsilogic', '19')
    assert disk.virtual_bytes == 16 * MIB
    # Its holes, of which nothing is known behind a copy to elsewhere.
    assert disk.allocated_bytes < 4 * MIB < disk.file_bytes


def test_dos_line_ends(tmp_path, disks):
    text = disks['monolithicFlat'].read_bytes().partition(b'\0')[0]
    folder = disks['monolithicFlat'].parent
    path = folder / 'dos.vmdk'
    path.write_bytes(text.replace(b'\n', b'\r\n'))
    assert inspect(path).virtual_bytes == 16 * MIB


@pytest.mark.parametrize('subformat', ['monolithicSparse', 'streamOptimized'])
def test_image_in_glance(disks, subformat):
    path = disks[subformat]
    with FileContent(path) as content:
        disk = inspect_content(content)
    here = inspect(path)
    assert disk.virtual_bytes == here.virtual_bytes
    assert disk.extents == here.extents
    assert disk.grain_bytes == here.grain_bytes
    assert disk.allocated_bytes is None


def test_flat_data_in_glance(disks):
    # As such an image is stored for a preallocated disk.
    path = disks['monolithicFlat'].parent / 'monolithicFlat-flat.vmdk'
    with FileContent(path) as content:
        disk = inspect_content(content)
    assert (disk.format, disk.virtual_bytes) == ('raw', 16 * MIB)


def test_descriptor_in_glance(disks):
    with (
        FileContent(disks['twoGbMaxExtentSparse']) as content,
        pytest.raises(DiskError, match='descriptor of a twoGbMaxExtentSparse'),
    ):
        inspect_content(content)


def test_link_to_a_disk(tmp_path, disks):
    link = tmp_path / 'disk.qcow2'
    link.symlink_to(disks['qcow2'])
    assert inspect(link).format == 'qcow2'


def test_extent_behind_a_link_in_the_folder(tmp_path, disks):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(disks['monolithicFlat'].read_bytes())
    data = tmp_path / 'elsewhere'
    data.write_bytes(disks['raw'].read_bytes())
    (tmp_path / 'monolithicFlat-flat.vmdk').symlink_to(data)
    assert inspect(path).virtual_bytes == 16 * MIB


def test_name_without_a_folder(disks, monkeypatch):
    monkeypatch.chdir(disks['raw'].parent)
    path = pathlib.Path('twoGbMaxExtentFlat.vmdk')
    assert inspect(path).name == 'twoGbMaxExtentFlat.vmdk'


def test_member_of_what_is_no_ova(disks):
    with pytest.raises(DiskError, match=r"not an OVA, so it has no disk 'a'"):
        inspect(disks['raw'], 'a')


def test_encrypted(tmp_path, disks):
    path = tmp_path / 'disk.qcow2'
    content = bytearray(disks['qcow2'].read_bytes())
    content[32:36] = b'\0\0\0\1'
    path.write_bytes(content)
    with pytest.raises(DiskError, match='encrypted') as error:
        inspect(path)
    assert error.type is not UnsafeDisk


def test_without_qemu_img(disks, monkeypatch):
    monkeypatch.setenv('PATH', '/nonexistent')
    with pytest.raises(DiskError, match='qemu-img is not installed'):
        inspect(disks['qcow2'])


@pytest.fixture
def qcow2(tmp_path, disks):
    path = tmp_path / 'disk.qcow2'
    path.write_bytes(disks['qcow2'].read_bytes())
    return path


def test_truncated_qcow2(qcow2):
    # As of a download that broke off; who reads it sees zeros.
    with qcow2.open('r+b') as file:
        file.truncate(qcow2.stat().st_size - MIB)
    with pytest.raises(UnsafeDisk, match='it is truncated'):
        inspect(qcow2)


def test_corrupt_qcow2(qcow2):
    content = bytearray(qcow2.read_bytes())
    # Where it counts who refers to each cluster: so, nobody does.
    (table,) = struct.unpack_from('>Q', content, 48)
    content[table : table + 8] = bytes(8)
    qcow2.write_bytes(content)
    with pytest.raises(DiskError, match='corruptions; it may be trunc'):
        inspect(qcow2)


def test_qcow2_with_clusters_that_nothing_refers_to(qcow2):
    subprocess.run(['qemu-img', 'snapshot', '-c', 'one', qcow2], check=True)
    content = bytearray(qcow2.read_bytes())
    # nb_snapshots: the snapshot is forgotten, its clusters are not.
    content[60:64] = bytes(4)
    qcow2.write_bytes(content)
    check = subprocess.run(['qemu-img', 'check', '-f', 'qcow2', qcow2])
    assert check.returncode == 3
    assert inspect(qcow2).format == 'qcow2'


@pytest.mark.parametrize('length', range(1, 8))
def test_what_qemu_img_leaves_behind_a_descriptor(disks, tmp_path, length):
    # One in a hundred flat disks has some, by its random CID.
    text = disks['monolithicFlat'].read_bytes().partition(b'\0')[0]
    path = tmp_path / 'monolithicFlat.vmdk'
    path.write_bytes((text + b'\0' + text[-length:]).ljust(512, b'\0'))
    extent = 'monolithicFlat-flat.vmdk'
    (tmp_path / extent).hardlink_to(disks['monolithicFlat'].parent / extent)
    assert inspect(path).create_type == 'monolithicFlat'
