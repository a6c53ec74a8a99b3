# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while a disk is written leaves no trace."""

import errno
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.preparation import CREATE_TYPES
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.children import children
from tests.disk_files import MIB
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore

GRAIN = 64 * 1024

pytestmark = pytest.mark.usefixtures('installed')


def at(step, done, act):
    """Return a watcher that acts once, at a step's beginning or end."""
    acts = [act]

    def watch(seen_step, seen_done):
        if (seen_step, seen_done) == (step, done) and acts:
            acts.pop()()

    return watch


@pytest.mark.parametrize('create_type', CREATE_TYPES)
@pytest.mark.parametrize('name', ['server.vmdk', 'server-flat.vmdk'])
def test_nothing_is_written_over(raw, target, create_type, name):
    existing = target.with_name(name)
    existing.write_text('precious')
    form = Form(create_type)
    if name == 'server-flat.vmdk' and create_type != 'monolithicFlat':
        prepare(raw, target, form, watch=ignore)
    else:
        with pytest.raises(DiskError, match=f'{name}: exists'):
            prepare(raw, target, form, watch=ignore)
    assert existing.read_text() == 'precious'


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_it_is_if_that_was_asked_for(raw, target, create_type):
    for name in ('server.vmdk', 'server-flat.vmdk'):
        target.with_name(name).write_text('not needed')
    prepare(raw, target, Form(create_type), replace=True, watch=ignore)
    assert digest(target, 'vmdk') == digest(raw, 'raw')


@pytest.mark.parametrize('name', ['server.vmdk', 'server-flat.vmdk'])
def test_a_source_is_never_written_over(tmp_path, name):
    source = disk_files.vmdk(tmp_path, 'monolithicFlat')
    before = digest(source, 'vmdk')
    (tmp_path / name).symlink_to(
        source if name == 'server.vmdk' else 'monolithicFlat-flat.vmdk'
    )
    with pytest.raises(DiskError, match='is a part of the source'):
        prepare(
            source,
            tmp_path / 'server.vmdk',
            Form('monolithicFlat'),
            replace=True,
            watch=ignore,
        )
    assert digest(source, 'vmdk') == before


def test_names_in_a_single_file_are_no_parts_of_it(tmp_path):
    source = disk_files.vmdk(tmp_path, 'streamOptimized')
    source = source.rename(tmp_path / 'renamed.vmdk')
    # The descriptor in the source still has this name.
    target = tmp_path / 'streamOptimized.vmdk'
    target.write_text('not needed')
    prepare(source, target, Form(), replace=True, watch=ignore)
    assert digest(target, 'vmdk') == digest(source, 'vmdk')


def test_what_is_no_file_is_not_replaced(raw, target):
    target.mkdir()
    with pytest.raises(DiskError, match='is a directory; name a file'):
        prepare(raw, target, Form(), replace=True, watch=ignore)
    missing = target.with_name('missing') / 'server.vmdk'
    with pytest.raises(DiskError, match='missing: no such directory'):
        prepare(raw, missing, Form(), watch=ignore)


def test_what_comes_meanwhile_stays(raw, target):
    watch = at('Comparing', 1, lambda: target.write_text('precious'))
    with pytest.raises(
        DiskError, match='exists now; choose another name, or use --replace'
    ):
        prepare(raw, target, Form(), watch=watch)
    assert target.read_text() == 'precious'
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_room_is_checked_first(tmp_path, target, monkeypatch, create_type):
    """A file system is refused if the target does not fit, and rarely else."""
    # What takes most room: much that only grows by being compressed, or
    # little in each grain.
    number, size = 60, 4096
    if create_type == 'streamOptimized':
        number, size = 500, GRAIN
    source = tmp_path / 'scattered.raw'
    with source.open('wb') as file:
        for index in range(number):
            file.seek(index * 2 * GRAIN)
            file.write(os.urandom(size))
    prepare(source, target, Form(create_type), watch=ignore)
    needed = sum(
        path.stat().st_blocks * 512
        if create_type == 'monolithicFlat'
        else path.stat().st_size
        for path in target.parent.iterdir()
    )
    for path in target.parent.iterdir():
        path.unlink()
    usage = shutil.disk_usage(tmp_path)

    def prepare_with(free, **arguments):
        with monkeypatch.context() as patch:
            patch.setattr(
                shutil, 'disk_usage', lambda path: usage._replace(free=free)
            )
            prepare(
                source, target, Form(create_type), watch=ignore, **arguments
            )

    with pytest.raises(DiskError, match='--skip-space-check') as caught:
        prepare_with(needed - 1)
    assert str(target.parent) in str(caught.value)
    assert list(target.parent.iterdir()) == []
    prepare_with(needed + 4 * MIB)
    prepare_with(needed - 1, check_space=False, replace=True)


def kill_child():
    (child,) = children(qemu.PROGRAM)
    os.kill(child, signal.SIGKILL)


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize('create_type', CREATE_TYPES)
@pytest.mark.parametrize('step', ['Converting', 'Comparing'])
@pytest.mark.parametrize(
    ('act', 'error', 'message'),
    [
        (kill_child, DiskError, 'ended by SIGKILL'),
        (interrupt, KeyboardInterrupt, None),
    ],
)
def test_an_end_halfway(raw, target, create_type, step, act, error, message):
    with pytest.raises(error, match=message):
        prepare(raw, target, Form(create_type), watch=at(step, 0, act))
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize('step', ['Converting', 'Comparing'])
@pytest.mark.parametrize('size', [16 * MIB, MIB, 0])
def test_a_source_that_changes_meanwhile(raw, target, step, size):
    def change():
        with raw.open('r+b') as file:
            file.seek(2 * MIB)
            file.write(b'changed')
            file.truncate(size)

    with pytest.raises(DiskError, match='changed during the conversion'):
        prepare(raw, target, Form(), watch=at(step, 1, change))
    assert list(target.parent.iterdir()) == []


def test_a_source_that_ends_too_early(tmp_path, target):
    source = disk_files.vmdk(tmp_path, 'streamOptimized')
    os.truncate(source, source.stat().st_size // 2)
    with pytest.raises(DiskError):
        prepare(source, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


def test_a_flat_disk_that_cannot_take_its_place(raw, target):
    extent = target.with_name('server-flat.vmdk')
    with pytest.raises(DiskError, match='was not written: Is a directory'):
        prepare(
            raw,
            target,
            Form('monolithicFlat'),
            replace=True,
            watch=at('Comparing', 1, extent.mkdir),
        )
    assert list(target.parent.iterdir()) == [extent]


def test_an_extent_without_its_descriptor(raw, target, monkeypatch):
    replace = pathlib.Path.replace

    def fail_for_the_descriptor(path, other):
        if other == target:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return replace(path, other)

    monkeypatch.setattr(pathlib.Path, 'replace', fail_for_the_descriptor)
    with pytest.raises(DiskError, match='Input/output error'):
        prepare(raw, target, Form('monolithicFlat'), watch=ignore)
    assert list(target.parent.iterdir()) == []


def test_an_iso_is_left_alone(tmp_path, target):
    source = tmp_path / 'install.iso'
    with source.open('wb') as file:
        file.truncate(MIB)
        file.seek(32 * 1024)
        file.write(b'\x01CD001\x01')
    with pytest.raises(DiskError, match='upload it'):
        prepare(source, target, Form(), watch=ignore)


@pytest.fixture
def qemu_img(tmp_path, monkeypatch):
    """Return a function that puts a script in the place of qemu-img.

    In it, $REAL is the real one.
    """
    real = shutil.which('qemu-img')

    def put(script):
        program = tmp_path / 'bin/qemu-img'
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nREAL={real}\n{script}')
        program.chmod(0o755)
        monkeypatch.setenv('PATH', str(program.parent), prepend=os.pathsep)

    return put


@pytest.mark.parametrize(
    ('script', 'message'),
    [
        # Forgets an option.
        (
            """
            for each; do
                shift
                case $each in
                -ohwversion=*) ;;
                *) set -- "$@" "$each" ;;
                esac
            done
            exec $REAL "$@"
            """,
            'hwversion is 4 instead of 13',
        ),
        # Writes something else than it read.
        (
            """
            [ $1 = convert ] || exec $REAL "$@"
            $REAL "$@"
            for target; do :; done
            qemu-io -f vmdk -c 'write -q 8M 64k' "$target"
            """,
            'its content would differ from',
        ),
    ],
)
def test_qemu_img_is_not_believed(raw, target, qemu_img, script, message):
    qemu_img(script)
    form = Form('monolithicSparse', hardware_version=13)
    with pytest.raises(DiskError, match=message):
        prepare(raw, target, form, watch=ignore)
    assert list(target.parent.iterdir()) == []


def test_qemu_img_never_sees_a_hostile_disk(tmp_path, raw, target, qemu_img):
    source = tmp_path / 'hostile.qcow2'
    subprocess.run(
        [
            *('qemu-img', 'create', '-q', '-f', 'qcow2'),
            *('-b', raw, '-F', 'raw', source),
        ],
        check=True,
    )
    seen = tmp_path / 'seen'
    qemu_img(f'touch {seen}\nexit 1\n')
    with pytest.raises(UnsafeDisk):
        prepare(source, target, Form(), watch=ignore)
    assert not seen.exists()
    with pytest.raises(DiskError):
        prepare(raw, target, Form(), watch=ignore)
    assert seen.exists()
