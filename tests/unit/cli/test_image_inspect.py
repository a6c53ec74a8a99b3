# SPDX-License-Identifier: Apache-2.0
"""``image inspect`` of disks and archives, as its user sees it."""

import errno
import os
import pathlib
import shutil
import subprocess

import pytest

from hypervisor_affinity.image import confirmation
from tests import disk_files
from tests.installed import skip_without

MIB = disk_files.MIB

OVF = b"""<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
  <DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"
      ovf:capacity="16777216"/></DiskSection>
  <VirtualSystem ovf:id="vm">
    <OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"/>
  </VirtualSystem>
</Envelope>
"""


@pytest.fixture
def disk(tmp_path):
    """Return a function that writes a VMDK."""
    skip_without('qemu-img')
    return lambda subformat, **options: disk_files.vmdk(
        tmp_path, subformat, **options
    )


def values(done, part):
    """Return what is said of a part: {subject: value}."""
    return {
        row['Subject']: row['Value']
        for row in done.json()
        if row['Part'] == part
    }


def test_a_disk_for_esxi(run, disk):
    path = disk('streamOptimized', adapter_type='lsilogic', hwversion='10')
    done = run(
        *('image', 'inspect', path, '-f', 'json'),
        *('--os-distro', 'ubuntu', '--os-version', '22.04'),
    )
    assert done.code == 0
    said = values(done, 'disk')
    assert said['subformat'] == 'streamOptimized'
    assert said['hardware version'] == '10'
    # Programs get bytes.
    assert said['virtual size'] == 16 * MIB
    assert said['size of files'] == path.stat().st_size
    assert values(done, 'property') == {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'streamOptimized',
        'vmware_adaptertype': 'lsiLogic',
        'vmware_ostype': 'ubuntu64Guest',
    }
    assert values(done, 'travel') == {
        'to Glance': path.stat().st_size,
        'to each datastore': path.stat().st_size,
        'kept there, at most': 16 * MIB,
    }
    for taker in ('glance', 'kvm', 'vsphere'):
        assert list(values(done, taker)) == ['accepts it']


def test_what_decides_with_and_without_the_properties(run, disk):
    done = run('image', 'inspect', disk('monolithicSparse'), '-f', 'json')
    assert values(done, 'demand') == {
        'without properties': 'image needs VMware (disk_format=vmdk)',
        'with these properties': (
            'image needs VMware (hypervisor_type=vmware)'
        ),
    }


def test_the_options_count(run, disk, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text('[hypervisor_affinity]\nvmdk_images = flexible\n')
    done = run(
        *('image', 'inspect', disk('monolithicSparse'), '-f', 'json'),
        *('--nova-conf', conf),
    )
    said = values(done, 'demand')
    assert said['without properties'] == 'can run on any hypervisor'


def test_a_disk_that_glance_refuses(run, disk):
    path = disk('monolithicFlat')
    done = run('image', 'inspect', path)
    assert done.code == 1
    first = done.out.splitlines()[0]
    assert first.startswith(f'{path}: vmdk monolithicFlat; Glance refuses it')
    assert '"image prepare"' in first
    assert 'FLAT monolithicFlat-flat.vmdk' in done.out
    assert 'travel' not in done.out


def test_an_ova_tells_its_guest(run, disk, tmp_path):
    content = disk('streamOptimized').read_bytes()
    path = disk_files.archive(
        tmp_path / 'x.ova', {'x.ovf': OVF, 'disk.vmdk': content}
    )
    done = run('image', 'inspect', path, '-f', 'json')
    assert done.code == 0
    assert values(done, 'ova') == {
        'disk': 'disk.vmdk',
        'guest id': 'ubuntu64Guest',
    }
    said = values(done, 'demand')['without properties']
    assert said == 'image needs VMware (container_format=ova)'
    assert values(done, 'property') == {}
    assert list(values(done, 'vsphere')) == ['refuses it']
    headline, *_ = run('image', 'inspect', path).out.splitlines()
    assert 'Glance accepts it; no hypervisor boots it: the driver' in headline
    assert headline.endswith('extract the disk with "image prepare"')


def test_an_ova_tells_its_controller(run, disk, tmp_path):
    hardware = b"""<VirtualHardwareSection>
      <Item><InstanceID>3</InstanceID><ResourceType>20</ResourceType>
        <ResourceSubType>AHCI</ResourceSubType></Item>
      <Item><HostResource>/disk/d</HostResource><InstanceID>4</InstanceID>
        <Parent>3</Parent><ResourceType>17</ResourceType></Item>
      </VirtualHardwareSection></VirtualSystem>"""
    path = disk_files.archive(
        tmp_path / 'x.ova',
        {
            'x.ovf': OVF.replace(b'</VirtualSystem>', hardware),
            'disk.vmdk': disk('streamOptimized').read_bytes(),
        },
    )
    said = values(run('image', 'inspect', path, '-f', 'json'), 'ova')
    assert said['controller'].startswith('SATA (AHCI); nova has no vmware_')
    assert '--adapter-type' in said['controller']
    assert 'adapter type' not in said
    target = tmp_path / 'new.vmdk'
    done = run('image', 'prepare', path, target)
    assert 'The OVF has disk.vmdk on SATA (AHCI)' in done.out
    assert 'If the guest has no driver for ide, use --adapter-type' in done.out
    # As the descriptor spells it.
    done = run(
        *('image', 'prepare', path, target, '--replace'),
        *('--adapter-type', 'lsilogic'),
    )
    assert 'vmware_adaptertype=lsiLogic' in done.out
    assert 'AHCI' not in done.out


def test_the_owner_is_asked(run, disk):
    done = run('image', 'inspect', disk('streamOptimized'))
    assert 'vmware_ostype' in done.out
    assert 'is IDE intended?' in done.out


@pytest.mark.parametrize(
    ('arguments', 'code', 'words'),
    [
        (['--os-version', '9'], 2, '--os-version needs --os-distro'),
        (['--os-distro', 'beos'], 2, 'no guest id of vSphere is known for'),
        (['--vif-model', 'virtio'], 2, "no network adapter 'virtio'"),
        (['--adapter-type', 'busLogic'], 3, '"image prepare --adapter-type'),
    ],
)
def test_what_cannot_be(run, disk, arguments, code, words):
    done = run('image', 'inspect', disk('streamOptimized'), *arguments)
    assert done.code == code
    assert words in done.err
    assert not done.out


def test_what_is_left_out_is_said(run, tmp_path, monkeypatch):
    path = tmp_path / 'disk.vdi'
    create = ['qemu-img', 'create', '-q', '-fvdi', path, '1G']
    subprocess.run(create, check=True)
    monkeypatch.setattr(confirmation, '_MAX_MAP', 4095)
    done = run('image', 'inspect', path, '-f', 'json')
    assert done.code == 0
    (said,) = (row for row in done.json() if row['Part'] == 'warning')
    assert said['Subject'] == 'not checked'
    assert said['Value'] == (
        'qemu-img did not open it, and its partitions were not looked for: '
        'its map has 4 KiB, all of which qemu-img reads into memory; '
        '"image prepare" and "image upload" have it opened'
    )


def test_a_file_that_is_not_there(run, tmp_path):
    done = run('image', 'inspect', tmp_path / 'none.vmdk')
    assert done.code == 3
    assert done.err == (f'image inspect: {tmp_path}/none.vmdk: no such file\n')


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Be in an empty folder, without a cloud."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(tmp_path / 'none.yaml'))


@pytest.mark.usefixtures('nowhere')
@pytest.mark.parametrize('command', ['inspect', 'prepare', 'upload'])
@pytest.mark.parametrize('name', ['disk.raw', './disk.raw'])
def test_a_file_that_may_not_be_read(run, monkeypatch, command, name):
    stat = pathlib.Path.stat

    def refuse(path, **options):
        # Nobody refuses it to root.
        if path.name == 'disk.raw':
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return stat(path, **options)

    monkeypatch.setattr(pathlib.Path, 'stat', refuse)
    done = run('image', command, name)
    assert done.code == 3
    assert done.err == f'image {command}: disk.raw: Permission denied\n'


@pytest.mark.usefixtures('nowhere')
@pytest.mark.parametrize('command', ['inspect', 'prepare', 'upload'])
def test_a_name_that_is_too_long(run, tmp_path, command):
    (tmp_path / 'folder').mkdir()
    done = run('image', command, f'./folder/{"x" * 256}')
    assert done.code == 3
    assert done.err == (
        f'image {command}: folder/{"x" * 256}: File name too long\n'
    )


@pytest.mark.usefixtures('nowhere')
@pytest.mark.parametrize('command', ['inspect', 'prepare', 'upload'])
@pytest.mark.parametrize(
    ('name', 'why'),
    [
        ('loop.vmdk', 'Too many levels of symbolic links'),
        ('./loop.vmdk', 'Too many levels of symbolic links'),
        ('lost.vmdk', 'is a link to a file that does not exist'),
        ('./none.vmdk', 'no such file'),
        ('file/none.vmdk', 'Not a directory'),
    ],
)
def test_a_name_that_leads_nowhere(run, tmp_path, command, name, why):
    (tmp_path / 'loop.vmdk').symlink_to('loop.vmdk')
    (tmp_path / 'lost.vmdk').symlink_to('none')
    (tmp_path / 'file').touch()
    done = run('image', command, name)
    assert (done.code, done.out) == (3, '')
    assert done.err == f'image {command}: {name.removeprefix("./")}: {why}\n'


@pytest.mark.usefixtures('nowhere')
@pytest.mark.parametrize('kind', ['streamOptimized', 'monolithicFlat'])
def test_a_target_that_leads_to_itself(run, disk, tmp_path, kind):
    source = disk('streamOptimized')
    (tmp_path / 'loop.vmdk').symlink_to('loop.vmdk')
    before = sorted(tmp_path.iterdir())
    done = run('image', 'prepare', source, 'loop.vmdk', '--type', kind)
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        'image prepare: loop.vmdk: Too many levels of symbolic links\n'
    )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures('nowhere')
def test_a_directory_that_was_deleted(run, tmp_path):
    (tmp_path / 'deleted').mkdir()
    os.chdir(tmp_path / 'deleted')
    (tmp_path / 'deleted').rmdir()
    done = run('image', 'inspect', 'disk.vmdk')
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        'hypervisor-affinity: the current directory cannot be found: No such '
        'file or directory; change to one that exists\n'
    )


@pytest.mark.usefixtures('nowhere')
def test_a_target_that_is_too_long(run, disk):
    target = f'{"x" * 251}.vmdk'
    done = run('image', 'prepare', disk('streamOptimized'), target)
    assert done.code == 3
    assert done.err == f'image prepare: {target}: File name too long\n'


@pytest.mark.usefixtures('nowhere')
def test_an_image_may_have_a_longer_name_than_a_file(run):
    done = run('image', 'inspect', 'ü' * 255)
    assert done.code == 3
    assert f'{"ü" * 255}: no such file, and no cloud to read' in done.err


@pytest.mark.parametrize(
    ('command', 'missing', 'package'),
    [
        ('inspect', 'qemu-img', 'qemu-utils'),
        ('inspect', 'prlimit', 'util-linux'),
        ('prepare', 'setpriv', 'util-linux'),
    ],
)
def test_a_program_that_is_missing(
    run, disk, tmp_path, monkeypatch, command, missing, package
):
    source = disk('streamOptimized')
    folder = tmp_path / 'bin'
    folder.mkdir()
    for program in {'qemu-img', 'prlimit', 'setpriv'} - {missing}:
        (folder / program).symlink_to(shutil.which(program))
    monkeypatch.setenv('PATH', str(folder))
    monkeypatch.chdir(tmp_path)
    done = run('image', command, source)
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert line.startswith(f'image {command}: {missing} is not installed; ')
    assert line.endswith(package)


def test_a_program_that_does_not_run(run, disk, tmp_path, monkeypatch):
    source = disk('streamOptimized')
    folder = tmp_path / 'bin'
    folder.mkdir()
    for program in ('qemu-img', 'prlimit'):
        (folder / program).write_text('#!/nowhere/sh\n')
        (folder / program).chmod(0o755)
    monkeypatch.setenv('PATH', str(folder))
    done = run('image', 'inspect', source)
    assert done.code == 3
    assert done.err.startswith('image inspect: prlimit: cannot be run: ')


def test_an_image_of_a_snapshot_has_no_disk(run, tmp_path):
    done = run('image', 'inspect', 'none', '--snapshot', tmp_path / 'x.yaml')
    assert done.code == 3
    assert 'a snapshot has no disks' in done.err


def test_neither_file_nor_cloud(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(tmp_path / 'none.yaml'))
    done = run('image', 'inspect', 'none.vmdk')
    assert done.code == 3
    assert 'none.vmdk: no such file' in done.err
    assert '--os-cloud' in done.err


def test_what_only_esxi_may_boot_and_does_not(run, disk):
    path = disk('streamOptimized')
    content = bytearray(path.read_bytes())
    # The version in its header.
    content[4] = 1
    path.write_bytes(content)
    done = run('image', 'inspect', path)
    assert done.code == 0
    first = done.out.splitlines()[0]
    assert 'needs VMware' in first
    assert ', but VMware does not boot it: ESXi is reported to' in first
