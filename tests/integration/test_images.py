# SPDX-License-Identifier: Apache-2.0
"""Images are uploaded to a real Glance, with its default checks."""

import dataclasses
import hashlib
import random
import shutil

import pytest

pytest.importorskip('glance', reason='the extra `cloud` is not installed')

from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from testbed.fake_api import FakeApi
from testbed.fake_api import forward
from testbed.fake_api import in_json
from tests import disk_files
from tests.installed import skip_without
from tests.integration import content
from tests.integration.breaking_proxy import BreakingProxy
from tests.unit.cli.program import Run

MIB = 1024**2
ONE_FILE = ('monolithicSparse', 'streamOptimized')
OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
  <References>
    <File ovf:id="file1" ovf:href="disk.vmdk" ovf:size="{size}"/>
  </References>
  <DiskSection>
    <Info>Disks</Info>
    <Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="{capacity}"
        ovf:format=
"http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <VirtualSystem ovf:id="vm">
    <Info>A virtual machine</Info>
  </VirtualSystem>
</Envelope>
"""


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """A folder with a disk of each kind, named after it."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    disk_files.every_kind(folder)
    stream = (folder / 'streamOptimized.vmdk').read_bytes()
    ovf = OVF.format(size=len(stream), capacity=16 * MIB)
    disk_files.archive(
        folder / 'appliance.ova', {'a.ovf': ovf.encode(), 'disk.vmdk': stream}
    )
    return folder


@pytest.fixture
def glance(cloud):
    """Glance, which has the same images again when the test is over."""
    sdk = cloud.connect().image
    yield Glance(cloud.connect())
    before = {image.id for image in content.IMAGES}
    for image in sdk.images():
        if image.id not in before:
            sdk.delete_image(image)


@pytest.fixture
def names(cloud):
    """Return a function that tells which images there are beside."""

    def names():
        before = {image.id for image in content.IMAGES}
        images = cloud.connect().image.images()
        return [image.name for image in images if image.id not in before]

    return names


@pytest.fixture
def upload(cloud, glance, capsys, monkeypatch):
    """Return a function that runs ``image upload ARGUMENT...``.

    :param url: of Glance, if it is not the usual one
    """
    monkeypatch.setenv('OS_AUTH_TYPE', 'admin_token')
    monkeypatch.setenv('OS_TOKEN', 'admin')
    monkeypatch.setenv('OS_ENDPOINT', 'http://127.0.0.1:9')

    def upload(*arguments, url=None):
        url = url or cloud.site.url('glance')
        monkeypatch.setenv('OS_IMAGE_ENDPOINT_OVERRIDE', url)
        return Run(capsys, 'image', 'upload', *arguments, '-f', 'json')

    return upload


@pytest.fixture
def stream(disks):
    return disks / 'streamOptimized.vmdk'


def sha512(path):
    return hashlib.sha512(path.read_bytes()).hexdigest()


def kept(done):
    """Return the id of the image that a run has left to be resumed."""
    (line,) = done.err.splitlines()
    _, _, left = line.partition('. Image ')
    assert ' is kept; to go on' in left, done.err
    return left.split()[0]


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
    if disk.format == 'vmdk':
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
    with pytest.raises(Refused, match='gave up image'):
        glance.wait(image_id)


def test_resume_after_the_connection_broke(upload, glance, cloud, stream):
    port = cloud.site.ports['glance']
    with BreakingProxy(port, MIB, lambda: None) as proxy:
        done = upload(stream, '--vif-model', 'e1000', url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert 'PUT /images/' in done.err
    assert 'the connection broke off' in done.err
    image_id = kept(done)
    assert f'--resume {image_id}' in done.err
    assert glance.stored(image_id).status == 'queued'
    # It was to be an image with another property.
    done = upload(stream, '--resume', image_id, '--vif-model', 'vmxnet3')
    assert 'hw_vif_model is e1000 and not vmxnet3' in done.err
    done = upload(stream, '--resume', image_id, '--vif-model', 'e1000')
    assert (done.code, done.err) == (0, '')
    assert done.json()['id'] == image_id
    assert glance.stored(image_id).os_hash_value == sha512(stream)


def test_glance_dies(upload, glance, cloud, stream):
    port = cloud.site.ports['glance']
    with BreakingProxy(port, MIB, cloud.glance.kill) as proxy:
        done = upload(stream, url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert 'the connection broke off' in done.err
    cloud.glance.start()
    cloud.glance.wait()
    done = upload(stream, '--resume', kept(done))
    assert (done.code, done.err) == (0, '')


@pytest.mark.parametrize('is_imported', [False, True])
def test_resume_what_is_staged(upload, glance, stream, is_imported):
    properties = upload(stream, '--dry-run').json()['properties']
    image_id = glance.create('staged', 'vmdk', 'bare', properties)
    with stream.open('rb') as file:
        glance.stage(image_id, file, lambda chunk: None)
    assert glance.stored(image_id).status == 'uploading'
    if is_imported:
        glance.import_(image_id)
        glance.wait(image_id)
    done = upload(stream, '--resume', 'staged')
    assert (done.code, done.err) == (0, '')
    assert done.json()['status'] == 'active'


def test_resume_with_another_file(upload, glance, disks, stream, tmp_path):
    properties = upload(stream, '--dry-run').json()['properties']
    image_id = glance.create('any', 'vmdk', 'bare', properties)
    with stream.open('rb') as file:
        glance.send(image_id, file, lambda chunk: None)
    other = disk_files.vmdk(
        tmp_path, 'streamOptimized', adapter_type='lsilogic'
    )
    done = upload(other, '--resume', image_id, '--property', 'x=y')
    assert done.code == 3
    assert 'vmware_adaptertype is ide and not lsiLogic' in done.err
    data = bytearray(stream.read_bytes())
    data[MIB] ^= 1
    other.write_bytes(data)
    done = upload(other, '--resume', image_id)
    assert done.code == 3
    assert f'sha512 of its content is not that of {other}' in done.err
    # It may be right, and the file wrong.
    assert glance.stored(image_id).status == 'active'


def faulty(cloud, fault):
    """Return what stands in front of Glance.

    :param fault: {request: answer or changed request, or None}
    """

    def answer(request):
        found = fault(request) or request
        if isinstance(found, type(request)):
            return forward(found, cloud.site.url('glance'))
        return found

    return FakeApi(answer)


def is_upload(request):
    return request.method == 'PUT'


def test_what_arrives_otherwise_is_deleted(upload, names, cloud, stream):
    def corrupt(request):
        if not is_upload(request):
            return None
        body = bytearray(request.body)
        # Well inside a grain, where nobody looks for a format.
        body[MIB] ^= 1
        return dataclasses.replace(request, body=bytes(body))

    with faulty(cloud, corrupt) as proxy:
        done = upload(stream, url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert f'sha512 of its content is not that of {stream}' in done.err
    assert 'was deleted' in done.err
    assert '--resume' not in done.err
    assert names() == []


def test_what_glance_refuses_is_deleted(upload, names, cloud, stream):
    def spoil(request):
        if not is_upload(request):
            return None
        return dataclasses.replace(request, body=bytes(len(request.body)))

    with faulty(cloud, spoil) as proxy:
        done = upload(stream, url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert 'Image disk_format vmdk does not match stream data raw' in done.err
    assert 'was deleted' in done.err
    assert names() == []


def test_the_token_expires(upload, glance, cloud, stream):
    def expire(request):
        return in_json({}, 401) if is_upload(request) else None

    with faulty(cloud, expire) as proxy:
        done = upload(stream, url=proxy.url)
        puts = list(filter(is_upload, proxy.requests))
    assert (done.code, done.out) == (3, '')
    assert '401, the token is not accepted; authenticate anew' in done.err
    assert len(puts) == 1
    assert upload(stream, '--resume', kept(done)).code == 0


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
