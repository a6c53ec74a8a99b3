# SPDX-License-Identifier: Apache-2.0
"""An HTTP server on loopback, in a thread, that answers as a test wants."""

import dataclasses
import http.client
import http.server
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any

# Headers that are not for who is behind a proxy.
_OF_ONE_CONNECTION = (
    'Connection',
    'Content-Length',
    'Date',
    'Server',
    'Transfer-Encoding',
)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What was asked.

    * ``path``: without the query
    * ``query``: {name: its last value}
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str
    body: bytes = b''


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What comes back.

    * ``delay``: seconds before anything does
    * ``cut``: whether the connection ends in the middle of the body
    * ``drip``: seconds between one byte of the body and the next; 0 for all
      at once
    * ``drips_head``: whether those before the body come so, too
    """

    status: int = 200
    body: bytes = b''
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    delay: float = 0
    cut: bool = False
    drip: float = 0
    drips_head: bool = False


def in_json(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return an answer in JSON."""
    return Answer(
        status,
        json.dumps(content).encode(),
        {'Content-Type': 'application/json', **(headers or {})},
    )


class FakeApi:
    """The server, from when it is made until it is stopped.

    * ``requests``: all so far
    """

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        """Serve.

        :param answer: may be replaced while it serves
        """
        self.answer = answer
        self.requests: list[Request] = []
        self._server = _Server(('127.0.0.1', 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={'poll_interval': 0.05}
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Return where it is served."""
        return f'http://127.0.0.1:{self.port}'

    def stop(self) -> None:
        """Take no more connections; those that are there go on."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> 'FakeApi':
        """Serve until the context ends."""
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Stop."""
        self.stop()


def forward(request: Request, url: str) -> Answer:
    """Return what another server answers.

    :param url: of that server, without a path
    """
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    try:
        connection.request(
            request.method, request.target, request.body, dict(request.headers)
        )
        response = connection.getresponse()
        return Answer(
            response.status,
            response.read(),
            {
                name: value
                for name, value in response.getheaders()
                if name not in _OF_ONE_CONNECTION
            },
        )
    finally:
        connection.close()


class _Server(http.server.ThreadingHTTPServer):
    api: FakeApi
    # A client may have gone before a late answer.
    block_on_close = False

    def handle_error(self, request, client_address):
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server
    protocol_version = 'HTTP/1.1'
    # Or each body waits for 40 ms until its client has confirmed the head.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            dict(urllib.parse.parse_qsl(parts.query)),
            dict(self.headers),
            self.path,
            self.rfile.read(int(self.headers.get('Content-Length', 0))),
        )
        self.server.api.requests.append(request)
        answer = self.server.api.answer(request)
        time.sleep(answer.delay)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(answer.body)))
        if answer.drips_head:
            head, self._headers_buffer = b''.join(self._headers_buffer), []
            self._drip(head + b'\r\n', answer.drip)
        else:
            self.end_headers()
        if answer.drip:
            self._drip(answer.body, answer.drip)
            return
        if answer.cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.wfile.write(answer.body)

    def _drip(self, content: bytes, pause: float) -> None:
        for value in content:
            self.wfile.write(bytes([value]))
            time.sleep(pause)

    do_GET = do_HEAD = _serve
    do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def log_message(self, *arguments) -> None:
        pass
