# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

from testbed.processes import guests
from testbed.processes import polling
from testbed.processes.child import Child


def started_guard(cloud):
    guard = Child(guests.guard(cloud), cloud / 'log')
    guard.wait_for_text(guests.READY)
    return guard


def test_found_by_their_pid_files(tmp_path, machine):
    (found,) = guests.find(tmp_path)
    assert (found.name, found.pid) == ('instance-00000001', machine.pid)


def test_end(tmp_path, machine):
    guests.end(tmp_path)
    assert machine.wait(polling.TIMEOUT) == -9
    assert guests.find(tmp_path) == []


def test_end_of_one_whose_session_began_outside_of_the_container(
    tmp_path, machine, monkeypatch
):
    monkeypatch.setattr(os, 'getsid', lambda pid: 0)
    guests.end(tmp_path)
    assert machine.wait(polling.TIMEOUT) == -9


def test_the_guard_leaves_others_alone(tmp_path):
    folder = tmp_path / 'nova/nova-compute-kvm-1/libvirt/run/qemu'
    folder.mkdir(parents=True)
    pid_file = folder / 'instance-00000001.pid'
    with subprocess.Popen(['sleep', '600']) as other:
        pid_file.write_text(str(other.pid))
        # Of a machine that has ended: the number is another's by now.
        os.utime(pid_file, (0, 0))
        guard = started_guard(tmp_path)
        guard.stop()
        assert other.poll() is None
        other.kill()


def test_the_guard_ends_them_when_it_is_asked_to_end(tmp_path, machine):
    guard = started_guard(tmp_path)
    assert machine.poll() is None
    guard.process.terminate()
    assert machine.wait(polling.TIMEOUT) == -9
    guard.wait_for_end()
