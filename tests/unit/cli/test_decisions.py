# SPDX-License-Identifier: Apache-2.0
"""``decisions`` on a bus in memory, which ends with its process.

So what sends is in that process, too.
"""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest

from testbed.processes import polling
from tests.unit.cli import program

# Sends as long as it lives. Then runs the program.
SENDING = """
import itertools, sys, threading, time
from hypervisor_affinity.cli import shell
from hypervisor_affinity.cli import signals
from tests import decision_records as records

held_back = signals.held_back

def send():
    import oslo_messaging
    from hypervisor_affinity.decisions import bus
    notifier = oslo_messaging.Notifier(
        bus.find([], 'fake:/').transport,
        records.SCHEDULER,
        driver='messagingv2',
        topics=['notifications'],
    )
    for number in itertools.count():
        payload = records.payload(passed=number, later='\\u202e')
        notifier.info({}, 'hypervisor_affinity.decision', payload)
        notifier.info({}, 'hypervisor_affinity.decision', {'version': '2.0'})
        time.sleep(0.02)

def begin(which):
    # A thread that begins before gets the signals.
    held_back(which).__enter__()
    threading.Thread(target=send, daemon=True).start()
    return held_back(which)

signals.held_back = begin
sys.exit(shell.main(['decisions', '--transport-url', 'fake:/', *sys.argv[1:]]))
"""
COMMAND = (sys.executable, '-W', 'ignore', '-c', SENDING)


@pytest.fixture
def start():
    """Return a function that starts the program with what sends."""
    processes = []

    def start(*arguments, **options):
        process = program.start(
            *COMMAND,
            *map(str, arguments),
            **options,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_it_writes_until_a_signal(start, number):
    process = start()
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    lines += out.splitlines()
    found = [json.loads(line)['passed'] for line in lines]
    assert found == list(range(found[0], found[0] + len(found)))
    assert all(line.isascii() for line in lines)
    # Of two threads.
    assert sorted(err.splitlines()) == [
        'decisions: a message is left out, as are others like it: it is of '
        'version 2.0; this release reads 1.x',
        'decisions: connected to fake:///',
    ]


def test_the_reader_has_read_enough(start):
    process = start()
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 141
    assert 'cannot write' not in process.stderr.read()


def test_a_full_disk():
    with open('/dev/full', 'w') as full:
        done = subprocess.run(
            COMMAND,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1] == (
        'decisions: cannot write standard output: No space left on device'
    )


def lines_of(path):
    """Return the lines of a file once it has some."""

    def some():
        return path.exists() and path.read_text().splitlines()

    return polling.until(some, f'lines in {path}')


def test_a_file_that_logrotate_moves(start, tmp_path):
    path = tmp_path / 'decisions.jsonl'
    path.write_text('{"cut')
    process = start('--output', path)
    polling.until(lambda: len(lines_of(path)) > 1, 'a record')
    moved = path.rename(tmp_path / 'decisions.jsonl.1')
    lines_of(path)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, '')
    lines = lines_of(moved) + lines_of(path)
    assert lines[0] == '{"cut'
    numbers = [json.loads(line)['passed'] for line in lines[1:]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_directory_that_is_removed(start, tmp_path):
    folder = tmp_path / 'log'
    folder.mkdir()
    path = folder / 'decisions.jsonl'
    process = start('--output', path)
    lines_of(path)
    folder.rename(tmp_path / 'moved')
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert err.splitlines()[-1] == (
        f'decisions: {path}: No such file or directory'
    )


def test_no_bus_is_named(run):
    done = run('decisions')
    assert done.code == 2
    assert 'name a message bus with --nova-conf' in done.err


@pytest.mark.parametrize('option', ['--pool', '--topic'])
@pytest.mark.parametrize('name', ['', 'x' * 256, 'a\x1b'])
def test_a_queue_without_name_would_be_that_of_others(run, option, name):
    done = run('decisions', '--transport-url', 'fake:/', option, name)
    assert done.code == 2


def test_a_file_that_cannot_be_written(run, tmp_path):
    done = run('decisions', '--transport-url', 'fake:/', '--output', tmp_path)
    assert done.code == 3
    assert done.err == f'decisions: {tmp_path}: is a directory; name a file\n'


def test_oslo_messaging_is_missing(run, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        'find_spec',
        lambda name: None if name == 'oslo_messaging' else found(name),
    )
    done = run('decisions', '--transport-url', 'fake:/')
    assert done.code == 3
    assert done.err == (
        'decisions: oslo.messaging is not installed: pip install '
        "'hypervisor-affinity[decisions]'\n"
    )
