# SPDX-License-Identifier: Apache-2.0
"""Disks in an OVA that are in chunks, gzipped, in folders, or encoded."""

import gzip
import hashlib
import io
import tarfile
import tracemalloc

import pytest

from hypervisor_affinity.image.appliance import extraction
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.disk_files import MIB
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import chunks
from tests.unit.image.ovas import written as ova
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore


def holds(path, target, content):
    """Prepare an OVA; tell whether the disk holds what another one holds."""
    before = path.with_name('before.vmdk')
    before.write_bytes(content)
    done = prepare(path, target, Form(), watch=ignore)
    assert done.source.name == str(path)
    assert done.source.file_bytes == path.stat().st_size
    assert done.source.appliance.guest_id == 'ubuntu64Guest'
    assert done.form.adapter_type == 'paraVirtual'
    assert [file.name for file in target.parent.iterdir()] == [target.name]
    return digest(target, 'vmdk') == digest(before, 'vmdk')


@pytest.mark.parametrize(
    'told',
    ['ovf:chunkSize="100000"', '', 'ovf:chunkSize="100000" ovf:size=SIZE'],
)
def test_chunks(tmp_path, target, disk, told):
    told = told.replace('SIZE', f'"{len(disk)}"')
    path = ova(tmp_path, told, chunks(disk, 100_000))
    assert holds(path, target, disk)


def test_one_chunk(tmp_path, target, disk):
    path = ova(tmp_path, 'ovf:chunkSize="9999999"', chunks(disk, 9_999_999))
    assert inspect(path).appliance.size == len(disk)
    assert holds(path, target, disk)


def test_gzip(tmp_path, target, disk):
    content = gzip.compress(disk[:MIB]) + gzip.compress(disk[MIB:])
    path = ova(tmp_path, 'ovf:compression="gzip"', {'web-1.vmdk': content})
    assert holds(path, target, disk)


def test_gzip_in_chunks(tmp_path, target, disk):
    content = gzip.compress(disk)
    told = 'ovf:compression="gzip" ovf:chunkSize="70000"'
    path = ova(tmp_path, told, chunks(content, 70_000))
    assert holds(path, target, disk)


def test_a_raw_disk_with_zeros(tmp_path, target):
    raw = disk_files.raw(tmp_path / 'disk.raw').read_bytes()
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(raw)},
    )
    done = prepare(path, target, Form(), watch=ignore)
    assert (done.source.format, done.source.virtual_bytes) == ('raw', len(raw))
    assert digest(target, 'vmdk') == hashlib.sha256(raw).hexdigest()


def test_a_disk_of_no_whole_sectors(tmp_path, target):
    raw = disk_files.raw(tmp_path / 'disk.raw').read_bytes()[:-100]
    path = ova(tmp_path, '', {'web-1.vmdk': raw})
    done = prepare(path, target, Form(), watch=ignore)
    assert done.source.virtual_bytes == len(raw) + 100
    padded = raw + bytes(100)
    assert digest(target, 'vmdk') == hashlib.sha256(padded).hexdigest()


@pytest.mark.parametrize(
    ('told', 'split', 'says'),
    [
        ('ovf:compression="gzip"', None, 'is compressed with gzip; extract'),
        ('', 100_000, r'is in \d+ chunks; extract it with "image prepare"'),
    ],
)
def test_inspect_says_what_to_do(tmp_path, disk, told, split, says):
    members = chunks(disk, split) if split else {'web-1.vmdk': disk}
    with pytest.raises(DiskError, match=says):
        inspect(ova(tmp_path, told, members))


def without(members, number):
    return {
        name: content
        for place, (name, content) in enumerate(members.items())
        if place != number
    }


@pytest.mark.parametrize(
    ('told', 'change', 'says'),
    [
        (
            '',
            lambda made: without(made, 1),
            r"'web-1\.vmdk\.000000001' is not in the archive",
        ),
        (
            '',
            lambda made: without(made, 0),
            r"'web-1\.vmdk' is not in the archive",
        ),
        (
            'ovf:size="SIZE"',
            lambda made: without(made, len(made) - 1),
            r'has \d+ bytes, and the OVF says',
        ),
        (
            '',
            lambda made: {**made, 'web-1.vmdk.000000001': b'short'},
            'in chunks of different sizes',
        ),
        (
            'ovf:chunkSize="1000"',
            lambda made: made,
            'in chunks of different sizes',
        ),
    ],
)
def test_missing_chunks(tmp_path, target, disk, told, change, says):
    told = told.replace('SIZE', str(len(disk)))
    path = ova(tmp_path, told, change(chunks(disk, 300_000)))
    with pytest.raises(DiskError, match=says):
        prepare(path, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    'damage',
    [
        lambda content: content[:-9],
        lambda content: b'no gzip' + content,
        lambda content: content[:5000] + b'\xff' * 50 + content[5050:],
    ],
)
def test_damaged_gzip(tmp_path, target, disk, damage):
    content = damage(gzip.compress(disk))
    path = ova(tmp_path, 'ovf:compression="gzip"', {'web-1.vmdk': content})
    with pytest.raises(DiskError, match=r"web\.ova, 'web-1\.vmdk' .* damaged"):
        prepare(path, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize('wrong', [None, 0, 2])
def test_the_manifest_has_each_chunk(tmp_path, target, disk, wrong):
    made = chunks(disk, 300_000)
    digests = [hashlib.sha1(part).hexdigest() for part in made.values()]
    if wrong is not None:
        digests[wrong] = 'ab' * 20
    lines = map('SHA1({})= {}\n'.format, made, digests)
    path = ova(tmp_path, '', made, ''.join(lines))
    if wrong is None:
        assert holds(path, target, disk)
        return
    says = rf'web-1\.vmdk\.00000000{wrong} does not match its sha1 checksum'
    with pytest.raises(DiskError, match=says):
        prepare(path, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


def test_a_wrong_digest_of_what_is_gzipped(tmp_path, target, disk):
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        # What is behind the disk is none of it, but of the file.
        {'web-1.vmdk': gzip.compress(disk) + bytes(2000)},
        f'SHA256(web-1.vmdk)= {"ab" * 32}\n',
    )
    with pytest.raises(DiskError, match='does not match its sha256'):
        prepare(path, target, Form(), watch=ignore)


def test_a_hostile_disk_in_it(tmp_path, target, disk):
    content = disk.replace(b'CID=ffffffff', b'CID=00000000')
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(content)},
    )
    with pytest.raises(UnsafeDisk) as caught:
        prepare(path, target, Form(), watch=ignore)
    assert str(caught.value).startswith(f'{path}, web-1.vmdk: ')
    assert '.image-prepare-' not in str(caught.value)


def test_an_archive_in_it(tmp_path, target, disk):
    inner = disk_files.archive(
        tmp_path / 'inner.ova', {'web.ovf': OVF.encode(), 'web-1.vmdk': disk}
    )
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(inner.read_bytes())},
    )
    with pytest.raises(DiskError, match=r'web-1\.vmdk is an archive'):
        prepare(path, target, Form(), watch=ignore)


def test_nothing_is_extracted_in_vain(tmp_path, target, disk):
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(disk)},
    )
    steps = []

    def watch(step, done):
        steps.append(step)

    target.touch()
    with pytest.raises(DiskError, match='exists; choose another name'):
        prepare(path, target, Form(), watch=watch)
    link = tmp_path / 'link.vmdk'
    link.hardlink_to(path)
    with pytest.raises(DiskError, match='is a part of the source'):
        prepare(path, link, Form(), replace=True, watch=watch)
    assert steps == []


def test_too_little_space(tmp_path, target, disk, monkeypatch):
    monkeypatch.setattr(extraction, '_RESERVE', MIB)
    usage = type(extraction.shutil.disk_usage('/'))(9 * MIB, 0, MIB - 1)
    monkeypatch.setattr(extraction.shutil, 'disk_usage', lambda _: usage)
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(bytes(8 * MIB))},
    )
    with pytest.raises(
        DiskError, match=r'free, too little to extract .*web-1'
    ):
        prepare(path, target, Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []


def test_memory_is_bounded(tmp_path, target):
    path = ova(
        tmp_path,
        'ovf:compression="gzip"',
        {'web-1.vmdk': gzip.compress(bytes(MIB)) * 1024},
    )
    tracemalloc.start()
    try:
        done = prepare(path, target, Form(), watch=ignore)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.target.virtual_bytes == 1024 * MIB
    assert peak < 16 * MIB


@pytest.mark.parametrize(
    ('href', 'names'),
    [
        ('web%201.vmdk', ('web.ovf', 'web 1.vmdk')),
        ('web 1.vmdk', ('web.ovf', 'web 1.vmdk')),
        # Not all programs encode.
        ('web%201.vmdk', ('web.ovf', 'web%201.vmdk')),
        ('disks/web-1.vmdk', ('web.ovf', 'disks/web-1.vmdk')),
        ('./web-1.vmdk', ('web.ovf', 'web-1.vmdk')),
        ('web-1.vmdk', ('./web.ovf', './web-1.vmdk')),
        ('web-1.vmdk', ('web/web.ovf', 'web/web-1.vmdk')),
        # It is not relative, but the driver finds it.
        ('web/web-1.vmdk', ('web/web.ovf', 'web/web-1.vmdk')),
        ('web/web%201.vmdk', ('web/web.ovf', 'web/web 1.vmdk')),
        ('web-1.vmdk', ('web/web.ovf', 'web-1.vmdk')),
        ('web 12:30.vmdk', ('web.ovf', 'web 12:30.vmdk')),
    ],
)
def test_names(tmp_path, target, disk, href, names):
    ovf = OVF.replace('web-1.vmdk', href).encode()
    listing = f'SHA1({href})= {hashlib.sha1(disk).hexdigest()}\n'.encode()
    descriptor, member = names
    path = disk_files.archive(
        tmp_path / 'web.ova',
        {
            descriptor: ovf,
            descriptor.replace('ovf', 'mf'): listing,
            member: disk,
        },
    )
    found = inspect(path).appliance
    assert found.member == member.removeprefix('./')
    assert holds(path, target, disk)


def test_a_folder_in_the_archive(tmp_path, disk):
    path = tmp_path / 'web.ova'
    with tarfile.open(path, 'w', format=tarfile.USTAR_FORMAT) as tar:
        folder = tarfile.TarInfo('disks')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        ovf = OVF.replace('web-1.vmdk', 'disks/web-1.vmdk').encode()
        for name, content in {
            'web.ovf': ovf,
            'disks/web-1.vmdk': disk,
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    assert inspect(path).appliance.member == 'disks/web-1.vmdk'
