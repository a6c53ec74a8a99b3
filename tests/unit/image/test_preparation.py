# SPDX-License-Identifier: Apache-2.0
"""Disks written anew hold what they held, and no failure leaves a trace."""

import collections
import errno
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.acceptance import by_glance
from hypervisor_affinity.image.acceptance import by_kvm
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import CREATE_TYPES
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.children import children
from tests.disk_files import MIB
from tests.installed import skip_without

GRAIN = 64 * 1024

# qemu's names of formats that are no VMDK.
FORMATS = ('raw', 'qcow2', 'vdi', 'vhdx', 'vpc')

OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
CIM_ResourceAllocationSettingData">
  <References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
  <DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection>
  <VirtualSystem ovf:id="vm"><VirtualHardwareSection>
    <Item><rasd:InstanceID>3</rasd:InstanceID>
      <rasd:ResourceType>6</rasd:ResourceType>
      <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType></Item>
    <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
      <rasd:ResourceType>17</rasd:ResourceType>
      <rasd:HostResource>ovf:/disk/d</rasd:HostResource></Item>
  </VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


@pytest.fixture(autouse=True)
def installed():
    skip_without('qemu-img')


@pytest.fixture
def raw(tmp_path):
    return disk_files.raw(tmp_path / 'server.raw')


@pytest.fixture
def target(tmp_path):
    """Return a name in an empty folder."""
    folder = tmp_path / 'target'
    folder.mkdir()
    return folder / 'server.vmdk'


def ignore(step, done):
    """Watch nothing."""


def at(step, done, act):
    """Return a watcher that acts once, at a step's beginning or end."""
    acts = [act]

    def watch(seen_step, seen_done):
        if (seen_step, seen_done) == (step, done) and acts:
            acts.pop()()

    return watch


def digest(path, disk_format):
    """Return a digest of what a disk holds."""
    plain = path.with_name(f'{path.name}.plain')
    subprocess.run(
        ['qemu-img', 'convert', '-f', disk_format, '-O', 'raw', path, plain],
        check=True,
    )
    with plain.open('rb') as file:
        found = hashlib.file_digest(file, 'sha256').hexdigest()
    plain.unlink()
    return found


def ova(folder, said_digest=None):
    """Write an OVA with a manifest."""
    disk = disk_files.vmdk(folder, 'streamOptimized').read_bytes()
    said_digest = said_digest or hashlib.sha256(disk).hexdigest()
    return disk_files.archive(
        folder / 'server.ova',
        {
            'server.ovf': OVF.encode(),
            'server.mf': f'SHA256(disk.vmdk)= {said_digest}\n'.encode(),
            'disk.vmdk': disk,
        },
    )


@pytest.mark.parametrize('disk_format', FORMATS)
def test_formats_hold_the_same_as_vmdk(tmp_path, raw, target, disk_format):
    source = raw
    if disk_format != 'raw':
        source = disk_files.convert(
            raw, tmp_path / f'server.{disk_format}', disk_format
        )
    done = prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(source, disk_format)
    assert done.target.virtual_bytes == done.source.virtual_bytes
    assert done.form == ('streamOptimized', 'lsiLogic', 4)


@pytest.mark.parametrize('subformat', disk_files.SUBFORMATS)
@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_vmdks_hold_the_same_as_another(
    tmp_path, target, subformat, create_type
):
    source = disk_files.vmdk(tmp_path, subformat)
    done = prepare(source, target, Form(create_type), watch=ignore)
    assert digest(target, 'vmdk') == digest(source, 'vmdk')
    assert done.target == inspect(target)
    assert done.target.create_type == create_type
    accepted = create_type != 'monolithicFlat'
    assert by_glance(done.target).accepts == accepted
    assert by_kvm(done.target).accepts == accepted


def test_what_esxi_exports(tmp_path, target):
    """A descriptor beside a flat extent, by ESXi's words."""
    source = disk_files.vmdk(tmp_path, 'monolithicFlat')
    text = source.read_text().replace('"monolithicFlat"', '"vmfs"')
    source.write_text(re.sub(r'FLAT (".*") 0', r'VMFS \1', text))
    done = prepare(source, target, Form(), watch=ignore)
    assert done.source.create_type == 'vmfs'
    assert digest(target, 'vmdk') == digest(source, 'vmdk')


def test_what_another_program_wrote(tmp_path, raw, target):
    skip_without(disk_files.VMDKSTREAM)
    source = disk_files.vmdkstream(raw, tmp_path / 'other.vmdk')
    prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(raw, 'raw')


def test_an_appliance(tmp_path, raw, target):
    steps = collections.Counter()
    done = prepare(
        ova(tmp_path),
        target,
        Form(),
        watch=lambda step, done: steps.update([step]),
    )
    assert list(steps) == ['Checking the digest', 'Converting', 'Comparing']
    assert digest(target, 'vmdk') == digest(disk_files.raw(raw), 'raw')
    assert done.form.adapter_type == 'paraVirtual'
    assert done.target.adapter_type == 'lsilogic'


def test_a_damaged_appliance_is_not_converted(tmp_path, target):
    steps = set()
    with pytest.raises(DiskError, match=r'disk\.vmdk is not what'):
        prepare(
            ova(tmp_path, 'ab' * 32),
            target,
            Form(),
            watch=lambda step, done: steps.add(step),
        )
    assert steps == {'Checking the digest'}


@pytest.mark.parametrize(
    ('asked', 'source', 'written', 'form'),
    [
        ({}, {}, ('ide', '4'), ('ide', 4)),
        (
            {},
            {'adapter_type': 'buslogic', 'hwversion': '13'},
            ('buslogic', '13'),
            ('busLogic', 13),
        ),
        (
            {},
            {'adapter_type': 'legacyESX'},
            ('lsilogic', '4'),
            ('lsiLogic', 4),
        ),
        (
            {'adapter_type': 'lsiLogicsas', 'hardware_version': 7},
            {'adapter_type': 'buslogic', 'hwversion': '13'},
            ('lsilogic', '7'),
            ('lsiLogicsas', 7),
        ),
    ],
)
def test_adapter_and_hardware(tmp_path, target, asked, source, written, form):
    disk = disk_files.vmdk(tmp_path, 'monolithicSparse', **source)
    done = prepare(disk, target, Form(**asked), watch=ignore)
    found = done.target
    assert (found.adapter_type, found.hardware_version) == written
    assert done.form[1:] == form


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_the_files_are_like_any_new_file(raw, target, create_type):
    before = os.umask(0o027)
    try:
        prepare(raw, target, Form(create_type), watch=ignore)
    finally:
        os.umask(before)
    names = {'server.vmdk'}
    if create_type == 'monolithicFlat':
        names.add('server-flat.vmdk')
    assert {path.name for path in target.parent.iterdir()} == names
    for path in target.parent.iterdir():
        assert path.stat().st_mode & 0o777 == 0o640


def test_a_size_that_is_no_multiple_of_sectors(tmp_path, target):
    source = tmp_path / 'odd.raw'
    source.write_bytes(os.urandom(100_001))
    done = prepare(source, target, Form(), watch=ignore)
    assert done.target.virtual_bytes == 100_352
    assert digest(target, 'vmdk') == digest(source, 'raw')


def test_a_large_disk_without_data_costs_nothing(tmp_path, target):
    source = tmp_path / 'large.raw'
    with source.open('wb') as file:
        file.truncate(16 * 1024**3)
        file.seek(8 * 1024**3)
        file.write(b'x' * MIB)
    done = prepare(source, target, Form(), watch=ignore)
    assert done.target.virtual_bytes == 16 * 1024**3
    assert target.stat().st_blocks * 512 < 16 * MIB


# What exists already.


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


@pytest.mark.parametrize('name', ['a"b.vmdk', 'a\nb.vmdk', 'a\udcffb.vmdk'])
def test_a_name_that_cannot_stand_in_a_descriptor(raw, target, name):
    with pytest.raises(DiskError, match='choose a name'):
        prepare(raw, target.with_name(name), Form(), watch=ignore)


def test_what_is_no_file_is_not_replaced(raw, target):
    target.mkdir()
    with pytest.raises(DiskError, match='is a folder; name a file'):
        prepare(raw, target, Form(), replace=True, watch=ignore)
    missing = target.with_name('missing') / 'server.vmdk'
    with pytest.raises(DiskError, match='missing: no such folder'):
        prepare(raw, missing, Form(), watch=ignore)


def test_what_comes_meanwhile_stays(raw, target):
    watch = at('Comparing', 1, lambda: target.write_text('precious'))
    with pytest.raises(DiskError, match='exists by now'):
        prepare(raw, target, Form(), watch=watch)
    assert target.read_text() == 'precious'
    assert list(target.parent.iterdir()) == [target]


# Room.


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


# What goes wrong leaves nothing.


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

    with pytest.raises(DiskError, match='changed meanwhile'):
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
            'it would hold something else',
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
