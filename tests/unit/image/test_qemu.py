# SPDX-License-Identifier: Apache-2.0
"""What qemu-img is asked, and what is left when it fails."""

import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.qemu import Node
from tests import disk_files
from tests.children import children
from tests.disk_files import MIB
from tests.installed import skip_without

KIB = 1024


@pytest.fixture(autouse=True)
def installed():
    skip_without('qemu-img')


@pytest.fixture
def raw(tmp_path):
    return Node(disk_files.raw(tmp_path / 'source.raw'), 'raw')


def disk(disk_format, **facts):
    return Disk(
        **{
            'name': 'disk',
            'format': disk_format,
            'virtual_bytes': MIB,
            'file_bytes': MIB,
            **facts,
        }
    )


def ignore(done):
    """Watch nothing."""


@pytest.mark.parametrize(
    ('ours', 'qemus'),
    [
        ('vmdk', 'vmdk'),
        ('qcow2', 'qcow2'),
        ('vhd', 'vpc'),
        ('vhdx', 'vhdx'),
        ('iso', 'raw'),
    ],
)
def test_formats_have_qemus_names(ours, qemus):
    path = pathlib.Path('x')
    assert qemu.node(path, disk(ours)) == qemu.Node(path, qemus, 0, None)


def test_a_disk_in_an_archive_is_a_part_of_it(tmp_path, raw):
    inner = disk_files.convert(raw.path, tmp_path / 'a.qcow2', 'qcow2')
    path = tmp_path / 'a.ova'
    path.write_bytes(b'x' * KIB + inner.read_bytes() + b'x' * KIB)
    appliance = Appliance('a.qcow2', KIB, inner.stat().st_size)
    node = qemu.node(path, disk('qcow2', appliance=appliance))
    assert qemu.info(node).virtual_size == raw.path.stat().st_size
    assert qemu.compare(node, raw, ignore)


@pytest.mark.parametrize('name', ['a,b"c.raw', "it's:1.raw", 'json:{}.raw'])
def test_no_name_of_a_file_means_anything_else(tmp_path, raw, name):
    node = Node(raw.path.rename(tmp_path / name), 'raw')
    assert qemu.data_bytes(node) == 2 * MIB
    target = Node(tmp_path / f'{name}.vmdk', 'vmdk')
    qemu.convert(node, target.path, 'vmdk', {}, ignore)
    assert qemu.compare(node, target, ignore)


def test_data_are_counted_in_grains(tmp_path):
    path = tmp_path / 'a.raw'
    with path.open('wb') as file:
        file.truncate(4 * MIB)
        for start in (0, 32 * KIB, 252 * KIB, MIB):
            file.seek(start)
            file.write(b'x' * 8 * KIB)
    node = Node(path, 'raw')
    # The first two share a grain, the third lies in two.
    assert qemu.data_bytes(node) == 32 * KIB
    assert qemu.data_bytes(node, 64 * KIB) == 4 * 64 * KIB


def test_a_large_disk_without_data_costs_nothing(tmp_path):
    path = tmp_path / 'a.raw'
    with path.open('wb') as file:
        file.truncate(10 * 1024**4)
    assert qemu.data_bytes(Node(path, 'raw'), 64 * KIB) == 0


def test_convert_and_compare_say_how_far_they_are(tmp_path, raw):
    target = Node(tmp_path / 'a.vmdk', 'vmdk')
    converted, compared = [], []
    qemu.convert(
        raw,
        target.path,
        'vmdk',
        {'subformat': 'streamOptimized', 'adapter_type': 'lsilogic'},
        converted.append,
    )
    assert qemu.compare(raw, target, compared.append)
    for seen in (converted, compared):
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0, 1)
        assert len(set(seen)) > 2
    head = target.path.read_bytes()[: 4 * KIB]
    assert b'createType="streamOptimized"' in head
    assert b'ddb.adapterType = "lsilogic"' in head


def test_a_difference_of_one_byte_is_found(tmp_path, raw):
    other = Node(disk_files.raw(tmp_path / 'other.raw'), 'raw')
    assert qemu.compare(raw, other, ignore)
    with other.path.open('r+b') as file:
        file.seek(3 * MIB)
        file.write(b'x')
    assert not qemu.compare(raw, other, ignore)


def test_what_fails_names_files_as_people_do(tmp_path, raw):
    wrong = Node(raw.path, 'vdi')
    missing = Node(tmp_path / 'missing', 'raw')
    works = {
        'info': lambda: qemu.info(wrong),
        'data_bytes': lambda: qemu.data_bytes(wrong),
        'convert': lambda: qemu.convert(
            wrong, tmp_path / 'target', 'vmdk', {}, ignore
        ),
        'compare': lambda: qemu.compare(raw, wrong, ignore),
        'missing': lambda: qemu.compare(missing, raw, ignore),
    }
    for name, work in works.items():
        with pytest.raises(DiskError) as caught:
            work()
        asked = {'data_bytes': 'map', 'missing': 'compare'}.get(name, name)
        path = missing.path if name == 'missing' else raw.path
        others = {
            'compare': f'{raw.path} and ',
            'missing': f'{missing.path} and ',
        }
        whole = (
            f'{others.get(name, "")}{raw.path}: "qemu-img {asked}" failed and '
            f"said \"Could not open '{path}': "
        )
        assert str(caught.value).startswith(whole)
        assert 'json:' not in str(caught.value)


@pytest.fixture
def failing(tmp_path, monkeypatch):
    """Return a function that has qemu-img do what a shell is told."""
    program = tmp_path / 'qemu-img'
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')

    def write(script):
        program.write_text(f'#!/bin/sh\n{script}\n')
        program.chmod(0o755)

    return write


FAILURES = {
    'exit 1': 'failed and said nothing; its exit status is 1',
    'echo >&2; exit 126': 'failed and said nothing; its exit status is 126',
    'kill -KILL $$': 'was ended by SIGKILL and said nothing; it may '
    'use a GiB of memory and 30 seconds of processor time',
    'kill -35 $$': 'was ended by signal 35 and said nothing; it may use a GiB '
    'of memory and 30 seconds of processor time',
    'echo "qemu-img: out of \033[1m memory" >&2; kill -ABRT $$': 'was ended '
    'by SIGABRT and said "out of \\x1b[1m memory"; it may use a GiB of memory '
    'and 30 seconds of processor time',
    'printf "qemu-img: one\nqemu-img: two\n" >&2; exit 1': 'failed and said '
    '"one; two"',
    'yes 0123456789 | head -c 100000 >&2; exit 1': 'failed and said "'
    + ('0123456789; ' * 42)[:500]
    + '..."',
}


@pytest.mark.parametrize(('script', 'words'), FAILURES.items())
def test_each_failure_is_one_line(failing, raw, script, words):
    failing(script)
    with pytest.raises(DiskError) as caught:
        qemu.info(raw)
    assert str(caught.value) == f'{raw.path}: "qemu-img info" {words}'


@pytest.mark.parametrize('said', ['', 'hello', '[]', '{"a": 1'])
def test_an_answer_that_is_none(failing, raw, said):
    failing(f"echo '{said}'")
    for ask, what in ((qemu.info, 'info'), (qemu.corruptions, 'check')):
        with pytest.raises(
            DiskError, match=f'"qemu-img {what}" ended well, but without an'
        ):
            ask(raw)


@pytest.mark.parametrize(
    'said',
    [
        'hello',
        '[1,',
        '[{"data": true, "start": 0}]',
        '[{"data": true, "start": 0, "length": "1"}]',
        '[{"data": 1, "start": 0, "length": 1}]',
        '[{"start": 0, "length": 1}]',
    ],
)
def test_a_map_that_cannot_be_read(failing, raw, said):
    failing(f"echo '{said}'")
    with pytest.raises(
        DiskError, match='"qemu-img map" ended well, but without an'
    ):
        qemu.data_bytes(raw)


@pytest.mark.parametrize('size', ['"many"', 'null', '{}', '1e400'])
def test_a_size_that_is_none(failing, raw, size):
    failing(f'echo \'{{"virtual-size": {size}, "format": "raw"}}\'')
    with pytest.raises(
        DiskError, match='"qemu-img info" ended well, but without an'
    ):
        qemu.info(raw)


def test_without_qemu_img_its_package_is_named(raw, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(DiskError, match='package qemu-utils'):
        qemu.info(raw)


def test_without_room_for_what_it_says(raw, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'none'))
    with pytest.raises(DiskError, match='No such file or directory; set TMP'):
        qemu.info(raw)


def big(folder):
    """Write a disk that takes long to compress."""
    path = folder / 'big.raw'
    with path.open('wb') as file:
        for _ in range(64):
            file.write(os.urandom(MIB))
    return Node(path, 'raw')


STREAM = {'subformat': 'streamOptimized'}


def test_a_killed_qemu_img_is_told(tmp_path):
    source = big(tmp_path)

    def kill(done):
        os.kill(children(qemu.PROGRAM)[0], signal.SIGKILL)

    with pytest.raises(
        DiskError,
        match=r'big\.raw: "qemu-img convert" was ended by SIGKILL and',
    ):
        qemu.convert(source, tmp_path / 'a.vmdk', 'vmdk', STREAM, kill)
    assert children(qemu.PROGRAM) == []


@pytest.mark.parametrize('error', [KeyboardInterrupt, SystemExit, ValueError])
def test_qemu_img_ends_with_who_waits_for_it(tmp_path, error):
    source = big(tmp_path)

    def fail(done):
        assert len(children(qemu.PROGRAM)) == 1
        raise error

    with pytest.raises(error):
        qemu.convert(source, tmp_path / 'a.vmdk', 'vmdk', STREAM, fail)
    assert children(qemu.PROGRAM) == []


def test_qemu_img_ends_even_if_who_waits_is_killed(tmp_path):
    source = big(tmp_path)
    ours, theirs = multiprocessing.Pipe()

    def tell(done):
        child = children(qemu.PROGRAM)[0]
        # It is not to end by having done its work.
        os.kill(child, signal.SIGSTOP)
        theirs.send(child)
        signal.pause()

    process = multiprocessing.get_context('fork').Process(
        target=qemu.convert,
        args=(source, tmp_path / 'a.vmdk', 'vmdk', STREAM, tell),
    )
    process.start()
    child = ours.recv()
    process.kill()
    process.join()
    for _ in range(1000):
        if not is_running(child):
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail('qemu-img works on')


def is_running(process):
    """Tell whether it works; a zombie does not."""
    state = subprocess.run(
        ['ps', '-o', 'state=', '-p', str(process)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return state not in {'', 'Z'}


# Prints what info does, if as many threads get memory as qemu starts.
MANY_THREADS = f"""#!{sys.executable}
import ctypes
import threading

memory = ctypes.CDLL(None)
end = threading.Barrier(65)

def work():
    memory.malloc(1000)
    end.wait()

for _ in range(64):
    threading.Thread(target=work, daemon=True).start()
end.wait()
print('{{"virtual-size": 5}}')
"""


def test_all_threads_of_qemu_fit_into_its_limit(tmp_path, monkeypatch):
    """Else a disk that is read in many pieces would be refused at times."""
    program = tmp_path / 'qemu-img'
    program.write_text(MANY_THREADS)
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    assert qemu.info(Node(tmp_path / 'disk', 'raw')).virtual_size == 5
