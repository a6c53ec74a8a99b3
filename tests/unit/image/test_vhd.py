# SPDX-License-Identifier: Apache-2.0
"""VHDs of other programs lose nothing, and say what they are."""

import os
import re
import resource
import struct
import subprocess

import pytest

from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from hypervisor_affinity.image.probe import probe
from hypervisor_affinity.image.qemu import Node
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.disk_files import MIB
from tests.disk_files import Counting
from tests.unit.image import vhds
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts
from tests.unit.image.test_preparation import OVF

pytestmark = pytest.mark.usefixtures('installed')

SIZE = 16 * MIB

# Of 32768 sectors, these are all but 60: what the specification's own way to
# compute cylinders, heads and sectors gives for SIZE.
GEOMETRY = bytes.fromhex('01e1 04 11')

# A partition of the kind that says that there is a GPT.
PROTECTIVE = bytes.fromhex('00 000200 ee ffffff 01000000 ff7f0000')


@pytest.fixture
def fixed(raw, tmp_path):
    return vhds.fixed(raw, tmp_path / 'server.vhd')


@pytest.fixture
def dynamic(tmp_path):
    return vhds.dynamic(tmp_path, force_size='on')


def refusals(path):
    """Return what is said of a file, and of it in Glance."""
    found = []
    for look in (inspect, in_glance):
        with pytest.raises(DiskError) as caught:
            look(path)
        found.append(caught.value)
    return found


def in_glance(path):
    with FileContent(path) as content:
        return inspect_content(content)


def qemu_takes(path, disk_format):
    return not subprocess.run(
        ['qemu-img', 'info', '-f', disk_format, path], check=False
    ).returncode


@pytest.mark.parametrize(
    'footers',
    [{}, {'head': False}, {'tail': False}],
    ids=['both', 'at the end', 'at the begin'],
)
def test_no_vhd_with_a_parent_is_taken(dynamic, footers):
    vhds.reworded(dynamic, kind=vhds.DIFFERENCING, **footers)
    # Nobody else says so.
    assert glance_accepts(dynamic, 'vhd')
    assert qemu_takes(dynamic, 'vpc')
    assert not nova_accepts(dynamic, 'vhd')
    for refusal in refusals(dynamic):
        assert 'is a differencing VHD: it has only what' in str(refusal)


def test_a_parent_is_seen_behind_raw_content(fixed):
    vhds.reworded(fixed, kind=vhds.DIFFERENCING, head=False)
    for refusal in refusals(fixed):
        assert 'is a differencing VHD' in str(refusal)


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'kind': 2}, 'disk type 2 instead of 3'),
        ({'kind': 6}, 'disk type 6 instead of 3'),
        ({'current_bytes': SIZE + 1}, 'no whole sectors'),
        ({'current_bytes': SIZE - 512, 'head': False}, 'do not agree'),
        ({'kind': 2, 'tail': False}, 'do not agree'),
    ],
)
def test_footers_that_contradict(dynamic, fields, words):
    vhds.reworded(dynamic, **fields)
    for refusal in refusals(dynamic):
        assert type(refusal) is UnsafeDisk
        assert words in str(refusal)


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'kind': 3}, 'disk type 3 instead of 2'),
        ({'current_bytes': SIZE - 512}, 'the file has 16777216 bytes before'),
        ({'current_bytes': SIZE + 512}, 'with 16777728 bytes by its footer'),
    ],
)
def test_a_fixed_footer_that_contradicts(fixed, fields, words):
    vhds.reworded(fixed, head=False, **fields)
    for refusal in refusals(fixed):
        assert type(refusal) is UnsafeDisk
        assert words in str(refusal)


def with_table(path, entries, block_bytes):
    """Change what the header says of the table, which follows it."""
    with path.open('r+b') as file:
        file.seek(512 + 28)
        file.write(struct.pack('>II', entries, block_bytes))


@pytest.mark.parametrize(
    ('entries', 'block_bytes', 'words'),
    [
        (7, 2 * MIB, r'16777216 bytes in blocks of 2097152, 8 of them; .* 7,'),
        (8, 0, 'in blocks of 0, 16777216 of them'),
        (2**31, 1, 'at most 4177920 are read'),
    ],
)
def test_a_table_that_does_not_fit_the_disk(
    dynamic, entries, block_bytes, words
):
    with_table(dynamic, entries, block_bytes)
    for refusal in refusals(dynamic):
        assert type(refusal) is UnsafeDisk
        assert re.search(words, str(refusal))


def test_no_more_of_a_table_is_read_than_the_disk_needs(dynamic):
    entries = 16 * MIB
    with_table(dynamic, entries, 2 * MIB)
    content = Counting(dynamic.read_bytes().ljust(65 * MIB, b'\0'))
    # Its end is looked at for a footer.
    assert vhd.size(content) == SIZE
    assert vhd.map_bytes(content) == 4 * entries
    assert content.bytes_read < 4096


def test_no_vhd_is_larger_than_the_specification_allows(tmp_path):
    largest = 2040 * 1024**3
    path = vhds.empty(tmp_path, largest)
    assert inspect(path).virtual_bytes == largest
    vhds.reworded(path, current_bytes=largest + 512)
    for refusal in refusals(path):
        assert f'no VHD has more than {largest}' in str(refusal)


def test_a_dynamic_vhd_may_end_without_a_footer(dynamic):
    # As one that was copied from the logical volume that it was in.
    with dynamic.open('r+b') as file:
        file.seek(-512, os.SEEK_END)
        file.write(bytes(4096))
    assert inspect(dynamic).virtual_bytes == SIZE


def test_a_truncated_vhd(dynamic):
    with dynamic.open('r+b') as file:
        file.truncate(dynamic.stat().st_size - MIB)
    with pytest.raises(UnsafeDisk, match='it is truncated'):
        inspect(dynamic)


def test_a_fixed_vhd_is_one(fixed, raw):
    assert fixed.stat().st_size == SIZE + 512
    for disk in (inspect(fixed), in_glance(fixed)):
        assert (disk.format, disk.virtual_bytes) == ('vhd', SIZE)
        assert disk.formats == ('raw',)
    with FileContent(raw) as content:
        assert not vhd.is_fixed(content)


@pytest.mark.parametrize(
    'change',
    [
        lambda content: content[:-1],
        lambda content: content[:-400],
        lambda content: content + b'\n',
        lambda content: content + bytes(512),
        lambda content: content + bytes(4096),
    ],
)
def test_a_footer_that_is_not_the_end_is_no_part_of_a_raw_disk(fixed, change):
    fixed.write_bytes(change(fixed.read_bytes()))
    with pytest.raises(DiskError) as caught:
        inspect(fixed)
    assert f'its footer is at byte {SIZE} of ' in str(caught.value)
    assert '.raw' not in str(caught.value)


def test_a_fixed_vhd_by_another_name(fixed):
    assert inspect(fixed.rename(fixed.with_suffix('.img'))).format == 'vhd'
    with pytest.raises(DiskError, match=r'is vhd, not vmdk; rename it'):
        inspect(fixed.with_suffix('.img').rename(fixed.with_suffix('.vmdk')))


@pytest.mark.parametrize('partitioned', [False, True])
def test_nobody_takes_a_fixed_vhd_for_what_it_is(tmp_path, raw, partitioned):
    if partitioned:
        table = bytearray(446) + PROTECTIVE.ljust(64, b'\0') + b'\x55\xaa'
        with raw.open('r+b') as file:
            file.write(table)
    fixed = vhds.fixed(raw, tmp_path / 'server.vhd')
    disk = inspect(fixed)
    for taker, theirs in (
        (acceptance.by_glance, glance_accepts),
        (acceptance.by_kvm, nova_accepts),
    ):
        assert not theirs(fixed, 'vhd')
        answer = taker(disk)
        assert not answer.accepts
        found = 'gpt' if partitioned else 'raw'
        assert f'it is detected as {found}, not vhd' in answer.why
        assert 'its footer would be a part of the disk' in answer.why
        assert '"image prepare"' in answer.why
        # So it would.
        assert theirs(fixed, 'raw')


def test_as_raw_the_footer_is_a_part_of_the_disk(fixed):
    with FileContent(fixed) as content:
        assert probe(content).virtual_bytes == SIZE + 512


def test_a_fixed_vhd_is_prepared_without_its_footer(fixed, raw, target):
    done = prepare(fixed, target, Form(), watch=ignore)
    assert done.target.virtual_bytes == SIZE
    assert digest(target, 'vmdk') == digest(raw, 'raw')


def test_a_fixed_vhd_in_an_ova(tmp_path, fixed, raw, target):
    ovf = OVF.replace('disk.vmdk', 'disk.vhd').encode()
    path = disk_files.archive(
        tmp_path / 'a.ova', {'a.ovf': ovf, 'disk.vhd': fixed.read_bytes()}
    )
    prepare(path, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(raw, 'raw')


@pytest.mark.parametrize('creator', [b'vbox', b'vpc ', b'win ', b'qem2'])
@pytest.mark.parametrize('kind', ['fixed', 'dynamic'])
def test_nothing_behind_the_last_cylinder_is_lost(
    tmp_path, raw, target, creator, kind
):
    """qemu believes the cylinders of writers that it does not know."""
    with raw.open('r+b') as file:
        file.seek(-512, os.SEEK_END)
        file.write(b'the last sector')
    source = disk_files.convert(
        raw, tmp_path / 'a.vhd', 'vpc', subformat=kind, force_size='on'
    )
    vhds.reworded(
        source, head=kind == 'dynamic', creator=creator, geometry=GEOMETRY
    )
    assert inspect(source).virtual_bytes == SIZE
    assert in_glance(source).virtual_bytes == SIZE
    prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(raw, 'raw')


def test_the_size_is_the_current_one(dynamic):
    vhds.reworded(dynamic, original_bytes=4 * MIB)
    assert inspect(dynamic).virtual_bytes == SIZE
    assert in_glance(dynamic).virtual_bytes == SIZE


@pytest.mark.parametrize('place', [0, MIB, 4 * MIB + 77, 9 * MIB, SIZE - 1])
def test_any_byte_that_differs_is_found(dynamic, raw, tmp_path, place):
    source = qemu.node(dynamic, inspect(dynamic))
    with raw.open('r+b') as file:
        file.seek(place)
        (byte,) = file.read(1) or b'\0'
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    other = disk_files.convert(
        raw, tmp_path / 'other.vmdk', 'vmdk', subformat='monolithicSparse'
    )
    assert not qemu.compare(source, Node(other, 'vmdk'), ignore_all)
    same = disk_files.raw(raw)
    assert qemu.compare(source, Node(same, 'raw'), ignore_all)
    assert qemu.compare(Node(same, 'raw'), source, ignore_all)


def test_comparing_costs_what_comparing_a_raw_disk_does(tmp_path):
    """What qemu-img works for 32 GiB; it would be forty times as much."""
    size = 32 * 1024**3
    plain = tmp_path / 'a.raw'
    with plain.open('wb') as file:
        file.truncate(size)
    target = disk_files.convert(
        plain, tmp_path / 'a.vmdk', 'vmdk', subformat='monolithicSparse'
    )
    source = disk_files.convert(
        plain, tmp_path / 'a.vhd', 'vpc', subformat='dynamic'
    )
    work = {}
    for node in (Node(plain, 'raw'), Node(source, 'vpc')):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        assert qemu.compare(node, Node(target, 'vmdk'), ignore_all)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        work[node.format] = after - before
    assert work['vpc'] < 8 * work['raw']


def ignore_all(done):
    """Watch nothing."""
