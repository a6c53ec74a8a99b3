# SPDX-License-Identifier: Apache-2.0
"""Archives and OVFs that harm whoever believes them."""

import tarfile

import hypothesis
import pytest
from hypothesis import strategies as st

from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.unit.image.ovas import MIB
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO
from tests.unit.image.ovas import packed
from tests.unit.image.ovas import read


def changed(**attributes):
    """Return an archive with one odd member in front."""
    odd = tarfile.TarInfo('odd')
    for name, value in attributes.items():
        setattr(odd, name, value)
    rest = packed({'web.ovf': OVF.encode(), 'web-1.vmdk': b'disk'})
    return odd.tobuf() + rest


def cut(content):
    """Return an archive that ends in its last member."""
    return content.rstrip(b'\0')[:-1]


def negative():
    """Return an archive whose first member has less than no content."""
    content = changed()
    size = (2**96 - 1024).to_bytes(12, 'big')
    return summed(content[:512], at_124=size) + content[512:]


def summed(header, **changes):
    """Return a header with some bytes and its own sum."""
    header = bytearray(header)
    for place, value in changes.items():
        start = int(place.removeprefix('at_'))
        header[start : start + len(value)] = value
    header[148:156] = b' ' * 8
    header[148:155] = b'%06o\0' % sum(header)
    return bytes(header)


def chained(kind):
    """Return an archive with 900 headers before its first member."""
    link = tarfile.TarInfo('././@LongLink')
    link.type = kind
    text = b'x' if kind == tarfile.GNUTYPE_LONGNAME else b'9 path=x\n'
    link.size = len(text)
    return (link.tobuf() + text.ljust(512, b'\0')) * 900 + changed()


HOSTILE = {
    'chained names': (
        lambda: chained(tarfile.GNUTYPE_LONGNAME),
        'more than 8 headers for one member; pack it again',
    ),
    'chained pax headers': (
        lambda: chained(tarfile.XHDTYPE),
        'more than 8 headers for one member',
    ),
    'chained global pax headers': (
        lambda: chained(tarfile.XGLTYPE),
        'more than 8 headers for one member',
    ),
    'link': (
        lambda: changed(type=tarfile.SYMTYPE, linkname='/etc/passwd'),
        "'odd' is not a regular file; pack it again",
    ),
    'hard link': (
        lambda: changed(type=tarfile.LNKTYPE, linkname='web.ovf'),
        "'odd' is not a regular file",
    ),
    'device': (
        lambda: changed(type=tarfile.BLKTYPE),
        "'odd' is not a regular file",
    ),
    'sparse member': (
        lambda: changed(type=tarfile.GNUTYPE_SPARSE),
        "'odd' is not a regular file",
    ),
    'absolute name': (
        lambda: changed(name='/etc/passwd'),
        "'/etc/passwd' leads out of the archive",
    ),
    'name above': (
        lambda: changed(name='../odd'),
        r"'\.\./odd' leads out of the archive",
    ),
    'long name': (
        lambda: changed(name='x' * 256),
        'a name of 256 characters',
    ),
    'name twice': (
        lambda: changed(name='web.ovf'),
        "'web.ovf' is in the archive twice",
    ),
    'larger than the archive': (
        lambda: changed(size=8 * 1024**4),
        "'odd' has 8796093022208 bytes from byte .* it is truncated",
    ),
    'less than nothing': (negative, 'damaged archive|has -1024 bytes'),
    'truncated': (
        lambda: cut(changed()),
        "'web-1.vmdk' has 4 bytes from byte .* it is truncated",
    ),
    'vast pax header': (
        lambda: changed(pax_headers={'comment': 'x' * 2 * MIB}),
        r'has headers of 2097\d+ bytes where there are 0 to 4096',
    ),
    'vast name': (
        lambda: changed(name='x' * 2 * MIB),
        r'has headers of 2097\d+ bytes where there are 0 to 4096',
    ),
    'many members': (
        lambda: packed({f'{n}': b'' for n in range(301)}),
        'has more than 300 members',
    ),
    'vast OVF': (
        lambda: packed({'web.ovf': bytes(2 * MIB)}),
        'web.ovf: has 2097152 bytes; at most 1048576 are read',
    ),
    'vast manifest': (
        lambda: packed(
            {
                'web.ovf': OVF.encode(),
                'web-1.vmdk': b'disk',
                'web.mf': bytes(2 * MIB),
            }
        ),
        'web.mf: has 2097152 bytes; at most 1048576 are read',
    ),
}


@pytest.mark.parametrize(
    ('archive', 'words'), HOSTILE.values(), ids=HOSTILE.keys()
)
def test_hostile_archive(archive, words):
    content = disk_files.Counting(archive())
    assert ova.is_archive(content)
    with pytest.raises(UnsafeDisk, match=words):
        ova.Archive(content).find_disk(None)
    assert content.bytes_read < 3 * MIB


@pytest.mark.parametrize(
    ('ovf', 'words'),
    [
        pytest.param(
            OVF.replace(
                '<Envelope',
                '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
                '<Envelope',
            ),
            'defines entities',
            id='entities',
        ),
        pytest.param(
            OVF.replace(
                '<Envelope', '<!DOCTYPE x SYSTEM "file:///x"><Envelope'
            ),
            'defines entities or a document type',
            id='external document type',
        ),
        pytest.param(
            OVF.replace('web-1.vmdk', 'http://localhost/web-1.vmdk'),
            "not a member of the archive: 'http://localhost/web-1.vmdk'",
            id='disk elsewhere',
        ),
        pytest.param(
            OVF.replace('web-1.vmdk', '../web-1.vmdk'),
            "not a member of the archive: '../web-1.vmdk'",
            id='disk above',
        ),
        pytest.param(
            OVF.replace('fileRef="file2"', 'fileRef="file9"'),
            "the disk 'file9' is not a member of the archive: ''",
            id='dangling reference',
        ),
        pytest.param(
            OVF.replace(
                'fileRef="file2"', 'fileRef="file2" ovf:parentRef="vmdisk3"'
            ),
            "'web-1.vmdk' is based on another disk; delete or consolidate",
            id='parent',
        ),
    ],
)
def test_hostile_ovf(ovf, words):
    with pytest.raises(UnsafeDisk, match=words):
        read(ovf)


@pytest.mark.parametrize(
    ('ovf', 'member', 'words'),
    [
        pytest.param(
            TWO,
            None,
            r'has 2 disks \(web-2.vmdk, web-1.vmdk\); choose one with "image ',
            id='two disks',
        ),
        pytest.param(
            TWO,
            'db.vmdk',
            "has no disk 'db.vmdk'; it has web-2.vmdk, web-1.vmdk",
            id='no such disk',
        ),
        pytest.param(
            OVF.replace('ovf:fileRef="file2"', ''),
            None,
            r'its OVF lists no disk that has a file; export the machine',
            id='no disk',
        ),
        pytest.param(
            OVF.replace('"web-1.vmdk"', '"web-1.vmdk" ovf:compression="xz"'),
            None,
            "'web-1.vmdk' is compressed with xz; unpack the archive",
            id='compressed',
        ),
        pytest.param(
            OVF.replace('web-1.vmdk', 'web-3.vmdk'),
            None,
            "'web-3.vmdk' is not in the archive",
            id='missing',
        ),
        pytest.param('<x>', None, 'web.ovf: is not valid XML', id='no XML'),
        pytest.param('<x/>', None, 'is x, not an OVF 1 or 2', id='no OVF'),
        pytest.param(
            '<?xml version="1.0" encoding="klingon"?><x/>',
            None,
            'is not valid XML',
            id='encoding',
        ),
    ],
)
def test_useless_ovf(ovf, member, words):
    with pytest.raises(DiskError, match=words) as error:
        read(ovf, member)
    assert not issubclass(error.type, UnsafeDisk)
    assert 'counting' in str(error.value)


def test_short_list_of_many_disks():
    numbers = range(1000, 3000)
    files = ''.join(f'<File ovf:id="{n}" ovf:href="{n}"/>' for n in numbers)
    listed = ''.join(f'<Disk ovf:fileRef="{n}"/>' for n in numbers)
    ovf = OVF.replace('<References>', f'<References>{files}').replace(
        '<DiskSection>', f'<DiskSection>{listed}'
    )
    with pytest.raises(
        DiskError, match=r'2001 disks \(1000, .*and more\)'
    ) as error:
        read(ovf)
    assert len(str(error.value)) < 200


def test_no_ovf():
    content = disk_files.Counting(packed({'web-1.vmdk': b'disk'}))
    with pytest.raises(DiskError, match=r'one member \*.ovf, this one has 0'):
        ova.Archive(content).find_disk(None)


def test_no_archive(tmp_path):
    path = tmp_path / 'web.ova'
    path.write_bytes(bytes(MIB))
    with pytest.raises(DiskError, match='not an OVA: it is not a tar archive'):
        inspect(path)


def test_hostile_disk_in_it(disk):
    archive = packed(
        {
            'web.ovf': OVF.encode(),
            'web-1.vmdk': disk.replace(b'CID=ffffffff', b'CID=00000000'),
        }
    )
    with pytest.raises(
        UnsafeDisk, match=r'counting, web-1\.vmdk: .* parentCID 00000000'
    ):
        inspect_content(disk_files.Counting(archive))


def test_disk_around_it(disk):
    archive = bytearray(packed({'web.ovf': OVF.encode(), 'web-1.vmdk': disk}))
    archive[510:512] = b'\x55\xaa'
    archive[148:156] = b' ' * 8
    archive[148:155] = b'%06o\0' % sum(archive[:512])
    with pytest.raises(UnsafeDisk, match='counting: could be gpt or ova'):
        inspect_content(disk_files.Counting(bytes(archive)))


def test_descriptor_in_it():
    archive = packed(
        {
            'web.ovf': OVF.encode(),
            'web-1.vmdk': b'# Disk DescriptorFile\nversion=1\n'
            b'parentCID=ffffffff\ncreateType="monolithicFlat"\n'
            b'RW 2048 FLAT "web-2.vmdk" 0\n',
            'web-2.vmdk': bytes(MIB),
        }
    )
    with pytest.raises(DiskError, match='descriptor of a monolithicFlat'):
        inspect_content(disk_files.Counting(archive))


@hypothesis.given(
    damages=st.lists(
        st.tuples(st.integers(0, 16000), st.binary(min_size=1, max_size=9)),
        min_size=1,
        max_size=4,
    ),
    end=st.none() | st.integers(0, 16000),
)
@hypothesis.settings(max_examples=200)
def test_damaged(damages, end):
    whole = packed(
        {
            'web.ovf': OVF.encode(),
            'web.mf': b'SHA1(web-1.vmdk)= ab12\n',
            'web-1.vmdk': b'disk',
        },
        tarfile.PAX_FORMAT,
        mtime=1.5,
    )
    damaged = bytearray(whole)
    for place, piece in damages:
        damaged[place : place + len(piece)] = piece
    content = disk_files.Counting(bytes(damaged[:end]))
    try:
        found = ova.Archive(content).find_disk(None)
    except DiskError as error:
        assert 'counting' in str(error)
    else:
        assert 0 <= found.offset <= found.offset + found.size <= content.size
    assert content.bytes_read < 4 * MIB
