# SPDX-License-Identifier: Apache-2.0
"""``image inspect`` and ``image prepare`` of an OVA with several disks."""

import gzip

import pytest

from hypervisor_affinity.image.inspection import inspect
from tests import disk_files
from tests.disk_files import MIB
from tests.installed import skip_without
from tests.unit.image.preparing import digest

FILE = '<File ovf:id="{0}" ovf:href="{1}" {2}/>'


def ovf(files, told):
    listed = ''.join(
        FILE.format(number, name, told.get(name, ''))
        for number, name in enumerate(files)
    )
    disks = ''.join(
        f'<Disk ovf:diskId="{n}" ovf:fileRef="{n}"/>'
        for n in range(len(files))
    )
    return (
        '<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" '
        'xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">'
        f'<References>{listed}</References>'
        f'<DiskSection>{disks}</DiskSection></Envelope>'
    ).encode()


@pytest.fixture(scope='module')
def contents(tmp_path_factory):
    """A streamOptimized disk, and a raw one."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    stream = disk_files.vmdk(folder, 'streamOptimized').read_bytes()
    raw = disk_files.raw(folder / 'raw', 8 * MIB).read_bytes()
    return stream, raw


@pytest.fixture
def ova(tmp_path, contents):
    """Return a function that writes an OVA of these and further files."""

    def write(first='root.vmdk', second='data/data.img', told=(), **more):
        files = dict(zip((first, second), contents, strict=True)) | more
        members = {'a.ovf': ovf(files, dict(told)), **files}
        return disk_files.archive(tmp_path / 'a.ova', members)

    return write


def rows(done):
    return {(row['Part'], row['Subject']): row['Value'] for row in done.json()}


def test_inspect_lists_all(run, ova, contents):
    path = ova(bad=b'')
    done = run('image', 'inspect', path, '-f', 'json')
    assert (done.code, done.err) == (0, '')
    found = rows(done)
    assert found['disk root.vmdk', 'format'] == 'vmdk'
    assert found['disk root.vmdk', 'subformat'] == 'streamOptimized'
    assert found['disk root.vmdk', 'virtual size'] == 16 * MIB
    assert found['disk data/data.img', 'format'] == 'raw'
    assert found['disk data/data.img', 'virtual size'] == len(contents[1])
    assert found['disk bad', 'complaint'] == f'{path}, bad: is empty'
    assert found['question', 'for the owner'].startswith('which disk does the')
    assert ('glance', 'accepts it') in found
    assert 'made for an OVA' in found['vsphere', 'refuses it']
    assert found['travel', 'to Glance'] == path.stat().st_size


def test_the_headline(run, ova):
    path = ova()
    headline, *_ = run('image', 'inspect', path).out.splitlines()
    assert headline.startswith(f'{path}: an OVA with 2 disks; Glance accepts')
    assert headline.endswith(
        '"image prepare --disk NAME", or all with "--disk all"'
    )


def test_inspect_of_one(run, ova):
    done = run('image', 'inspect', ova(), '--disk', 'data/data.img')
    assert done.code == 0
    assert 'another disk' in done.out


def test_no_wish_is_for_all(run, ova):
    done = run('image', 'inspect', ova(), '--guest-id', 'otherGuest')
    assert done.code == 3
    assert 'otherGuest cannot be set: ' in done.err
    assert '"image prepare --disk NAME", or all with "--disk all"' in done.err


def test_no_usable_disk(run, tmp_path):
    members = {'x': b'', 'y': b''}
    path = disk_files.archive(
        tmp_path / 'a.ova', {'a.ovf': ovf(members, {}), **members}
    )
    done = run('image', 'inspect', path)
    assert (done.code, done.out) == (3, '')
    assert 'a.ova, x: is empty' in done.err


def test_many_disks_are_not_all_inspected(run, ova):
    path = ova(**{f'disk{n}': bytes(512) for n in range(40)})
    found = rows(run('image', 'inspect', path, '-f', 'json'))
    formats = [part for part, subject in found if subject == 'format']
    assert len(formats) == 10
    assert found['disk disk39', 'not inspected']


def test_prepare_all(run, ova, contents, tmp_path):
    target = tmp_path / 'target'
    target.mkdir()
    packed = gzip.compress(contents[0])
    path = ova(
        told={'third.vmdk': 'ovf:compression="gzip"'},
        **{'third.vmdk': packed},
    )
    done = run('image', 'prepare', path, target, '--disk', 'all')
    assert (done.code, done.err) == (0, '')
    assert {file.name for file in target.iterdir()} == {
        'root.vmdk',
        'data.vmdk',
        'third.vmdk',
    }
    assert done.out.count('Next: hypervisor-affinity image upload') == 3
    assert f'{path}, third.vmdk' in done.out
    raw = tmp_path / 'data.raw'
    raw.write_bytes(contents[1])
    assert digest(target / 'data.vmdk', 'vmdk') == digest(raw, 'raw')
    for name in ('root', 'third'):
        assert digest(target / f'{name}.vmdk', 'vmdk') == digest(
            target / 'root.vmdk', 'vmdk'
        )
    assert inspect(target / 'root.vmdk').virtual_bytes == 16 * MIB


def test_prepare_all_into_this_directory(run, ova, tmp_path, monkeypatch):
    target = tmp_path / 'target'
    target.mkdir()
    monkeypatch.chdir(target)
    # Two that would get one name.
    done = run('image', 'prepare', ova('x/a.vmdk', 'y/a.img'), '--disk', 'all')
    assert done.code == 0
    assert {file.name for file in target.iterdir()} == {
        '1-a.vmdk',
        '2-a.vmdk',
    }


@pytest.mark.parametrize(
    ('name', 'says'),
    [
        ('none', 'none: no such directory; with --disk all, TARGET is one'),
        ('.', 'data.vmdk: exists; choose another directory'),
    ],
)
def test_prepare_all_checks_first(run, ova, tmp_path, name, says):
    (tmp_path / 'data.vmdk').touch()
    done = run('image', 'prepare', ova(), tmp_path / name, '--disk', 'all')
    assert (done.code, done.out) == (3, '')
    assert says in done.err
    assert not (tmp_path / 'root.vmdk').exists()


def test_what_was_written_before_an_error(run, ova, tmp_path):
    done = run('image', 'prepare', ova(bad=b''), tmp_path, '--disk', 'all')
    assert done.code == 3
    assert 'a.ova, bad: is empty. Written before: ' in done.err
    assert done.err.strip().endswith('data.vmdk')
    assert (tmp_path / 'root.vmdk').exists()


def test_all_of_what_is_no_ova(run, contents, tmp_path):
    path = tmp_path / 'disk.raw'
    path.write_bytes(contents[1])
    done = run('image', 'prepare', path, tmp_path, '--disk', 'all')
    assert done.code == 3
    assert 'is not an OVA with disks; leave out --disk' in done.err
