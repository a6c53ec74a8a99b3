# SPDX-License-Identifier: Apache-2.0
"""Descriptors of VMDKs that harm whoever believes them."""

import os

import pytest

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from tests.unit.image.hostile_disks import FLAT
from tests.unit.image.hostile_disks import SECTORS
from tests.unit.image.hostile_disks import TIB
from tests.unit.image.hostile_disks import header
from tests.unit.image.hostile_disks import refusal

# In a descriptor: likewise.
DESCRIPTORS = {
    'absolute extent': (
        lambda text: text.replace('"data"', '"/etc/shadow"'),
        "leads out of the directory: '/etc/shadow'; put all extents next to",
    ),
    'extent above': (
        lambda text: text.replace('"data"', '"../data"'),
        r"leads out of the directory: '\.\./data'",
    ),
    'extent below': (
        lambda text: text.replace('"data"', '"sub/data"'),
        "leads out of the directory: 'sub/data'",
    ),
    'extent by another separator': (
        lambda text: text.replace('"data"', r'"sub\data"'),
        'leads out of the directory',
    ),
    'extent by a protocol': (
        lambda text: text.replace('"data"', '"nbd:localhost:10809"'),
        "leads out of the directory: 'nbd:localhost:10809'",
    ),
    'extent that is the folder': (
        lambda text: text.replace('"data"', '".."'),
        r"leads out of the directory: '\.\.'",
    ),
    'extent without a name': (
        lambda text: text.replace('"data"', '""'),
        'leads out of the directory',
    ),
    'extent with a long name': (
        lambda text: text.replace('"data"', f'"{"x" * 256}"'),
        'has a name of 256 bytes; at most 255 are allowed',
    ),
    'extent in other digits': (
        lambda text: text.replace('"data" 0', '"data" \u0660'),
        'is neither a setting nor an extent',
    ),
    'extent that is the descriptor': (
        lambda text: text.replace('"data"', '"disk.vmdk"'),
        'is not a file with data',
    ),
    'extent twice': (
        lambda text: text.replace(
            '\n\n# The', f'\nRW {SECTORS} FLAT "data" 0\n#'
        ),
        'lists data twice',
    ),
    'extent that is a folder': (
        lambda text: text.replace('"data"', '"folder"'),
        'is not a file with data',
    ),
    'extent that is a pipe': (
        lambda text: text.replace('"data"', '"pipe"'),
        'is not a file with data',
    ),
    'extent that is a link out': (
        lambda text: text.replace('"data"', '"link"'),
        'is a link to another directory',
    ),
    'truncated extent': (
        lambda text: text.replace(f'RW {SECTORS}', f'RW {SECTORS + 1}'),
        'data: has 16777216 bytes, but the descriptor says 16777728 from byte '
        '0 on',
    ),
    'extent from beyond its file': (
        lambda text: text.replace('"data" 0', '"data" 999999999'),
        'from byte 511999999488 on',
    ),
    'no extents': (
        lambda text: text.replace('RW', '# RW'),
        'lists no extents',
    ),
    'too many extents': (
        lambda text: text.replace(
            '\n\n# The', '\nRW 1 FLAT "data" 0' * 512 + '\n#'
        ),
        'is extent 513; at most 512',
    ),
    'more than vSphere has': (
        lambda text: text.replace(f'RW {SECTORS}', f'RW {63 * TIB // 512}'),
        'virtual size of 69269232549888 bytes',
    ),
    'empty disk': (
        lambda text: text.replace(f'RW {SECTORS}', 'RW 0'),
        'virtual size of 0 bytes',
    ),
    'sparse without a header': (
        lambda text: text.replace('monolithicFlat', 'monolithicSparse'),
        'monolithicSparse, which needs a header, and the file has none',
    ),
    'split extent that is none': (
        lambda text: text.replace(
            'monolithicFlat', 'twoGbMaxExtentSparse'
        ).replace('FLAT "data" 0', 'SPARSE "data"'),
        'data: the header begins with the bytes 00',
    ),
    'split extent of another size': (
        lambda text: (
            text.replace('monolithicFlat', 'twoGbMaxExtentSparse')
            .replace('FLAT "data" 0', 'SPARSE "sparse"')
            .replace(f'RW {SECTORS}', 'RW 100')
        ),
        'sparse: the descriptor says 51200 bytes, but the '
        'header says 16777216',
    ),
    'split extent that opens others': (
        lambda text: text.replace(
            'monolithicFlat', 'twoGbMaxExtentSparse'
        ).replace('FLAT "data" 0', 'SPARSE "nested"'),
        'nested: the header gives a virtual size of 0 bytes',
    ),
    "snapshot's changes": (
        lambda text: text.replace('monolithicFlat', 'vmfsSparse'),
        'createType vmfsSparse keeps the changes of a snapshot',
    ),
    "newer snapshot's changes": (
        lambda text: text.replace('monolithicFlat', 'seSparse'),
        'createType seSparse keeps the changes of a snapshot',
    ),
    'raw device': (
        lambda text: text.replace('monolithicFlat', 'fullDevice'),
        'createType fullDevice refers to a device',
    ),
    'raw device mapping': (
        lambda text: text.replace('monolithicFlat', 'vmfsRawDeviceMap'),
        'createType vmfsRawDeviceMap refers to a device',
    ),
    'more behind the end': (
        lambda text: text + '\0parentFileNameHint="x"',
        'has more text after its end at byte',
    ),
    'oversized': (
        lambda text: text + '# padding\n' * 110000,
        'is a descriptor of 1100188 bytes; at most 1048575 are read',
    ),
}

# Not harmful, but no use.
USELESS = {
    'qcow2 named .vmdk': (
        'qcow2',
        lambda disk: disk,
        r'is qcow2, not vmdk; rename it to \.qcow2',
    ),
    'flat data named .vmdk': (
        'raw',
        lambda disk: disk,
        r'is raw, not VMDK; .*give the descriptor.*rename this file to \.raw',
    ),
    'split extent alone': (
        'monolithicSparse',
        lambda disk: header(disk, descriptor_offset=0, descriptor_size=0),
        'is one extent of a VMDK, without a descriptor; give the descriptor',
    ),
    'unknown version': (
        'monolithicSparse',
        lambda disk: header(disk, version=4),
        'the header says version 4',
    ),
    "snapshot's data alone": (
        'raw',
        lambda disk: b'COWD' + disk[4:],
        'data of an ESXi snapshot without its disk',
    ),
    "newer snapshot's data alone": (
        'raw',
        lambda disk: b'\xbe\xba\xfe\xca\0\0\0\0' + disk[8:],
        'data of an ESXi snapshot without its disk',
    ),
    'unknown createType': (
        'raw',
        lambda disk: FLAT.replace('monolithicFlat', 'custom').encode(),
        'createType custom is not supported; export the disk',
    ),
    'zero extent': (
        'raw',
        lambda disk: FLAT.replace('FLAT "data" 0', 'ZERO').encode(),
        'lists RW ZERO, which cannot be read',
    ),
    'read-only extent': (
        'raw',
        lambda disk: FLAT.replace('RW', 'RDONLY').encode(),
        'lists RDONLY FLAT, which cannot be read',
    ),
    'missing extent': (
        'raw',
        lambda disk: FLAT.encode(),
        r'data: No such file or directory; the descriptor .*disk\.vmdk lists '
        'it; put both into one directory',
    ),
    'extent that is a link to itself': (
        'raw',
        lambda disk: FLAT.replace('"data"', '"circle"').encode(),
        r'circle: Too many levels of symbolic links; the descriptor',
    ),
    'descriptor in no known encoding': (
        'raw',
        lambda disk: FLAT.replace('"data"', '"gr\xf6\xdfe"').encode('latin1'),
        'of its descriptor names a file in a code page',
    ),
    'empty': ('raw', lambda disk: b'', 'is empty'),
    'LUKS': (
        'raw',
        lambda disk: b'LUKS\xba\xbe\0\1' + disk[8:],
        'is encrypted; decrypt it first',
    ),
    'QED': (
        'raw',
        lambda disk: b'QED\0' + disk[4:],
        'is qed, which is not supported',
    ),
}


@pytest.mark.parametrize(
    ('change', 'words'), DESCRIPTORS.values(), ids=DESCRIPTORS.keys()
)
def test_descriptor(tmp_path, disks, calls, change, words):
    sparse = disks['monolithicSparse'].read_bytes()
    (tmp_path / 'data').write_bytes(disks['raw'].read_bytes())
    (tmp_path / 'sparse').write_bytes(sparse)
    (tmp_path / 'nested').write_bytes(header(sparse, capacity=0))
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'link').symlink_to(disks['raw'])
    os.mkfifo(tmp_path / 'pipe')
    path = tmp_path / 'disk.vmdk'
    path.write_text(change(FLAT))
    error = refusal(path, calls)
    assert error.type is UnsafeDisk
    error.match(words)


@pytest.mark.parametrize(
    ('base', 'change', 'words'), USELESS.values(), ids=USELESS.keys()
)
def test_useless(tmp_path, disks, calls, base, change, words):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(change(disks[base].read_bytes()))
    (tmp_path / 'circle').symlink_to('circle')
    error = refusal(path, calls)
    assert error.type is DiskError
    error.match(words)


def test_descriptor_that_is_an_iso(tmp_path, calls):
    path = tmp_path / 'disk.vmdk'
    # All of it is text; to Glance it is an ISO and nothing else.
    lines = FLAT.encode() + '# \xfc\n'.encode()
    lines = lines.ljust(32767, b'\n') + b'#\x20CD001\n'
    path.write_bytes(lines.ljust(40960, b'\n'))
    refusal(path, calls).match('could be iso or vmdk')


def test_extent_by_a_hard_link_to_the_descriptor(tmp_path, calls):
    path = tmp_path / 'disk.vmdk'
    path.write_text(FLAT)
    os.link(path, tmp_path / 'data')
    refusal(path, calls).match('is not a file with data')


def test_pipe(tmp_path, calls):
    path = tmp_path / 'disk.vmdk'
    os.mkfifo(path)
    refusal(path, calls).match('is not a regular file')
