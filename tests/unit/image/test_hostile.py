# SPDX-License-Identifier: Apache-2.0
"""Disks that harm whoever believes them; none may reach qemu-img."""

import json
import os
import shutil
import struct
import subprocess
import tracemalloc

import hypothesis
import pytest
from hypothesis import strategies as st

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.unit.image.hostile_disks import FLAT
from tests.unit.image.hostile_disks import MIB
from tests.unit.image.hostile_disks import TIB
from tests.unit.image.hostile_disks import header
from tests.unit.image.hostile_disks import refusal


def patched(content, offset, piece):
    return content[:offset] + piece + content[offset + len(piece) :]


@pytest.mark.parametrize(
    ('base', 'change', 'words'),
    [
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 8, struct.pack('>QI', 1024, 11)),
            'qcow2 and not safe: backing_file: Image has a backing file',
            id='backing file',
        ),
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 79, b'\4'),
            'data_file: Image has data_file set',
            id='data file',
        ),
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 510, b'\x55\xaa'),
            'could be gpt or qcow2: one disk may be hidden',
            id='disk in a disk',
        ),
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 24, struct.pack('>Q', 10 * TIB))[:1024],
            'has a table at bytes .*; the file has 1024 bytes: it is trunc',
            id='10 TiB of qcow2 in 1 KiB',
        ),
        pytest.param(
            'vdi',
            lambda disk: patched(disk, 384, struct.pack('<I', 10 * 1024**2)),
            'has a table at bytes 512 to 41943552',
            id='10 TiB of VDI in 2 MiB',
        ),
        pytest.param(
            'vdi',
            lambda disk: disk[:-MIB],
            'has data up to byte .*: it is truncated',
            id='truncated VDI',
        ),
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 24, struct.pack('>Q', 63 * TIB)),
            'has a virtual size of 69269232549888 bytes',
            id='more than vSphere has',
        ),
        pytest.param(
            'vhdx',
            lambda disk: disk[:MIB],
            'vhdx and not safe: complete: Incomplete file',
            id='truncated VHDX',
        ),
    ],
)
def test_other_formats(tmp_path, disks, calls, base, change, words):
    path = tmp_path / 'disk'
    path.write_bytes(change(disks[base].read_bytes()))
    error = refusal(path, calls)
    assert error.type is UnsafeDisk
    error.match(words)


def test_safe_disks_reach_qemu_img(disks, calls):
    with pytest.raises(DiskError):
        inspect(disks['monolithicSparse'])
    assert '"driver": "vmdk"' in calls.read_text()


# What is done to a disk: a few bytes changed, put in, or left out from there
# on. Drawn without its content, which nobody could read in a failure's text.
DAMAGES = st.lists(
    st.tuples(
        st.sampled_from(['change', 'insert', 'cut']),
        st.integers(1, 1100) | st.integers(1, 16 * MIB),
        st.binary(min_size=1, max_size=9)
        | st.sampled_from([b'\xff' * 8, b'\0' * 8, b'/../', b'"', b'\n']),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content, damages):
    content = bytearray(content)
    for kind, place, piece in damages:
        if kind == 'cut':
            del content[place:]
        else:
            end = place + (len(piece) if kind == 'change' else 0)
            content[place:end] = piece
    return bytes(content)


def by_qemu(path, kind):
    done = subprocess.run(
        [
            *('qemu-img', 'info', '--output=json'),
            *('-f', FORMATS.get(kind, 'vmdk'), path),
        ],
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)['virtual-size']


FORMATS = {'qcow2': 'qcow2', 'vdi': 'vdi', 'vhdx': 'vhdx', 'vpc': 'vpc'}
KINDS = (
    'monolithicSparse',
    'streamOptimized',
    'monolithicFlat',
    'twoGbMaxExtentSparse',
    *FORMATS,
)


@pytest.mark.parametrize('kind', KINDS)
@hypothesis.given(damages=DAMAGES)
@hypothesis.settings(max_examples=25)
def test_damaged_file(tmp_path_factory, disks, kind, damages):
    whole = disks[kind]
    folder = tmp_path_factory.mktemp('damaged')
    for file in whole.parent.glob(f'{kind}-*'):
        os.link(file, folder / file.name)
    path = folder / whole.name
    path.write_bytes(damaged(whole.read_bytes(), damages))
    before = sorted(folder.iterdir())
    try:
        disk = inspect(path)
        virtual_bytes = by_qemu(path, kind)
    except DiskError as error:
        assert str(folder) in str(error) or 'qemu-img' in str(error)
        return
    finally:
        assert sorted(folder.iterdir()) == before
        shutil.rmtree(folder)
    assert disk.virtual_bytes == virtual_bytes <= 62 * TIB


@pytest.mark.parametrize('kind', [*KINDS, 'raw'])
@hypothesis.given(damages=DAMAGES)
@hypothesis.settings(max_examples=15)
def test_damaged_content(disks, kind, damages):
    content = disk_files.Counting(damaged(disks[kind].read_bytes(), damages))
    try:
        disk = inspect_content(content)
    except DiskError as error:
        assert 'counting' in str(error)
    else:
        assert disk.virtual_bytes > 0
    assert content.bytes_read < 16 * MIB


@pytest.mark.parametrize('large', ['disk', 'descriptor', 'directory'])
def test_memory(disks, large):
    sparse = disks['monolithicSparse'].read_bytes()
    content = disk_files.Counting(
        {
            'disk': lambda: disks['raw'].read_bytes(),
            'descriptor': lambda: (FLAT + '# x\n' * 200_000).encode(),
            'directory': lambda: header(
                sparse + bytes(64 * MIB), capacity=8 * TIB // 512, grain=8
            ),
        }[large]()
    )
    tracemalloc.start()
    try:
        inspect_content(content)
    except DiskError:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 48 * MIB
