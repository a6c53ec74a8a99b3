# SPDX-License-Identifier: Apache-2.0
"""Uploads to a real Glance that break off, and go on."""

import dataclasses

import pytest

from testbed.fake_api import FakeApi
from testbed.fake_api import forward
from testbed.fake_api import in_json
from tests import disk_files
from tests.integration.breaking_proxy import BreakingProxy
from tests.integration.images.uploads import MIB
from tests.integration.images.uploads import sha512

pytest.importorskip('glance', reason='the extra `cloud` is not installed')


def kept(done):
    """Return the id of the image that a run has left to be resumed."""
    (line,) = done.err.splitlines()
    _, _, left = line.partition('. Image ')
    assert ' is kept; to continue' in left, done.err
    return left.split()[0]


def test_resume_after_the_connection_broke(upload, glance, cloud, stream):
    port = cloud.site.ports['glance']
    with BreakingProxy(port, MIB, lambda: None) as proxy:
        done = upload(stream, '--vif-model', 'e1000', url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert 'PUT /images/' in done.err
    assert 'the connection broke' in done.err
    image_id = kept(done)
    assert f'--resume {image_id}' in done.err
    assert glance.stored(image_id).status == 'queued'
    # It was to be an image with another property.
    done = upload(stream, '--resume', image_id, '--vif-model', 'vmxnet3')
    assert 'hw_vif_model is e1000 instead of vmxnet3' in done.err
    done = upload(stream, '--resume', image_id, '--vif-model', 'e1000')
    assert (done.code, done.err) == (0, '')
    assert done.json()['id'] == image_id
    assert glance.stored(image_id).os_hash_value == sha512(stream)


def test_glance_dies(upload, glance, cloud, stream):
    port = cloud.site.ports['glance']
    with BreakingProxy(port, MIB, cloud.glance.kill) as proxy:
        done = upload(stream, url=proxy.url)
    assert (done.code, done.out) == (3, '')
    assert 'the connection broke' in done.err
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
    assert (
        'vmware_adaptertype is ide instead of lsiLogic; x is not set instead '
        'of y'
    ) in done.err
    data = bytearray(stream.read_bytes())
    data[MIB] ^= 1
    other.write_bytes(data)
    done = upload(other, '--resume', image_id)
    assert done.code == 3
    assert f'sha512 checksum of its content is not that of {other}' in done.err
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
    assert (
        f'sha512 checksum of its content is not that of {stream}' in done.err
    )
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
    assert '401, the token is not accepted; authenticate again' in done.err
    assert len(puts) == 1
    assert upload(stream, '--resume', kept(done)).code == 0
