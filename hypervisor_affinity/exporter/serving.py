# SPDX-License-Identifier: Apache-2.0
"""The HTTP server that Prometheus scrapes.

What it answers is prometheus-client's; who answers is not told: neither
Python's version nor that of a library stands in any header.
"""

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
_FAILED = b'The metrics cannot be shown; see the log of the exporter.\n'

_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def start(
    registry: CollectorRegistry, address: str, port: int
) -> simple_server.WSGIServer:
    """Serve metrics in threads of its own; return the server.

    :param address: an IP address
    :param port: 0 for any
    :raises OSError: if it cannot listen there
    """
    server_class = _Server6 if ':' in address else _Server
    server = simple_server.make_server(
        address, port, _told(make_wsgi_app(registry)), server_class, _Handler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Server(ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(simple_server.WSGIRequestHandler):
    def version_string(self) -> str:
        """Name the server where a request never gets to the application."""
        return _NAME

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests."""


def _told(application: _Application) -> _Application:
    """Return the application, naming the server in each answer.

    Otherwise wsgiref would, and with Python's version: also where the
    application fails, so that its errors are answered here.
    """

    def answer(
        environ: dict[str, Any], start_response: Callable[..., Any]
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
                'Metrics cannot be shown, %s:\n%s',
                type(error).__name__,
                frames,
            )
            begin(
                '500 Internal Server Error',
                [('Content-Type', 'text/plain; charset=utf-8')],
                sys.exc_info(),
            )
            return [_FAILED]

    return answer
