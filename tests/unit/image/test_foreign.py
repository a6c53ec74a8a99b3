# SPDX-License-Identifier: Apache-2.0
"""What is no disk, and what nova's own code makes of it."""

import bz2
import gzip
import io
import lzma
import struct
import subprocess
import zipfile
import zlib

import pytest

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.formats import foreign
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.disk_files import MIB
from tests.unit.image.test_acceptance import glance_accepts
from tests.unit.image.test_preparation import OVF

pytestmark = pytest.mark.usefixtures('installed')

DISK = bytes(MIB) + b'some data' + bytes(MIB)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('disk.raw', DISK)
    return file.getvalue()


def written(disk_format):
    """Return a maker of what qemu-img writes."""

    def make(path):
        subprocess.run(
            ['qemu-img', 'create', '-q', '-f', disk_format, path, '16M'],
            check=True,
        )
        return path.read_bytes()

    return make


def bochs():
    """Return an empty disk of 16 MiB."""
    words = (b'Bochs Virtual HD Image', b'Redolog', b'Growing')
    head = b''.join(
        word.ljust(length, b'\0')
        for word, length in zip(words, (32, 16, 16), strict=True)
    )
    numbers = (0x20000, 512, 16, 512, MIB, 0)
    head += b''.join(number.to_bytes(4, 'little') for number in numbers)
    head += (16 * MIB).to_bytes(8, 'little')
    return head.ljust(512, b'\0') + b'\xff' * 64 + bytes(512)


def cloop():
    """Return a disk of one compressed block."""
    head = (
        b'#!/bin/sh\n#V2.0 Format\n'
        b'modprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n'
    )
    block = zlib.compress(bytes(65536))
    places = struct.pack('>IIQQ', 65536, 1, 152, 152 + len(block))
    return head.ljust(128, b'\0') + places + block + bytes(512)


# What it is -> the file, what is said of it and advised.
FILES = {
    'xz': (lzma.compress(DISK), 'compressed with xz; decompress it first'),
    'gzip': (gzip.compress(DISK), 'compressed with gzip; decompress it'),
    'bzip2': (bz2.compress(DISK), 'compressed with bzip2; decompress it'),
    'empty bzip2': (bz2.compress(b''), 'compressed with bzip2'),
    'zstd': (b'\x28\xb5\x2f\xfd' + bytes(600), 'compressed with zstd'),
    'lz4': (b'\x04\x22\x4d\x18' + bytes(600), 'compressed with lz4'),
    'lzip': (b'LZIP\x01\x0c' + bytes(600), 'compressed with lzip'),
    'pzstd': (
        b'\x50\x2a\x4d\x18\4\0\0\0' + bytes(600),
        'compressed with zstd or lz4',
    ),
    'old lz4': (b'\x02\x21\x4c\x18' + bytes(600), 'compressed with lz4'),
    'lzma': (
        lzma.compress(DISK, format=lzma.FORMAT_ALONE),
        'compressed with lzma',
    ),
    'lzop': (b'\x89LZO\0\r\n\x1a\n' + bytes(600), 'compressed with lzop'),
    'compress': (b'\x1f\x9d\x90' + bytes(600), 'compressed with compress'),
    'cpio': (b'07070100000001' + bytes(600), 'a cpio archive; unpack it'),
    'cab': (b'MSCF' + bytes(600), 'a cab archive; unpack it'),
    'wim': (b'MSWIM' + bytes(600), 'a WIM archive; unpack it'),
    'vma': (b'VMA\0' + bytes(600), 'a backup of Proxmox (VMA); unpack it'),
    'partclone': (b'partclone-image0002' + bytes(600), 'of partclone'),
    'squashfs': (b'hsqs' + bytes(24) + b'\4\0' + bytes(600), 'a SquashFS'),
    'zip': (zipped(), 'a zip archive; unpack it first'),
    '7z': (b"7z\xbc\xaf'\x1c\0\4" + bytes(600), 'a 7z archive; unpack it'),
    'rar': (b'Rar!\x1a\7\1\0' + bytes(600), 'a rar archive; unpack it'),
    'page': (
        b'\n<!DOCTYPE HTML>\n<html><h1>404 Not Found \xfc</h1></html>',
        'a web page or XML, maybe what a server said',
    ),
    'answer': (
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        'a web page or XML',
    ),
    'OVF': (
        b'<?xml version="1.0"?>\n<ovf:Envelope xmlns:ovf="x">\xc3\xbc',
        'an OVF, which describes a VM; give the disk',
    ),
    'JSON': (b'{"message": "not found"}\n', 'is text; get the file again'),
    'UTF-8': ('Fehler: Größe unbekannt\n'.encode() * 9, 'is text'),
    'a code page': ('<title>Größe</title>\n'.encode('cp1252'), 'is text'),
    'UTF-16': ('Größe\r\n'.encode('utf-16') * 9, 'is text'),
    'UTF-16 of others': (
        b'\xfe\xff' + 'Größe\r\n'.encode('utf-16-be'),
        'is text',
    ),
    'descriptor with a mark': (
        '# Disk DescriptorFile\nversion=1\n'.encode('utf-8-sig'),
        'is text',
    ),
    'checksums': (b'0a1b2c  disk.img\n' * 900, 'is text'),
    'dmg': (
        DISK + (b'koly\0\0\0\4' + (512).to_bytes(4)).ljust(512, b'\0'),
        '(dmg); convert it first, with "qemu-img convert -f dmg',
    ),
    'bochs': (bochs(), 'a disk of Bochs; convert it first'),
    'cloop': (cloop(), 'a compressed loop image (cloop)'),
    'parallels': (
        written('parallels'),
        'a disk of Parallels; convert it first, with "qemu-img convert -f '
        'parallels -O qcow2"',
    ),
    'qcow': (written('qcow'), 'qcow, the format before qcow2; convert it'),
}
REFUSED = {'bochs', 'cloop', 'parallels', 'qcow'}


@pytest.fixture(params=FILES)
def case(request, tmp_path):
    content, words = FILES[request.param]
    path = tmp_path / 'disk.img'
    path.write_bytes(content(path) if callable(content) else content)
    return request.param, path, words


def test_is_told_and_refused(case):
    name, path, words = case
    with pytest.raises(DiskError) as here:
        inspect(path)
    with FileContent(path) as content, pytest.raises(DiskError) as there:
        inspect_content(content)
    for refusal in (str(here.value), str(there.value)):
        assert refusal.startswith(f'{path}: is ')
        assert words in refusal
        if name in REFUSED:
            assert refusal.endswith('As it is, nova on KVM would refuse it')
        else:
            assert 'nova would take it for a raw disk' in refusal


def test_services_do_with_it_what_is_said(case):
    name, path, _ = case
    assert glance_accepts(path, 'raw') is (name != 'qcow')
    assert nova_accepts(path, 'raw') is (name not in REFUSED)


@pytest.mark.parametrize(
    ('start', 'words'),
    [
        (b'COWD\1\0\0\0', 'the data of an ESXi snapshot'),
        (b'QED\0', 'is qed, which is not supported'),
        (b'LUKS\xba\xbe\0\1', 'is encrypted; decrypt it first'),
    ],
)
def test_what_other_modules_refuse_nova_refuses(tmp_path, start, words):
    path = tmp_path / 'disk.img'
    path.write_bytes(start + bytes(MIB))
    with pytest.raises(DiskError, match=words):
        inspect(path)
    assert not nova_accepts(path, 'raw')


def test_each_kind_has_a_file():
    contents = [
        content.ljust(4096, b'\0') if name not in ('JSON', 'page') else content
        for name, (content, _) in FILES.items()
        if isinstance(content, bytes)
    ]
    unseen = {
        kind.what
        for kind in foreign.KINDS
        if not any(kind.start.match(content[:4096]) for content in contents)
    }
    assert unseen == {
        'a tar archive',
        'a disk of Parallels',
        'qcow, the format before qcow2',
    }


@pytest.mark.parametrize('suffix', ['.vmdk', '.vhd', '.qcow2', '.ova'])
def test_the_suffix_comes_second(tmp_path, suffix):
    path = tmp_path / f'disk{suffix}'
    path.write_bytes(gzip.compress(DISK))
    with pytest.raises(DiskError, match='is compressed with gzip'):
        inspect(path)


def test_what_is_in_an_archive(tmp_path):
    inner = disk_files.archive(tmp_path / 'a.tar', {'disk.raw': DISK})
    for content, words in (
        (lzma.compress(DISK), 'compressed with xz'),
        (inner.read_bytes(), 'a tar archive; unpack it first'),
    ):
        path = disk_files.archive(
            tmp_path / 'a.ova', {'a.ovf': OVF.encode(), 'disk.vmdk': content}
        )
        with pytest.raises(DiskError, match=rf'disk\.vmdk: is {words}'):
            inspect(path)


@pytest.mark.parametrize(
    'content',
    [DISK, b'\xeb\x63\x90' + DISK, b'text' + DISK, bytes(512), b'PK' + DISK],
    ids=['zeros', 'loader', 'word', 'sector', 'letters'],
)
def test_a_raw_disk_is_one(tmp_path, content):
    path = tmp_path / 'disk.raw'
    path.write_bytes(content)
    assert inspect(path).format == 'raw'
