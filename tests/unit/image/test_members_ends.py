# SPDX-License-Identifier: Apache-2.0
"""Disks in an OVA that end within a sector, or before their end."""

import errno
import gzip
import os
import tempfile

import pytest

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
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
