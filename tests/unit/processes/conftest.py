# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess

import pytest


@pytest.fixture
def machine(tmp_path):
    """A process in a session of somebody else's, as QEMU's are."""
    folder = tmp_path / 'nova/nova-compute-kvm-1/libvirt/run/qemu'
    folder.mkdir(parents=True)
    program = tmp_path / 'qemu-sleep'
    program.symlink_to(shutil.which('sleep'))
    sleeping = subprocess.Popen([program, '600'])
    (folder / 'instance-00000001.pid').write_text(str(sleeping.pid))
    (folder / 'driver.pid').write_text('1')
    yield sleeping
    sleeping.kill()
    sleeping.wait()
