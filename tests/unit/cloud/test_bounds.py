# SPDX-License-Identifier: Apache-2.0
"""A service, or a proxy before it, that never ends is left in time."""

import gzip
import json
import os
import time

import pytest

from hypervisor_affinity.cloud import api_bounds
from hypervisor_affinity.cloud.api import Api
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests.unit.cloud.test_openstack import Cloud

DEADLINE = 'hypervisor_affinity_answer_deadline'
LIMIT = 'hypervisor_affinity_answer_limit'
# In seconds. Far below the timeout of each operation, and far above what is
# waited for when all is well.
SHORT = 0.5
# Far below how long any of the answers below would take.
SOON = 20
PATH = '/servers/detail'
PAGE = in_json({'servers': [{'id': '1'}]})
BIG = json.dumps({'servers': [{'id': '1' * 3 * 1024**2}]}).encode()
DEEP = b'{"servers": ' + b'[' * 10**5 + b']' * 10**5 + b'}'


class Wild(Cloud):
    """Keystone, and a nova that answers by ``nova``, a function."""

    def _answer(self, request):
        if request.path.startswith(f'/v2.1{PATH}'):
            return self.nova(request)
        return super()._answer(request)


@pytest.fixture
def cloud():
    with Wild() as cloud:
        yield cloud


@pytest.fixture
def pages(cloud):
    """Return a function that reads a list, and how often it was asked for."""

    def pages(nova, size=1000, **options):
        cloud.nova = nova if callable(nova) else lambda request: nova
        service = Api(cloud.connect(**options), 'compute', 'nova')
        ids = []
        try:
            for page in service.pages(
                PATH, 'servers', list[dict[str, str]], right='rule', size=size
            ):
                ids += [element['id'] for element in page]
        except SourceError as error:
            return ids, str(error), len(cloud.asked(f'/v2.1{PATH}'))
        return ids, '', len(cloud.asked(f'/v2.1{PATH}'))

    return pages


@pytest.mark.parametrize('head', [False, True], ids=['body', 'head'])
def test_who_drips(pages, head):
    began = time.monotonic()
    answer = Answer(body=BIG, drip=0.02, drips_head=head)
    _, error, asked = pages(answer, **{DEADLINE: SHORT})
    assert error == (
        'nova, GET /servers/detail: no complete answer within 0.5 s; see '
        f'whether the service is up, or set a longer {DEADLINE} in clouds.yaml'
    )
    assert asked == 1
    assert time.monotonic() - began < SOON


def test_a_proxy_drips(pages, monkeypatch):
    with FakeApi(lambda request: Answer(body=BIG, drip=0.02)) as proxy:
        for name in ('http_proxy', 'HTTP_PROXY'):
            monkeypatch.setenv(name, proxy.url)
        for name in ('no_proxy', 'NO_PROXY'):
            monkeypatch.delenv(name, raising=False)
        _, error, _ = pages(PAGE, **{DEADLINE: SHORT})
        assert 'no complete answer within 0.5 s' in error
        assert proxy.requests


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        (Answer(body=BIG, cut=True), 'the connection broke'),
        (Answer(body=PAGE.body, delay=2), 'no answer within 0.2 s; see'),
    ],
    ids=['cut', 'slow'],
)
def test_what_has_no_need_of_bounds(pages, answer, says):
    _, error, _ = pages(answer, api_timeout=0.2, compute_connect_retries=0)
    assert says in error


@pytest.mark.parametrize('path', ['/v3', '/v3/auth/tokens', '/v2.1'])
def test_keystone_or_the_discovery_drips(cloud, pages, path):
    original = cloud.answer
    cloud.answer = lambda request: (
        Answer(body=BIG, drip=0.02)
        if request.path.rstrip('/') == path
        else original(request)
    )
    began = time.monotonic()
    service = Api(cloud.connect(**{DEADLINE: SHORT}), 'compute', 'nova')
    with pytest.raises(SourceError, match='no complete answer within 0'):
        service.microversion('2.1', '2.98')
    assert time.monotonic() - began < SOON


def test_endless_informational_answers(pages, cloud):
    # Which http.client skips, one after the other.
    with FakeApi(lambda request: PAGE) as nova:
        original = nova._server.RequestHandlerClass.send_response

        def flood(handler, *arguments):
            if handler.server is nova._server:
                for _ in range(200):
                    handler.wfile.write(b'HTTP/1.1 100 Continue\r\n\r\n')
                    time.sleep(0.01)
            original(handler, *arguments)

        class Handler(nova._server.RequestHandlerClass):
            send_response = flood

        nova._server.RequestHandlerClass = Handler
        _, error, _ = pages(
            PAGE,
            compute_endpoint_override=f'{nova.url}/v2.1',
            **{DEADLINE: SHORT},
        )
    assert 'no complete answer within 0.5 s' in error


@pytest.mark.parametrize(
    'answer',
    [
        Answer(body=BIG),
        Answer(body=gzip.compress(BIG), headers={'Content-Encoding': 'gzip'}),
        Answer(500, BIG),
    ],
    ids=['plain', 'compressed', 'error'],
)
def test_who_floods(pages, answer):
    _, error, asked = pages(answer, size=1, **{LIMIT: 2})
    assert error == (
        'nova, GET /servers/detail: the answer is larger than 2 MiB; check '
        f'what the service sends, or set a higher {LIMIT} in clouds.yaml'
    )
    assert asked == 1


def test_compressed_again_and_again(pages):
    body = gzip.compress(gzip.compress(PAGE.body))
    headers = {'Content-Encoding': 'gzip, gzip'}
    _, error, _ = pages(Answer(body=body, headers=headers), size=1)
    assert 'compressed more than once (gzip, gzip)' in error


def test_a_page_that_is_too_large_is_read_in_parts(pages):
    # As by the few images whose properties are as long as they may be.
    known = [f'{i:02}' for i in range(40)]

    def nova(request):
        after = request.query.get('marker', '')
        found = [name for name in known if name > after]
        chosen = found[: int(request.query['limit'])]
        long = 'x' * 200_000
        return in_json(
            {'servers': [{'id': name, 'long': long} for name in chosen]}
        )

    ids, error, _ = pages(nova, **{LIMIT: 1})
    assert (ids, error) == (known, '')


@pytest.mark.parametrize('length', [1, 2, 5])
def test_pages_in_a_circle(pages, length):
    def nova(request):
        number = int(request.query.get('marker', -1)) + 1
        return in_json({'servers': [{'id': str(number % length)}]})

    _, error, asked = pages(nova)
    assert 'the same page again and again; it does not support' in error
    assert asked == length + 1


def test_pages_without_an_end(pages, monkeypatch):
    monkeypatch.setattr(api_bounds, '_ELEMENTS', 20)

    def nova(request):
        number = int(request.query.get('marker', -1)) + 1
        return in_json({'servers': [{'id': str(number)}]})

    _, error, asked = pages(nova)
    assert 'the list does not end (more than 20 elements); see' in error
    assert asked == 21


def test_pages_that_each_take_their_time(pages, monkeypatch):
    monkeypatch.setattr(api_bounds, '_DEADLINES', 0.2)

    def nova(request):
        number = int(request.query.get('marker', -1)) + 1
        page = in_json({'servers': [{'id': str(number)}]})
        return Answer(page.status, page.body, page.headers, delay=0.2)

    _, error, asked = pages(nova, **{DEADLINE: 5})
    assert 'the list does not end (incomplete after 1 s); see' in error
    assert asked <= 6


@pytest.mark.parametrize('status', [429, 503])
@pytest.mark.parametrize(
    'pause', ['946080000', '946080000' * 400], ids=['years', 'digits']
)
def test_come_again_in_30_years(pages, status, pause):
    answer = Answer(status, headers={'Retry-After': pause})
    _, error, asked = pages(answer)
    assert error.startswith(
        f'nova, GET {PATH}: {status}, too busy: it asks to retry in 9460'
    )
    assert len(error) < 500
    assert asked == 1


@pytest.mark.parametrize('pause', ['-1', 'never', '1e9', 'nan', ''])
def test_come_again_at_no_time(pages, pause):
    answer = Answer(503, headers={'Retry-After': pause})
    _, error, asked = pages(answer, compute_status_code_retries=1)
    assert '503, still too busy after 1 retries' in error
    assert asked == 2


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_nobody_is_followed_with_the_token(pages, cloud, status):
    with FakeApi(lambda request: PAGE) as other:
        for target, shown in (
            (f'{other.url}/x', other.url),
            (f'//127.0.0.1:{other.port}/x', other.url),
            (f'http://user:pw@127.0.0.1:{other.port}/', other.url),
            (f'https://127.0.0.1:{cloud.port}/', None),
            ('http://[::1', 'an invalid address'),
        ):
            answer = Answer(status, headers={'Location': target})
            _, error, _ = pages(answer)
            shown = shown or f'https://127.0.0.1:{cloud.port}'
            assert error == (
                f'nova, GET {PATH}: {status}, it redirects from {cloud.url} '
                f'to {shown}; nothing was sent there; if that address is '
                'right, set it in the catalog, or as auth_url in clouds.yaml'
            )
        assert other.requests == []


def test_the_password_goes_nowhere_else(cloud):
    with FakeApi(lambda request: PAGE) as other:
        original = cloud.answer
        cloud.answer = lambda request: (
            Answer(307, headers={'Location': f'{other.url}/v3/auth/tokens'})
            if request.path == '/v3/auth/tokens'
            else original(request)
        )
        service = Api(cloud.connect(), 'compute', 'nova')
        with pytest.raises(SourceError, match='307, it redirects from'):
            service.microversion('2.1', '2.98')
        assert other.requests == []


def test_who_stays_on_the_server_is_followed(pages, cloud):
    def nova(request):
        if request.path.endswith('/moved'):
            return in_json({'servers': []})
        target = f'{cloud.url}/v2.1{PATH}/moved'
        return Answer(301, headers={'Location': target})

    assert pages(nova) == ([], '', 1)


@pytest.mark.parametrize(
    'body',
    [
        DEEP,
        b'{"servers": [{"id": ' + b'[' * 10**5 + b']' * 10**5 + b'}]}',
        b'[' * 10**5,
        b'{"servers": [{"id": ' + b'1' * 10**5 + b'}]}',
        b'{"servers": [{"id": NaN}]}',
        b'{"servers": [{"id": "\\ud800"}]}',
        b'{"servers": [{"id": "\xff"}]}',
    ],
    ids=['deep', 'deeper', 'open', 'number', 'nan', 'surrogate', 'bytes'],
)
def test_what_is_no_answer_of_nova(pages, body):
    _, error, _ = pages(Answer(body=body))
    assert error.startswith(f'nova, GET {PATH}: not a valid answer of nova (')


@pytest.mark.parametrize('kind', ['application/json', 'text/html'])
def test_an_error_without_an_end(pages, kind):
    # Their own words are looked for in it, in a time by its square.
    headers = {'Content-Type': kind}
    _, error, _ = pages(Answer(500, b'<' * 10**6, headers))
    assert error == (
        f'nova, GET {PATH}: 500, Internal Server Error; see the log of nova'
    )


@pytest.mark.parametrize('value', [0, -1, 'inf', 'nan'])
def test_wrong_timeout(cloud, value):
    with pytest.raises(SourceError, match=r'clouds.yaml: api_timeout is not'):
        Api(cloud.connect(api_timeout=value), 'compute', 'nova')


def test_a_part_may_be_larger_than_any_answer(cloud):
    content = os.urandom(3 * 1024**2)
    headers = {'Content-Range': f'bytes 0-{len(content) - 1}/9999999'}
    cloud.nova = lambda request: Answer(206, content, headers)
    service = Api(cloud.connect(**{LIMIT: 1}), 'compute', 'nova')
    assert service.part(PATH, 0, len(content), right='rule') == content


def test_a_part_that_drips(cloud):
    headers = {'Content-Range': f'bytes 0-{len(BIG) - 1}/9999999'}
    cloud.nova = lambda request: Answer(206, BIG, headers, drip=0.02)
    service = Api(cloud.connect(**{DEADLINE: SHORT}), 'compute', 'nova')
    with pytest.raises(SourceError, match='no complete answer within 0'):
        service.part(PATH, 0, len(BIG), right='rule')


@pytest.mark.parametrize('name', [DEADLINE, LIMIT])
@pytest.mark.parametrize('value', ['soon', 0, -1, 'inf', 'nan', 10**400, [1]])
def test_wrong_bounds(cloud, name, value):
    with pytest.raises(SourceError, match=f'clouds.yaml: {name} is not a n'):
        Api(cloud.connect(**{name: value}), 'compute', 'nova')


def test_what_else_uses_the_connection_is_left_alone(cloud):
    connection = cloud.connect(**{LIMIT: 1, DEADLINE: SHORT})
    Api(connection, 'compute', 'nova')
    cloud.nova = lambda request: Answer(body=BIG, delay=2 * SHORT)
    assert connection.compute.get(PATH).content == BIG
