# SPDX-License-Identifier: Apache-2.0
"""What is found out about this machine before a real KVM host is started."""

import os
import pathlib
import platform
import stat
import subprocess

import psutil
import pytest

from testbed import boot_disks
from testbed.processes import libvirt
from tests.installed import skip_without

CLOUD = pathlib.Path('/srv/cloud')


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine that lacks nothing; return where its files are."""
    modules = tmp_path / 'modules'
    drivers = tmp_path / 'lib'
    for path in (
        *(modules / name for name in libvirt._BINDING),
        drivers / libvirt._QEMU_DRIVER.replace('*', 'x86_64-linux-gnu'),
        tmp_path / 'iohelper',
        tmp_path / 'qemu',
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(libvirt, '_MODULES', modules)
    monkeypatch.setattr(libvirt, '_DRIVERS', drivers)
    monkeypatch.setattr(libvirt, '_IO_HELPER', tmp_path / 'iohelper')
    monkeypatch.setattr(libvirt, '_QEMU', tmp_path / 'qemu')
    monkeypatch.setattr(libvirt, '_UNSHARE', ('env',))
    # Absolute, so that it is the whole path.
    monkeypatch.setattr(boot_disks, 'QEMU_IMG', str(tmp_path / 'qemu'))
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    monkeypatch.setattr(platform, 'machine', lambda: 'x86_64')
    return tmp_path


def test_nothing_is_missing(machine):
    assert libvirt.lacks(CLOUD) is None


@pytest.mark.parametrize(
    ('path', 'package'),
    [
        ('modules/libvirt.py', 'python3-libvirt'),
        ('lib', 'libvirt-daemon-driver-qemu'),
        ('iohelper', 'libvirt-daemon'),
        ('qemu', 'qemu-system-x86 qemu-utils'),
    ],
)
def test_missing_packages_are_named(machine, path, package):
    (machine / path).rename(machine / 'gone')
    assert libvirt.lacks(CLOUD) == f'these packages are missing: {package}'


def test_the_modules_are_of_another_python(machine):
    (machine / 'modules' / libvirt._BINDING[1]).unlink()
    assert libvirt.lacks(CLOUD) == (
        f'python3-libvirt is not for Python {platform.python_version()}'
    )


def test_another_architecture(machine, monkeypatch):
    monkeypatch.setattr(platform, 'machine', lambda: 'aarch64')
    assert libvirt.lacks(CLOUD) == (
        'real KVM hosts need a machine of type x86_64'
    )


def test_another_user_than_root(machine, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    assert libvirt.lacks(CLOUD) == 'only root can start real KVM hosts'


@pytest.mark.parametrize('command', ['false', 'no-such-program'])
def test_a_kernel_that_does_not_allow_it(machine, monkeypatch, command):
    monkeypatch.setattr(libvirt, '_UNSHARE', (command,))
    assert libvirt.lacks(CLOUD) == f'this command must work: {command} true'


@pytest.mark.parametrize('place', ['/run', '/var/opt'])
def test_a_cloud_where_it_would_not_be_seen(machine, place):
    cloud = pathlib.Path(place, 'user/cloud')
    assert libvirt.lacks(cloud) == (
        f'real KVM hosts cannot see {place}, where {cloud} is'
    )


def test_an_environment_where_it_would_not_be_seen(machine, monkeypatch):
    monkeypatch.setattr(libvirt, 'BIN', pathlib.Path('/run/venv/bin'))
    assert libvirt.lacks(CLOUD).endswith('/run, where /run/venv/bin is')


def enters(command, cwd):
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, check=True
    ).stdout


def test_a_host_has_a_name_and_files_of_its_own(tmp_path, monkeypatch):
    if libvirt.lacks(tmp_path) and os.geteuid():
        pytest.skip('only root can enter it')
    skip_without('unshare')
    before = os.uname().nodename
    inside = libvirt.enter('kvm-7', tmp_path)
    script = 'hostname; id -u libvirt-qemu; echo it > /var/opt/file; ls /run'
    out = enters([*inside, 'sh', '-c', script], tmp_path)
    assert out.split() == ['kvm-7', '0']
    assert (tmp_path / 'file').read_text() == 'it\n'
    assert os.uname().nodename == before
    assert not os.path.exists('/var/opt/file')


@pytest.mark.parametrize('ending', ['', '\n'])
def test_accounts_are_added_on_a_line_of_their_own(
    tmp_path, monkeypatch, ending
):
    known = {'passwd': 'root:x:0:0::/:/bin/sh', 'group': 'root:x:0:'}
    for name, line in known.items():
        (tmp_path / name).write_text(line + ending)
    monkeypatch.setattr(libvirt, '_ETC', tmp_path)
    libvirt.enter('kvm-1', tmp_path / 'libvirt')
    for name, line in known.items():
        text = (tmp_path / 'libvirt/etc' / name).read_text()
        assert text == f'{line}\n{libvirt._ACCOUNTS[name]}\n'


def test_there_is_enough_whatever_the_machine_has(tmp_path):
    sizes = {'vcpus': 64, 'memory_mb': 16384, 'disk_gb': 500}
    options = libvirt.options(tmp_path / 'i', tmp_path / 'c', sizes, 'qemu')
    ratios = options['DEFAULT']
    given = {
        'vcpus': ratios['cpu_allocation_ratio'] * os.cpu_count(),
        'memory_mb': ratios['ram_allocation_ratio'] * libvirt._memory_mb(),
        'disk_gb': ratios['disk_allocation_ratio']
        * psutil.disk_usage(str(tmp_path)).total
        / 1024**3,
    }
    for name, size in sizes.items():
        # In hundredths, of which the last is rounded up.
        assert size <= given[name] <= size + given[name] / 10
    assert options['libvirt']['virt_type'] == 'qemu'


def test_memory_is_that_of_all_nodes(tmp_path, monkeypatch):
    monkeypatch.setattr(libvirt, '_NODES', tmp_path)
    total = psutil.virtual_memory().total / 1024**2
    assert libvirt._memory_mb() == pytest.approx(total, abs=1)
    for node in (0, 1):
        path = tmp_path / f'node{node}' / 'meminfo'
        path.parent.mkdir()
        path.write_text(
            f'Node {node} MemTotal:       4096 kB\n'
            f'Node {node} MemFree:        1024 kB\n'
        )
    assert libvirt._memory_mb() == 8


@pytest.mark.parametrize(
    ('script', 'patience', 'expected'),
    [
        # However busy the machine is.
        (':', 60.0, 'kvm'),
        ('sleep 60', 0.5, 'qemu'),
        ('exit 1', 0.5, 'qemu'),
    ],
)
def test_kvm_is_used_if_a_guest_boots_with_it_as_fast(
    tmp_path, monkeypatch, script, patience, expected
):
    monkeypatch.setattr(libvirt, '_LEAST_PATIENCE', patience)
    program = tmp_path / 'qemu'
    program.write_text(
        '#!/bin/sh\n'
        f'if [ "$2" = kvm ]; then {script}; fi\n'
        # The last argument is where the guest's serial port goes.
        'for last in "$@"; do :; done\n'
        f'echo "{boot_disks.line("raw")}" > "${{last#file:}}"\n'
        'exec sleep 60\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(libvirt, '_QEMU', program)
    monkeypatch.setattr(os, 'access', lambda path, mode: True)
    assert libvirt.usable_virt_type() == expected
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    assert libvirt.usable_virt_type() == 'qemu'
