# SPDX-License-Identifier: Apache-2.0
"""Headers of archives of which tarfile would make much of little."""

import tarfile

import pytest

from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from tests import disk_files
from tests.fuzz import limits
from tests.unit.image.test_hostile_ova import changed
from tests.unit.image.test_hostile_ova import summed

# Of the largest that there can be, on a slow machine.
SECONDS = 10


def extension(kind, text):
    """Return a header for the next member, or for all of them."""
    header = tarfile.TarInfo('extension')
    header.type = kind
    header.size = len(text)
    padded = text.ljust(-(-len(text) // 512) * 512, b'\0')
    return header.tobuf() + padded


def sparse():
    """Return an archive with a member of 5000 blocks of parts."""
    odd = tarfile.TarInfo('odd')
    odd.type = tarfile.GNUTYPE_SPARSE
    more = bytes(504) + b'\1' + bytes(7)
    return summed(odd.tobuf(), at_482=b'\1') + more * 5000


def of_all(number):
    """Return an archive with some headers for all members."""
    texts = [
        b''.join(b'13 %06d=xx\n' % (n * 100 + i) for i in range(100))
        for n in range(number)
    ]
    everyone = [extension(tarfile.XGLTYPE, text) for text in texts]
    return b''.join(everyone) + changed()


def members(number, before=b''):
    """Return an archive of empty members.

    :param before: what is before each of them
    """
    infos = [tarfile.TarInfo(f'{place}') for place in range(number)]
    return b''.join(before + info.tobuf() for info in infos) + bytes(1024)


# What an archive has, and the refusal.
HOSTILE = {
    'pax header of digits': (
        lambda: extension(tarfile.XHDTYPE, b'1' * 4000) + changed(),
        'has a damaged pax header; pack it again',
    ),
    'pax header with a value of digits': (
        lambda: changed(pax_headers={'comment': '1' * 65}),
        'has a damaged pax header; pack it again',
    ),
    'pax header with a length of nothing': (
        lambda: extension(tarfile.XHDTYPE, b'0 a=b\n') + changed(),
        'has a damaged pax header; pack it again',
    ),
    'pax header whose words are far': (
        lambda: extension(tarfile.XHDTYPE, b'9 aaaaaaa' * 450 + b'=\n'),
        'has a damaged pax header; pack it again',
    ),
    'pax header of less than nothing': (
        lambda: summed(
            extension(tarfile.XHDTYPE, b''),
            at_124=(2**96 - 1024).to_bytes(12, 'big'),
        ),
        'has headers of -1024 bytes',
    ),
    'global pax headers': (
        lambda: of_all(4),
        'has headers of 5200 bytes',
    ),
    'vast sparse member': (sparse, 'its headers have more than 1048576 bytes'),
}


@pytest.mark.parametrize(
    ('archive', 'words'), HOSTILE.values(), ids=HOSTILE.keys()
)
def test_too_much(archive, words):
    content = disk_files.Counting(archive())
    with limits.kept(seconds=SECONDS), pytest.raises(UnsafeDisk, match=words):
        ova.Archive(content).find_disk(None)


MANY = b''.join(b'8 %04d=\n' % number for number in range(500))
DIGITS = b''.join(b'73 %04d=%s\n' % (n, b'1' * 64) for n in range(50))

# What comes next to the bounds, and the refusal.
LARGEST = {
    'many headers': (
        lambda: members(25, extension(tarfile.XHDTYPE, MANY) * 7),
        'has 0',
    ),
    'digits': (
        lambda: members(220, extension(tarfile.XHDTYPE, DIGITS)),
        'its headers have more than 1048576 bytes',
    ),
    'a global header': (
        lambda: extension(tarfile.XGLTYPE, MANY) + members(300),
        'has 0',
    ),
    'many of all': (
        lambda: (
            extension(tarfile.XGLTYPE, MANY)
            + members(200, extension(tarfile.XHDTYPE, MANY))
        ),
        'has 0',
    ),
}


@pytest.mark.parametrize(
    ('archive', 'words'), LARGEST.values(), ids=LARGEST.keys()
)
def test_large_archive(archive, words):
    with limits.kept(seconds=SECONDS), pytest.raises(DiskError, match=words):
        ova.Archive(disk_files.Counting(archive())).find_disk(None)
