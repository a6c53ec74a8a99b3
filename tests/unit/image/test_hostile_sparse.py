# SPDX-License-Identifier: Apache-2.0
"""Sparse VMDKs that harm whoever believes them."""

import struct

import pytest

from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from tests.unit.image.hostile_disks import FLAT
from tests.unit.image.hostile_disks import MIB
from tests.unit.image.hostile_disks import SECTORS
from tests.unit.image.hostile_disks import TIB
from tests.unit.image.hostile_disks import header
from tests.unit.image.hostile_disks import refusal

AT_END = 2**64 - 1


def with_footer(content, *, marker=3, **differing):
    """Return a sparse VMDK with its directory named by a footer."""
    footer = header(content[:512], **differing)
    marker = bytes(12) + struct.pack('<I', marker) + bytes(496)
    return header(content, directory=AT_END) + marker + footer + bytes(512)


def reworded(content, old, new):
    """Return a VMDK with other words in its descriptor."""
    end = content.index(b'\0', 512)
    text = content[512:end].decode()
    assert old in text
    text = text.replace(old, new).encode().ljust(20 * 512, b'\0')
    return content[:512] + text + content[512 + 20 * 512 :]


# In a sparse VMDK: what is wrong -> how it came about, and the refusal.
SPARSE = {
    'truncated header': (
        lambda disk: disk[:300],
        'ends within its header, after 300 bytes',
    ),
    'truncated descriptor': (
        lambda disk: disk[:2000],
        'ends within its descriptor, after 2000 bytes'
        '|grain directory at bytes',
    ),
    'truncated grain directory': (
        lambda disk: disk[:10760],
        'has its grain directory at bytes|data begins at byte',
    ),
    'truncated grain tables': (
        lambda disk: header(disk, overhead=0)[:14000],
        'has grain tables at bytes 13824 to 15872; the file has 14000',
    ),
    'truncated data': (
        lambda disk: disk[:-65536],
        'grain tables list data up to byte 2162688; the file has '
        '2097152 bytes: it is truncated',
    ),
    'truncated last grain': (
        lambda disk: disk[:-512],
        'grain tables list data up to byte 2162688; the file has 2162176',
    ),
    'truncated data behind the overhead': (
        lambda disk: disk[:40000],
        'data begins at byte 65536; the file has 40000',
    ),
    '10 TiB in 1 KiB': (
        lambda disk: header(disk, capacity=10 * TIB // 512)[:1024],
        'a disk of 10995116277760 bytes has its spare grain directory|'
        'a disk of 10995116277760 bytes has its grain directory',
    ),
    '10 TiB in 2 MiB': (
        lambda disk: header(disk, capacity=10 * TIB // 512),
        'grain tables list data up to byte 2182626107392; the file has '
        '2162688',
    ),
    'more than vSphere has': (
        lambda disk: header(disk, capacity=63 * TIB // 512),
        'the header gives a virtual size of 69269232549888 bytes; vSphere '
        'supports up to 68169720922112',
    ),
    'no capacity, so qemu would open the extents': (
        lambda disk: reworded(
            header(disk, capacity=0), 'monolithicSparse"\n', 'vmfs"\n'
        ),
        'virtual size of 0 bytes',
    ),
    'no grains': (
        lambda disk: header(disk, grain=0),
        'grains of 0 sectors; they must be powers of two from 8 to 2048',
    ),
    'oversized grains': (
        lambda disk: header(disk, grain=2**21),
        'grains of 2097152 sectors',
    ),
    'odd grains': (
        lambda disk: header(disk, grain=129),
        'grains of 129 sectors',
    ),
    'no entries in tables': (
        lambda disk: header(disk, table_entries=0),
        '0 entries in a grain table; there must be 1 to 512',
    ),
    'oversized tables': (
        lambda disk: header(disk, table_entries=2**31),
        '2147483648 entries in a grain table',
    ),
    'too many tables': (
        lambda disk: header(
            disk, capacity=60 * TIB // 512, grain=8, table_entries=1
        ),
        '16106127360 grain tables; at most 33554432',
    ),
    'directory beyond the end': (
        lambda disk: header(disk, directory=2**50),
        'has its grain directory at bytes',
    ),
    'directory at the header': (
        lambda disk: header(disk, directory=0),
        'has its grain directory at bytes 0',
    ),
    'spare directory beyond the end': (
        lambda disk: header(disk, spare_directory=2**50),
        'has its spare grain directory at bytes',
    ),
    'no footer': (
        lambda disk: header(disk, directory=AT_END),
        'grain directory is at the end, but there is no footer',
    ),
    'no footer for lack of room': (
        lambda disk: header(disk, directory=AT_END)[:700],
        'grain directory is at the end, but there is no footer',
    ),
    'footer of another kind': (
        lambda disk: with_footer(disk, marker=2),
        'but there is no footer',
    ),
    'footer with another capacity': (
        lambda disk: with_footer(disk, capacity=SECTORS * 2),
        'header and footer differ: capacity 32768 and 65536',
    ),
    'footer with other grains': (
        lambda disk: with_footer(disk, grain=2**40),
        'header and footer differ: grain 128 and 1099511627776',
    ),
    'footer that names a footer': (
        lambda disk: with_footer(disk, directory=AT_END),
        'the footer refers to another',
    ),
    'footer not at a sector': (
        lambda disk: b'\0'.join(
            (with_footer(disk)[:-1536], with_footer(disk)[-1536:])
        ),
        'but there is no footer',
    ),
    'footer without an end': (
        lambda disk: with_footer(disk)[:-1] + b'\1',
        'but there is no footer',
    ),
    'descriptor elsewhere': (
        lambda disk: header(disk, descriptor_offset=7),
        'at sector 7; it must be at sector 1',
    ),
    'oversized descriptor': (
        lambda disk: header(disk, descriptor_size=2**40),
        'descriptor has 562949953421312 bytes .* have 1 to 1048575',
    ),
    'empty descriptor': (
        lambda disk: header(disk, descriptor_size=0),
        'the descriptor has 0 bytes',
    ),
    'descriptor goes on behind its size': (
        lambda disk: reworded(
            header(disk, descriptor_size=1),
            '#DDB\n',
            '#DDB\n' + '# padding\n' * 40,
        ),
        'is longer than the 512 bytes',
    ),
    'parent by name': (
        lambda disk: reworded(
            disk, '\n# Extent', '\nparentFileNameHint="/etc/passwd"\n# Extent'
        ),
        'names a parent.*delete or consolidate its snapshots',
    ),
    'parent in a comment': (
        lambda disk: reworded(
            disk, '# Extent', '# parentFileNameHint="/etc/passwd"\n# Extent'
        ),
        'names a parent',
    ),
    'parent by CID': (
        lambda disk: reworded(disk, 'CID=ffffffff', 'CID=12345678'),
        'says parentCID 12345678, but without a parent it is ffffffff',
    ),
    'no parentCID': (
        lambda disk: reworded(disk, 'parentCID', 'auntCID'),
        'says parentCID nothing',
    ),
    'createType twice': (
        lambda disk: reworded(
            disk, '\n# Extent', '\ncreateType="vmfs"\n# Extent'
        ),
        'line 7 of its descriptor sets createtype to another value',
    ),
    'createType in a comment': (
        lambda disk: reworded(disk, '# Extent', '#createType="vmfs"\n#'),
        'does not set createType, or says it',
    ),
    'no createType': (
        lambda disk: reworded(disk, 'createType', 'creation'),
        'does not set createType, or says it',
    ),
    'createType of another header': (
        lambda disk: reworded(disk, 'monolithicSparse"', 'streamOptimized"'),
        'says createType streamOptimized, but its header is that of a '
        'monolithicSparse',
    ),
    'createType of what has no header': (
        lambda disk: reworded(disk, 'monolithicSparse"\n', 'vmfs"\n'),
        'says createType vmfs',
    ),
    'extent of another size': (
        lambda disk: reworded(disk, f'RW {SECTORS}', 'RW 100'),
        'the descriptor says 51200 bytes, but the header says 16777216',
    ),
    'two extents': (
        lambda disk: reworded(
            disk, '# The Disk', 'RW 1 FLAT "x" 0\n# The Disk'
        ),
        'has one extent, itself; the descriptor lists RW SPARSE, RW FLAT',
    ),
    'extent over two lines': (
        lambda disk: reworded(disk, f'RW {SECTORS}', f'RW\n{SECTORS}'),
        "line 8 of its descriptor is neither a setting nor an extent: 'RW'",
    ),
    'control characters': (
        lambda disk: reworded(disk, '# Extent', '\x1b[2J# Extent'),
        r'characters that are not text: .\\x1b\[2J',
    ),
    'long line': (
        lambda disk: reworded(disk, '# Extent', '#' * 2000 + '\n'),
        'line 7 of its descriptor has 2000 characters; at most 1024',
    ),
}


@pytest.mark.parametrize(
    ('change', 'words'), SPARSE.values(), ids=SPARSE.keys()
)
def test_sparse_vmdk(tmp_path, disks, calls, change, words):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(change(disks['monolithicSparse'].read_bytes()))
    error = refusal(path, calls)
    assert error.type is UnsafeDisk
    error.match(words)


def test_footer(tmp_path, disks):
    """The refused footers differ from this in what they are refused for."""
    path = tmp_path / 'disk.vmdk'
    whole = with_footer(disks['monolithicSparse'].read_bytes())
    # As VirtualBox does it.
    path.write_bytes(header(whole, spare_directory=AT_END))
    assert inspect(path).virtual_bytes == 16 * MIB


def test_disagreement_with_qemu_img(tmp_path, disks):
    """qemu counts an extent behind empty lines once for each of them."""
    (tmp_path / 'data').write_bytes(disks['raw'].read_bytes())
    path = tmp_path / 'disk.vmdk'
    path.write_text(FLAT.replace('# Extent description', ''))
    with pytest.raises(
        UnsafeDisk,
        match=r'16777216 bytes here, but .* 50331648 bytes for qemu-img',
    ):
        inspect(path)
