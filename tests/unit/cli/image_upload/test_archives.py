# SPDX-License-Identifier: Apache-2.0
"""What of an archive is uploaded, and what of it is checked before."""

import hashlib

import pytest

from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.inspection import inspect_all
from tests import disk_files
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO

# Neither a disk nor of the OVF.
FURTHER = {'web.nvram': b'of a firmware', 'boot.iso': b'of a system'}


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def ova(tmp_path, disk):
    """Return a function that writes an OVA of two disks and further files."""

    def write(lines=(), ovf=TWO, **changed):
        members = {
            'web.ovf': ovf.encode(),
            'web-1.vmdk': disk.read_bytes(),
            'web-2.vmdk': disk.read_bytes(),
            **FURTHER,
        }
        listed = [
            f'SHA256({name})= {digest(content)}'
            for name, content in members.items()
        ]
        members |= changed
        manifest = '\n'.join([*listed, *lines]).encode()
        first = {'web.ovf': members.pop('web.ovf'), 'web.mf': manifest}
        return disk_files.archive(
            tmp_path / 'web.ova',
            {k: v for k, v in {**first, **members}.items() if v is not None},
        )

    return write


def test_several_disks_are_uploaded_as_inspected(run, upload, glance, ova):
    path = ova()
    found = inspect_all(path)
    assert acceptance.by_glance(found.disk).accepts
    inspected = run('image', 'inspect', path)
    assert inspected.code == 0
    assert 'Glance accepts it' in inspected.out
    done = upload(path=path)
    assert done.code == 0
    (image,) = glance.images.values()
    assert image['disk_format'] == 'vmdk'
    assert image['container_format'] == 'ova'
    assert done.json()['os_hash_value'] == image['os_hash_value']


def test_it_says_what_the_driver_takes(run, no_cloud, ova):
    done = run('image', 'upload', ova(), '--dry-run')
    assert done.code == 0
    assert 'no hypervisor boots it: the driver is made for' in done.out
    assert '"image prepare --disk NAME", or all with' in done.out
    assert '--property' not in done.out


def test_a_disk_that_cannot_be_used(run, upload, glance, ova):
    path = ova(**{'web-1.vmdk': None})
    inspected = run('image', 'inspect', path)
    assert inspected.code == 0
    assert '"image upload" does not upload it' in inspected.out
    done = upload(path=path)
    assert (done.code, done.out) == (3, '')
    assert "'web-1.vmdk' is not in the archive" in done.err
    assert not glance.images


@pytest.mark.parametrize('how', [(), ('--dry-run',)])
@pytest.mark.parametrize('name', [*FURTHER, 'web-1.vmdk', 'web-2.vmdk'])
@pytest.mark.parametrize('ovf', [OVF, TWO])
def test_all_that_the_manifest_lists(
    upload, glance, ova, disk, name, ovf, how
):
    changed = bytearray(FURTHER.get(name) or disk.read_bytes())
    # Within a grain, where no table and no marker is.
    changed[-1 if name in FURTHER else 128 * 512 + 99] ^= 1
    done = upload(*how, path=ova(ovf=ovf, **{name: bytes(changed)}))
    assert (done.code, done.out) == (3, '')
    assert f'{name} does not match its sha256 checksum in the' in done.err
    assert not glance.images


@pytest.mark.parametrize('name', FURTHER)
@pytest.mark.parametrize('ovf', [OVF, TWO])
def test_what_is_listed_and_not_there(run, upload, glance, ova, name, ovf):
    path = ova(ovf=ovf, **{name: None})
    inspected = run('image', 'inspect', path)
    assert inspected.code == 0
    assert f'{name}: the manifest lists it' in inspected.out
    assert 'manifest lists it' not in run('image', 'inspect', ova()).out
    done = upload(path=ova(ovf=ovf, **{name: None}))
    assert (done.code, done.out) == (3, '')
    assert f'has no {name!r}, which its manifest lists; get the' in done.err
    assert not glance.images


def test_names_are_compared_as_the_standard_has_them(upload, glance, ova):
    content = FURTHER['boot.iso']
    lines = [f'SHA256(my%20boot.iso)= {digest(content)}']
    done = upload(path=ova(lines, **{'my boot.iso': content}))
    assert done.code == 0
