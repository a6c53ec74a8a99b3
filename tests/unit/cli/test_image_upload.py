# SPDX-License-Identifier: Apache-2.0
"""``image upload`` as an operator types it.

What a real Glance does is in ``tests/integration``; here is one that keeps
images in memory, and does what the real one seldom does.
"""

import hashlib
import json
import os
import shlex
import signal
import uuid

import pytest

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests import disk_files
from tests.installed import skip_without
from tests.unit.cli import program

FITTING = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'ide',
}


class FakeGlance(FakeApi):
    """Glance.

    * ``images``: {id: image as Glance answers}
    * ``faults``: {(method, last part of the path): what it does instead}
    * ``hash_algorithm``: [DEFAULT] hashing_algorithm
    * ``converts_to``: the format that an import ends in; None for no plugin
    * ``import_methods``: that are enabled
    * ``spoil``: what becomes of content on its way
    """

    def __init__(self):
        self.images = {}
        self.faults = {}
        self.hash_algorithm = 'sha512'
        self.converts_to = None
        self.import_methods = ['glance-direct', 'web-download']
        self.spoil = lambda body: body
        super().__init__(self._answer)

    def add(self, **attributes):
        """Add an image; return its id."""
        image = {
            'id': str(uuid.uuid4()),
            'status': 'queued',
            'disk_format': 'vmdk',
            'container_format': 'bare',
            **attributes,
        }
        self.images[image['id']] = image
        return image['id']

    def _answer(self, request):
        last = request.path.rpartition('/')[2]
        if request.path == '/':
            links = [{'rel': 'self', 'href': f'{self.url}/v2/'}]
            version = {'id': 'v2.17', 'status': 'CURRENT', 'links': links}
            return in_json({'versions': [version]}, 300)
        if fault := self.faults.get((request.method, last)):
            return fault(request)
        if last == 'import' and request.method == 'GET':
            value = {'value': self.import_methods}
            return in_json({'import-methods': value})
        if last == 'images' and request.method == 'POST':
            image_id = self.add(**json.loads(request.body))
            return in_json(self.images[image_id], 201)
        if last == 'images':
            return in_json({'images': []})
        if last == 'tasks':
            return in_json({'tasks': []})
        image = self.images.get(request.path.split('/')[3])
        if image is None:
            return in_json({}, 404)
        if request.method == 'DELETE':
            del self.images[image['id']]
            return Answer(204)
        if request.method != 'GET':
            self._change(image, last, request.body)
            return Answer(204)
        return in_json(image)

    def _change(self, image, action, body):
        if action == 'stage':
            image.update(status='uploading', size=len(body), staged=body.hex())
            return
        if action == 'import':
            body = bytes.fromhex(image.pop('staged'))
            image['disk_format'] = self.converts_to or image['disk_format']
        body = self.spoil(body)
        image.update(
            status='active',
            size=len(body),
            os_hash_algo=self.hash_algorithm,
            os_hash_value=hashlib.new(self.hash_algorithm, body).hexdigest(),
        )


@pytest.fixture
def glance(monkeypatch):
    with FakeGlance() as glance:
        for name, value in {
            'OS_AUTH_TYPE': 'admin_token',
            'OS_TOKEN': 'any',
            'OS_ENDPOINT': 'http://127.0.0.1:9',
            'OS_IMAGE_ENDPOINT_OVERRIDE': glance.url,
        }.items():
            monkeypatch.setenv(name, value)
        yield glance


@pytest.fixture
def no_cloud(monkeypatch):
    """No cloud is named, so that none can be asked."""
    for name in os.environ:
        if name.startswith('OS_'):
            monkeypatch.delenv(name)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    for subformat in ('streamOptimized', 'monolithicFlat'):
        disk_files.vmdk(folder, subformat)
    return folder


@pytest.fixture
def disk(made):
    return made / 'streamOptimized.vmdk'


@pytest.fixture
def upload(run, disk):
    """Return a function that runs ``image upload DISK ARGUMENT...``."""
    return lambda *arguments, path=disk: run(
        'image', 'upload', path, *arguments, '-f', 'json'
    )


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


def test_dry_run(run, no_cloud, disk):
    done = run('image', 'upload', disk, '--dry-run', '--name', "it's")
    assert (done.code, done.err) == (0, '')
    shown = done.out.partition('\n\n')[2].partition('\n\n')[0]
    assert shlex.split(shown.replace('\\\n', '')) == [
        *('openstack', 'image', 'create'),
        *('--disk-format', 'vmdk', '--container-format', 'bare'),
        *('--property', 'hypervisor_type=vmware'),
        *('--property', 'vmware_disktype=streamOptimized'),
        *('--property', 'vmware_adaptertype=ide'),
        *('--file', str(disk), "it's"),
    ]
    assert '| demand           | image needs VMware' in done.out


def test_dry_run_for_scripts(upload, no_cloud, disk):
    shown = upload(
        *('--dry-run', '--import', '--private', '--property', 'a=b c=d'),
        *('--guest-id', 'ubuntu64Guest'),
    ).json()
    assert shlex.split(shown.pop('command')) == [
        *('openstack', 'image', 'create'),
        *('--disk-format', 'vmdk', '--container-format', 'bare'),
        *('--property', 'hypervisor_type=vmware'),
        *('--property', 'vmware_disktype=streamOptimized'),
        *('--property', 'vmware_adaptertype=ide'),
        *('--property', 'vmware_ostype=ubuntu64Guest'),
        *('--property', 'a=b c=d'),
        *('--private', '--import', '--file', str(disk), 'streamOptimized'),
    ]
    assert shown == {
        'name': 'streamOptimized',
        'disk_format': 'vmdk',
        'container_format': 'bare',
        'size': disk.stat().st_size,
        'properties': {
            **FITTING,
            'vmware_ostype': 'ubuntu64Guest',
            'a': 'b c=d',
        },
        'demand': 'image needs VMware (hypervisor_type=vmware)',
    }


def test_the_options_count(upload, no_cloud, tmp_path):
    conf = tmp_path / 'nova.conf'
    conf.write_text('[hypervisor_affinity]\nvmdk_images = flexible\n')
    kvm = ('--dry-run', '--property', 'hypervisor_type=kvm')
    assert 'needs KVM' in upload(*kvm).json()['demand']
    assert upload('--dry-run', '--nova-conf', conf).code == 0
    assert upload('--dry-run', '--nova-conf', tmp_path / 'none').code == 3


def test_it_is_uploaded(upload, glance, disk):
    done = upload('--community')
    assert (done.code, done.err) == (0, '')
    (image,) = glance.images.values()
    assert image['visibility'] == 'community'
    assert FITTING.items() <= image.items()
    shown = done.json()
    assert shown['id'] == image['id']
    digest = hashlib.sha512(disk.read_bytes()).hexdigest()
    assert shown['os_hash_value'] == image['os_hash_value'] == digest


def test_a_script_gets_the_id_alone(run, glance, disk):
    done = run('image', 'upload', disk, '-f', 'value', '-c', 'id')
    (image_id,) = glance.images
    assert done.out == f'{image_id}\n'


def test_a_table_for_people(run, glance, disk):
    done = run('image', 'upload', disk)
    assert 'sha512 of its content is that of the file' in done.out
    rows = [line for line in done.out.splitlines() if line.startswith('|')]
    assert max(map(len, rows)) < 80


@pytest.mark.parametrize('algorithm', ['sha256', 'md5'])
def test_glance_hashes_otherwise(upload, glance, algorithm):
    glance.hash_algorithm = algorithm
    done = upload()
    assert done.code == 0
    assert done.json()['os_hash_algo'] == algorithm


def test_glance_refuses(upload, glance, made):
    done = upload(path=made / 'monolithicFlat.vmdk')
    assert (done.code, done.out) == (1, '')
    assert 'image prepare' in done.err
    assert not glance.requests


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (['hypervisor_type=esxi'], 'nova-api refuses every server'),
        (['img_hv_type=kvm'], 'hypervisor_type=vmware: nova would not read'),
        (
            ['vmware_ostype=ubuntu64Guest', 'os_distro=ubuntu'],
            'vmware_ostype=ubuntu64Guest: nova would not read it',
        ),
    ],
)
def test_nova_would_not_take_it(upload, glance, arguments, says):
    done = upload(*(f'--property={argument}' for argument in arguments))
    assert (done.code, done.out) == (1, '')
    assert says in done.err
    assert not glance.requests


@pytest.mark.parametrize(
    ('arguments', 'code', 'says'),
    [
        (['--property', 'x'], 2, "'x' is not NAME=VALUE"),
        (['--property', '=x'], 2, "'=x' is not NAME=VALUE"),
        (['--property', 'min_disk=1'], 2, 'min_disk is an attribute'),
        (['--property', 'os_glance_x=1'], 2, 'os_glance_x is an attribute'),
        (['--public', '--private'], 2, 'not allowed with'),
        (['--resume', 'x', '--dry-run'], 2, 'not allowed with'),
        (
            ['--property', 'vmware_disktype=thin'],
            3,
            'vmware_disktype=thin does not fit',
        ),
        (['--adapter-type', 'busLogic'], 3, 'does not fit the descriptor'),
        (['--guest-id', 'Ubuntu'], 3, 'no guest id'),
        (['--os-distro', 'x'], 3, 'give it with --guest-id'),
    ],
)
def test_wrong_arguments(upload, glance, arguments, code, says):
    done = upload(*arguments)
    assert (done.code, done.out) == (code, '')
    assert says in done.err
    assert not glance.requests


def test_no_file(upload, glance, tmp_path):
    done = upload(path=tmp_path / 'none.vmdk')
    assert (done.code, done.out) == (3, '')
    assert 'none.vmdk: no such file' in done.err


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
        (lambda body: body[:-1] + b'x', 'sha512 of its content is not that'),
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
    assert 'an import plugin made it raw from vmdk' in done.err
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
    assert f'Image {image_id} is of no use, and cannot be deleted' in done.err
    assert 'in use' in done.err


def test_no_import(upload, glance):
    glance.import_methods = ['web-download']
    done = upload('--import')
    assert (done.code, done.out) == (3, '')
    assert 'nothing by glance-direct; it has web-download' in done.err
    assert not glance.images


@pytest.mark.parametrize('status', ['saving', 'killed', 'deactivated'])
def test_what_cannot_be_resumed(upload, glance, status):
    image_id = glance.add(status=status, **FITTING)
    done = upload('--resume', image_id)
    assert (done.code, done.out) == (3, '')
    assert f'is {status}, from which nobody can go on' in done.err
    assert image_id in glance.images


def test_resume_what_is_half_staged(upload, glance, disk):
    image_id = glance.add(status='uploading', size=None, **FITTING)
    done = upload('--resume', image_id)
    assert done.code == 3
    size = disk.stat().st_size
    assert f'no bytes are staged and not {size}' in done.err


def test_resume_an_image_of_something_else(upload, glance):
    image_id = glance.add(disk_format='raw')
    done = upload('--resume', image_id)
    assert done.code == 3
    assert 'disk_format is raw and not vmdk; hypervisor_type is None' in (
        done.err
    )
    assert glance.images[image_id]['status'] == 'queued'


def test_resume_what_is_not_there(upload, glance):
    done = upload('--resume', 'none')
    assert done.code == 3
    assert "has no image 'none'" in done.err
