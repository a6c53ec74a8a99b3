# SPDX-License-Identifier: Apache-2.0
"""``image upload`` as an operator types it.

What a real Glance does is in ``tests/integration``; here is one that keeps
images in memory, and does what the real one seldom does.
"""

import hashlib
import shlex

import pytest

from tests import disk_files
from tests.unit.cli.image_upload.fake_glance import FITTING


def test_dry_run(run, no_cloud, disk):
    done = run('image', 'upload', disk, '--dry-run', '--name', "it's")
    assert (done.code, done.err) == (0, '')
    shown = done.out.partition('\n\n')[2].partition('\n\n')[0]
    assert shlex.split(shown.replace('\\\n', '')) == [
        *('openstack', 'image', 'create'),
        *('--disk-format', 'vmdk', '--container-format', 'bare'),
        *('--property', 'hypervisor_type=vmware'),
        *('--property', 'vmware_disktype=streamOptimized'),
        *('--property', 'vmware_adaptertype=ide'),
        *('--file', str(disk), "it's"),
    ]
    assert '| demand           | image needs VMware' in done.out


def test_what_only_esxi_may_boot_and_does_not(run, no_cloud, disk, tmp_path):
    content = bytearray(disk.read_bytes())
    # The version in its header.
    content[4] = 1
    old = tmp_path / 'old.vmdk'
    old.write_bytes(content)
    done = run('image', 'upload', old, '--dry-run')
    assert 'needs VMware' in done.out
    assert 'VMware does not boot it: ESXi is reported to' in done.out


def test_dry_run_for_scripts(upload, no_cloud, disk):
    shown = upload(
        *('--dry-run', '--import', '--private', '--property', 'a=b c=d'),
        *('--guest-id', 'ubuntu64Guest'),
    ).json()
    assert shlex.split(shown.pop('command')) == [
        *('openstack', 'image', 'create'),
        *('--disk-format', 'vmdk', '--container-format', 'bare'),
        *('--property', 'hypervisor_type=vmware'),
        *('--property', 'vmware_disktype=streamOptimized'),
        *('--property', 'vmware_adaptertype=ide'),
        *('--property', 'vmware_ostype=ubuntu64Guest'),
        *('--property', 'a=b c=d'),
        *('--private', '--import', '--file', str(disk), 'streamOptimized'),
    ]
    assert shown == {
        'name': 'streamOptimized',
        'disk_format': 'vmdk',
        'container_format': 'bare',
        'size': disk.stat().st_size,
        'properties': {
            **FITTING,
            'vmware_ostype': 'ubuntu64Guest',
            'a': 'b c=d',
        },
        'demand': 'image needs VMware (hypervisor_type=vmware)',
    }


def test_the_options_count(upload, no_cloud, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text('[hypervisor_affinity]\nvmdk_images = flexible\n')
    kvm = ('--dry-run', '--property', 'hypervisor_type=kvm')
    assert 'needs KVM' in upload(*kvm).json()['demand']
    assert upload('--dry-run', '--nova-conf', conf).code == 0
    assert upload('--dry-run', '--nova-conf', tmp_path / 'none').code == 3


def ova(folder, disk, said_digest=None):
    """Write an OVA with a manifest."""
    ovf = b"""<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
      xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
      <References><File ovf:id="f" ovf:href="a.vmdk"/></References>
      <DiskSection><Disk ovf:fileRef="f"/></DiskSection></Envelope>"""
    content = disk.read_bytes()
    said_digest = said_digest or hashlib.sha256(content).hexdigest()
    manifest = f'SHA256(a.vmdk)= {said_digest}\n'.encode()
    return disk_files.archive(
        folder / 'a.ova',
        {'a.ovf': ovf, 'a.mf': manifest, 'a.vmdk': content},
    )


@pytest.mark.parametrize('how', [(), ('--dry-run',)])
def test_a_wrong_digest_in_an_ova(run, glance, disk, tmp_path, how):
    done = run('image', 'upload', ova(tmp_path, disk, 'ab' * 32), *how)
    assert (done.code, done.out) == (3, '')
    assert 'a.vmdk does not match its sha256 checksum in the' in done.err
    assert not glance.images


def test_an_ova_boots_nowhere(run, no_cloud, disk, tmp_path):
    done = run('image', 'upload', ova(tmp_path, disk), '--dry-run')
    assert done.code == 0
    assert 'no hypervisor boots it: the driver is made for' in done.out
    assert 'extract the disk with "image prepare"' in done.out
    assert '--property' not in done.out


def test_it_is_uploaded(upload, glance, disk):
    done = upload('--community')
    assert (done.code, done.err) == (0, '')
    (image,) = glance.images.values()
    assert image['visibility'] == 'community'
    assert FITTING.items() <= image.items()
    shown = done.json()
    assert shown['id'] == image['id']
    digest = hashlib.sha512(disk.read_bytes()).hexdigest()
    assert shown['os_hash_value'] == image['os_hash_value'] == digest


def test_a_script_gets_the_id_alone(run, glance, disk):
    done = run('image', 'upload', disk, '-f', 'value', '-c', 'id')
    (image_id,) = glance.images
    assert done.out == f'{image_id}\n'


def test_a_table_for_people(run, glance, disk):
    done = run('image', 'upload', disk)
    assert 'checksum verified (SHA-512)' in done.out
    rows = [line for line in done.out.splitlines() if line.startswith('|')]
    assert max(map(len, rows)) < 80


@pytest.mark.parametrize('algorithm', ['sha256', 'md5'])
def test_glance_hashes_otherwise(upload, glance, algorithm):
    glance.hash_algorithm = algorithm
    done = upload()
    assert done.code == 0
    assert done.json()['os_hash_algo'] == algorithm


def test_glance_refuses(upload, glance, made):
    done = upload(path=made / 'monolithicFlat.vmdk')
    assert (done.code, done.out) == (1, '')
    assert 'image prepare' in done.err
    assert not glance.requests


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (['hypervisor_type=esxi'], 'nova-api refuses every server'),
        (['img_hv_type=kvm'], 'hypervisor_type=vmware: nova would not read'),
        (
            ['vmware_ostype=ubuntu64Guest', 'os_distro=ubuntu'],
            'vmware_ostype=ubuntu64Guest: nova would not read it',
        ),
    ],
)
def test_nova_would_not_take_it(upload, glance, arguments, says):
    done = upload(*(f'--property={argument}' for argument in arguments))
    assert (done.code, done.out) == (1, '')
    assert says in done.err
    assert not glance.requests


@pytest.mark.parametrize(
    ('arguments', 'code', 'says'),
    [
        (['--property', 'x'], 2, "'x' is not NAME=VALUE"),
        (['--property', '=x'], 2, "'=x' is not NAME=VALUE"),
        (['--property', 'min_disk=1'], 2, 'min_disk is an attribute'),
        (['--property', 'os_glance_x=1'], 2, 'os_glance_x is an attribute'),
        (['--public', '--private'], 2, 'not allowed with'),
        (['--resume', 'x', '--dry-run'], 2, 'not allowed with'),
        (
            ['--property', 'vmware_disktype=thin'],
            3,
            'vmware_disktype=thin does not fit',
        ),
        (['--adapter-type', 'busLogic'], 3, 'does not match the descriptor'),
        (['--guest-id', 'Ubuntu'], 2, 'not a guest id'),
        (['--os-distro', 'x'], 2, 'give it with --guest-id'),
    ],
)
def test_wrong_arguments(upload, glance, arguments, code, says):
    done = upload(*arguments)
    assert (done.code, done.out) == (code, '')
    assert says in done.err
    assert not glance.requests


def test_no_file(upload, glance, tmp_path):
    done = upload(path=tmp_path / 'none.vmdk')
    assert (done.code, done.out) == (3, '')
    assert 'none.vmdk: no such file' in done.err
