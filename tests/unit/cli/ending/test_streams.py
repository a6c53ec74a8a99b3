# SPDX-License-Identifier: Apache-2.0
"""How commands end whose streams take nothing, or that are interrupted."""

import array
import contextlib
import fcntl
import os
import signal
import subprocess
import termios
import time

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from tests.cloud_of_records import both
from tests.unit.cli import program
from tests.unit.cli.ending.commands import ANSWERS
from tests.unit.cli.ending.commands import CLOUD
from tests.unit.cli.ending.commands import OPENSTACK
from tests.unit.cli.ending.commands import QUIET
from tests.unit.cli.ending.commands import arguments_of
from tests.unit.cli.ending.commands import each

PROGRAMS = pytest.mark.parametrize(
    'started',
    [program.PROGRAM, OPENSTACK],
    ids=['hypervisor-affinity', 'openstack'],
)


@pytest.fixture
def run_into(run, monkeypatch):
    """Return a function that runs the program with a standard output."""

    def run_it(file, *arguments):
        # To close it fails as long as it holds what cannot be written.
        with file:
            monkeypatch.setattr('sys.stdout', file)
            done = run(*arguments)
        monkeypatch.undo()
        return done

    return run_it


def full():
    return open('/dev/full', 'w')


@each(ANSWERS)
def test_a_full_standard_output(run_into, tmp_path, command):
    done = run_into(full(), *arguments_of(command, tmp_path))
    assert done.code == 3
    assert done.err.splitlines()[-1] == (
        f'{command}: cannot write standard output: No space left on device'
    )


def test_more_than_standard_output_holds(run_into, tmp_path):
    """What is longer than a buffer fails while it is written."""
    arguments = ['audit', '--snapshot', many_images(tmp_path)]
    done = run_into(full(), *arguments, '-f', 'csv')
    assert (done.code, done.err) == (
        3,
        'audit: cannot write standard output: No space left on device\n',
    )


@pytest.mark.parametrize(
    'arguments', [['--help'], ['audit', '--help'], ['--version'], ['nope']]
)
def test_help_that_cannot_be_written(run_into, arguments):
    done = run_into(full(), *arguments)
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert 'cannot write standard output: No space left on device' in line


def test_who_reads_a_part_only(run_into, tmp_path):
    """As with "| head -1" and pipefail."""
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ['audit', '--snapshot', many_images(tmp_path)]
    done = run_into(os.fdopen(writing, 'w'), *arguments)
    assert (done.code, done.err) == (141, '')


@PROGRAMS
def test_a_process_with_a_full_standard_output(start, tmp_path, started):
    with full() as file:
        done = start(started, *arguments_of('audit', tmp_path), stdout=file)
    check_lost(done, 'audit', 'No space left on device')


def check_lost(done, command, why):
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.endswith(f'{command}: cannot write standard output: {why}')


def many_images(folder):
    """Return a snapshot of 1000 images that no host can run."""
    images = [
        Image(f'image-{n}', f'i-{n}', properties={'hypervisor_type': 'xen'})
        for n in range(1000)
    ]
    files.save(both(images=images), folder / 'many.json')
    return folder / 'many.json'


def closing(*numbers):
    """Return what has a process begin without some of its streams."""

    def close():
        for number in numbers:
            os.close(number)

    return close


@PROGRAMS
def test_a_closed_standard_output(start, tmp_path, started):
    done = start(
        started,
        *arguments_of('audit', tmp_path),
        stdout=None,
        preexec_fn=closing(1),
    )
    check_lost(done, 'audit', 'Bad file descriptor')


def test_a_file_never_takes_the_place_of_a_closed_stream(start, tmp_path):
    """Its content would have what was meant for standard output in it."""
    path = tmp_path / 'saved.json'
    done = start(
        program.PROGRAM,
        *('snapshot', 'save', path, '--snapshot', CLOUD),
        stdout=None,
        preexec_fn=closing(0, 1),
    )
    check_lost(done, 'snapshot save', 'Bad file descriptor')
    assert b'Section' not in path.read_bytes()


@PROGRAMS
def test_no_stream_for_errors(start, tmp_path, started):
    arguments = arguments_of('audit', tmp_path)
    done = start(started, *arguments, stderr=None, preexec_fn=closing(0, 2))
    assert done.returncode == 1
    assert 'server_misplaced' in done.stdout
    missing = ['audit', '--snapshot', tmp_path / 'missing.json']
    with full() as file:
        assert start(started, *missing, stderr=file).returncode == 3


@PROGRAMS
def test_a_process_of_which_a_part_is_read(start, tmp_path, started):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, 'wb') as pipe:
        done = start(started, *arguments_of('audit', tmp_path), stdout=pipe)
    assert (done.returncode, done.stderr) == (141, '')


@PROGRAMS
@pytest.mark.parametrize(
    'encoding',
    [
        {'PYTHONIOENCODING': 'ascii'},
        {'LC_ALL': 'C', 'PYTHONCOERCECLOCALE': '0', 'PYTHONUTF8': '0'},
    ],
    ids=lambda found: next(iter(reversed(found))),
)
def test_names_that_the_encoding_lacks(start, tmp_path, started, encoding):
    path = tmp_path / 'cloud.json'
    names = ['Größe', '日本']
    images = [
        Image(name, name, properties={'hypervisor_type': 'xen'})
        for name in names
    ]
    files.save(both(images=images), path)
    arguments = ['audit', '--snapshot', path, '-f', 'value', '-c', 'Name']
    done = start(started, *arguments, env=encoding)
    assert (done.returncode, done.stderr) == (1, '')
    told = done.stdout.split()
    assert len(told) == 2
    assert told[0] in ('Größe', 'Gr\\xf6\\xdfe')


def test_arguments_that_are_no_text():
    arguments = ['explain', b'\xff', 'medium', '--snapshot', str(CLOUD)]
    done = subprocess.run(
        [*program.PROGRAM, *arguments],
        capture_output=True,
        env=QUIET,
    )
    assert done.returncode == 3
    assert b'\\udcff' in done.stderr
    assert b'Traceback' not in done.stderr


def waiting_in(pipe):
    """Return how many bytes nobody has read yet."""
    found = array.array('i', [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]


def test_ctrl_c(tmp_path):
    """While a file is read of which nobody writes the end."""
    path = tmp_path / 'nova.conf'
    os.mkfifo(path)
    # For both, since the other would wait for who reads it.
    number = os.open(path, os.O_RDWR)
    try:
        process = program.start(
            *program.PROGRAM,
            *('audit', '--snapshot', str(CLOUD), '--nova-conf', str(path)),
            env=QUIET,
        )
        os.write(number, b'[')
        while process.poll() is None and waiting_in(number):
            time.sleep(0.05)
        # One that comes just before the program waits is not seen.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        out, err = process.communicate()
    finally:
        os.close(number)
    assert (process.returncode, out, err) == (130, '', '')
