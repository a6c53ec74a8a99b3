# SPDX-License-Identifier: Apache-2.0
"""What is left of a cloud when whoever started it has died."""

import os
import subprocess

import pytest

from testbed.processes import guard
from testbed.processes import polling
from testbed.processes.child import Child
from testbed.processes.supervisor import Supervisor
from tests.unit.processes.test_programs import STUBBORN
from tests.unit.processes.test_programs import start


@pytest.fixture
def guarding(tmp_path):
    """The guard of a cloud, as soon as it waits."""
    guarding = Child(guard.command(tmp_path), tmp_path / 'log')
    guarding.wait_for_text(guard.READY)
    yield guarding
    guarding.kill()


def test_others_are_left_alone(tmp_path, guarding):
    folder = tmp_path / 'nova/nova-compute-kvm-1/libvirt/run/qemu'
    folder.mkdir(parents=True)
    pid_file = folder / 'instance-00000001.pid'
    with subprocess.Popen(['sleep', '600']) as other:
        pid_file.write_text(str(other.pid))
        # Of a machine that has ended: the number is another's by now.
        os.utime(pid_file, (0, 0))
        guarding.stop()
        assert other.poll() is None
        other.kill()


def test_machines_are_ended(guarding, machine):
    assert machine.poll() is None
    guarding.process.terminate()
    assert machine.wait(polling.TIMEOUT) == -9
    assert guarding.wait_for_end() == 0


def test_programs_that_do_not_end_are_killed(tmp_path, guarding):
    programs = Supervisor(tmp_path, outlive=True)
    try:
        stubborn = start(programs, command=STUBBORN)
        before = stubborn.pids
        assert len(before) > 1
        # It may be one of the programs that it looks at.
        own = tmp_path / 'pids' / 'guard.pid'
        own.write_text(str(guarding.process.pid))
        assert guarding.stop() == 0
        assert stubborn.pids == []
    finally:
        programs.kill()
