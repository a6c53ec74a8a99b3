# SPDX-License-Identifier: Apache-2.0
"""Images are uploaded to a real Glance, with its default checks."""

import dataclasses
import random
import shutil

import pytest

from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.integration.images.uploads import MIB
from tests.integration.images.uploads import sha512

pytest.importorskip('glance', reason='the extra `cloud` is not installed')

ONE_FILE = ('monolithicSparse', 'streamOptimized')

ACCEPTED = (
    *(f'{name}.vmdk' for name in ONE_FILE),
    *(f'disk.{name}' for name in ('raw', *disk_files.OTHER_FORMATS)),
    'appliance.ova',
)
REFUSED = tuple(
    f'{name}.vmdk' for name in disk_files.SUBFORMATS if name not in ONE_FILE
)


@pytest.mark.parametrize('name', ACCEPTED)
def test_what_glance_takes(upload, glance, disks, name):
    path = disks / name
    disk = inspect(path)
    assert acceptance.by_glance(disk).accepts
    done = upload(path)
    assert (done.code, done.err) == (0, '')
    shown = done.json()
    stored = glance.stored(shown['id'])
    assert stored.status == 'active'
    assert stored.name == path.stem
    assert stored.properties == shown['properties']
    assert stored.os_hash_value == sha512(path)
    formats = (
        ('vmdk', 'ova') if name.endswith('ova') else (disk.format, 'bare')
    )
    assert (stored.disk_format, stored.container_format) == formats
    if disk.format == 'vmdk' and not disk.appliance:
        assert stored.properties['hypervisor_type'] == 'vmware'
        assert 'needs VMware' in shown['demand']
    # What is in Glance is inspected as the file was.
    assert inspect_content(glance.content(stored)) == dataclasses.replace(
        disk, name=path.stem, allocated_bytes=None
    )


@pytest.mark.parametrize('name', REFUSED)
def test_what_is_not_even_sent(upload, names, glance, disks, name):
    path = disks / name
    assert not acceptance.by_glance(inspect(path)).accepts
    done = upload(path)
    assert (done.code, done.out) == (1, '')
    assert 'image prepare' in done.err
    assert names() == []
    # Glance would not have taken it either.
    with pytest.raises(Refused, match='415'):
        send(glance, path)


def other_file(folder):
    """Write a qcow2 that leads its reader to another file."""
    (folder / 'base.raw').write_bytes(bytes(MIB))
    path = folder / 'disk.qcow2'
    data_file = str(folder / 'data')
    disk_files.convert(folder / 'base.raw', path, 'qcow2', data_file=data_file)
    return path


def misnamed(disks, folder):
    return shutil.copy(disks / 'disk.qcow2', folder / 'disk.vmdk')


HOSTILE = {
    'a flat extent': (
        lambda disks, folder: disks / 'monolithicFlat-flat.vmdk',
        'vmdk',
        'disk_format vmdk does not match stream data raw',
    ),
    'a qcow2 named .vmdk': (
        misnamed,
        'vmdk',
        'disk_format vmdk does not match stream data qcow2',
    ),
    'a part of a split disk': (
        lambda disks, folder: disks / 'twoGbMaxExtentSparse-s001.vmdk',
        'vmdk',
        'Image failed safety checks',
    ),
    'data in another file': (
        lambda disks, folder: other_file(folder),
        'qcow2',
        'Image failed safety checks',
    ),
}


@pytest.mark.parametrize('kind', HOSTILE)
def test_what_is_hostile(upload, names, glance, disks, tmp_path, kind):
    make, disk_format, says = HOSTILE[kind]
    path = make(disks, tmp_path)
    done = upload(path)
    assert done.code == 3
    assert done.out == ''
    assert names() == []
    with pytest.raises(Refused, match=says):
        send(glance, path, disk_format)


def send(glance, path, disk_format='vmdk'):
    """Upload a file without looking at it; return the image's id."""
    image_id = glance.create(path.name, disk_format, 'bare', {})
    with path.open('rb') as file:
        glance.send(image_id, file, lambda chunk: None)
    return image_id


def test_what_owners_say(upload, glance, stream):
    done = upload(
        *(
            stream,
            '--name',
            'web',
            '--public',
            '--guest-id',
            'debian11_64Guest',
        ),
        *('--property', 'hw_firmware_type=uefi', '--property', 'my=a b=c'),
    )
    shown = done.json()
    assert shown['name'] == 'web'
    assert shown['properties'] == {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'streamOptimized',
        'vmware_adaptertype': 'ide',
        'vmware_ostype': 'debian11_64Guest',
        'hw_firmware_type': 'uefi',
        'my': 'a b=c',
    }


def test_who_may_not(upload, names, stream, monkeypatch):
    monkeypatch.setenv('OS_TOKEN', 'reader')
    done = upload(stream)
    assert (done.code, done.out) == (3, '')
    assert 'policy rule add_image' in done.err


def test_import(upload, glance, stream):
    done = upload(stream, '--import')
    assert (done.code, done.err) == (0, '')
    assert done.json()['os_hash_value'] == sha512(stream)


def test_an_import_that_fails(upload, names, glance, disks):
    image_id = glance.create('bad', 'vmdk', 'bare', {})
    with (disks / 'disk.raw').open('rb') as file:
        glance.stage(image_id, file, lambda chunk: None)
    glance.import_(image_id)
    with pytest.raises(Refused, match='could not finish image'):
        glance.wait(image_id)


def test_parts_are_those_of_the_file(glance, disks):
    path = disks / 'disk.raw'
    whole = path.read_bytes()
    stored = glance.stored(send(glance, path, 'raw'))
    found = glance.content(stored)
    assert found.size == len(whole)
    chance = random.Random(1)
    places = [chance.randrange(len(whole)) for _ in range(10)]
    for offset in (0, MIB - 1, len(whole) - 1, len(whole), *places):
        for length in (1, 512, 65536):
            expected = whole[offset : offset + length]
            assert found.read(offset, length) == expected


def test_changes_are_made_at_once_or_not_at_all(glance):
    before = {'a': '1', 'b': '2', 'x/y~z': '3'}
    image_id = glance.create('any', 'vmdk', 'bare', before)
    glance.change(image_id, {'a': 'one', 'b': None, 'new': 'n'})
    after = {'a': 'one', 'new': 'n', 'x/y~z': '3'}
    assert glance.stored(image_id).properties == after
    with pytest.raises(Refused, match='Property b does not exist'):
        glance.change(image_id, {'a': 'two', 'b': None})
    assert glance.stored(image_id).properties == after
    glance.change(image_id, {'x/y~z': None})
    assert 'x/y~z' not in glance.stored(image_id).properties


def test_what_is_not_there(glance):
    for missing in (glance.stored, glance.delete):
        with pytest.raises(Missing):
            missing('6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e')


def test_an_image_without_content(glance):
    stored = glance.stored(glance.create('any', 'raw', 'bare', {}))
    with pytest.raises(SourceError, match='any is queued'):
        glance.content(stored)
