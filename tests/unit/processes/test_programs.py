# SPDX-License-Identifier: Apache-2.0
"""Programs that outlive who started them, and are found by their pid files."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

import psutil
import pytest

from testbed.processes import directory
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes import running
from testbed.processes.supervisor import Supervisor

# Says so when it is ready, and goes on until it is ended.
READY = 'ready to serve'
SERVER = [
    sys.executable,
    '-c',
    f'import signal; print({READY!r}, flush=True); signal.pause()',
]
# Ends only if it is killed, and so does its child.
STUBBORN = [
    sys.executable,
    '-c',
    'import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);'
    f'os.fork(); print({READY!r}, flush=True); signal.pause()',
]
# Of a program with several threads the first one can end before the others,
# which keep its files: SYS_exit ends one thread only.
HALF_ENDED = f"""
import ctypes, platform, socket, threading, time
server = socket.create_server(('127.0.0.1', 0))
print({READY!r}, server.getsockname()[1], flush=True)
threading.Thread(target=time.sleep, args=[600]).start()
number = {{'x86_64': 60, 'aarch64': 93}}[platform.machine()]
ctypes.CDLL(None).syscall(number, 0)
"""


@pytest.fixture
def programs(tmp_path):
    programs = Supervisor(tmp_path, outlive=True)
    yield programs
    programs.kill()


def start(programs, name='server', command=SERVER):
    program = programs.add(name, command, ready_text=READY)
    program.start()
    program.wait()
    return program


def test_it_is_found_by_another_process(programs, tmp_path):
    started = start(programs)
    (found,) = running.find(tmp_path)
    assert (found.name, found.pid) == ('server', started.pid)
    assert running.has(tmp_path, started.pid)
    assert not running.has(tmp_path, os.getpid())


def test_it_has_not_ended_while_a_thread_keeps_its_files(programs):
    program = start(programs, command=[sys.executable, '-c', HALF_ENDED])
    port = int(program.log().rpartition(' ')[2])
    (number,) = program.pids
    process = psutil.Process(number)
    while process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert ports.is_served(port)
    assert program.pids == [number]
    program.kill()
    assert not ports.is_served(port)


def test_it_outlives_who_started_it(tmp_path):
    script = f"""
import pathlib
from testbed.processes.supervisor import Supervisor
programs = Supervisor(pathlib.Path({str(tmp_path)!r}), outlive=True)
programs.add('server', {SERVER!r}).start()
"""
    root = pathlib.Path(__file__).parents[3]
    subprocess.run([sys.executable, '-c', script], check=True, cwd=root)
    (found,) = running.find(tmp_path)
    assert found.pid
    running.shut_down([found], last=())
    assert found.pid is None


def test_what_runs_is_not_started_again(programs):
    program = start(programs)
    pid = program.pid
    program.start()
    assert program.pid == pid


def test_what_was_killed_is_started_again(programs):
    program = start(programs)
    first = program.pid
    program.kill()
    assert program.pid is None
    program.start()
    # Not because of what the first one wrote.
    program.wait()
    assert program.log() == f'{READY}\n'
    assert program.pid not in {first, None}


def test_its_end_is_noticed(programs):
    program = start(programs)
    psutil.Process(program.pid).kill()
    with pytest.raises(
        ChildProcessError, match=f'(?s)server has ended.*{READY}'
    ):
        while True:
            programs.check()


def test_an_end_before_it_is_ready_is_noticed(programs):
    program = programs.add(
        'broken',
        [sys.executable, '-c', 'exit("no such thing")'],
        ready_text=READY,
    )
    program.start()
    with pytest.raises(ChildProcessError, match='no such thing'):
        program.wait()


def test_what_does_not_end_is_killed_with_its_children(
    programs, tmp_path, monkeypatch
):
    monkeypatch.setattr(running, '_PATIENCE', 0.1)
    program = start(programs, command=STUBBORN)
    pids = program.pids
    assert len(pids) == 2
    running.shut_down(running.find(tmp_path), last=())
    assert not any(psutil.pid_exists(pid) and alive(pid) for pid in pids)
    assert running.find(tmp_path) == []


def alive(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_children_go_with_a_program_that_has_ended_itself(programs):
    program = start(programs, command=STUBBORN)
    first, second = program.pids
    psutil.Process(first).kill()
    program.kill()
    assert not alive(second)


def test_others_last(programs, tmp_path, monkeypatch):
    ended = []
    monkeypatch.setattr(
        running.Program, 'terminate', lambda self: ended.append(self.name)
    )
    monkeypatch.setattr(running, '_PATIENCE', 0.0)
    for name in ('database', 'api'):
        start(programs, name)
    running.shut_down(running.find(tmp_path), last=['database'])
    assert ended == ['api', 'database']


def test_the_number_of_another_process_is_let_alone(programs, tmp_path):
    with subprocess.Popen(SERVER, start_new_session=True) as other:
        file = tmp_path / 'pids' / 'server.pid'
        file.write_text(f'{other.pid}\n')
        # Written by a program that ran before the other one began.
        long_ago = time.time() - 3600
        os.utime(file, (long_ago, long_ago))
        (found,) = running.find(tmp_path)
        assert found.pid is None
        found.kill()
        assert other.poll() is None
        other.kill()


def test_ports_are_the_same_every_time(tmp_path):
    file = tmp_path / 'ports.json'
    names = ('one', 'two')
    kept = ports.keep(file, names, first=None)
    assert ports.keep(file, names, first=5000) == kept
    other = ports.keep(tmp_path / 'other.json', names, first=5000)
    assert other == {'one': 5000, 'two': 5001}


def test_a_port_that_is_taken_is_named():
    (port,) = ports.free(1)
    with ports.socket.create_server(('127.0.0.1', port)):
        (said,) = ports.taken({'keystone': port}, lambda pid: False)
        assert said.startswith(
            f'port {port}, for keystone, is in use by process {os.getpid()} ('
        )
        assert ports.taken({'keystone': port}, lambda pid: True) == []
    assert ports.taken({'keystone': port}, lambda pid: False) == []


def test_what_is_left_of_it_is_ended_before_it_is_started_again(programs):
    program = start(programs, command=STUBBORN)
    first, *others = program.pids
    psutil.Process(first).kill()
    program._child.process.wait()
    assert program.pid is None
    assert program.pids == others
    program.start()
    program.wait()
    assert program.pid
    for other in others:
        # One that nobody waits for stays as a zombie.
        with contextlib.suppress(psutil.NoSuchProcess):
            assert psutil.Process(other).status() == psutil.STATUS_ZOMBIE


def test_a_folder_with_other_things_is_refused(tmp_path):
    for name in ('thesis.tex', 'ports.json', 'filled'):
        (tmp_path / name).touch()
    with pytest.raises(OSError, match='there is no cloud in it'):
        directory.make_room(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_what_was_not_finished_is_begun_anew(programs, tmp_path):
    (tmp_path / directory.BEGUN).write_text('{}')
    program = start(programs)
    directory.make_room(tmp_path)
    assert program.pid is None
    assert list(tmp_path.iterdir()) == []


def test_machines_of_what_was_not_finished_are_ended(machine, tmp_path):
    (tmp_path / directory.BEGUN).write_text('{}')
    directory.make_room(tmp_path)
    assert machine.wait(polling.TIMEOUT) == -9
    assert list(tmp_path.iterdir()) == []


def test_what_is_complete_stays(tmp_path):
    for name in (directory.BEGUN, 'filled', 'more'):
        (tmp_path / name).touch()
    directory.make_room(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
