# SPDX-License-Identifier: Apache-2.0
"""``image upload`` that fails, and goes on."""

import json
import signal

import pytest

from testbed.fake_api import Answer
from testbed.fake_api import in_json
from tests.unit.cli import program
from tests.unit.cli.image_upload.fake_glance import FITTING


def interrupted(glance, disk, method, last, before=lambda request: None):
    """Upload; Ctrl-C comes while Glance handles a request.

    :param method, last: of the request
    :param before: called with the request
    """

    def interrupt(request):
        before(request)
        process.send_signal(signal.SIGINT)
        return Answer(delay=5)

    glance.faults[method, last] = interrupt
    process = program.start(*program.PROGRAM, 'image', 'upload', disk)
    _, err = process.communicate()
    return process.returncode, err


def test_no_cloud(upload, no_cloud):
    done = upload()
    assert (done.code, done.out) == (3, '')
    assert '--os-cloud' in done.err
    assert '--snapshot' not in done.err


def test_ctrl_c_keeps_what_may_be_resumed(upload, glance, disk):
    code, err = interrupted(glance, disk, 'PUT', 'file')
    assert code == 130
    (image_id,) = glance.images
    assert f'repeat the command with --resume {image_id}\n' in err
    assert 'Traceback' not in err
    glance.faults.clear()
    assert upload('--resume', image_id).code == 0


def test_ctrl_c_while_the_image_is_created(glance, disk):
    def create(request):
        glance.add(**json.loads(request.body))

    code, err = interrupted(glance, disk, 'POST', 'images', create)
    assert code == 130
    assert '--resume' not in err
    assert not glance.images


def test_glance_is_gone(upload, glance):
    def create(request):
        glance.add(**json.loads(request.body))
        # Nobody listens when the content is to come.
        glance.stop()
        image = {'id': json.loads(request.body)['id']}
        return in_json(image, 201, {'Connection': 'close'})

    glance.faults['POST', 'images'] = create
    done = upload()
    assert (done.code, done.out) == (3, '')
    (image_id,) = glance.images
    assert f'--resume {image_id}' in done.err


@pytest.mark.parametrize(
    ('spoil', 'says'),
    [
        (
            lambda body: body[:-1] + b'x',
            'the sha512 checksum of its content is not',
        ),
        (lambda body: body[:-1], 'bytes, and'),
    ],
)
def test_what_arrives_otherwise_is_deleted(upload, glance, spoil, says):
    glance.spoil = spoil
    done = upload()
    assert (done.code, done.out) == (3, '')
    assert says in done.err
    assert 'was deleted' in done.err
    assert not glance.images


def test_a_plugin_converts_it(upload, glance):
    glance.converts_to = 'raw'
    done = upload('--import')
    assert (done.code, done.out) == (3, '')
    assert 'an import plugin converted it from vmdk to raw' in done.err
    assert 'was deleted' in done.err
    assert not glance.images


def test_a_wrong_image_that_cannot_be_deleted(upload, glance):
    glance.converts_to = 'raw'
    image_id = None

    def refuse(request):
        return in_json({'message': 'in use'}, 409)

    def remember(request):
        nonlocal image_id
        image_id = glance.add(**json.loads(request.body))
        glance.faults['DELETE', image_id] = refuse
        return in_json({'id': image_id}, 201)

    glance.faults['POST', 'images'] = remember
    done = upload('--import')
    assert done.code == 3
    assert f'Image {image_id} is useless, and cannot be deleted' in done.err
    assert 'in use' in done.err


def test_no_import(upload, glance):
    glance.import_methods = ['web-download']
    done = upload('--import')
    assert (done.code, done.out) == (3, '')
    assert 'method glance-direct; it has web-download' in done.err
    assert not glance.images


@pytest.mark.parametrize('status', ['saving', 'killed', 'deactivated'])
def test_what_cannot_be_resumed(upload, glance, status):
    image_id = glance.add(status=status, **FITTING)
    done = upload('--resume', image_id)
    assert (done.code, done.out) == (3, '')
    assert f'is {status}, so its upload cannot be continued' in done.err
    assert image_id in glance.images


def test_resume_what_is_half_staged(upload, glance, disk):
    image_id = glance.add(status='uploading', size=None, **FITTING)
    done = upload('--resume', image_id)
    assert done.code == 3
    size = disk.stat().st_size
    assert f'no bytes are staged instead of {size}' in done.err


def test_resume_an_image_of_something_else(upload, glance):
    image_id = glance.add(disk_format='raw')
    done = upload('--resume', image_id)
    assert done.code == 3
    assert (
        'disk_format is raw instead of vmdk; hypervisor_type is not set'
    ) in done.err
    assert glance.images[image_id]['status'] == 'queued'


def test_resume_what_is_not_there(upload, glance):
    done = upload('--resume', 'none')
    assert done.code == 3
    assert "has no image 'none'" in done.err
