# SPDX-License-Identifier: Apache-2.0
"""No disk that needs another one is taken, whoever else takes it.

============ ======== ========== ======== =======
kind         qemu-img oslo.utils nova     here
============ ======== ========== ======== =======
qcow2        takes it refuses    refuses  refuses
VDI, by type takes it takes it   takes it refuses
VDI, by id   refuses  takes it   refuses  refuses
VHDX         refuses  takes it   refuses  refuses
============ ======== ========== ======== =======

Of VHD, which both take, the tests are in ``test_vhd``.
"""

import struct
import subprocess

import pytest

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import vhdx
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.unit.image.test_acceptance import glance_accepts

pytestmark = pytest.mark.usefixtures('installed')

METADATA = 3 * 1024**2
REGIONS = 192 * 1024

# Of VHDX, as they are stored.
FILE_PARAMETERS = bytes.fromhex('3767a1ca36fa434db3b633f0aa44e76b')
SECTOR_SIZE = bytes.fromhex('1dbf41816fa90947ba47f233a8faab5f')
PARENT = bytes.fromhex('2d5fd3a80bb34d45abf7d3d84834ab0c')


def entry(content, guid):
    """Return the place of an item's entry, and that of the item."""
    place = content.index(guid, METADATA)
    (offset,) = struct.unpack_from('<I', content, place + 16)
    return place, METADATA + offset


def with_item(content, guid, offset, value):
    """Return a VHDX with another number in one of its metadata."""
    content = bytearray(content)
    struct.pack_into('<I', content, entry(content, guid)[1] + offset, value)
    return content


def with_locator(content):
    """Return a VHDX with one item more."""
    content = bytearray(content)
    (number,) = struct.unpack_from('<H', content, METADATA + 10)
    struct.pack_into('<H', content, METADATA + 10, number + 1)
    struct.pack_into(
        '<16sIII',
        content,
        METADATA + 32 + 32 * number,
        *(PARENT, 65536 + 4096, 20, 4),
    )
    return content


def put(content, offset, piece):
    content = bytearray(content)
    content[offset : offset + len(piece)] = piece
    return content


# What is done to a disk; its format; whether qemu-img and oslo.utils take it.
CASES = {
    'qcow2': (lambda disk: disk, 'qcow2', True, False),
    'VDI of kind 4': (
        lambda disk: put(disk, 76, b'\4\0\0\0'),
        *('vdi', True, True),
    ),
    'VDI of kind 3': (
        lambda disk: put(disk, 76, b'\3\0\0\0'),
        *('vdi', True, True),
    ),
    'VDI of kind 0': (
        lambda disk: put(disk, 76, b'\0\0\0\0'),
        *('vdi', True, True),
    ),
    'VDI of kind 5': (
        lambda disk: put(disk, 76, b'\5\0\0\0'),
        *('vdi', True, True),
    ),
    'VDI with a link': (
        lambda disk: put(disk, 424, b'\7' * 16),
        *('vdi', False, True),
    ),
    'VDI with a parent': (
        lambda disk: put(disk, 440, b'\7' * 16),
        *('vdi', False, True),
    ),
    'VHDX by its flag': (
        lambda disk: with_item(disk, FILE_PARAMETERS, 4, 2),
        *('vhdx', False, True),
    ),
    'VHDX by its locator': (with_locator, 'vhdx', False, True),
}


def made(path, disk_format):
    """Write a disk; a qcow2 has a parent."""
    raw = disk_files.raw(path.parent / 'parent.raw')
    if disk_format != 'qcow2':
        return disk_files.convert(raw, path, disk_format)
    subprocess.run(
        ['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', raw, '-Fraw', path],
        check=True,
    )
    return path


@pytest.mark.parametrize('case', CASES)
def test_who_takes_it(tmp_path, case):
    change, disk_format, to_qemu, to_glance = CASES[case]
    path = made(tmp_path / f'disk.{disk_format}', disk_format)
    path.write_bytes(change(path.read_bytes()))
    asked = subprocess.run(
        ['qemu-img', 'info', '-f', disk_format, path], check=False
    )
    assert (asked.returncode == 0) is to_qemu
    assert glance_accepts(path, disk_format) is to_glance
    assert nova_accepts(path, disk_format) is (to_qemu and to_glance)
    words = {
        'qcow2': 'has a backing file',
        'VDI of kind 3': 'is an undo VDI: it has only what differs',
        'VDI of kind 0': 'is a VDI of type 0, which VirtualBox does not have',
        'VDI of kind 5': 'is a VDI of type 5, which VirtualBox does not have',
    }.get(case, 'is a differencing')
    with pytest.raises(DiskError, match=words):
        inspect(path)
    with (
        FileContent(path) as content,
        pytest.raises(DiskError, match=words),
    ):
        inspect_content(content)


@pytest.fixture
def disk(tmp_path):
    return made(tmp_path / 'disk.vhdx', 'vhdx')


def test_a_vhdx_with_large_sectors(disk):
    disk.write_bytes(with_item(disk.read_bytes(), SECTOR_SIZE, 0, 4096))
    # Glance takes it, and no boot comes of it.
    assert glance_accepts(disk, 'vhdx')
    assert not nova_accepts(disk, 'vhdx')
    asked = subprocess.run(
        ['qemu-img', 'info', '-f', 'vhdx', disk], check=False
    )
    assert asked.returncode
    with pytest.raises(DiskError) as caught:
        inspect(disk)
    words = 'is VHDX with sectors of 4096 bytes, which qemu-img does not read'
    assert words in str(caught.value)
    assert 'does not boot' in str(caught.value)


@pytest.mark.parametrize(
    ('place', 'piece', 'words'),
    [
        (REGIONS + 8, bytes(4), 'without its metadata'),
        (REGIONS + 32 + 32, b'\xff' * 8, 'without its file parameters'),
        (METADATA + 10, bytes(2), 'without its file parameters'),
    ],
)
def test_a_vhdx_that_lacks_a_part(disk, place, piece, words):
    disk.write_bytes(put(disk.read_bytes(), place, piece))
    with (
        FileContent(disk) as content,
        pytest.raises(UnsafeDisk, match=words),
    ):
        vhdx.check(content)


def test_a_vhdx_that_says_no_sector_size(disk):
    content = disk.read_bytes()
    place, _ = entry(content, SECTOR_SIZE)
    disk.write_bytes(put(content, place, bytes(16)))
    with pytest.raises(UnsafeDisk, match='VHDX without its sector size'):
        inspect(disk)
