# SPDX-License-Identifier: Apache-2.0
"""A disk of any size is told in little time and memory.

What costs them is counted: bytes that are read, numbers that are looked at one
by one, and what qemu-img is asked.
"""

import os
import shutil
import subprocess
import tracemalloc

import pytest

from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.formats import maps
from tests import disk_files
from tests.disk_files import MIB
from tests.unit.image.counted_file import CountedFile

pytestmark = pytest.mark.usefixtures('installed')

# What the whole program needs besides is some 70 MiB, of 80.
LITTLE = 10 * MIB

OVF = """\
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
          xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
<References>{}</References><DiskSection>{}</DiskSection></Envelope>"""
FILE = '<File ovf:id="{0}" ovf:href="disk{0}.vmdk"/>'
DISK = '<Disk ovf:diskId="{0}" ovf:fileRef="{0}"/>'


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Return what qemu-img is asked from now on, and answers."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    script = folder / 'qemu-img'
    program = shutil.which('qemu-img')
    notes = folder / 'notes'
    notes.touch()
    script.write_text(f'#!/bin/sh\necho "$1" >>{notes}\nexec {program} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv('PATH', f'{folder}:{os.environ["PATH"]}')

    def answer():
        found = notes.read_text().split()
        notes.write_text('')
        return found

    return answer


def create(path, disk_format, size, *options):
    words = [f'-o{option}' for option in options]
    command = ['qemu-img', 'create', '-q', '-f', disk_format, *words]
    subprocess.run([*command, path, size], check=True)
    return path


LARGE = [
    ('vmdk', '62T', ['subformat=streamOptimized']),
    ('vdi', '16T', []),
    ('vhdx', '4T', ['block_size=1M']),
    ('vpc', '2000G', []),
    ('qcow2', '62T', []),
    # All of its tables are there.
    ('qcow2', '100G', ['preallocation=metadata', 'cluster_size=8k']),
]


@pytest.mark.parametrize(('driver', 'size', 'options'), LARGE)
def test_maps_are_read_in_little_memory(
    tmp_path, monkeypatch, driver, size, options
):
    path = create(tmp_path / 'disk', driver, size, *options)
    unpacked = []
    unpack = maps.Near.unpack
    monkeypatch.setattr(
        maps.Near,
        'unpack',
        lambda *args: unpacked.append(args) or unpack(*args),
    )
    with CountedFile(path) as content:
        # What is imported or compiled once takes its own.
        inspection.inspect_content(content)
        content.bytes_read = 0
        tracemalloc.start()
        inspection.inspect_content(content)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert content.bytes_read < maps.READ + 32 * MIB
    assert peak < LITTLE
    # What the file ends with, at both times.
    assert len(unpacked) <= 2


@pytest.mark.parametrize(
    ('disk_format', 'questions'),
    [
        ('raw', ['info']),
        ('vdi', ['info', 'dd']),
        ('qcow2', ['info', 'check', 'dd']),
    ],
)
def test_no_more_is_asked_than_needed(tmp_path, asked, disk_format, questions):
    path = create(tmp_path / 'disk', disk_format, '1G')
    asked()
    for briefly in (True, False):
        assert not inspection.inspect(path, briefly=briefly).left_out
        assert asked() == questions


def test_a_map_that_fills_the_memory_is_not_given_to_qemu(tmp_path, asked):
    path = create(tmp_path / 'disk.vdi', 'vdi', '13T')
    asked()
    disk = inspection.inspect(path, briefly=True)
    assert asked() == []
    (text,) = disk.left_out
    assert text.startswith('qemu-img did not open it')
    assert 'its map has 52 MiB' in text
    assert disk.virtual_bytes == 13 * 1024**4
    whole = inspection.inspect(path)
    assert asked() == ['info', 'dd']
    assert not whole.left_out


def test_clusters_that_take_long_are_not_counted(tmp_path, asked):
    path = create(tmp_path / 'disk.qcow2', 'qcow2', '1T')
    # Of 64 KiB each: no more than are counted, then one more.
    os.truncate(path, 128 * 1024**3)
    asked()
    assert not inspection.inspect(path, briefly=True).left_out
    assert asked() == ['info', 'check', 'dd']
    os.truncate(path, 128 * 1024**3 + 1)
    (text,) = inspection.inspect(path, briefly=True).left_out
    assert asked() == ['info', 'dd']
    assert text.startswith('"qemu-img check" was left out, which takes long')
    assert not inspection.inspect(path).left_out
    assert asked() == ['info', 'check', 'dd']


def test_an_archive_is_read_once_for_all_of_its_disks(
    tmp_path, disk, monkeypatch
):
    numbers = range(290)
    ovf = OVF.format(
        ''.join(map(FILE.format, numbers)), ''.join(map(DISK.format, numbers))
    )
    members = {f'disk{number}.vmdk': disk[: 64 * 1024] for number in numbers}
    members['disk0.vmdk'] = disk
    path = disk_files.archive(
        tmp_path / 'a.ova', {'a.ovf': ovf.encode(), **members}
    )
    opened = []

    def opening(path):
        opened.append(CountedFile(path))
        return opened[-1]

    monkeypatch.setattr(inspection, 'FileContent', opening)
    alone = inspection.inspect_all(path, most=1, briefly=True).found
    found = inspection.inspect_all(path, most=10, briefly=True).found
    assert found['disk0.vmdk'] == alone['disk0.vmdk']
    assert 'truncated' in str(found['disk9.vmdk'])
    one, ten = (content.bytes_read for content in opened)
    # Of each disk itself, there is little.
    assert ten < one + 9 * 512 * 1024
