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
from tests.installed import skip_without

MIB = 1024**2
TIB = 1024**4
SECTORS = 16 * MIB // 512

# Of a sparse header: name -> offset and form.
FIELDS = {
    'version': (4, '<I'),
    'capacity': (12, '<Q'),
    'grain': (20, '<Q'),
    'descriptor_offset': (28, '<Q'),
    'descriptor_size': (36, '<Q'),
    'table_entries': (44, '<I'),
    'spare_directory': (48, '<Q'),
    'directory': (56, '<Q'),
    'overhead': (64, '<Q'),
    'compression': (77, '<H'),
}
AT_END = 2**64 - 1

FLAT = f"""\
# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW {SECTORS} FLAT "data" 0

# The Disk Data Base
ddb.adapterType = "lsilogic"
"""


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """The same disk in each format and subformat; name -> path."""
    skip_without('qemu-img')
    return disk_files.every_kind(tmp_path_factory.mktemp('disks'))


@pytest.fixture
def calls(tmp_path_factory, monkeypatch):
    """A qemu-img that notes that it was called; the file with its notes."""
    folder = tmp_path_factory.mktemp('bin')
    notes = folder / 'notes'
    for program in ('prlimit', 'setpriv', 'sh'):
        (folder / program).symlink_to(shutil.which(program))
    script = folder / 'qemu-img'
    script.write_text(f'#!{folder}/sh\necho "$@" >>{notes}\nexit 1\n')
    script.chmod(0o755)
    monkeypatch.setenv('PATH', str(folder))
    return notes


def header(content, **fields):
    """Return a sparse VMDK with other fields in its header."""
    content = bytearray(content)
    for name, value in fields.items():
        offset, form = FIELDS[name]
        struct.pack_into(form, content, offset, value)
    return bytes(content)


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
        'ends in its header, after 300 bytes',
    ),
    'truncated descriptor': (
        lambda disk: disk[:2000],
        'ends in its descriptor, after 2000 bytes|grain directory at bytes',
    ),
    'truncated grain directory': (
        lambda disk: disk[:10760],
        'has its grain directory at bytes|data begin at byte',
    ),
    'truncated grain tables': (
        lambda disk: header(disk, overhead=0)[:14000],
        'has grain tables at bytes 13824 to 15872; the file has 14000',
    ),
    'truncated data': (
        lambda disk: disk[:-65536],
        'has data up to byte 2162688 by its grain tables; the file has '
        '2097152: it is truncated',
    ),
    'truncated last grain': (
        lambda disk: disk[:-512],
        'has data up to byte 2162688 by its grain tables; the file has '
        '2162176',
    ),
    'truncated data behind the overhead': (
        lambda disk: disk[:40000],
        'data begin at byte 65536; the file has 40000',
    ),
    '10 TiB in 1 KiB': (
        lambda disk: header(disk, capacity=10 * TIB // 512)[:1024],
        'a disk of 10995116277760 bytes has its spare grain directory|'
        'a disk of 10995116277760 bytes has its grain directory',
    ),
    '10 TiB in 2 MiB': (
        lambda disk: header(disk, capacity=10 * TIB // 512),
        'has data up to byte 2182626107392 by its grain tables; the file has '
        '2162688',
    ),
    'more than vSphere has': (
        lambda disk: header(disk, capacity=63 * TIB // 512),
        'the header says a virtual size of 69269232549888 bytes; vSphere has '
        'disks of up to 68169720922112',
    ),
    'no capacity, so qemu would open the extents': (
        lambda disk: reworded(
            header(disk, capacity=0), 'monolithicSparse"\n', 'vmfs"\n'
        ),
        'virtual size of 0 bytes',
    ),
    'no grains': (
        lambda disk: header(disk, grain=0),
        'grains of 0 sectors; they are powers of two from 8 to 2048',
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
        '0 entries in a grain table; there are 1 to 512',
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
        'grain directory is at the end, where no footer is',
    ),
    'no footer for lack of room': (
        lambda disk: header(disk, directory=AT_END)[:700],
        'grain directory is at the end, where no footer is',
    ),
    'footer of another kind': (
        lambda disk: with_footer(disk, marker=2),
        'where no footer is',
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
        'the footer names another',
    ),
    'footer not at a sector': (
        lambda disk: b'\0'.join(
            (with_footer(disk)[:-1536], with_footer(disk)[-1536:])
        ),
        'where no footer is',
    ),
    'footer without an end': (
        lambda disk: with_footer(disk)[:-1] + b'\1',
        'where no footer is',
    ),
    'descriptor elsewhere': (
        lambda disk: header(disk, descriptor_offset=7),
        'at sector 7; it is at sector 1',
    ),
    'oversized descriptor': (
        lambda disk: header(disk, descriptor_size=2**40),
        'a descriptor of 562949953421312 bytes .* has 1 to 1048575',
    ),
    'empty descriptor': (
        lambda disk: header(disk, descriptor_size=0),
        'a descriptor of 0 bytes',
    ),
    'descriptor goes on behind its size': (
        lambda disk: reworded(
            header(disk, descriptor_size=1),
            '#DDB\n',
            '#DDB\n' + '# padding\n' * 40,
        ),
        'goes on behind the 512 bytes',
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
        'says parentCID 12345678, and without a parent it is ffffffff',
    ),
    'no parentCID': (
        lambda disk: reworded(disk, 'parentCID', 'auntCID'),
        'says parentCID nothing',
    ),
    'createType twice': (
        lambda disk: reworded(
            disk, '\n# Extent', '\ncreateType="vmfs"\n# Extent'
        ),
        'line 7 of its descriptor sets createtype again',
    ),
    'createType in a comment': (
        lambda disk: reworded(disk, '# Extent', '#createType="vmfs"\n#'),
        'does not say createType once',
    ),
    'no createType': (
        lambda disk: reworded(disk, 'createType', 'creation'),
        'does not say createType once',
    ),
    'createType of another header': (
        lambda disk: reworded(disk, 'monolithicSparse"', 'streamOptimized"'),
        'says createType streamOptimized, and its header is that of a '
        'monolithicSparse',
    ),
    'createType of what has no header': (
        lambda disk: reworded(disk, 'monolithicSparse"\n', 'vmfs"\n'),
        'says createType vmfs',
    ),
    'extent of another size': (
        lambda disk: reworded(disk, f'RW {SECTORS}', 'RW 100'),
        'the descriptor says 51200 bytes, the header 16777216',
    ),
    'two extents': (
        lambda disk: reworded(
            disk, '# The Disk', 'RW 1 FLAT "x" 0\n# The Disk'
        ),
        'has one extent, itself; the descriptor lists RW SPARSE, RW FLAT',
    ),
    'extent with a path': (
        lambda disk: reworded(
            disk, '"monolithicSparse.vmdk"', '"../monolithicSparse.vmdk"'
        ),
        r"line 8 of its descriptor leads out of the folder: '\.\./mono",
    ),
    'extent over two lines': (
        lambda disk: reworded(disk, f'RW {SECTORS}', f'RW\n{SECTORS}'),
        "line 8 of its descriptor is neither a setting nor an extent: 'RW'",
    ),
    'control characters': (
        lambda disk: reworded(disk, '# Extent', '\x1b[2J# Extent'),
        r'characters that are no text: .\\x1b\[2J',
    ),
    'long line': (
        lambda disk: reworded(disk, '# Extent', '#' * 2000 + '\n'),
        'line 7 of its descriptor has 2000 characters; at most 1024',
    ),
}

# In a descriptor: likewise.
DESCRIPTORS = {
    'absolute extent': (
        lambda text: text.replace('"data"', '"/etc/shadow"'),
        "leads out of the folder: '/etc/shadow'; put all extents beside",
    ),
    'extent above': (
        lambda text: text.replace('"data"', '"../data"'),
        r"leads out of the folder: '\.\./data'",
    ),
    'extent below': (
        lambda text: text.replace('"data"', '"sub/data"'),
        "leads out of the folder: 'sub/data'",
    ),
    'extent by another separator': (
        lambda text: text.replace('"data"', r'"sub\data"'),
        'leads out of the folder',
    ),
    'extent by a protocol': (
        lambda text: text.replace('"data"', '"nbd:localhost:10809"'),
        "leads out of the folder: 'nbd:localhost:10809'",
    ),
    'extent that is the folder': (
        lambda text: text.replace('"data"', '".."'),
        r"leads out of the folder: '\.\.'",
    ),
    'extent without a name': (
        lambda text: text.replace('"data"', '""'),
        'leads out of the folder',
    ),
    'extent with a long name': (
        lambda text: text.replace('"data"', f'"{"x" * 256}"'),
        'has a name of 256 bytes; at most 255 can be',
    ),
    'extent in other digits': (
        lambda text: text.replace('"data" 0', '"data" \u0660'),
        'is neither a setting nor an extent',
    ),
    'extent that is the descriptor': (
        lambda text: text.replace('"data"', '"disk.vmdk"'),
        'is no file with data',
    ),
    'extent twice': (
        lambda text: text.replace(
            '\n\n# The', f'\nRW {SECTORS} FLAT "data" 0\n#'
        ),
        'lists data twice',
    ),
    'extent that is a folder': (
        lambda text: text.replace('"data"', '"folder"'),
        'is no file with data',
    ),
    'extent that is a pipe': (
        lambda text: text.replace('"data"', '"pipe"'),
        'is no file with data',
    ),
    'extent that is a link out': (
        lambda text: text.replace('"data"', '"link"'),
        'is a link out of the folder',
    ),
    'truncated extent': (
        lambda text: text.replace(f'RW {SECTORS}', f'RW {SECTORS + 1}'),
        'data: has 16777216 bytes, and the descriptor says 16777728 from '
        'byte 0 on',
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
        'is the extent 513; at most 512',
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
        'monolithicSparse, which is a file with a header, and it has none',
    ),
    'split extent that is none': (
        lambda text: text.replace(
            'monolithicFlat', 'twoGbMaxExtentSparse'
        ).replace('FLAT "data" 0', 'SPARSE "data"'),
        r"data: the header begins with b'\\x00",
    ),
    'split extent of another size': (
        lambda text: (
            text.replace('monolithicFlat', 'twoGbMaxExtentSparse')
            .replace('FLAT "data" 0', 'SPARSE "sparse"')
            .replace(f'RW {SECTORS}', 'RW 100')
        ),
        'sparse: the descriptor says 51200 bytes, the header 16777216',
    ),
    'split extent that opens others': (
        lambda text: text.replace(
            'monolithicFlat', 'twoGbMaxExtentSparse'
        ).replace('FLAT "data" 0', 'SPARSE "nested"'),
        'nested: the header says a virtual size of 0 bytes',
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
        'createType fullDevice leads to a device',
    ),
    'raw device mapping': (
        lambda text: text.replace('monolithicFlat', 'vmfsRawDeviceMap'),
        'createType vmfsRawDeviceMap leads to a device',
    ),
    'more behind the end': (
        lambda text: text + '\0parentFileNameHint="x"',
        'goes on behind byte',
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
        r'is raw, not VMDK; .*name the descriptor.*rename this one to \.raw',
    ),
    'split extent alone': (
        'monolithicSparse',
        lambda disk: header(disk, descriptor_offset=0, descriptor_size=0),
        'is one extent of a VMDK, without a descriptor; name the descriptor',
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
        'it; put both into one folder',
    ),
    'extent that is a link to itself': (
        'raw',
        lambda disk: FLAT.replace('"data"', '"circle"').encode(),
        r'circle: Too many levels of symbolic links; the descriptor',
    ),
    'descriptor in no known encoding': (
        'raw',
        lambda disk: FLAT.replace('"data"', '"gr\xf6\xdfe"').encode('latin1'),
        'of its descriptor is not UTF-8; rename the files',
    ),
    'empty': ('raw', lambda disk: b'', 'is empty'),
    'LUKS': (
        'raw',
        lambda disk: b'LUKS\xba\xbe\0\1' + disk[8:],
        'is luks, which is not supported; convert it',
    ),
    'QED': (
        'raw',
        lambda disk: b'QED\0' + disk[4:],
        'is qed, which is not supported',
    ),
}


def refusal(path, calls):
    """Return the error that inspection ends with, before qemu-img."""
    with pytest.raises(DiskError) as error:
        inspect(path)
    assert not calls.exists(), calls.read_text()
    assert str(path.parent) in str(error.value)
    return error


@pytest.mark.parametrize(
    ('change', 'words'), SPARSE.values(), ids=SPARSE.keys()
)
def test_sparse_vmdk(tmp_path, disks, calls, change, words):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(change(disks['monolithicSparse'].read_bytes()))
    error = refusal(path, calls)
    assert error.type is UnsafeDisk
    error.match(words)


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
            'could be gpt or qcow2, which is how a disk is hidden',
            id='disk in a disk',
        ),
        pytest.param(
            'qcow2',
            lambda disk: patched(disk, 24, struct.pack('>Q', 10 * TIB))[:1024],
            'has a table at bytes .*; the file has 1024: it is truncated',
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
            'says a virtual size of 69269232549888 bytes',
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
    refusal(path, calls).match('is no file with data')


def test_pipe(tmp_path, calls):
    path = tmp_path / 'disk.vmdk'
    os.mkfifo(path)
    refusal(path, calls).match('is no regular file')


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
        match=r'16777216 bytes here, and .* 50331648 bytes to qemu-img',
    ):
        inspect(path)


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
