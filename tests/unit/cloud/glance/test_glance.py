# SPDX-License-Identifier: Apache-2.0
"""What a real Glance cannot be made to do, or not here.

The rest is in ``tests/integration``.
"""

import io
import os
import re

import pytest

from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import Answer
from testbed.fake_api import in_json
from tests.unit.cloud.glance.fake_glance import ID
from tests.unit.cloud.glance.fake_glance import image


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(os.urandom(3 * 1024**2))
    with path.open('rb') as file:
        yield file


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

    with pytest.raises(SourceError, match='became shorter during the upload'):
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
            '409, Property x is not; somebody else may be changing it',
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
    with pytest.raises(SourceError, match='not a valid answer of glance'):
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
    with pytest.raises(SourceError, match='not a valid answer of ') as caught:
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
        (Answer(200, b'x' * 1000), 'it did not return bytes 100 to'),
        (in_part(0, b'x' * 10), 'it did not return bytes 100 to'),
        (Answer(416), '416'),
        (in_part(100, b'x' * 4, length=10), 'ends at byte 104 of 1000'),
        (
            Answer(
                206,
                b'x' * 10,
                {'Content-Range': 'bytes 100-109/1000'},
                cut=True,
            ),
            'the connection broke',
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
