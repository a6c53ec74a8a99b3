# SPDX-License-Identifier: Apache-2.0
"""A cloud that fails says why, soon, and leaves nothing behind.

In front of the real nova-api stands a server that forwards requests, and
answers what nova is to answer wrongly by itself.
"""

import os
import re
import time

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import forward
from testbed.fake_api import in_json
from testbed.processes import ports

pytest.importorskip('glance', reason='the extra `cloud` is not installed')

OLD = '{"as it": "was"}'
PAGE_SIZE = 20


def is_second_page(request):
    """Tell whether a part of the servers is written already."""
    return request.path.endswith('/servers/detail') and (
        'marker' in request.query
    )


@pytest.fixture
def proxy(cloud):
    """What stands in front of nova-api; all it does wrong is in ``fault``."""
    real = cloud.site.url('nova')

    def answer(request):
        return proxy.fault(request) or forward(request, real)

    with FakeApi(answer) as proxy:
        proxy.fault = lambda request: None
        yield proxy


@pytest.fixture
def source(connect, proxy):
    def make(**options):
        url = f'{proxy.url}/v2.1'
        connection = connect(compute_endpoint_override=url, **options)
        return CloudSource(connection, page_size=PAGE_SIZE)

    return make


@pytest.fixture
def fail(proxy, source, tmp_path):
    """Save a snapshot of a cloud that fails on the second page of servers.

    Return the message and how often that page was asked for.
    """

    def fail(answer, **options):
        proxy.fault = lambda request: (
            answer if is_second_page(request) else None
        )
        path = tmp_path / 'cloud.json'
        path.write_text(OLD)
        with pytest.raises(SourceError) as caught:
            files.save(source(**options), path)
        assert os.listdir(tmp_path) == [path.name]
        assert path.read_text() == OLD
        message = str(caught.value)
        assert message.startswith('nova, GET /servers/detail: ')
        assert '\n' not in message
        return message, len(list(filter(is_second_page, proxy.requests)))

    return fail


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        pytest.param(
            in_json({'error': {'message': 'who?'}}, 401),
            '401, the token is not accepted; authenticate again',
            id='401',
        ),
        pytest.param(
            in_json({'forbidden': {'message': 'no', 'code': 403}}, 403),
            '403, forbidden; the policy rule '
            'os_compute_api:servers:detail:get_all_tenants must allow it',
            id='403',
        ),
        pytest.param(
            Answer(404, b'nothing here'),
            '404, not found; the endpoint of compute',
            id='404',
        ),
        pytest.param(
            in_json(
                {'computeFault': {'message': 'Unexpected\nAPI Error'}}, 500
            ),
            '500, Unexpected API Error; see the log of nova',
            id='500',
        ),
        pytest.param(
            Answer(
                502,
                b'<html><h1>Bad Gateway</h1></html>',
                {'Content-Type': 'text/html'},
            ),
            '502, Bad Gateway; see the log of nova',
            id='502',
        ),
        pytest.param(
            Answer(body=b'{"servers": [' + b' ' * 1000, cut=True),
            'the connection broke',
            id='cut',
        ),
        pytest.param(
            Answer(body=b'{"servers": ['),
            'not a valid answer of nova (Input data was truncated)',
            id='half of it',
        ),
        pytest.param(
            Answer(body=b'<html>Log in first</html>'),
            'not a valid answer of nova (JSON is malformed',
            id='HTML',
        ),
        pytest.param(
            Answer(body=b'\xff\xfe'), 'not a valid answer of nova', id='bytes'
        ),
        pytest.param(Answer(), 'not a valid answer of nova', id='nothing'),
        pytest.param(
            in_json({'images': []}),
            'not a valid answer of nova (it has no `servers`)',
            id='something else',
        ),
        pytest.param(
            in_json({'servers': [{'id': '1', 'status': 5}]}),
            'Expected `str`, got `int` - at `$[0].status`',
            id='wrong type',
        ),
    ],
)
def test_no_second_try(fail, answer, says):
    message, requests = fail(answer)
    assert says in message
    assert requests == 1


@pytest.mark.parametrize('status', [429, 503])
@pytest.mark.parametrize(
    ('options', 'retries'),
    [({}, 4), ({'compute_status_code_retries': 1}, 1)],
    ids=['by default', 'as configured'],
)
def test_busy(fail, status, options, retries):
    busy = in_json({}, status, {'Retry-After': '0'})
    message, requests = fail(busy, **options)
    assert f'{status}, still too busy after {retries} retries' in message
    assert requests == 1 + retries


def test_slow(fail):
    message, requests = fail(
        Answer(delay=10), api_timeout=3, compute_connect_retries=1
    )
    assert 'no answer within 3 s' in message
    assert requests == 2


def test_busy_for_a_while(proxy, source, tmp_path):
    asked = []

    def fault(request):
        if not is_second_page(request):
            return None
        asked.append(time.monotonic())
        if len(asked) == 1:
            return in_json({}, 429, {'Retry-After': '1'})
        return None

    proxy.fault = fault
    counts = files.save(source(), tmp_path / 'cloud.json')
    assert counts['servers'] > PAGE_SIZE
    # It came again, and not before it was told to.
    assert asked[1] - asked[0] >= 1


def test_page_that_comes_again(proxy, source, cloud):
    first = []

    def fault(request):
        if request.path.endswith('/servers/detail'):
            first.append(request)
            return forward(first[0], cloud.site.url('nova'))
        return None

    proxy.fault = fault
    with pytest.raises(SourceError, match='the same page again and again'):
        list(source().servers())
    assert len(first) == 2


@pytest.mark.parametrize(
    ('answer', 'says'),
    [
        (Answer(503), 'see whether the service is up'),
        (Answer(body=b'<html>'), 'see whether the service is up'),
        (Answer(delay=10), 'see whether the service is up'),
    ],
    ids=['503', 'HTML', 'slow'],
)
def test_nothing_works(proxy, source, answer, says):
    proxy.fault = lambda request: answer
    with pytest.raises(SourceError, match=says) as caught:
        next(source(api_timeout=1).hosts())
    assert '\n' not in str(caught.value)
    assert len(proxy.requests) <= 5


def test_nobody_listens(connect):
    (port,) = ports.free(1)
    url = f'http://127.0.0.1:{port}/v2.1'
    source = CloudSource(connect(compute_endpoint_override=url))
    with pytest.raises(SourceError, match=re.escape(url)) as caught:
        next(source.hosts())
    assert 'see whether the service is up' in str(caught.value)


def test_placement_fails(cloud, tmp_path):
    def answer(request):
        if request.path.endswith('/inventories'):
            return in_json({}, 403)
        return forward(request, cloud.site.url('placement'))

    with FakeApi(answer) as placement:
        connection = cloud.connect(placement_endpoint_override=placement.url)
        with pytest.raises(SourceError) as caught:
            files.save(CloudSource(connection), tmp_path / 'cloud.json')
    assert os.listdir(tmp_path) == []
    # Of many calls at the same time, one error is told.
    assert re.fullmatch(
        'placement, GET /resource_providers/[-0-9a-f]+/inventories: '
        '403, forbidden; the policy rule '
        'placement:resource_providers:inventories:list must allow it; .*',
        str(caught.value),
    )
