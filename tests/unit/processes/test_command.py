# SPDX-License-Identifier: Apache-2.0
"""What `make cloud-status` says, and its exit codes."""

import sys

import pytest

from testbed.processes import __main__ as command
from testbed.processes import directory
from testbed.processes.supervisor import Supervisor
from tests.unit.processes.test_programs import start


@pytest.fixture
def status(tmp_path, monkeypatch, capsys):
    """Return a function that returns exit code and output."""

    def status():
        arguments = ['processes', f'--directory={tmp_path}', 'status']
        monkeypatch.setattr(sys, 'argv', arguments)
        try:
            command.main()
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return status


@pytest.fixture
def programs(tmp_path):
    programs = Supervisor(tmp_path, outlive=True)
    (tmp_path / directory.BEGUN).write_text('{}')
    yield programs
    programs.kill()


def test_no_cloud(status, tmp_path):
    assert status() == (3, f'There is no cloud in {tmp_path}\n')


def test_a_cloud_that_was_ended(status, programs):
    start(programs).kill()
    assert status() == (3, 'No program runs\n')


def test_a_cloud_that_runs(status, programs):
    pid = start(programs).pid
    assert status() == (0, f'server                   runs as {pid}\n')


def test_a_program_that_has_ended(status, programs):
    start(programs, 'first')
    last = start(programs, 'last')
    last._process().kill()
    last._child.process.wait()
    code, out = status()
    assert code == 1
    assert 'last                     HAS ENDED\n' in out
    assert 'first                    runs as ' in out
