# SPDX-License-Identifier: Apache-2.0
"""The digests in an OVA, however they are written."""

import hashlib
import tracemalloc

import pytest

from hypervisor_affinity.image.appliance import manifest
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.unit.image.ovas import MIB
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import read
from tests.unit.image.preparing import ignore

LINES = [
    ('SHA1({})= {}', 'sha1'),
    ('SHA256({})= {}', 'sha256'),
    ('SHA512 ({}) = {}\r', 'sha512'),
    ('sha256({})={}', 'sha256'),
    ('SHA384({})= {}', 'sha384'),
    ('Sha224({})= {}', 'sha224'),
    ('SHA-256({})= {}', 'sha256'),
    # OpenSSL 3
    ('SHA2-256({})= {}', 'sha256'),
    ('\ufeffSHA256({})= {}', 'sha256'),
    ('\n\n  SHA256({})= {}', 'sha256'),
    ('SHA256( {} )= {}', 'sha256'),
    ('SHA256\t({})\t=\t{}\t', 'sha256'),
    ('SHA256(./{})= {}', 'sha256'),
    ('SHA1(other.iso)= 00\rSHA256({})= {}', 'sha256'),
]


def archive(path, line, disk, algorithm, digest=None, **names):
    """Write an OVA.

    :param digest: of the disk, the right one by default
    """
    names = {'listing': 'web.mf', 'member': 'web-1.vmdk', **names}
    digest = digest or hashlib.new(algorithm, disk).hexdigest()
    listed = names.get('listed', names['member'])
    ovf = OVF.replace('web-1.vmdk', names['member'])
    return disk_files.archive(
        path,
        {
            'web.ovf': ovf.encode(),
            names['listing']: line.format(listed, digest).encode(),
            names['member']: disk,
        },
    )


@pytest.mark.parametrize(('line', 'algorithm'), LINES)
def test_spellings(tmp_path, target, disk, line, algorithm):
    path = archive(tmp_path / 'web.ova', line, disk, algorithm)
    expected = hashlib.new(algorithm, disk).hexdigest()
    found = inspect(path).appliance
    assert found.digest == f'{algorithm}:{expected}'
    manifest.check_disk(path, found, ignore)
    archive(path, line, disk, algorithm, 'AB' * (len(expected) // 2))
    with pytest.raises(DiskError, match=f'does not match its {algorithm} '):
        prepare(path, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    'names',
    [
        {'listed': 'my%20disk.vmdk', 'member': 'my disk.vmdk'},
        {'listed': 'my disk.vmdk', 'member': 'my disk.vmdk'},
        {'listed': 'a%20b.vmdk', 'member': 'a%20b.vmdk'},
        {'listed': 'web (1).vmdk', 'member': 'web (1).vmdk'},
        {'listing': 'web.MF'},
        {'listing': 'other.mf'},
        {'listing': './web.mf'},
    ],
)
def test_names(tmp_path, target, disk, names):
    path = archive(
        tmp_path / 'web.ova', 'SHA1({})= {}', disk, 'sha1', 'ab' * 20, **names
    )
    with pytest.raises(DiskError, match='does not match its sha1 checksum'):
        prepare(path, target, Form(), watch=ignore)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (b'MD5(web-1.vmdk)= ab12', 'cannot be read: line 1 is not a SHA-1 or'),
        (b'SHA1(web-1.vmdk)= ab12\nSHA1', 'cannot be read: line 2 is not'),
        (b'SHA1(web-1.vmdk) ab12', 'cannot be read: line 1'),
        (b'SHA1()= ab12', 'cannot be read: line 1'),
        (b'SHA1(web-1.vmdk)= ', 'cannot be read: line 1'),
        (b'ab12  web-1.vmdk', 'cannot be read: line 1'),
        (b'\0\1\xff\xfe' * 100, 'cannot be read: line 1'),
        ('SHA1(web-1.vmdk)= ab12'.encode('utf-16'), 'cannot be read: line 1'),
        (
            b'SHA1(web-1.vmdk)= ab12\nsha1(./web-1.vmdk)= cd',
            'has two digests of one file: line 2 has another sha1 than a line',
        ),
        (b'SHA1(web-2.vmdk)= ab12', "does not list 'web-1.vmdk'"),
        (b'', "does not list 'web-1.vmdk'"),
    ],
)
def test_no_digest(text, says):
    with pytest.raises(DiskError, match=says) as caught:
        read(OVF, **{'web.mf': text})
    assert str(caught.value).startswith("counting: the manifest 'web.mf' ")


def test_several_manifests():
    line = b'SHA1(web-1.vmdk)= ab12\n'
    others = {'a.mf': line, 'web.MF': line}
    with pytest.raises(DiskError, match='has several manifests, and none has'):
        read(OVF, **others)
    proper = read(OVF, **others, **{'web.mf': line.replace(b'ab', b'cd')})
    assert proper.digest == 'sha1:cd12'


def test_digests_of_two_algorithms():
    lines = b'SHA1(web-1.vmdk)= ab12\nSHA256(web-1.vmdk)= cd34\n'
    assert read(OVF, **{'web.mf': lines * 2}).digest == 'sha1:ab12'


def test_a_manifest_of_something_else():
    assert read(OVF, **{'META-INF/MANIFEST.MF': b'Version: 1'}).digest is None


def test_the_ovf_has_a_digest():
    right = hashlib.sha256(OVF.encode()).hexdigest()
    lines = 'SHA256(./web.ovf)= {}\nSHA256(web-1.vmdk)= ab12\n'
    assert read(OVF, **{'web.mf': lines.format(right).encode()}).digest
    with pytest.raises(DiskError, match=r'web\.ovf does not match its sha256'):
        read(OVF, **{'web.mf': lines.format('ab' * 32).encode()})


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (b'SHA1(' + b' ' * 500_000 + b')' * 500_000, 'cannot be read: line 1'),
        (b'SHA1(' + b'%41' * 300_000 + b')= ab', 'cannot be read: line 1'),
        (b'SHA1(a)=1\n' * 100_000, 'has more than 1000 lines'),
        (b'\n' * 1_000_000, 'has more than 1000 lines'),
    ],
)
def test_a_long_manifest(text, says):
    tracemalloc.start()
    try:
        with pytest.raises(DiskError, match=says):
            read(OVF, **{'web.mf': text})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 * MIB
