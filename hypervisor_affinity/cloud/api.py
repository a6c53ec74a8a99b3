# SPDX-License-Identifier: Apache-2.0
"""One service of a cloud, called through openstacksdk.

openstacksdk authenticates, finds the endpoint and its versions, and sends the
request with its retries. Its resources are not used: they build an object of
a hundred attributes for each server and drop some that matter here, such as
the properties in a server's image, while a shape has what is needed and
nothing else of an answer is ever decoded.

What can go wrong between here and a service becomes a
:class:`~hypervisor_affinity.cloud.source.SourceError` by the table of
``api_errors``.
"""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
import requests
from keystoneauth1 import discover
from openstack import connection
from openstack import proxy

from hypervisor_affinity.cloud import api_bodies as bodies
from hypervisor_affinity.cloud import api_bounds
from hypervisor_affinity.cloud import api_errors
from hypervisor_affinity.cloud import bounds
from hypervisor_affinity.cloud.api_bounds import TooLarge
from hypervisor_affinity.cloud.api_errors import BUSY
from hypervisor_affinity.cloud.api_errors import Call
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError

_Shape = TypeVar('_Shape')

# Seconds without a byte. A page of a thousand servers takes nova a while.
TIMEOUT = 120.0

# Seconds without a byte after all of an upload was sent: a service, or a proxy
# before it, may begin to store it only then.
_STORING = 3600.0

# Unless the cloud's configuration has others. The pauses double from half a
# second on; the service's Retry-After overrides that.
_CONNECT_RETRIES = 2
_STATUS_RETRIES = 4

# Or Glance would explain an error in HTML.
_IN_JSON = {'Accept': 'application/json'}


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
        session = api_errors.session(cloud)
        if session.timeout is None:
            session.timeout = TIMEOUT
        self._timeout: float = session.timeout
        api_bounds.check('api_timeout', self._timeout)
        bounds.bound(session.session)
        api_bounds.authenticate_once(session.auth, self._timeout)
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
                return bodies.decoded(response.content, key, shape)
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
                        f'{self._call("GET", path)}: it did not return bytes '
                        f'{offset} to {last} alone; download the whole image'
                    )
                return bodies.received(response, length)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        right: str,
        media_type: str = 'application/json',
    ) -> None:
        """Have it change something.

        Sent once: of a request whose answer is lost, nobody knows whether it
        was carried out.

        :param body: as JSON; None for none
        :raises Missing: if it does not have that (404)
        :raises Refused: if it would refuse it again
        :raises SourceError: if it does not say that it did so
        """
        with self._explained(method, path):
            self._send(method, path, body, right, media_type)

    def create(
        self, path: str, body: object, shape: type[_Shape], *, right: str
    ) -> _Shape:
        """Have it create something; return what it answers.

        Sent once, as by :meth:`send`, and the same is raised.

        :param body: as JSON
        """
        with self._explained('POST', path):
            response = self._send('POST', path, body, right)
            return bodies.decoded(response.content, None, shape)

    def upload(self, path: str, body: bodies.Body, *, right: str) -> None:
        """Put content there.

        It goes once: neither after a redirection nor with a new token is it
        sent again, since it would be what is left of the body, nothing.

        :raises Missing: if it does not have that (404)
        :raises Refused: if it would refuse it again
        :raises SourceError: if it may not have arrived
        """
        patience = max(_STORING, self._timeout)
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
                timeout=(self._timeout, patience),
            )

    def pages(
        self,
        path: str,
        key: str,
        shape: type[_Shape],
        *,
        right: str,
        size: int,
        version: str | None = None,
        **params: object,
    ) -> Iterator[_Shape]:
        """Yield what it lists, page by page.

        Until a page is empty: nova links no next page if it left out a part
        of one, such as hypervisors whose service is gone.

        :param shape: of a page, a list; all elements have an ``id`` beside
        :param size: of a page; a service may give less
        :raises SourceError: as :meth:`get`
        """
        progress = api_bounds.Progress(
            str(self._call('GET', path)), self._bounds, size
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
                elements = msgspec.json.decode(page, type=shape)
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
                    f'{self.name} supports API microversions up to '
                    f'{discover.version_to_string(latest)}; at least {oldest} '
                    'is needed'
                )
            wanted = discover.normalize_version_number(newest)
            return discover.version_to_string(min(latest, wanted))

    def _service(self) -> proxy.Proxy:
        return getattr(self._cloud, self._service_type.replace('-', '_'))

    def _call(self, method: str, path: str) -> Call:
        return Call(self.name, method, path)

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
            retriable_status_codes=BUSY,
            **options,
        )

    def _send(
        self,
        method: str,
        path: str,
        body: object,
        right: str,
        media_type: str = 'application/json',
    ) -> requests.Response:
        return self._request(
            method,
            path,
            right,
            data=None if body is None else msgspec.json.encode(body),
            headers={'Content-Type': media_type, **_IN_JSON},
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
        if response.status_code < 300:
            return response
        raise api_errors.refusal(
            self._call(method, path),
            response,
            right,
            _status_retries(self._service()) if method == 'GET' else 0,
        )

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
        limits = dataclasses.replace(
            self._bounds,
            seconds=timeout or self._bounds.seconds,
            # With an answer of Keystone before it.
            size=max(self._bounds.size, size + bounds.MIB),
        )
        seconds = timeout or self._timeout
        with (
            api_errors.explained(call, seconds),
            api_bounds.kept(str(call), limits, is_upload=is_upload),
        ):
            yield


def _status_retries(service: proxy.Proxy) -> int:
    return _or(service.status_code_retries, _STATUS_RETRIES)


def _or(configured: int | None, default: int) -> int:
    return default if configured is None else configured
