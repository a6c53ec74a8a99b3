# SPDX-License-Identifier: Apache-2.0
"""What a nova-compute needs for nova's libvirt driver, without a libvirtd.

libvirt's QEMU driver runs in nova-compute itself (``qemu:///embed``) and has
all its files in one directory; each nova-compute has a name and mounts of its
own (namespaces of Linux), since the driver names its node as the machine, and
a deep path of the cloud is too long for QEMU's sockets.
"""

import importlib.machinery
import math
import os
import pathlib
import platform
import re
import subprocess
import tempfile
import time

import psutil

from testbed import boot_disks
from testbed.processes import entry_points
from testbed.processes import nova_conf
from testbed.processes import polling
from testbed.processes import privsep
from testbed.processes.supervisor import BIN

DRIVER = 'libvirt.LibvirtDriver'

# Of boot disks, and of what QEMU emulates here.
_MACHINE = 'x86_64'
_QEMU = pathlib.Path(f'/usr/bin/qemu-system-{_MACHINE}')
# Of the system's Python; a virtual environment sees no module of it.
_MODULES = pathlib.Path('/usr/lib/python3/dist-packages')
_BINDING = (
    'libvirt.py',
    f'libvirtmod{importlib.machinery.EXTENSION_SUFFIXES[0]}',
)
# Writes what a server has in memory when it is suspended.
_IO_HELPER = pathlib.Path('/usr/lib/libvirt/libvirt_iohelper')
_DRIVERS = pathlib.Path('/usr/lib')
_QEMU_DRIVER = '*/libvirt/connection-driver/libvirt_driver_qemu.so'

# Each nova-compute sees its own directory there: it is on every Debian, and
# nobody has a checkout in it.
_ROOT = pathlib.Path('/var/opt')
_RUN = pathlib.Path('/run')
_ETC = pathlib.Path('/etc')
_QEMU_CONF = """\
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
user = "root"
group = "root"
cgroup_controllers = []
hugetlbfs_mount = []
namespaces = []
stdio_handler = "file"
"""
# libvirt looks for the user before it reads that it is to be another one.
# There is none where no libvirtd is installed, so nova-compute sees one.
_ACCOUNTS = {
    'passwd': 'libvirt-qemu:x:0:0::/:/bin/false',
    'group': 'libvirt-qemu:x:0:',
}
# Not for an ordinary user, who would be root there: libvirt then wants to give
# up groups, which the kernel refuses.
_UNSHARE = ('unshare', '--uts', '--mount')
# Takes the machine's name, what is mounted on _ROOT, and the program. What
# libvirt knows of devices that it gives away is in /run all the same, and
# os-brick makes /etc/nvme where the kernel does not allow to lay this over it.
_ENTER = f"""\
set -e
hostname "$1"
mkdir -p "$2/over" "$2/work"
mount -t overlay overlay \\
    -o "lowerdir={_ETC},upperdir=$2/over,workdir=$2/work" \\
    {_ETC} 2>/dev/null || :
for name in passwd group; do
    mount --bind "$2/etc/$name" "{_ETC}/$name"
done
mount --bind "$2" {_ROOT}
mount -t tmpfs tmpfs {_RUN}
shift 2
exec "$@"
"""
# Of the binding of ports (nova.network.model), and what nova asks to plug them
# in: nothing is to be done, since libvirt makes the device.
VIF_TYPE = 'vrouter'
_PLUGINS = 'os_vif'
_PLUGIN = 'vif_plug_noop.noop:NoOpPlugin'
# A guest may take so many times as long as with emulation, and so many
# seconds: one of the two is often all that it takes.
_TIMES = 2
_LEAST_PATIENCE = 1.0
# libvirt adds up these, which can be less than the machine has.
_NODES = pathlib.Path('/sys/devices/system/node')
_MEMORY = re.compile(r'MemTotal:\s+(\d+) kB')
_KIB_IN_MIB = 1024
_GIB = 1024**3


def missing_packages() -> list[str]:
    """Return the packages of Debian that are missing for it."""
    missing = []
    if not (_MODULES / _BINDING[0]).exists():
        missing.append('python3-libvirt')
    if not any(_DRIVERS.glob(_QEMU_DRIVER)):
        missing.append('libvirt-daemon-driver-qemu')
    if not _IO_HELPER.exists():
        missing.append('libvirt-daemon')
    if not _QEMU.exists():
        missing.append('qemu-system-x86')
    if not pathlib.Path('/usr/bin', boot_disks.QEMU_IMG).exists():
        missing.append('qemu-utils')
    return missing


def lacks(cloud: pathlib.Path) -> str | None:
    """Say what is missing for it; None if nothing is.

    :param cloud: its directory
    """
    if platform.machine() != _MACHINE:
        return f'real KVM hosts need a machine of type {_MACHINE}'
    if missing := missing_packages():
        return f'these packages are missing: {" ".join(missing)}'
    if not all((_MODULES / name).exists() for name in _BINDING):
        return f'python3-libvirt is not for Python {platform.python_version()}'
    if os.geteuid():
        return 'only root can start real KVM hosts'
    try:
        subprocess.run([*_UNSHARE, 'true'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return f'this command must work: {" ".join(_UNSHARE)} true'
    for path in (cloud.resolve(), BIN.resolve()):
        for place in (_ROOT, _RUN):
            if path.is_relative_to(place):
                return f'real KVM hosts cannot see {place}, where {path} is'
    return None


def enter(name: str, folder: pathlib.Path) -> list[str | pathlib.Path]:
    """Return a command that runs the rest of its arguments as a host.

    :param name: of the host
    :param folder: of libvirt's files, which is made if it is not there
    """
    etc = folder / 'etc'
    etc.mkdir(parents=True, exist_ok=True)
    (etc / 'qemu.conf').write_text(_QEMU_CONF)
    for account, line in _ACCOUNTS.items():
        known = (_ETC / account).read_text().splitlines()
        (etc / account).write_text('\n'.join([*known, line, '']))
    return [*_UNSHARE, 'sh', '-c', _ENTER, 'sh', name, folder]


def environment(folder: pathlib.Path) -> dict[str, str]:
    """Return what the program needs in its environment.

    :param folder: for the system's libvirt modules, and no others of it
    """
    folder.mkdir(exist_ok=True)
    entry_points.write(folder, _PLUGINS, VIF_TYPE, _PLUGIN)
    for name in _BINDING:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(_MODULES / name)
    return {'PYTHONPATH': str(folder)}


def options(
    instances: pathlib.Path,
    conf: pathlib.Path,
    sizes: dict[str, int],
    virt_type: str,
) -> nova_conf.Options:
    """Return what nova.conf has for the driver.

    :param instances: directory of servers; of all hosts that servers move
        between, which then need no ssh
    :param conf: the file itself
    :param sizes: ``vcpus``, ``memory_mb`` (MiB) and ``disk_gb`` (GiB) that
        Placement gives away in all, whatever the machine has
    :param virt_type: ``kvm`` or ``qemu``
    """
    instances.mkdir(exist_ok=True)
    helper = privsep.helper(conf)
    return {
        'DEFAULT': {
            'compute_driver': DRIVER,
            'instances_path': instances,
            # As after the machine was switched on.
            'resume_guests_state_on_host_boot': True,
            # A boot sector does not listen.
            'shutdown_timeout': 1,
            **_allocation_ratios(sizes, instances),
        },
        'libvirt': {
            'connection_uri': f'qemu:///embed?root={_ROOT}',
            'virt_type': virt_type,
            'cpu_mode': 'none',
            'wait_soft_reboot_seconds': 2,
        },
        'nova_sys_admin': {'helper_command': helper},
        'privsep_osbrick': {'helper_command': helper},
    }


def usable_virt_type() -> str:
    """Return ``kvm`` if a machine boots well with it, else ``qemu``.

    That there is a /dev/kvm, and that it answers, says less: in a machine
    that is virtual itself, a guest may not get as far as its BIOS, or be much
    slower than with QEMU's emulation.

    :raises TimeoutError: it does not even boot with emulation
    """
    if not (_QEMU.exists() and os.access('/dev/kvm', os.R_OK | os.W_OK)):
        return 'qemu'
    began = time.monotonic()
    _boot('tcg', polling.TIMEOUT)
    emulated = time.monotonic() - began
    try:
        _boot('kvm', max(_LEAST_PATIENCE, _TIMES * emulated))
    except TimeoutError:
        return 'qemu'
    return 'kvm'


def _boot(accelerator: str, patience: float) -> None:
    """Boot a machine, and end it.

    :param patience: in seconds
    :raises TimeoutError: it does not boot in time, or at all
    """
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        disk, written = folder / 'disk', folder / 'written'
        disk.write_bytes(boot_disks.disk('raw'))
        written.touch()
        guest = subprocess.Popen(
            [
                *(_QEMU, '-accel', accelerator, '-m', '64', '-nodefaults'),
                *('-display', 'none', '-nic', 'none'),
                *('-drive', f'format=raw,file={disk},if=virtio'),
                *('-serial', f'file:{written}'),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            polling.until(
                lambda: boot_disks.line('raw') in written.read_text(),
                'a guest',
                patience,
            )
        finally:
            guest.kill()
            guest.wait()


def _allocation_ratios(
    sizes: dict[str, int], instances: pathlib.Path
) -> dict[str, float]:
    disk_gb = psutil.disk_usage(str(instances)).total / _GIB
    return {
        'cpu_allocation_ratio': _ratio(sizes['vcpus'], os.cpu_count() or 1),
        'ram_allocation_ratio': _ratio(sizes['memory_mb'], _memory_mb()),
        'disk_allocation_ratio': _ratio(sizes['disk_gb'], disk_gb),
    }


def _ratio(wanted: float, total: float) -> float:
    """Return an allocation ratio by which there is enough, if barely.

    Placement's database keeps fewer digits than a float has.
    """
    return math.ceil(100 * wanted / total) / 100


def _memory_mb() -> float:
    """Return what libvirt says that the machine has, in MiB."""
    files = _NODES.glob('node*/meminfo')
    text = ''.join(path.read_text() for path in files)
    text = text or pathlib.Path('/proc/meminfo').read_text()
    return sum(map(int, _MEMORY.findall(text))) / _KIB_IN_MIB
