# SPDX-License-Identifier: Apache-2.0
import os

from testbed.processes import guests
from testbed.processes import polling


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
