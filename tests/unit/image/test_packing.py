# SPDX-License-Identifier: Apache-2.0
"""The advice how to pack an OVA holds at any size, for nova's reader too."""

import io
import re
import subprocess
import tarfile
from unittest import mock

import pytest
from nova import context
from nova.virt.vmwareapi import images

from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.appliance.tar_headers import REPACK
from hypervisor_affinity.image.appliance.tar_headers import headers
from tests.disk_files import Counting
from tests.installed import skip_without
from tests.unit.image.ovas import OVF

COMMAND = re.search('"(tar .*)"', REPACK)[1]
GIB = 1024**3


@pytest.fixture
def folder(tmp_path):
    """A folder with what an OVA holds; the name of the disk is a long one."""
    skip_without('tar')
    name = f'{"web-" * 30}1.vmdk'
    (tmp_path / 'web.ovf').write_text(OVF.replace('web-1.vmdk', name))
    (tmp_path / name).write_bytes(b'what is on it')
    return tmp_path


def what_nova_imports(archive):
    """Return what nova's vSphere driver takes of an OVA for its disk."""
    found = []

    def transfer(disk, write_handle):
        found.append(disk.read())

    with (
        mock.patch.object(images, 'IMAGE_API') as glance,
        mock.patch.object(images.rw_handles, 'VmdkWriteHandle'),
        mock.patch.object(images, 'image_transfer', transfer),
        mock.patch.object(images, '_build_import_spec_for_import_vapp'),
        mock.patch.object(images.vm_util, 'get_vmdk_info'),
    ):
        glance.get.return_value = {'size': archive.stat().st_size}
        content = archive.read_bytes()
        glance.download.return_value = iter(
            content[i : i + 65536] for i in range(0, len(content), 65536)
        )
        images.fetch_image_ova(
            context.get_admin_context(),
            mock.Mock(image_ref='image'),
            *(mock.MagicMock() for _ in range(5)),
        )
    return b''.join(found)


def test_what_is_packed_so_is_read(folder):
    subprocess.run(COMMAND, shell=True, cwd=folder, check=True)
    archive = folder / 'NEW.ova'
    content = Counting(archive.read_bytes())
    assert ova.is_archive(content)
    disk = ova.Archive(content).find_disk(None)
    assert content.read(disk.offset, disk.size) == b'what is on it'
    assert what_nova_imports(archive) == b'what is on it'


def test_a_disk_of_any_size(folder):
    """Of which tar reads but the begin: we take its header and go."""
    (folder / 'big.vmdk').touch()
    with (folder / 'big.vmdk').open('r+b') as file:
        file.truncate(100 * GIB)
    command = COMMAND.replace('NEW.ova', '-').replace('*.vmdk', 'big.vmdk')
    with subprocess.Popen(
        command, shell=True, cwd=folder, stdout=subprocess.PIPE
    ) as process:
        found = process.stdout.read(64 * 1024)
        process.kill()
    content = Counting(found)
    assert ova.is_archive(content)
    ours = headers(content)
    assert [next(ours).name, next(ours).size] == ['web.ovf', 100 * GIB]
    with tarfile.open(fileobj=io.BytesIO(found), mode='r|') as novas:
        assert novas.next().name == 'web.ovf'
        assert novas.next().size == 100 * GIB
