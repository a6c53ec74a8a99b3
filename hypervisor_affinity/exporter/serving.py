# SPDX-License-Identifier: Apache-2.0
"""The HTTP server that Prometheus scrapes.

Its metrics are prometheus-client's; who answers is not told: neither Python's
version nor that of a library stands in any header.
"""

import html
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref import simple_server

from prometheus_client import CollectorRegistry
from prometheus_client import make_wsgi_app

from hypervisor_affinity import redaction

LOG = logging.getLogger(__name__)

_NAME = 'hypervisor-affinity'
METRICS = '/metrics'
_FAILED = b'The metrics cannot be shown; see the log of the exporter.\n'
_NOT_FOUND = f'Not found. The metrics are at {METRICS}.\n'.encode()
_NOT_ALLOWED = b'Method not allowed. Use GET.\n'
_TEXT = ('Content-Type', 'text/plain; charset=utf-8')
_LANDING_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<p>Version {version}. {text}</p>
<p><a href="{path}">Metrics</a></p>
</body>
</html>
"""

_StartResponse = Callable[..., Any]
_Application = Callable[[dict[str, Any], _StartResponse], Iterable[bytes]]


def start(
    registry: CollectorRegistry, host: str, port: int, version: str = ''
) -> simple_server.WSGIServer:
    """Serve metrics in threads of its own; return the server.

    :param host: a name, of which the first address counts, or an IP address;
        '' for all addresses of the machine
    :param port: 0 for any
    :param version: of the exporter, for the page at /
    :raises OSError: if it cannot listen there, or the name has no address
    """
    address = _address(host)
    server = simple_server.make_server(
        address,
        port,
        _told(_routed(make_wsgi_app(registry), version)),
        _Server6 if ':' in address else _Server,
        _Handler,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _address(host: str) -> str:
    """Return the IP address to listen on.

    :raises OSError: if the name has none
    """
    if not host and socket.has_dualstack_ipv6():
        return '::'
    (*_, place), *_ = socket.getaddrinfo(
        host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return str(place[0])


class _Server(ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        """Bind; to the address :: for IPv4, too, whatever the kernel does."""
        if socket.has_dualstack_ipv6():
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class _Handler(simple_server.WSGIRequestHandler):
    def version_string(self) -> str:
        """Name the server where a request never gets to the application."""
        return _NAME

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests."""


def _routed(metrics: _Application, version: str) -> _Application:
    """Return what answers all paths, of them one with the metrics."""
    page = _LANDING_PAGE.format(
        title='hypervisor-affinity exporter',
        version=html.escape(version),
        text='Metrics of an OpenStack cloud and its vCenters for Prometheus.',
        path=METRICS,
    ).encode()

    def answer(
        environ: dict[str, Any], start_response: _StartResponse
    ) -> Iterable[bytes]:
        path = environ['PATH_INFO']
        if path == METRICS:
            return metrics(environ, start_response)
        if path not in ('', '/'):
            start_response('404 Not Found', [_TEXT])
            return [_NOT_FOUND]
        if environ['REQUEST_METHOD'] != 'GET':
            start_response('405 Method Not Allowed', [_TEXT, ('Allow', 'GET')])
            return [_NOT_ALLOWED]
        start_response(
            '200 OK', [('Content-Type', 'text/html; charset=utf-8')]
        )
        return [page]

    return answer


def _told(application: _Application) -> _Application:
    """Return the application, naming the server in each answer.

    Otherwise wsgiref would, and with Python's version: also where the
    application fails, so that its errors are answered here.
    """

    def answer(
        environ: dict[str, Any], start_response: _StartResponse
    ) -> Iterable[bytes]:
        def begin(status: str, headers: list, *error: Any) -> Any:
            return start_response(
                status, [*headers, ('Server', _NAME)], *error
            )

        try:
            return application(environ, begin)
        except Exception as error:
            # Of the text nobody knows what it cites.
            frames = redaction.frames(error)
            LOG.error(
                'The metrics cannot be shown, %s:\n%s',
                type(error).__name__,
                frames,
            )
            begin(
                '500 Internal Server Error',
                [_TEXT],
                sys.exc_info(),
            )
            return [_FAILED]

    return answer
