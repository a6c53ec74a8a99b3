# SPDX-License-Identifier: Apache-2.0
"""What stands where a command is to write a file.

Each command that writes one, as an operator types it; whatever comes of it,
what is no file is as it was, and no temporary file is left.
"""

import os
import pathlib
import shlex
import signal
import socket
import stat
import time

import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.files import FileSource
from tests import cloud_of_records as records
from tests import disk_files
from tests.cloud_of_records import ISO
from tests.cloud_of_records import both
from tests.cloud_of_records import server
from tests.installed import skip_without
from tests.unit.cli import program
from tests.unit.simulation import stories

DOCUMENTS = ['snapshot save', 'explain --html', 'simulate --plot']
WRITERS = [*DOCUMENTS, 'image prepare']
BEGINNINGS = {
    'snapshot save': b'{"format":"hypervisor-affinity-snapshot"',
    'explain --html': b'<!doctype html>',
    'simulate --plot': b'<?xml',
    'image prepare': b'KDMV',
}


class Writing:
    """Commands that write a file.

    * ``folder``: where they write it, empty at first
    """

    def __init__(self, folder, inputs):
        self.folder = folder
        self._inputs = inputs
        cloud = inputs / 'cloud.json'
        files.save(both(images=[ISO]), cloud)
        scenario = inputs / 'scenario.yaml'
        scenario.write_text(
            yaml.safe_dump(stories.document(stories.boot('qcow2')))
        )
        self._cloud, self._scenario = cloud, scenario

    def arguments(self, writer, target):
        """Return the command line."""
        if writer == 'snapshot save':
            return 'snapshot', 'save', '--snapshot', self._cloud, target
        if writer == 'explain --html':
            request = ('explain', 'iso', records.SMALL.name)
            return (*request, '--snapshot', self._cloud, '--html', target)
        if writer == 'simulate --plot':
            return 'simulate', self._scenario, '--plot', target
        disk = disk_files.vmdk(self._inputs, 'monolithicFlat')
        return 'image', 'prepare', '--replace', disk, target

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def writing(tmp_path, monkeypatch):
    for name in ('folder', 'inputs'):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / 'folder')
    return Writing(tmp_path / 'folder', tmp_path / 'inputs')


@pytest.fixture(params=WRITERS)
def writer(request):
    if request.param == 'image prepare':
        skip_without('qemu-img')
    return request.param


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def a_device(path):
    if os.geteuid():
        pytest.skip('only root makes devices')
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


def a_folder(path):
    path.mkdir()


def a_link_to_a_device(path):
    path.symlink_to('/dev/null')


@pytest.mark.parametrize(
    ('make', 'kind'),
    [
        (a_pipe, 'is a pipe'),
        (a_socket, 'is a socket'),
        (a_device, 'is a character device'),
        (a_folder, 'is a directory'),
        (a_link_to_a_device, 'is a character device'),
    ],
)
def test_what_is_no_file_is_refused(run, writing, writer, make, kind):
    path = writing.folder / 'a.svg'
    make(path)
    before = path.lstat()
    done = run(*writing.arguments(writer, path))
    assert (done.code, done.out) == (3, '')
    assert f'{path}: {kind}; name a file\n' in done.err
    assert len(done.err.splitlines()) == 1
    after = path.lstat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert writing.names() == ['a.svg']


@pytest.mark.parametrize('there', ['there', 'not there'])
def test_what_a_link_leads_to_is_written(
    run, writing, writer, there, tmp_path
):
    target = tmp_path / 'target.svg'
    if there == 'there':
        target.write_text('the old one')
    between = tmp_path / 'between'
    between.symlink_to('target.svg')
    link = writing.folder / 'link.svg'
    link.symlink_to('../between')
    done = run(*writing.arguments(writer, link))
    assert done.code != 3, done.err
    assert os.readlink(link) == '../between'
    assert os.readlink(between) == 'target.svg'
    assert target.read_bytes().lower().startswith(BEGINNINGS[writer].lower())
    assert writing.names() == ['link.svg']


def test_links_in_a_circle(run, writing, writer):
    (writing.folder / 'a.svg').symlink_to('b.svg')
    (writing.folder / 'b.svg').symlink_to('a.svg')
    done = run(*writing.arguments(writer, writing.folder / 'a.svg'))
    assert (done.code, done.out) == (3, '')
    assert 'a.svg: ' in done.err
    assert 'Too many levels of symbolic links\n' in done.err
    assert writing.names() == ['a.svg', 'b.svg']


def test_a_link_into_a_folder_that_is_not_there(run, writing, writer):
    link = writing.folder / 'a.svg'
    link.symlink_to('none/a.svg')
    done = run(*writing.arguments(writer, link))
    assert (done.code, done.out) == (3, '')
    assert f'{writing.folder}/none' in done.err
    assert writing.names() == ['a.svg']


@pytest.mark.parametrize('document', DOCUMENTS)
def test_standard_output(writing, document):
    process = program.start(
        *program.PROGRAM, *writing.arguments(document, '-')
    )
    out, err = process.communicate()
    assert process.returncode in (0, 1), err
    assert out.encode().lower().startswith(BEGINNINGS[document].lower())
    assert out.rstrip()[-1] in '>}'
    # What would stand there otherwise.
    assert '+--' in err
    assert '+--' not in out
    assert writing.names() == []


def test_what_standard_output_gets_is_the_file(writing):
    command = writing.arguments('snapshot save', '-')
    process = program.start(*program.PROGRAM, *command, '-f', 'json')
    out, err = process.communicate()
    path = writing.folder / 'saved.json'
    path.write_text(out)
    assert [image.name for image in FileSource(path).images()] == ['iso']
    assert '"Section": "hosts"' in err


@pytest.mark.parametrize('name', ['/dev/stdout', '/proc/self/fd/1', 'log'])
@pytest.mark.parametrize('document', ['snapshot save', 'explain --html'])
def test_a_file_that_standard_output_goes_to_is_kept(writing, document, name):
    command = shlex.join(
        map(str, (*program.PROGRAM, *writing.arguments(document, name)))
    )
    log = writing.folder / 'log'
    log.write_text('old\n')
    number = log.stat().st_ino
    process = program.start('sh', '-c', f'{command} >>log')
    _, err = process.communicate()
    assert process.returncode == 3
    assert err.rstrip().endswith('is open for output already; name -')
    assert log.read_text().startswith('old\n')
    assert log.stat().st_ino == number
    assert writing.names() == ['log']


@pytest.mark.parametrize('document', ['snapshot save', 'explain --html'])
def test_a_file_that_is_called_so(run, writing, document):
    done = run(*writing.arguments(document, './-'))
    assert '+--' in done.out
    assert writing.names() == ['-']


def test_a_disk_is_not_for_standard_output(run, writing):
    skip_without('qemu-img')
    done = run(*writing.arguments('image prepare', '-'))
    assert (done.code, done.out) == (2, '')
    assert './-' in done.err
    assert writing.names() == []
    assert run(*writing.arguments('image prepare', './-')).code == 0
    assert writing.names() == ['-']


@pytest.mark.parametrize('document', DOCUMENTS)
def test_standard_output_that_nobody_reads(writing, document):
    reading, written = os.pipe()
    os.close(reading)
    process = program.subprocess.run(
        [*program.PROGRAM, *map(str, writing.arguments(document, '-'))],
        check=False,
        stdout=written,
        stderr=program.subprocess.PIPE,
        text=True,
    )
    os.close(written)
    assert process.returncode == 3
    assert 'standard output: Broken pipe\n' in process.stderr
    assert 'Traceback' not in process.stderr


@pytest.mark.parametrize('document', DOCUMENTS)
def test_standard_output_that_is_closed(writing, document):
    command = ' '.join(
        map(str, [*program.PROGRAM, *writing.arguments(document, '-')])
    )
    process = program.start('sh', '-c', f'{command} >&-')
    out, err = process.communicate()
    assert (process.returncode, out) == (3, '')
    assert 'standard output: is closed\n' in err


def test_flat_disks_have_no_links(run, writing):
    skip_without('qemu-img')
    elsewhere = writing.folder / 'elsewhere'
    elsewhere.write_text('of somebody else')
    (writing.folder / 'a-flat.vmdk').symlink_to('elsewhere')
    arguments = writing.arguments('image prepare', writing.folder / 'a.vmdk')
    done = run(*arguments, '--type', 'monolithicFlat')
    assert (done.code, done.out) == (3, '')
    assert 'a-flat.vmdk: is a link' in done.err
    assert elsewhere.read_text() == 'of somebody else'
    assert writing.names() == ['a-flat.vmdk', 'elsewhere']


# What fails on the way.


def limited(*arguments):
    """Return a command that cannot write more than 4 KiB into a file."""
    return 'sh', '-c', 'ulimit -f 8; exec "$@"', 'sh', *arguments


@pytest.fixture(scope='module')
def large(tmp_path_factory):
    """Return a snapshot that takes seconds to write."""
    path = tmp_path_factory.mktemp('large') / 'large.json'
    servers = (server(str(n), ISO, 'kvm-1') for n in range(40_000))
    cloud = both(images=[ISO])
    cloud.servers = lambda: servers
    files.save(cloud, path)
    return path


def saving(large, target):
    return (*program.PROGRAM, 'snapshot', 'save', '--snapshot', large, target)


def test_no_room(writing, large):
    path = writing.folder / 'a.json'
    path.write_text('the old one')
    process = program.start(*limited(*saving(large, path)))
    out, err = process.communicate()
    assert (process.returncode, out) == (3, '')
    assert f'{path}: File too large\n' in err
    assert path.read_text() == 'the old one'
    assert writing.names() == ['a.json']


def interrupted(writing, large, number):
    """Send a signal while a snapshot is written; return the process."""
    path = writing.folder / 'a.json'
    path.write_text('the old one')
    process = program.start(*saving(large, path))
    while writing.names() == ['a.json']:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(number)
    return process


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_who_ends_it_finds_what_was_there(writing, large, number, code):
    process = interrupted(writing, large, number)
    out, err = process.communicate()
    assert (process.returncode, out) == (code, '')
    assert 'Traceback' not in err
    assert writing.names() == ['a.json']
    assert pathlib.Path('a.json').read_text() == 'the old one'


def test_who_is_impatient_finds_it_too(writing, large):
    process = interrupted(writing, large, signal.SIGTERM)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
    process.communicate()
    # The second one may come when all is removed: then it is as any other.
    assert process.returncode in (143, -signal.SIGTERM, -signal.SIGHUP)
    assert writing.names() == ['a.json']


def test_the_folder_vanishes_meanwhile(writing, large, tmp_path):
    process = interrupted(writing, large, 0)
    writing.folder.rename(tmp_path / 'renamed')
    _, err = process.communicate()
    assert process.returncode == 3
    assert 'a.json: No such file or directory\n' in err
    (writing.folder).mkdir()
    assert (tmp_path / 'renamed/a.json').read_text() == 'the old one'
