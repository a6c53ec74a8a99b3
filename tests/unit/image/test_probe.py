# SPDX-License-Identifier: Apache-2.0
import logging
import pathlib
import struct

import hypothesis
import pytest
from hypothesis import strategies as st
from oslo_utils.imageutils import format_inspector

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.probe import Probe
from hypervisor_affinity.image.probe import probe
from tests import disk_files
from tests.installed import skip_without

MIB = 1024**2
EXTENTS = (
    'monolithicFlat-flat',
    'twoGbMaxExtentSparse-s001',
    'twoGbMaxExtentFlat-f001',
)


class Vast:
    """Content of any size: a head and a tail with zeros between."""

    name = 'vast'

    def __init__(self, head, size, tail=b''):
        self.size = size
        self.bytes_read = 0
        self._parts = {0: head, size - len(tail): tail}

    def read(self, offset, length):
        length = min(length, self.size - offset)
        self.bytes_read += length
        found = bytearray(length)
        for start, part in self._parts.items():
            first = max(offset, start)
            end = min(offset + length, start + len(part))
            if first < end:
                found[first - offset : end - offset] = part[
                    first - start : end - start
                ]
        return bytes(found)


def streamed(content):
    """Return what the services find, who see all of an image.

    :returns: None if they cannot tell
    """
    wrapper = format_inspector.InspectWrapper(None)
    for offset in range(0, content.size, 4096):
        wrapper._process_chunk(content.read(offset, 4096))
    wrapper._finish()
    try:
        matches = {str(match): match for match in wrapper.formats}
        if matches.keys() == {'iso', 'gpt'}:
            chosen = 'iso'
        elif len(matches) > 1:
            return Probe(tuple(sorted(matches)), None, 0, {})
        else:
            (chosen,) = matches
        inspector = matches[chosen]
        failures = {}
        try:
            inspector.safety_check()
        except format_inspector.SafetyCheckFailed as error:
            failures = {name: str(why) for name, why in error.failures.items()}
        except format_inspector.ImageFormatError as error:
            failures = {'complete': str(error)}
        return Probe(
            tuple(sorted(matches)), chosen, inspector.virtual_size, failures
        )
    except (AttributeError, struct.error):
        return None


def probed(content):
    try:
        return probe(content)
    except DiskError:
        return None


def iso(size=2 * MIB):
    content = bytearray(size)
    content[32768:32776] = b'\x01CD001\x01\0'
    content[32768 + 80 : 32768 + 84] = struct.pack('<L', size // 2048)
    content[32768 + 128 : 32768 + 130] = struct.pack('<H', 2048)
    return content


def partitioned(content):
    content[446:462] = struct.pack(
        '<B3BB3BII', 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, 1000
    )
    content[510:512] = b'\x55\xaa'
    return content


def luks(size=2 * MIB):
    content = bytearray(size)
    content[:8] = b'LUKS\xba\xbe\0\1'
    content[104:108] = struct.pack('>I', 4096)
    return content


HEADS = {
    'zeros': bytes(4096),
    'partitioned': partitioned(bytearray(MIB)),
    'bad partitions': partitioned(bytearray(MIB))[:446]
    + b'\1' * 64
    + b'\x55\xaa',
    'iso': iso(),
    'hybrid iso': partitioned(iso()),
    'luks': luks(),
    'qed': b'QED\0' + bytes(4096),
    'descriptor in ASCII': b'createType="monolithicFlat"\n' * 40,
    'descriptor partly in ASCII': b'createType="x"\n' * 40 + b'\xff',
    'cut': b'KDMV' + bytes(20),
    'qcow2 and partitioned': b'QFI\xfb\0\0\0\3' + bytes(502) + b'\x55\xaa',
}


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """Disks that qemu-img wrote, each in each form; name -> path."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    written = disk_files.every_kind(folder)
    for name in EXTENTS:
        written[name] = folder / f'{name}.vmdk'
    return written


def test_equals_streaming_of_what_qemu_img_writes(disks):
    found = {}
    for name, path in disks.items():
        with FileContent(path) as content:
            found[name] = probe(content)
            assert found[name] == streamed(content), name
    assert {name: one.format for name, one in found.items()} == {
        'monolithicSparse': 'vmdk',
        'streamOptimized': 'vmdk',
        # qemu-img pads it with zeros, so it does not look like text.
        'monolithicFlat': 'raw',
        'monolithicFlat-flat': 'raw',
        'twoGbMaxExtentSparse': 'raw',
        'twoGbMaxExtentSparse-s001': 'vmdk',
        'twoGbMaxExtentFlat': 'raw',
        'twoGbMaxExtentFlat-f001': 'raw',
        'qcow2': 'qcow2',
        'vdi': 'vdi',
        'vhdx': 'vhdx',
        'vpc': 'vhd',
        'raw': 'raw',
    }
    # vpc rounds up to whole cylinders.
    assert found['vhdx'].virtual_bytes == 16 * MIB
    assert found['vpc'].virtual_bytes >= 16 * MIB
    assert found['twoGbMaxExtentSparse-s001'].failures == {
        'descriptor': 'No descriptor found'
    }


def test_equals_streaming_of_what_vmware_writes(disks):
    # Without qemu-img's padding.
    text = disks['monolithicFlat'].read_bytes().partition(b'\0')[0]
    content = disk_files.Counting(text.ljust(520, b'\n'))
    assert probe(content) == streamed(content)
    assert probe(content).formats == ('vmdk',)
    assert probe(content).failures == {'descriptor': 'Unsupported subformat'}


@pytest.mark.parametrize('size', [None, 9 * MIB, 9 * MIB + 700])
@pytest.mark.parametrize('head', HEADS.values(), ids=HEADS.keys())
def test_equals_streaming_of_odd_heads(head, size):
    content = Vast(bytes(head), size or len(head))
    assert probed(content) == streamed(content)


def test_takes_an_iso_on_a_stick_for_an_iso():
    found = probe(disk_files.Counting(partitioned(iso())))
    assert found.formats == ('gpt', 'iso')
    assert found.format == 'iso'
    assert found.virtual_bytes == 2 * MIB


def test_settles_on_none_of_several():
    found = probe(disk_files.Counting(HEADS['qcow2 and partitioned']))
    assert found == Probe(('gpt', 'qcow2'), None, 0, {})


def test_tells_that_oslo_utils_cannot_tell():
    content = disk_files.Counting(HEADS['descriptor partly in ASCII'])
    with pytest.raises(DiskError, match=r'counting: oslo\.utils cannot'):
        probe(content)


def test_content_that_gets_shorter(disks):
    content = disk_files.Counting(disks['vhdx'].read_bytes()[:MIB])
    content.size = 16 * MIB
    with pytest.raises(DiskError, match='ends at byte 1048576 of 16777216'):
        probe(content)


def test_sees_the_footer(disks):
    head = bytearray(disks['streamOptimized'].read_bytes()[:MIB])
    head[56:64] = b'\xff' * 8
    tail = bytearray(1536)
    tail[12] = 3
    tail[512:1024] = head[:512]
    tail[512 + 56 : 512 + 64] = bytes(8)
    content = Vast(bytes(head), 9 * MIB, bytes(tail))
    assert probe(content) == streamed(content)
    assert probe(content).failures == {}
    cut = Vast(bytes(head), 9 * MIB, bytes(tail[:-1]) + b'\1')
    assert probe(cut) == streamed(cut)
    assert 'footer' in probe(cut).failures


def with_metadata_at(written, place, size):
    """Return a VHDX whose metadata are elsewhere; all in bytes."""
    moved = bytearray(written.ljust(size, b'\0'))
    region = written.index(bytes.fromhex('06a27c8b90479a4bb8fe575f050f886e'))
    (old,) = struct.unpack_from('<Q', written, region + 16)
    struct.pack_into('<Q', moved, region + 16, place)
    moved[old : old + MIB] = bytes(MIB)
    moved[place : place + MIB] = written[old : old + MIB]
    return moved


@pytest.mark.parametrize('place', [3 * MIB, 10 * MIB])
def test_follows_vhdx_to_its_metadata(disks, place):
    moved = with_metadata_at(disks['vhdx'].read_bytes(), place, 20 * MIB)
    content = disk_files.Counting(moved)
    assert probe(content) == streamed(content)
    assert probe(content).virtual_bytes == 16 * MIB


def test_follows_vhdx_through_a_full_table(disks):
    place = 10 * MIB
    moved = with_metadata_at(disks['vhdx'].read_bytes(), place, 20 * MIB)
    size = bytes.fromhex('2442a52f1bcd7648b2115dbed83bf4b8')
    entry = moved.index(size, place)
    moved[place + 32 * 2047 : place + 32 * 2048] = moved[entry : entry + 32]
    moved[entry : entry + 32] = bytes(32)
    struct.pack_into('<H', moved, place + 10, 2047)
    content = disk_files.Counting(moved)
    assert probe(content) == streamed(content)
    assert probe(content).virtual_bytes == 16 * MIB


def test_follows_vhdx_so_far(disks):
    written = disks['vhdx'].read_bytes()
    content = Vast(bytes(with_metadata_at(written, 70 * MIB, 71 * MIB)), 2**37)
    with pytest.raises(DiskError, match='metadata after byte 67108864'):
        probe(content)
    assert content.bytes_read < 8 * MIB


def test_reads_little_of_much(disks):
    with FileContent(disks['monolithicSparse']) as file:
        content = Vast(file.read(0, MIB), 100 * 1024**3)
    assert probe(content).format == 'vmdk'
    assert content.bytes_read < 8 * MIB


def test_is_silent(disks, caplog):
    with (
        caplog.at_level(logging.DEBUG),
        FileContent(disks['twoGbMaxExtentSparse-s001']) as content,
    ):
        assert probe(content).failures
    assert not caplog.records
    assert not logging.getLogger(format_inspector.__name__).disabled


@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=60)
def test_equals_streaming_of_damaged_disks(disks, data):
    name = data.draw(st.sampled_from(sorted(disks)))
    with FileContent(pathlib.Path(disks[name])) as file:
        head = bytearray(file.read(0, 3 * MIB + MIB // 2))
    places = st.integers(0, 1023) | st.integers(0, len(head) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        place = min(data.draw(places), len(head) - 1)
        piece = data.draw(st.binary(min_size=1, max_size=8))
        head[place : place + len(piece)] = piece
    size = data.draw(st.sampled_from([len(head), 512, 1000, 5 * MIB + 3]))
    content = Vast(bytes(head[:size]), size)
    assert probed(content) == streamed(content)
