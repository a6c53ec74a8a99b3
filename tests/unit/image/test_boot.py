# SPDX-License-Identifier: Apache-2.0
"""A prepared disk boots: a BIOS finds GRUB on it, and GRUB all of itself."""

import pathlib
import subprocess

import pytest

from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests.disk_files import MIB
from tests.installed import skip_without

BOOT_SECTOR = pathlib.Path('/usr/lib/grub/i386-pc/boot.img')
MARKER = 'this disk has booted'
CONFIG = f"""\
serial --unit=0
terminal_output serial
echo '{MARKER}'
reboot
"""
MODULES = ('biosdisk', 'serial', 'terminal', 'echo', 'reboot')


@pytest.fixture(autouse=True)
def installed():
    skip_without(
        *('qemu-img', 'qemu-system-x86_64', 'grub-mkimage', BOOT_SECTOR)
    )


@pytest.fixture
def grub(tmp_path):
    """Write a raw disk with a boot loader that needs no file system."""
    config = tmp_path / 'grub.cfg'
    config.write_text(CONFIG)
    core = tmp_path / 'core.img'
    subprocess.run(
        [
            *('grub-mkimage', '-O', 'i386-pc', '-p', '/', '-c', config),
            *('-o', core, *MODULES),
        ],
        check=True,
    )
    path = tmp_path / 'grub.raw'
    with path.open('wb') as disk:
        disk.write(BOOT_SECTOR.read_bytes())
        disk.seek(SECTOR)
        disk.write(core.read_bytes())
        disk.truncate(16 * MIB)
    return path


@pytest.mark.parametrize('create_type', [STREAM_OPTIMIZED, MONOLITHIC_SPARSE])
def test_a_prepared_disk_boots(tmp_path, grub, create_type):
    target = tmp_path / 'grub.vmdk'
    prepare(grub, target, Form(create_type), watch=lambda step, done: None)
    machine = [
        *('qemu-system-x86_64', '-accel', 'tcg', '-m', '64', '-nic', 'none'),
        *('-nodefaults', '-display', 'none', '-serial', 'stdio'),
        *('-snapshot', '-drive', f'format=vmdk,file={target}'),
        # GRUB's last command ends it.
        '-no-reboot',
    ]
    shown = subprocess.run(
        machine,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert MARKER in shown
