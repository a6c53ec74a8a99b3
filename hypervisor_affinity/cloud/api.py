# SPDX-License-Identifier: Apache-2.0
"""One service of a cloud, called through openstacksdk.

openstacksdk authenticates, finds the endpoint and its versions, and sends the
request with its retries. Its resources are not used: they build an object of
a hundred attributes for each server and drop some that matter here, such as
the properties in a server's image, while a shape has what is needed and
nothing else of an answer is ever decoded.

This is the one place where what can go wrong between here and a service
becomes a :class:`~hypervisor_affinity.cloud.source.SourceError`.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import msgspec
import requests
from keystoneauth1 import discover
from keystoneauth1 import exceptions as auth_errors
from keystoneauth1 import session as auth_session
from openstack import connection
from openstack import exceptions as sdk_errors
from openstack import proxy

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud import api_bounds
from hypervisor_affinity.cloud import bounds
from hypervisor_affinity.cloud.api_bounds import TooLarge
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError

LOG = logging.getLogger(__name__)

_Shape = TypeVar('_Shape')

# Seconds without a byte. A page of a thousand servers takes nova a while.
TIMEOUT = 120.0

# Seconds without a byte after all of an upload was sent: a service, or a proxy
# before it, may begin to store it only then.
_STORING = 3600.0

# Unless the cloud's configuration has others. The pauses double from half a
# second on; the service's Retry-After goes before.
_CONNECT_RETRIES = 2
_STATUS_RETRIES = 4
_BUSY = (429, 503)

# Of a change: the errors by which a service says that the request itself is at
# fault, and what to do beside what it says.
_REFUSALS = {
    400: '',
    403: '; see whether the policy rule {right} allows it',
    409: '; somebody else may be at it',
    410: '',
    413: "; ask the cloud's administrator for a larger limit or quota",
    415: '',
}

# Or Glance would explain an error in HTML.
_IN_JSON = {'Accept': 'application/json'}

# Bytes of an error: one of more is a page for people.
_LONGEST_ERROR = 8192

# What decoding raises.
_NO_JSON = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)

# How openstacksdk and keystoneauth stumble over answers of other types than
# they expect, such as a catalog without urls.
_STUMBLES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)

# What webob puts between its own words and those of the service, which may be
# on either side.
_WEBOB = '<br /><br />'


class MissingService(SourceError):
    """The cloud does not have the service."""


class Refused(SourceError):
    """The service refused to change something, and would do so again."""


class Body(Protocol):
    """What is uploaded, in chunks."""

    def __len__(self) -> int:
        """Return the size of all of it, in bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks."""


class _Id(msgspec.Struct):
    id: str


class Api:
    """A service.

    :ivar name: what operators call it
    """

    def __init__(
        self, cloud: connection.Connection, service_type: str, name: str
    ) -> None:
        """Ask nothing of it yet.

        :param cloud: has ``timeout`` set on its session if it had none, and
            its session keeps to bounds while it is used here
        :param service_type: as in the catalog, ``compute``
        :raises SourceError: if the cloud's configuration has wrong bounds, or
            a value of a wrong kind
        """
        session = _session(cloud)
        if session.timeout is None:
            session.timeout = TIMEOUT
        api_bounds.check('api_timeout', session.timeout)
        bounds.bound(session.session)
        api_bounds.authenticate_once(session.auth)
        self._bounds = api_bounds.configured(cloud)
        self.name = name
        self._cloud = cloud
        self._service_type = service_type

    def get(
        self,
        path: str,
        key: str | None,
        shape: type[_Shape],
        *,
        right: str,
        version: str | None = None,
        **params: object,
    ) -> _Shape:
        """Return what it answers.

        :param key: of the answer's part that is wanted; None for all of it
        :param right: the policy rule without which it refuses
        :param version: the microversion
        :raises SourceError: if it gives no such answer
        """
        found = self.find(
            path, key, shape, right=right, version=version, **params
        )
        if found is None:
            raise SourceError(
                f'{self._call("GET", path)}: 404, not found; the endpoint of '
                f'{self._service_type} in the catalog may be wrong'
            )
        return found

    def find(
        self,
        path: str,
        key: str | None,
        shape: type[_Shape],
        *,
        right: str,
        version: str | None = None,
        **params: object,
    ) -> _Shape | None:
        """Return what it answers; None if it does not have that (404).

        :raises SourceError: if it gives no such answer
        """
        try:
            with self._explained('GET', path):
                response = self._read(
                    path, right, params=params, microversion=version
                )
                return _decoded(response.content, key, shape)
        except Missing:
            return None

    def part(
        self, path: str, offset: int, length: int, *, right: str
    ) -> bytes:
        """Return a part of what is no JSON.

        :param length: at least 1; there have to be so many bytes
        :raises Missing: if it does not have that (404)
        :raises SourceError: if it does not give exactly this part
        """
        last = offset + length - 1
        with self._explained('GET', path, size=length):
            response = self._read(
                path,
                right,
                headers={
                    'Range': f'bytes={offset}-{last}',
                    # What a proxy compresses has other offsets.
                    'Accept-Encoding': 'identity',
                },
                # One that knows no ranges would send all of it.
                stream=True,
            )
            with response:
                given = response.headers.get('Content-Range', '')
                if not given.startswith(f'bytes {offset}-{last}/'):
                    raise SourceError(
                        f'{self._call("GET", path)}: it does not give a part '
                        f'of it, bytes {offset} to {last}; download it whole'
                    )
                return _received(response, length)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        right: str,
        shape: type[_Shape] | None = None,
        media_type: str = 'application/json',
    ) -> _Shape | None:
        """Have it change something; return what it answers.

        Sent once: of a request whose answer is lost, nobody knows whether it
        was carried out.

        :param body: as JSON; None for none
        :param shape: of the answer; None if it is not wanted
        :raises Missing: if it does not have that (404)
        :raises Refused: if it would refuse it again
        :raises SourceError: if there is no such answer
        """
        with self._explained(method, path):
            response = self._request(
                method,
                path,
                right,
                data=None if body is None else msgspec.json.encode(body),
                headers={'Content-Type': media_type, **_IN_JSON},
            )
            if shape is None:
                return None
            return _decoded(response.content, None, shape)

    def upload(self, path: str, body: Body, *, right: str) -> None:
        """Put content there.

        It goes once: neither after a redirection nor with a new token is it
        sent again, since it would be what is left of the body, nothing.

        :raises Missing: if it does not have that (404)
        :raises Refused: if it would refuse it again
        :raises SourceError: if it may not have arrived
        """
        patience = max(_STORING, self._cloud.session.timeout)
        with self._explained('PUT', path, patience, is_upload=True):
            self._request(
                'PUT',
                path,
                right,
                data=body,
                headers={
                    'Content-Type': 'application/octet-stream',
                    **_IN_JSON,
                },
                allow_reauth=False,
                redirect=False,
                timeout=(self._cloud.session.timeout, patience),
            )

    def pages(
        self,
        path: str,
        key: str,
        shape: type[Any],
        *,
        right: str,
        size: int,
        version: str | None = None,
        **params: object,
    ) -> Iterator[list[Any]]:
        """Yield what it lists, page by page.

        Until a page is empty: nova links no next page if it left out a part
        of one, such as hypervisors whose service is gone.

        :param shape: of one element; all have an ``id`` beside
        :param size: of a page; a service may give less
        :raises SourceError: as :meth:`get`
        """
        progress = api_bounds.Progress(
            self._call('GET', path), self._bounds, size
        )
        while True:
            with progress.waiting():
                try:
                    page = self.get(
                        path,
                        key,
                        msgspec.Raw,
                        right=right,
                        version=version,
                        limit=progress.page_size,
                        **params,
                    )
                except TooLarge as error:
                    progress.shrink(error)
                    continue
            with self._explained('GET', path):
                ids = msgspec.json.decode(page, type=list[_Id])
                elements = msgspec.json.decode(page, type=list[shape])
            if not ids:
                return
            yield elements
            params['marker'] = progress.after([each.id for each in ids])

    def microversion(self, oldest: str, newest: str) -> str:
        """Return the newest microversion that both sides know.

        :param oldest: that will do
        :param newest: that is wanted; returned too where the service does not
            tell what it knows
        :raises SourceError: if it is too old
        """
        with self._explained('GET', '/'):
            found = self._service().get_endpoint_data()
            latest = found and found.max_microversion
            if not latest:
                return newest
            if latest < discover.normalize_version_number(oldest):
                raise SourceError(
                    f'{self.name} knows API microversions up to '
                    f'{discover.version_to_string(latest)} only; {oldest} is '
                    'the oldest that will do'
                )
            wanted = discover.normalize_version_number(newest)
            return discover.version_to_string(min(latest, wanted))

    def _service(self) -> proxy.Proxy:
        return getattr(self._cloud, self._service_type.replace('-', '_'))

    def _call(self, method: str, path: str) -> str:
        return f'{self.name}, {method} {path}'

    def _read(
        self, path: str, right: str, **options: Any
    ) -> requests.Response:
        service = self._service()
        return self._request(
            'GET',
            path,
            right,
            connect_retries=_or(service.connect_retries, _CONNECT_RETRIES),
            status_code_retries=_status_retries(service),
            retriable_status_codes=_BUSY,
            **options,
        )

    def _request(
        self,
        method: str,
        path: str,
        right: str,
        *,
        connect_retries: int = 0,
        status_code_retries: int = 0,
        **options: Any,
    ) -> requests.Response:
        """Return an answer that is no error."""
        response = self._service().request(
            path,
            method,
            connect_retries=connect_retries,
            status_code_retries=status_code_retries,
            **options,
        )
        status = response.status_code
        if status < 300:
            return response
        call = self._call(method, path)
        if status == 404:
            raise Missing(f'{call}: 404, {_said(response)}')
        if method != 'GET' and status in _REFUSALS:
            advice = _REFUSALS[status].format(right=right)
            raise Refused(f'{call}: {status}, {_said(response)}{advice}')
        raise SourceError(f'{call}: {self._failure(method, response, right)}')

    def _failure(
        self, method: str, response: requests.Response, right: str
    ) -> str:
        """Say what an error of HTTP means, and what to do."""
        status = response.status_code
        if status == 401:
            return (
                '401, the token is not accepted; authenticate anew, and '
                'check that it is of this cloud'
            )
        if status == 403:
            return (
                f'403, forbidden; the policy rule {right} must allow it, '
                'which by default needs the role admin'
            )
        if status in _BUSY and method == 'GET':
            return (
                f'{status}, too busy, also after '
                f'{_status_retries(self._service())} retries; try again later'
            )
        return f'{status}, {_said(response)}; see the log of {self.name}'

    @contextlib.contextmanager
    def _explained(
        self,
        method: str,
        path: str,
        timeout: float | None = None,
        *,
        size: int = 0,
        is_upload: bool = False,
    ) -> Iterator[None]:
        """Turn what goes wrong into an error that says what to do.

        What takes too long or is too large goes wrong.

        :param timeout: in seconds; None for that of the session
        :param size: in bytes, that may come in any case
        :param is_upload: it takes as long as it goes on, and the service
            ``timeout`` to answer
        """
        call = self._call(method, path)
        limits = self._bounds._replace(
            seconds=timeout or self._bounds.seconds,
            # With an answer of Keystone before it.
            size=max(self._bounds.size, size + bounds.MIB),
        )
        try:
            with api_bounds.kept(call, limits, is_upload=is_upload):
                yield
        except auth_errors.Unauthorized as error:
            raise SourceError(
                f'keystone refuses the credentials ({_line(error)}); check '
                'clouds.yaml or the variables OS_*'
            ) from error
        except (
            auth_errors.EndpointNotFound,
            sdk_errors.ServiceDisabledException,
        ) as error:
            raise MissingService(
                f'{call}: no endpoint ({_line(error)}); check the catalog, '
                'and region and interface in clouds.yaml or OS_*'
            ) from error
        except auth_errors.ConnectTimeout as error:
            seconds = timeout or self._cloud.session.timeout
            raise SourceError(
                f'{call}: no answer within {seconds:g} s; see whether the '
                'service is up, or set a longer api_timeout in clouds.yaml'
            ) from error
        except auth_errors.ConnectFailure as error:
            root = _root(error)
            # What follows is how one library wrapped the error of another.
            said, _, _ = str(error).partition(': ')
            if isinstance(root, BrokenPipeError | ConnectionResetError):
                said = 'the connection broke off'
            raise SourceError(
                f'{call}: {_line(said)} ({_line(root)}); see whether '
                'the service is up and can be reached from here'
            ) from error
        except (
            auth_errors.UnknownConnectionError,
            requests.RequestException,
        ) as error:
            raise SourceError(
                f'{call}: the connection broke off ({_line(error)}); try again'
            ) from error
        except _NO_JSON as error:
            raise SourceError(
                f'{call}: the answer is none of {self.name} ({_line(error)}); '
                'look for a proxy between here and the service'
            ) from error
        except (
            auth_errors.ClientException,
            sdk_errors.SDKException,
        ) as error:
            raise SourceError(
                f'{call}: {_line(error)}; see whether the service is up, and '
                'check clouds.yaml or OS_*'
            ) from error
        except _STUMBLES as error:
            # Of its text nobody knows what it cites.
            kind = type(error).__name__
            frames = redaction.frames(error)
            LOG.debug('%s: %s\n%s', call, kind, frames)
            raise SourceError(
                f'{call}: an answer of keystone or {self.name} is none that '
                f'can be understood ({kind}); look for a proxy between here '
                'and them, and with -vv at what it says of this'
            ) from error


def _session(cloud: connection.Connection) -> auth_session.Session:
    """Return the session, which openstacksdk makes when it is asked for.

    :raises SourceError: if it cannot be made of the configuration
    """
    try:
        return cloud.session
    except (TypeError, ValueError) as error:
        # Nobody knows what the text cites.
        raise SourceError(
            'clouds.yaml or a variable OS_* has a value of a wrong kind '
            f'({type(error).__name__}); compare them with the page on '
            'configuration of openstacksdk'
        ) from error


def _decoded(content: bytes, key: str | None, shape: type[_Shape]) -> _Shape:
    if key is None:
        return msgspec.json.decode(content, type=shape)
    parts = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    if key not in parts:
        raise msgspec.ValidationError(f'it has no `{key}`')
    return msgspec.json.decode(parts[key], type=shape)


def _received(response: requests.Response, length: int) -> bytes:
    """Return what an answer has, however much it has beyond that."""
    received = b''
    for chunk in response.iter_content(length):
        received += chunk
        if len(received) >= length:
            break
    return received[:length]


def _said(response: requests.Response) -> str:
    """Return a service's own words of an error."""
    if len(response.content) > _LONGEST_ERROR:
        return _line(response.reason)
    try:
        sdk_errors.raise_from_response(response)
    except sdk_errors.HttpException as error:
        first, _, last = str(error.details).partition(_WEBOB)
        return _line(last.strip() or first).rstrip('.')
    return _line(response.reason)


def _status_retries(service: proxy.Proxy) -> int:
    return _or(service.status_code_retries, _STATUS_RETRIES)


def _or(configured: int | None, default: int) -> int:
    return default if configured is None else configured


def _root(error: BaseException) -> BaseException:
    while error.__context__:
        error = error.__context__
    return error


def _line(text: object) -> str:
    return redaction.one_line(str(text))
