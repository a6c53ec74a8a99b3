# SPDX-License-Identifier: Apache-2.0
"""What a real Glance cannot be made to do, or not here.

The rest is in ``tests/integration``.
"""

import io
import os
import re
import types

import pytest
from openstack import connection

from hypervisor_affinity.cloud import glance as glances
from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests import fake_keystone

ID = '6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e'
IMAGE = {
    'id': ID,
    'name': 'web',
    'status': 'active',
    'size': 1000,
    'virtual_size': 4096,
    'disk_format': 'vmdk',
    'container_format': 'bare',
    'os_hash_algo': 'sha512',
    'os_hash_value': 'abc',
    'vmware_disktype': 'sparse',
}


class Cloud(FakeApi):
    """Keystone and Glance.

    * ``answers``: {(method, path of Glance's API): what it answers, or a list
      of what it answers one time after the other}
    * ``tokens``: how many Keystone has given
    """

    def __init__(self):
        self.answers = {}
        self.tokens = 0
        super().__init__(self._answer)

    def connect(self):
        return connection.Connection(
            auth_type='password',
            auth=fake_keystone.credentials(self.url),
            # So that it does not ask for versions.
            image_api_version='2',
            image_endpoint_override=f'{self.url}/v2',
        )

    def asked(self, method):
        """Return the requests to Glance by one method."""
        return [
            request
            for request in self.requests
            if request.method == method and request.path.startswith('/v2/')
        ]

    def _answer(self, request):
        path = request.path.rstrip('/')
        if path == '/v3':
            return in_json(fake_keystone.version(self.url))
        if path == '/v3/auth/tokens':
            self.tokens += 1
            token = {'X-Subject-Token': f'token-{self.tokens}'}
            return in_json(fake_keystone.token(), 201, token)
        answer = self.answers[request.method, path.removeprefix('/v2')]
        return answer.pop(0) if isinstance(answer, list) else answer


@pytest.fixture
def cloud():
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def glance(cloud):
    return Glance(cloud.connect())


@pytest.fixture
def pauses(monkeypatch):
    """What was slept, in seconds, on a clock that only so goes on."""
    pauses = []
    clock = types.SimpleNamespace(
        sleep=pauses.append, monotonic=lambda: sum(pauses)
    )
    monkeypatch.setattr(glances, 'time', clock)
    return pauses


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(os.urandom(3 * 1024**2))
    with path.open('rb') as file:
        yield file


def image(**changes):
    return in_json({**IMAGE, **changes})


def task(status, created_at='2026-11-22T10:00:00', message=''):
    return {
        'status': status,
        'created_at': created_at,
        'updated_at': created_at,
        'message': message,
    }


def in_webob(status, text):
    """Return an error as Glance writes it."""
    return in_json(
        {'message': f'{text}<br /><br />\n\n\n', 'code': f'{status} Title'},
        status,
    )


def ignore(chunk):
    pass


def test_a_new_token_does_not_send_half_an_image(cloud, glance, file):
    # Glance forgets the token after the image was created.
    cloud.answers = {
        ('POST', '/images'): in_json({'id': ID}, 201),
        ('PUT', f'/images/{ID}/file'): in_json({}, 401),
    }
    glance.create('web', 'vmdk', 'bare', {})
    with pytest.raises(SourceError, match='401, the token is not accepted'):
        glance.send(ID, file, ignore)
    (put,) = cloud.asked('PUT')
    assert len(put.body) == 3 * 1024**2
    assert cloud.tokens == 1


def test_other_changes_get_a_new_token(cloud, glance):
    path = f'/images/{ID}'
    cloud.answers = {('PATCH', path): [in_json({}, 401), image()]}
    glance.change(ID, {'a': 'b'})
    first, second = cloud.asked('PATCH')
    assert first.body == second.body != b''
    assert cloud.tokens == 2


@pytest.mark.parametrize(
    'answer',
    [
        lambda url: Answer(302, headers={'Location': f'{url}/v2/elsewhere'}),
        lambda url: Answer(503, headers={'Retry-After': '0'}),
        lambda url: Answer(body=b'{"a": ', cut=True),
        # The connection ends without an answer.
        lambda url: None,
    ],
    ids=['redirected', 'busy', 'cut', 'gone'],
)
def test_content_is_sent_once(cloud, glance, file, answer):
    cloud.answers['PUT', f'/images/{ID}/file'] = answer(cloud.url)
    with pytest.raises(SourceError, match=f'glance, PUT /images/{ID}/file'):
        glance.send(ID, file, ignore)
    assert len(cloud.asked('PUT')) == 1


def test_all_is_sent_and_watched(cloud, glance, file):
    cloud.answers['PUT', f'/images/{ID}/stage'] = Answer(204)
    chunks = []
    file.seek(17)
    glance.stage(ID, file, chunks.append)
    (put,) = cloud.asked('PUT')
    file.seek(0)
    assert put.body == b''.join(chunks) == file.read()
    assert put.headers['Content-Length'] == str(len(put.body))
    assert put.headers['Content-Type'] == 'application/octet-stream'
    assert len(chunks) == 3


def test_a_file_that_shrinks_while_it_is_sent(cloud, glance, file):
    def shrink(chunk):
        os.truncate(file.name, 1024**2)

    with pytest.raises(SourceError, match='became shorter while it was sent'):
        glance.send(ID, file, shrink)


def test_a_file_that_cannot_be_read_any_more(cloud, glance, file):
    class Broken(io.FileIO):
        def read(self, size=-1):
            raise OSError(5, 'Input/output error')

    with (
        Broken(file.name) as broken,
        pytest.raises(SourceError, match=r'vmdk: Input/output error'),
    ):
        glance.send(ID, broken, ignore)


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        (
            in_webob(400, "'bogus' is not one of ['raw', 'qcow2']"),
            "400, 'bogus' is not one of ['raw', 'qcow2']",
        ),
        (
            in_webob(403, 'Property hw_x is protected.'),
            '403, Property hw_x is protected; see whether the policy rule '
            'modify_image allows it',
        ),
        (in_webob(410, 'The image was deleted'), '410, The image was deleted'),
        (
            in_webob(413, 'The limit has been exceeded: 128 properties'),
            '413, The limit has been exceeded: 128 properties; ask the '
            "cloud's administrator for a larger limit or quota",
        ),
        (
            in_json(
                {'message': 'Generic<br /><br />\nProperty x is not'}, 409
            ),
            '409, Property x is not; somebody else may be at it',
        ),
        (Answer(400, b'<h1>Bad</h1>', {'Content-Type': 'text/html'}), 'Bad'),
        (Answer(409), '409, Conflict'),
    ],
)
def test_what_is_refused(cloud, glance, answer, says):
    cloud.answers['PATCH', f'/images/{ID}'] = answer
    with pytest.raises(Refused, match=re.escape(says)) as caught:
        glance.change(ID, {'a': 'b'})
    assert str(caught.value).startswith(f'glance, PATCH /images/{ID}: ')
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('status', [500, 502, 503])
def test_what_may_go_another_time(cloud, glance, status):
    cloud.answers['DELETE', f'/images/{ID}'] = in_webob(status, 'No room')
    with pytest.raises(SourceError, match=f'{status}, No room') as caught:
        glance.delete(ID)
    assert not isinstance(caught.value, Refused | Missing)
    # Whether it was carried out is not known.
    assert len(cloud.asked('DELETE')) == 1


def test_an_answer_of_something_else(cloud, glance):
    cloud.answers['POST', '/images'] = Answer(201, b'<html>Log in</html>')
    with pytest.raises(SourceError, match='the answer is none of glance'):
        glance.create('web', 'vmdk', 'bare', {})


def test_an_image_without_name_or_content(cloud, glance):
    cloud.answers['GET', f'/images/{ID}'] = image(
        name=None, size=None, status='queued', os_glance_failed_import='x'
    )
    stored = glance.stored(ID)
    assert stored.name == ''
    assert stored.properties == {'vmware_disktype': 'sparse'}
    with pytest.raises(SourceError, match=f'image {ID} is queued'):
        glance.content(stored)


def test_what_is_cited_of_an_image_has_an_end(cloud, glance):
    cloud.answers['GET', f'/images/{ID}'] = image(id='\x1b' * 9999, size='9')
    with pytest.raises(SourceError, match='the answer is none of ') as caught:
        glance.stored(ID)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


def in_part(offset, body, size=1000, length=None):
    last = offset + (len(body) if length is None else length) - 1
    given = f'bytes {offset}-{last}/{size}'
    return Answer(206, body, {'Content-Range': given})


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        (Answer(200, b'x' * 1000), 'it does not give a part of it'),
        (in_part(0, b'x' * 10), 'it does not give a part of it'),
        (Answer(416), '416'),
        (in_part(100, b'x' * 4, length=10), 'ends at byte 104 of 1000'),
        (
            Answer(
                206,
                b'x' * 10,
                {'Content-Range': 'bytes 100-109/1000'},
                cut=True,
            ),
            'the connection broke off',
        ),
    ],
    ids=['whole', 'other part', 'no part', 'short', 'cut'],
)
def test_a_part_that_is_not_given(cloud, glance, answer, says):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(),
        ('GET', f'/images/{ID}/file'): answer,
    }
    content = glance.content(glance.stored(ID))
    with pytest.raises(SourceError, match=says):
        content.read(100, 10)


def test_no_more_than_a_part_is_read(cloud, glance):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(),
        ('GET', f'/images/{ID}/file'): in_part(10, b'x' * 900, length=5),
    }
    content = glance.content(glance.stored(ID))
    assert (content.name, content.size) == ('web', 1000)
    assert content.read(10, 5) == b'xxxxx'
    assert content.read(1000, 5) == content.read(2000, 5) == b''
    ranges = [r.headers['Range'] for r in cloud.asked('GET')[1:]]
    assert ranges == ['bytes=10-14']


def test_an_import_is_waited_for(cloud, glance, pauses):
    cloud.answers = {
        ('GET', f'/images/{ID}'): [
            image(status='uploading'),
            image(status='importing'),
            image(os_glance_import_task='t'),
            image(),
        ],
        ('GET', f'/images/{ID}/tasks'): in_json(
            {
                'tasks': [
                    task('processing', '2026-11-22T12:00:00'),
                    task('failure', '2026-11-21T12:00:00'),
                ]
            }
        ),
    }
    assert glance.wait(ID).status == 'active'
    # Seldom for what takes long.
    assert pauses == [0.1, 0.2, 0.4]


def test_an_import_that_failed(cloud, glance, pauses):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status='importing'),
        ('GET', f'/images/{ID}/tasks'): in_json(
            {'tasks': [task('failure', message='No space left')]}
        ),
    }
    with pytest.raises(Refused, match=r'importing \(No space left\)'):
        glance.wait(ID)


@pytest.mark.parametrize('status', ['killed', 'deleted'])
def test_an_image_that_never_will_be(cloud, glance, pauses, status):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status=status),
        ('GET', f'/images/{ID}/tasks'): in_json({}, 404),
    }
    with pytest.raises(SourceError, match=f'which is {status}; see the log'):
        glance.wait(ID)


def test_nothing_happens(cloud, glance, pauses, monkeypatch):
    monkeypatch.setattr(glances, '_PATIENCE', 60)
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status='importing'),
        ('GET', f'/images/{ID}/tasks'): in_json({'tasks': []}),
    }
    with pytest.raises(SourceError, match='is importing and nothing has'):
        glance.wait(ID)
    assert 60 < sum(pauses) <= 70
    assert max(pauses) == 10


def test_an_import_that_always_goes_on(cloud, glance, pauses, monkeypatch):
    monkeypatch.setattr(glances, '_LONGEST_IMPORT', 600)
    shown = ('GET', f'/images/{ID}')
    cloud.answers = {
        shown: [image(status='importing', virtual_size=i) for i in range(99)],
        ('GET', f'/images/{ID}/tasks'): in_json({'tasks': []}),
    }
    with pytest.raises(SourceError, match='is importing after 600 s; see'):
        glance.wait(ID)
    assert 600 < sum(pauses) <= 620


def test_no_way_to_import(cloud, glance):
    cloud.answers['GET', '/info/import'] = in_json({}, 404)
    assert glance.import_methods() == []


def test_no_credentials_are_cited(cloud, file):
    url = f'{cloud.url}/v2'.replace('://', '://me:pass@')
    cloud.answers['PUT', f'/images/{ID}/file'] = Answer(
        body=b'{"a": ', cut=True
    )
    connection = cloud.connect()
    connection.image.endpoint_override = url
    with pytest.raises(SourceError) as caught:
        Glance(connection).send(ID, file, ignore)
    assert 'pass' not in str(caught.value)
    assert 'swordfish' not in str(caught.value)
