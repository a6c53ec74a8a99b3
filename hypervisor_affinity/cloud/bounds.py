# SPDX-License-Identifier: Apache-2.0
"""How long an answer over HTTP may take, and how large it may be.

The timeout of a socket is one for each of its operations: who sends a byte a
minute never trips it. So the clock is looked at, and the bytes are counted,
wherever something is received: of headers and bodies, of Keystone and the
discovery of versions as well. All of this holds inside of :func:`within` only;
what else a process does with the same connections is as it was.
"""

import contextlib
import contextvars
import dataclasses
import functools
import http.client
import io
import socket
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import requests
from requests import adapters
from requests import utils

MIB = 1024**2

# Beside a body: headers, and what frames its chunks.
_FRAMING = MIB

_PORTS = {'http': 80, 'https': 443}


class Unacceptable(Exception):
    """Nobody wants to follow what a server says; the text says what it is."""


class TooLong(Unacceptable):
    """It has not answered in time."""


class TooLarge(Unacceptable):
    """It answers with more than is read."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """What is waited for, and read.

    :ivar seconds: from the begin to the end, with all retries
    :ivar size: in bytes, after decompression
    """

    seconds: float
    size: int


class _Call:
    """What is under way in this thread.

    :ivar until: of the monotonic clock; None if each answer has its own time
    """

    def __init__(self, bounds: Bounds, *, is_upload: bool) -> None:
        self._bounds = bounds
        self._received = 0
        self._decoded = 0
        self.until = None if is_upload else time.monotonic() + bounds.seconds

    def answer_until(self) -> float:
        """Return until when an answer that is awaited now has to be there."""
        if self.until is None:
            return time.monotonic() + self._bounds.seconds
        return self.until

    def left(self, until: float | None) -> float | None:
        """Return for how many seconds more may be waited; None for any.

        :raises TooLong: if there are none
        """
        if until is None:
            return None
        left = until - time.monotonic()
        if left <= 0:
            raise TooLong(
                f'no complete answer within {self._bounds.seconds:g} s'
            )
        return left

    def received(self, count: int) -> None:
        """Count bytes of the connection.

        :raises TooLarge: if there are too many
        """
        self._received += count
        self._check(self._received - _FRAMING)

    def decoded(self, count: int) -> None:
        """Count bytes of bodies; as :meth:`received`."""
        self._decoded += count
        self._check(self._decoded)

    def _check(self, count: int) -> None:
        if count > self._bounds.size:
            raise TooLarge(
                f'the answer is larger than {self._bounds.size / MIB:g} MiB'
            )


_current: contextvars.ContextVar[_Call | None] = contextvars.ContextVar(
    'call', default=None
)


@contextlib.contextmanager
def within(bounds: Bounds, *, is_upload: bool = False) -> Iterator[None]:
    """Have all that this thread receives keep to bounds, together.

    :param is_upload: what is sent may take its time, as long as it goes on;
        the bounds are those of each answer
    """
    token = _current.set(_Call(bounds, is_upload=is_upload))
    try:
        yield
    finally:
        _current.reset(token)


def received(count: int) -> None:
    """Count bytes of a body, after decompression.

    :raises TooLarge: if there are too many
    """
    call = _current.get()
    if call is not None:
        call.decoded(count)


class Answer(http.client.HTTPResponse):
    """An answer of ``http.client``, which keeps to the bounds."""

    def __init__(self, sock: socket.socket, *args: Any, **keywords: Any):
        """Read nothing yet."""
        call = _current.get()
        place: Any = sock if call is None else _Socket(sock, call)
        super().__init__(place, *args, **keywords)


class Connection(http.client.HTTPSConnection):
    """A connection of ``http.client``, which keeps to the bounds."""

    response_class = Answer

    def connect(self) -> None:
        """Connect."""
        call = _current.get()
        patience = self.timeout
        if call is not None:
            self.timeout = _shorter(patience, call.left(call.until))
        try:
            super().connect()
        finally:
            self.timeout = patience
        self.sock.settimeout(patience)

    def getresponse(self) -> http.client.HTTPResponse:
        """Return the answer, of which the head was read."""
        try:
            return super().getresponse()
        except Unacceptable:
            self.close()
            raise


class _Socket:
    """As much of a socket as a response asks for."""

    def __init__(self, sock: socket.socket, call: _Call) -> None:
        self._sock = sock
        self._call = call

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Received(self._sock, self._call))


class _Received(io.RawIOBase):
    """What comes from a socket."""

    def __init__(self, sock: socket.socket, call: _Call) -> None:
        self._sock = sock
        self._call = call
        self._until = call.answer_until()
        self._patience = sock.gettimeout()
        # It keeps the socket open, as long as it is open itself.
        self._raw = sock.makefile('rb', buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._call.left(self._until)
        self._sock.settimeout(_shorter(self._patience, left))
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            self._call.left(self._until)
            raise
        finally:
            self._sock.settimeout(self._patience)
        self._call.received(count or 0)
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def bound(session: requests.Session) -> None:
    """Have a session of ``requests`` keep to the bounds."""
    for prefix, adapter in list(session.adapters.items()):
        if not isinstance(adapter, _Adapter):
            session.mount(prefix, _Adapter(adapter))


class _Adapter(adapters.BaseAdapter):
    """Sends by another one, and looks at what comes back."""

    def __init__(self, inner: adapters.BaseAdapter) -> None:
        super().__init__()
        self._inner = inner

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        call = _current.get()
        if call is not None:
            timeout = _with_connect(timeout, call.left(call.until))
            self._prepare(request, proxies)
        response = self._inner.send(
            request, stream, timeout, verify, cert, proxies
        )
        if call is not None:
            response.raw = _Body(response.raw, call)
            _check_redirect(response)
            _check_pause(response, call)
        return response

    def close(self) -> None:
        self._inner.close()

    def _prepare(
        self, request: requests.PreparedRequest, proxies: Any
    ) -> None:
        """Have the connections that are made from here on count."""
        if not isinstance(self._inner, adapters.HTTPAdapter):
            return
        managers = [self._inner.poolmanager]
        proxy = utils.select_proxy(request.url or '', proxies)
        if proxy:
            # As requests itself does it.
            url = utils.prepend_scheme_if_needed(proxy, 'http')
            managers.append(self._inner.proxy_manager_for(url))
        for manager in managers:
            manager.pool_classes_by_scheme = {
                scheme: _counting(pool)
                for scheme, pool in manager.pool_classes_by_scheme.items()
            }


@functools.cache
def _counting(pool: Any) -> Any:
    """Return a class of urllib3's pools whose answers keep to the bounds."""
    connection = pool.ConnectionCls
    if connection.response_class is Answer:
        return pool
    counting = type(
        connection.__name__, (connection,), {'response_class': Answer}
    )
    return type(pool.__name__, (pool,), {'ConnectionCls': counting})


class _Body:
    """urllib3's response, whose body is counted after decompression."""

    def __init__(self, raw: Any, call: _Call) -> None:
        self._raw = raw
        self._call = call
        # Before its release 2, urllib3 takes the half of a body for all of it.
        raw.enforce_content_length = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **keywords: Any) -> Iterator[bytes]:
        """Yield the body in chunks.

        :raises Unacceptable: if it is too large
        """
        encoding = self._raw.headers.get('Content-Encoding', '')
        try:
            if ',' in encoding:
                raise TooLarge(
                    f'the answer is compressed more than once ({encoding})'
                )
            for chunk in self._raw.stream(*args, **keywords):
                self._call.decoded(len(chunk))
                yield chunk
        except Unacceptable:
            self._raw.close()
            raise


def _check_redirect(response: requests.Response) -> None:
    """See that who is asked sends nobody elsewhere, with a token.

    :raises Unacceptable: if it does
    """
    location = response.headers.get('Location')
    if not response.is_redirect or location is None:
        return
    here = response.request.url or ''
    try:
        origin = _origin(here)
        there = _origin(urllib.parse.urljoin(here, location))
    except ValueError:
        there = 'an invalid address'
    if there != origin:
        response.close()
        raise Unacceptable(
            f'{response.status_code}, it redirects from {origin} to '
            f'{there[:100]}; nothing was sent there; if that address is '
            'right, set it in the catalog, or as auth_url in clouds.yaml'
        )


def _origin(url: str) -> str:
    """Return which server an address is of.

    :raises ValueError: if it is none
    """
    parts = urllib.parse.urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    host = parts.hostname or ''
    shown = f'[{host}]' if ':' in host else host
    return f'{parts.scheme}://{shown}:{port}'


def _check_pause(response: requests.Response, call: _Call) -> None:
    """See that what is asked is to come again in time.

    Whoever tries again sleeps for as long as this header says, whatever it is.

    :raises Unacceptable: if there is no time for it
    """
    try:
        pause = int(response.headers.get('Retry-After', ''))
    except ValueError:
        return
    left = call.left(call.until)
    if pause < 0:
        del response.headers['Retry-After']
    elif left is not None and pause > left:
        response.close()
        raise Unacceptable(
            f'{response.status_code}, too busy: it asks to retry in '
            f'{str(pause)[:20]} s; try again then, or see whether the service '
            'is up'
        )


def _with_connect(timeout: Any, left: float | None) -> Any:
    """Return a timeout of ``requests`` that ends in time if none listens."""
    if left is None:
        return timeout
    connect, read = timeout if isinstance(timeout, tuple) else (timeout,) * 2
    return _shorter(connect, left), read


def _shorter(patience: float | None, left: float | None) -> float | None:
    known = [seconds for seconds in (patience, left) if seconds is not None]
    return min(known, default=None)
