# SPDX-License-Identifier: Apache-2.0
"""What is written as a stream ends where a stream ends; all else stays."""

import os
import struct
import subprocess
import zlib

import pytest

from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats.streaming import end_at_marker
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.disk_files import MIB
from tests.installed import skip_without
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts
from tests.unit.image.test_hostile_sparse import with_footer

GRAIN = 64 * 1024

pytestmark = pytest.mark.usefixtures('installed')


def zeros_at_the_end():
    """Return a grain whose compressed bytes end with more than a sector."""
    # The sum of all that zlib writes last is 0 for some number.
    for number in range(2**16):
        grain = number.to_bytes(4, 'big') + bytes(GRAIN - 4)
        if zlib.compress(grain).endswith(b'\0'):
            return grain
    raise AssertionError


# What a disk holds -> that, by grains.
CONTENTS = {
    'nothing': {},
    'what is compressed': {3: b'compressible' * 1000},
    'what cannot be': {3: os.urandom(GRAIN)},
    'what ends with zeros': {3: zeros_at_the_end()},
    'both': {3: os.urandom(GRAIN), 100: b'x', 8191: os.urandom(GRAIN)},
    'in several tables': {2048: b'x', 512: b'y', 6000: os.urandom(99)},
}


@pytest.fixture(params=CONTENTS.values(), ids=CONTENTS.keys())
def source(request, tmp_path):
    path = tmp_path / 'source.raw'
    with path.open('wb') as file:
        file.truncate(512 * MIB)
        for grain, content in request.param.items():
            file.seek(grain * GRAIN)
            file.write(content)
    return path


def grains(content):
    """Read a disk as a stream; return what is on it, grain -> content.

    :raises AssertionError: unless all of it is grains up to a marker for the
        end, which nothing follows
    """
    (place,) = struct.unpack_from('<Q', content, 64)
    place *= 512
    found = {}
    while True:
        sector, size = struct.unpack_from('<QI', content, place)
        if not size:
            assert content[place:] == bytes(512)
            return found
        start = place + 12
        found[sector // 128] = zlib.decompress(content[start : start + size])
        place = start + size
        rest = -place % 512
        assert content[place : place + rest] == bytes(rest)
        place += rest


def test_the_end_is_a_marker(source, target):
    prepare(source, target, Form(), watch=ignore)
    with source.open('rb') as file:
        for grain, content in grains(target.read_bytes()).items():
            file.seek(grain * GRAIN)
            assert file.read(GRAIN) == content


def test_nothing_else_changes(source, tmp_path, target):
    theirs = disk_files.convert(
        source, tmp_path / 'theirs.vmdk', 'vmdk', subformat='streamOptimized'
    )
    before = theirs.read_bytes()
    ours = tmp_path / 'ours.vmdk'
    ours.write_bytes(before)
    end_at_marker(ours)
    after = ours.read_bytes()
    length = min(len(before), len(after))
    assert before[:length] == after[:length]
    assert not any(before[length:] + after[length:])
    assert grains(after).keys() == grains_by_qemu(theirs)
    subprocess.run(
        ['qemu-img', 'compare', '-f', 'vmdk', '-F', 'vmdk', theirs, ours],
        check=True,
    )
    assert glance_accepts(ours, 'vmdk')
    assert nova_accepts(ours, 'vmdk')
    # Once more, there is nothing left to do.
    end_at_marker(ours)
    assert ours.read_bytes() == after


def grains_by_qemu(path):
    """Return the numbers of the grains that have data."""
    (tables,) = struct.unpack_from('<Q', path.read_bytes(), 56)
    content = path.read_bytes()
    found = set()
    for number in range(16):
        (table,) = struct.unpack_from('<I', content, tables * 512 + number * 4)
        entries = struct.unpack_from('<512I', content, table * 512)
        found |= {number * 512 + i for i in range(512) if entries[i]}
    return found


def test_another_reader(source, tmp_path, target):
    skip_without('vmdkinfo')
    prepare(source, target, Form(), watch=ignore)
    said = subprocess.run(
        ['vmdkinfo', target], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    assert 'Stream optimized' in said
    assert '(536870912 bytes)' in said


@pytest.mark.parametrize(
    'change',
    [
        # What is no zeros is somebody's.
        lambda disk: disk + b'x'.ljust(512, b'\0'),
        lambda disk: disk[:-1] + b'x',
        # It has an end of its own.
        with_footer,
        # More than was left for a grain.
        lambda disk: disk + bytes(2 * GRAIN),
    ],
)
def test_another_end_stays(tmp_path, disks, change):
    path = tmp_path / 'disk.vmdk'
    whole = change(disks['streamOptimized'].read_bytes())
    path.write_bytes(whole)
    end_at_marker(path)
    assert path.read_bytes() == whole


def test_a_grain_that_is_not_whole_stays(tmp_path):
    source = tmp_path / 'source.raw'
    source.write_bytes(os.urandom(GRAIN))
    path = disk_files.convert(
        source, tmp_path / 'disk.vmdk', 'vmdk', subformat='streamOptimized'
    )
    whole = path.read_bytes()[:-1024]
    path.write_bytes(whole)
    with pytest.raises(UnsafeDisk, match='it is truncated'):
        end_at_marker(path)
    assert path.read_bytes() == whole


def test_a_grain_that_is_not_there(tmp_path):
    """Who reads a disk with a footer did not look for its grains before."""
    source = tmp_path / 'source.raw'
    source.write_bytes(os.urandom(GRAIN))
    path = disk_files.convert(
        source, tmp_path / 'disk.vmdk', 'vmdk', subformat='streamOptimized'
    )
    content = bytearray(path.read_bytes())
    (directory,) = struct.unpack_from('<Q', content, 56)
    (table,) = struct.unpack_from('<I', content, directory * 512)
    struct.pack_into('<I', content, table * 512, 2**31)
    whole = with_footer(bytes(content))
    path.write_bytes(whole)
    with pytest.raises(UnsafeDisk, match='it is truncated'):
        end_at_marker(path)
    assert path.read_bytes() == whole
