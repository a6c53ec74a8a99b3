# SPDX-License-Identifier: Apache-2.0
"""Disks in an OVA that end within a sector, or before their end."""

import errno
import gzip
import hashlib
import os
import pathlib
import tempfile

import pytest

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.disk_files import MIB
from tests.unit.image.ovas import chunks
from tests.unit.image.ovas import written as ova
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore


def packed_disk(folder, content, is_gzipped):
    """Write an OVA."""
    if not is_gzipped:
        return ova(folder, '', {'web-1.vmdk': content})
    members = {'web-1.vmdk': gzip.compress(content)}
    return ova(folder, 'ovf:compression="gzip"', members)


@pytest.mark.parametrize('is_gzipped', [False, True])
@pytest.mark.parametrize('kind', ['monolithicSparse', 'vdi'])
def test_a_disk_cut_within_a_sector(tmp_path, target, disks, kind, is_gzipped):
    content = disks[kind].read_bytes()[:-300]
    plain = ova(tmp_path, '', {'web-1.vmdk': content})
    with pytest.raises(DiskError, match='truncated') as inspected:
        inspect(plain)
    path = packed_disk(tmp_path, content, is_gzipped)
    with pytest.raises(DiskError) as prepared:
        prepare(path, target, Form(), watch=ignore)
    assert str(prepared.value) == str(inspected.value)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize('is_gzipped', [False, True])
@pytest.mark.parametrize(
    'content',
    [
        b'{"error": 404}\n',
        # A dmg has its only signature in its last sector.
        bytes(10_000) + b'koly\0\0\0\4\0\0\2\0' + bytes(500),
    ],
    ids=['text', 'dmg'],
)
def test_no_disk_of_no_whole_sectors(tmp_path, target, content, is_gzipped):
    with pytest.raises(DiskError) as inspected:
        inspect(ova(tmp_path, '', {'web-1.vmdk': content}))
    path = packed_disk(tmp_path, content, is_gzipped)
    with pytest.raises(DiskError) as prepared:
        prepare(path, target, Form(), watch=ignore)
    assert str(prepared.value) == str(inspected.value)


def test_a_qcow2_of_no_whole_sectors(tmp_path, target, disks):
    content = disks['qcow2'].read_bytes() + b'behind'
    path = ova(tmp_path, '', {'web-1.vmdk': content})
    found = prepare(path, target, Form(), watch=ignore).source
    assert found.virtual_bytes == inspect(path).virtual_bytes
    assert digest(target, 'vmdk') == digest(disks['qcow2'], 'qcow2')


def test_inspect_takes_what_prepare_takes(tmp_path, target):
    raw = disk_files.raw(tmp_path / 'disk.raw').read_bytes()[:-100]
    path = ova(tmp_path, '', {'web-1.vmdk': raw})
    done = prepare(path, target, Form(), watch=ignore)
    assert inspect(path).virtual_bytes == done.source.virtual_bytes


@pytest.mark.parametrize('number', [errno.EACCES, errno.EROFS])
def test_a_folder_that_takes_nothing(
    tmp_path, target, disk, monkeypatch, number
):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, 'mkdtemp', refuse)
    path = packed_disk(tmp_path, disk, is_gzipped=True)
    with pytest.raises(DiskError, match=os.strerror(number)) as caught:
        prepare(path, target, Form(), watch=ignore)
    assert str(caught.value).startswith(f'{target.parent}: a disk of')
    # A directory that is not named is, too.
    monkeypatch.chdir(target.parent)
    with pytest.raises(DiskError) as again:
        prepare(path, pathlib.Path(target.name), Form(), watch=ignore)
    assert str(again.value) == str(caught.value)


def listing(members):
    """Return a manifest."""
    return ''.join(
        f'SHA1({name})= {hashlib.sha1(content).hexdigest()}\n'
        for name, content in members.items()
    )


@pytest.mark.parametrize('chunk', ['ovf:chunkSize="300000"', ''])
def test_a_chunk_that_only_the_manifest_has(tmp_path, target, disk, chunk):
    members = chunks(disk, 300_000)
    last = [*members][-1]
    text = listing(members)
    del members[last]
    path = ova(tmp_path, chunk, members, text)
    says = rf"'{last}' is not in the archive"
    with pytest.raises(DiskError, match=says):
        prepare(path, target, Form(), watch=ignore)
    with pytest.raises(DiskError, match=says):
        inspect(path)
    # If it has other names for them, too.
    text = text.replace('(web', '(./web')
    with pytest.raises(DiskError, match=says):
        inspect(ova(tmp_path, chunk, members, text))


UNITS = 'ovf:capacity="3" ovf:capacityAllocationUnits="{}"'


@pytest.mark.parametrize(
    ('capacity', 'is_known'),
    [
        (f'ovf:capacity="{3 * MIB}"', True),
        (UNITS.format('byte * 2^20'), True),
        (UNITS.format('byte*2^20'), True),
        (UNITS.format('byte * 1048'), False),
        (UNITS.format('byte * 2^1'), False),
        (UNITS.format('byte * 2^999'), False),
        (UNITS.format('MegaBytes'), False),
        ('ovf:capacity="${size}"', False),
        ('', False),
    ],
)
@pytest.mark.parametrize('form', ['plain', 'chunks', 'gzip'])
def test_capacity(tmp_path, target, capacity, is_known, form):
    def made(content):
        told = {
            'plain': '',
            'chunks': f'ovf:chunkSize="{MIB}"',
            'gzip': 'ovf:compression="gzip"',
        }
        members = {
            'plain': {'web-1.vmdk': content},
            'chunks': chunks(content, MIB),
            'gzip': {'web-1.vmdk': gzip.compress(content)},
        }
        path = ova(tmp_path, told[form], members[form], capacity=capacity)
        return prepare(path, target, Form(), replace=True, watch=ignore)

    raw = disk_files.raw(tmp_path / 'disk.raw', 6 * MIB).read_bytes()[
        : 3 * MIB
    ]
    assert made(raw).target.virtual_bytes == 3 * MIB
    if not is_known:
        assert made(raw[: 2 * MIB]).target.virtual_bytes == 2 * MIB
        return
    for size in (2 * MIB, 3 * MIB - 100, 3 * MIB - 512):
        with pytest.raises(DiskError, match='truncated or was changed'):
            made(raw[:size])


def test_inspect_knows_the_capacity(tmp_path):
    path = ova(
        tmp_path,
        '',
        {'web-1.vmdk': bytes(MIB)},
        capacity=f'ovf:capacity="{MIB + 1}"',
    )
    with pytest.raises(DiskError, match=rf'says {MIB + 1}: it is truncated'):
        inspect(path)


@pytest.mark.parametrize('more', [-1, 1])
def test_the_ovf_has_another_size(tmp_path, disk, more):
    told = f'ovf:size="{len(disk) + more}"'
    with pytest.raises(DiskError, match='is truncated or was changed; get'):
        inspect(ova(tmp_path, told, {'web-1.vmdk': disk}))


def test_a_member_before_chunks(tmp_path, target, disk):
    members = {'web-1.vmdk.000000000': bytes(MIB), 'web-1.vmdk': disk}
    path = ova(tmp_path, '', members)
    assert inspect(path).appliance.size == len(disk)
    assert inspect(path).format == 'vmdk'
    # Here it is chunks that the OVF asks for.
    path = ova(tmp_path, f'ovf:chunkSize="{MIB}"', members)
    assert inspect(path).format == 'raw'
