# SPDX-License-Identifier: Apache-2.0
"""What the exporter's HTTP server tells of itself, whatever it is asked."""

import platform
import socket
import sys

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from hypervisor_affinity.exporter import serving

SECRET = 'mysql://nova:s3cret@db'
# What Python's servers would say of themselves.
TELLING = (
    'Python',
    platform.python_implementation(),
    platform.python_version(),
    '{}.{}'.format(*sys.version_info),
    'WSGIServer',
    'BaseHTTP',
)


class Metrics(Collector):
    """Has no metrics, or fails to have them."""

    def __init__(self):
        self.error = None

    def describe(self):
        return ()

    def collect(self):
        if self.error is not None:
            raise self.error
        return ()


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def port(metrics):
    registry = CollectorRegistry()
    registry.register(metrics)
    server = serving.start(registry, '127.0.0.1', 0)
    yield server.server_port
    server.shutdown()
    server.server_close()


def ask(port, request):
    """Return all that it sends for the bytes of a request."""
    with socket.create_connection(('127.0.0.1', port), timeout=60) as asked:
        asked.sendall(request)
        asked.shutdown(socket.SHUT_WR)
        answer = b''
        while chunk := asked.recv(65536):
            answer += chunk
    return answer.decode('latin-1')


def get(port, version='HTTP/1.1'):
    return ask(port, f'GET /metrics {version}\r\n\r\n'.encode())


def servers(answer):
    head, _, _ = answer.partition('\r\n\r\n')
    return [
        line for line in head.split('\r\n') if line.lower().startswith('serv')
    ]


def check(answer, status):
    assert answer.startswith(f'HTTP/1.0 {status} '), answer
    assert servers(answer) == ['Server: hypervisor-affinity']
    for word in TELLING:
        assert word not in answer


@pytest.mark.parametrize(
    ('request_line', 'status'),
    [
        ('GET /metrics HTTP/1.1', 200),
        ('GET /metrics HTTP/1.0', 200),
        ('GET / HTTP/1.1', 200),
        ('GET /favicon.ico HTTP/1.1', 404),
        ('OPTIONS /metrics HTTP/1.1', 200),
        ('GET /any/other/path HTTP/1.1', 404),
        ('POST /any/other/path HTTP/1.1', 404),
        ('GET /metrics/ HTTP/1.1', 404),
        ('POST / HTTP/1.1', 405),
        ('GET /metrics?name[]=no HTTP/1.1', 200),
        ('POST /metrics HTTP/1.1', 405),
        ('HEAD /metrics HTTP/1.1', 405),
        ('BREW /metrics HTTP/1.1', 405),
        ('GET /me trics HTTP/1.1', 400),
        pytest.param(f'GET /{"a" * 70_000} HTTP/1.1', 414, id='long'),
    ],
)
def test_no_version_is_told(port, request_line, status):
    answer = ask(port, f'{request_line}\r\n\r\n'.encode())
    check(answer, status)


def test_the_front_page_leads_to_the_metrics(metrics):
    server = serving.start(CollectorRegistry(), '127.0.0.1', 0, '1.2.3<')
    try:
        answer = ask(server.server_port, b'GET / HTTP/1.1\r\n\r\n')
    finally:
        server.shutdown()
        server.server_close()
    check(answer, 200)
    head, _, page = answer.partition('\r\n\r\n')
    assert 'Content-Type: text/html; charset=utf-8' in head
    assert '<a href="/metrics">' in page
    assert 'Version 1.2.3&lt;.' in page


def test_another_path_says_where_the_metrics_are(port):
    answer = ask(port, b'GET /metric HTTP/1.1\r\n\r\n')
    assert answer.endswith('\r\n\r\nNot found. The metrics are at /metrics.\n')


@pytest.mark.parametrize('version', ['HTTP/x', 'HTTP/2.0'])
def test_no_version_is_told_to_who_speaks_another(port, version):
    # It answers without any header, as if to HTTP 0.9.
    answer = get(port, version)
    assert 'Error code: ' in answer
    assert not any(word in answer for word in TELLING)


def test_headers_without_an_end(port):
    lines = b''.join(b'X-%d: 1\r\n' % number for number in range(200))
    answer = ask(port, b'GET /metrics HTTP/1.1\r\n' + lines + b'\r\n')
    check(answer, 431)


def test_metrics_that_fail(port, metrics, capfd, caplog):
    metrics.error = ValueError(SECRET)
    answer = get(port)
    check(answer, 500)
    assert 'see the log' in answer
    said = ''.join(capfd.readouterr()) + caplog.text
    assert 'ValueError' in caplog.text
    assert 'test_serving.py' in caplog.text
    assert SECRET not in answer + said
    metrics.error = None
    check(get(port), 200)


def test_ipv6_is_an_address_too(metrics):
    if not socket.has_ipv6:
        pytest.skip('no IPv6')
    try:
        server = serving.start(CollectorRegistry(), '::1', 0)
    except OSError:
        pytest.skip('no IPv6 on loopback')
    assert server.address_family == socket.AF_INET6
    server.shutdown()
    server.server_close()
