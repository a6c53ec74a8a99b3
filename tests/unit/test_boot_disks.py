# SPDX-License-Identifier: Apache-2.0
"""Disks of the testbed, read and booted by others."""

import io
import subprocess

import pytest
from oslo_utils.imageutils import format_inspector

from testbed import boot_disks
from testbed.processes import polling
from tests.installed import skip_without

QEMU = 'qemu-system-x86_64'


@pytest.mark.parametrize(
    ('disk_format', 'detected'),
    [
        ('qcow2', 'qcow2'),
        ('vmdk', 'vmdk'),
        ('vdi', 'vdi'),
        ('vhd', 'vhd'),
        ('vhdx', 'vhdx'),
        ('iso', 'iso'),
        # A partition table: to nova as good as raw.
        ('raw', 'gpt'),
        ('ami', 'gpt'),
    ],
)
def test_each_is_what_it_is_to_be(disk_format, detected):
    skip_without(boot_disks.QEMU_IMG)
    content = io.BytesIO(boot_disks.disk(disk_format))
    wrapped = format_inspector.InspectWrapper(content)
    while wrapped.read(65536):
        pass
    wrapped.close()
    assert str(wrapped.format) == detected


def test_a_vmdk_of_another_kind():
    skip_without(boot_disks.QEMU_IMG)
    sparse = boot_disks.disk('vmdk', subformat='monolithicSparse')
    assert b'createType="monolithicSparse"' in sparse
    assert b'createType="streamOptimized"' in boot_disks.disk('vmdk')


def test_a_label_that_does_not_fit():
    assert boot_disks.disk('raw', 'x' * 300)
    with pytest.raises(ValueError, match='too long for a boot sector: xxx'):
        boot_disks.disk('raw', 'x' * 400)


@pytest.mark.parametrize(
    ('disk_format', 'media', 'drive'),
    [
        ('raw', 'disk', boot_disks.HARD_DISK),
        ('iso', 'cdrom', boot_disks.CD_ROM),
    ],
)
def test_a_bios_boots_it(tmp_path, disk_format, media, drive):
    skip_without(QEMU)
    disk, written = tmp_path / 'disk', tmp_path / 'written'
    disk.write_bytes(boot_disks.disk(disk_format, 'this one'))
    guest = subprocess.Popen(
        [
            *(QEMU, '-accel', 'tcg', '-m', '64', '-display', 'none'),
            *('-nic', 'none', '-serial', f'file:{written}'),
            *('-drive', f'format=raw,file={disk},media={media}'),
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        polling.until(
            lambda: written.exists() and '\n' in written.read_text(),
            'a guest',
        )
        assert written.read_text().split('\n')[0].rstrip() == (
            boot_disks.line('this one', drive)
        )
    finally:
        guest.kill()
        guest.wait()
