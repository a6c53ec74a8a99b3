# SPDX-License-Identifier: Apache-2.0
"""What `make cloud-status` says, its exit codes, and `make cloud-down`."""

import os
import sys

import pytest

from testbed.processes import __main__ as command
from testbed.processes import directory
from testbed.processes import polling
from testbed.processes.supervisor import Supervisor
from tests.unit.processes.test_programs import start


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that returns exit code and output."""

    def run(name):
        arguments = ['processes', f'--directory={tmp_path}', name]
        monkeypatch.setattr(sys, 'argv', arguments)
        try:
            command.main()
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


@pytest.fixture
def status(run):
    return lambda: run('status')


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


def test_servers_are_shown_and_ended(run, programs, machine):
    pid = start(programs).pid
    assert run('status') == (
        0,
        f'server                   runs as {pid}\n'
        f'instance-00000001        runs as {machine.pid}, a server on KVM\n',
    )
    code, out = run('down')
    assert code == 0
    assert out.startswith('1 programs stopped; ')
    assert machine.wait(polling.TIMEOUT) == -9
    assert run('status') == (3, 'No program runs\n')


@pytest.mark.parametrize('name', ['up', 'down', 'soak'])
def test_a_cloud_of_another_user(run, programs, tmp_path, monkeypatch, name):
    monkeypatch.setattr(command, '_NEEDED', {})
    pid = start(programs).pid
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1000)
    message = f'{name}: this is a cloud of {tmp_path.owner()}'
    assert run(name) == (message, '')
    # Who only looks does no harm.
    assert run('status') == (
        0,
        f'server                   runs as {pid}\n',
    )
