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
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from keystoneauth1 import discover
from keystoneauth1 import exceptions as auth_errors
from openstack import connection
from openstack import exceptions as sdk_errors
from openstack import proxy

from hypervisor_affinity.cloud.source import SourceError

_Shape = TypeVar('_Shape')

# Seconds without a byte. A page of a thousand servers takes nova a while.
TIMEOUT = 120.0

# Unless the cloud's configuration has others. The pauses double from half a
# second on; the service's Retry-After goes before.
_CONNECT_RETRIES = 2
_STATUS_RETRIES = 4
_BUSY = (429, 503)

# Of a URL; errors cite those of clouds.yaml as they are.
_CREDENTIALS = re.compile(r'//[^/\s]*@')


class MissingService(SourceError):
    """The cloud does not have the service."""


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

        :param service_type: as in the catalog, ``compute``
        """
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
                f'{self._call(path)}: 404, not found; the endpoint of '
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
        with self._explained(path):
            service = self._service()
            response = service.get(
                path,
                params=params,
                microversion=version,
                connect_retries=_or(service.connect_retries, _CONNECT_RETRIES),
                status_code_retries=_status_retries(service),
                retriable_status_codes=_BUSY,
            )
            if response.status_code == 404:
                return None
            if response.status_code >= 400:
                raise SourceError(
                    f'{self._call(path)}: {self._refusal(response, right)}'
                )
            return _decoded(response.content, key, shape)

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
        while True:
            page = self.get(
                path,
                key,
                msgspec.Raw,
                right=right,
                version=version,
                limit=size,
                **params,
            )
            with self._explained(path):
                ids = msgspec.json.decode(page, type=list[_Id])
                elements = msgspec.json.decode(page, type=list[shape])
            if not ids:
                return
            yield elements
            last = ids[-1].id
            if params.get('marker') == last:
                raise SourceError(
                    f'{self._call(path)}: the same page again and again; '
                    'the service does not know the parameter marker'
                )
            params['marker'] = last

    def microversion(self, oldest: str, newest: str) -> str:
        """Return the newest microversion that both sides know.

        :param oldest: that will do
        :param newest: that is wanted; returned too where the service does not
            tell what it knows
        :raises SourceError: if it is too old
        """
        with self._explained('/'):
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

    def _call(self, path: str) -> str:
        return f'{self.name}, GET {path}'

    def _refusal(self, response: Any, right: str) -> str:
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
        if status in _BUSY:
            return (
                f'{status}, too busy, also after '
                f'{_status_retries(self._service())} retries; try again later'
            )
        try:
            sdk_errors.raise_from_response(response)
        except sdk_errors.HttpException as error:
            said = _line(error.details)
        return f'{status}, {said}; see the log of {self.name}'

    @contextlib.contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        call = self._call(path)
        try:
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
            seconds = self._cloud.session.timeout
            raise SourceError(
                f'{call}: no answer within {seconds:g} s; see whether the '
                'service is up, or set a longer api_timeout in clouds.yaml'
            ) from error
        except auth_errors.ConnectFailure as error:
            # What follows is how one library wrapped the error of another.
            said, _, _ = str(error).partition(': ')
            raise SourceError(
                f'{call}: {_line(said)} ({_line(_root(error))}); see whether '
                'the service is up and can be reached from here'
            ) from error
        except auth_errors.UnknownConnectionError as error:
            raise SourceError(
                f'{call}: the connection broke off ({_line(error)}); try again'
            ) from error
        except msgspec.MsgspecError as error:
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


def _decoded(content: bytes, key: str | None, shape: type[_Shape]) -> _Shape:
    if key is None:
        return msgspec.json.decode(content, type=shape)
    parts = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    if key not in parts:
        raise msgspec.ValidationError(f'it has no `{key}`')
    return msgspec.json.decode(parts[key], type=shape)


def _status_retries(service: proxy.Proxy) -> int:
    return _or(service.status_code_retries, _STATUS_RETRIES)


def _or(configured: int | None, default: int) -> int:
    return default if configured is None else configured


def _root(error: BaseException) -> BaseException:
    while error.__context__:
        error = error.__context__
    return error


def _line(text: object) -> str:
    """Return a text in one line of no great length, without passwords."""
    words = _CREDENTIALS.sub('//', ' '.join(str(text).split()))
    return words if len(words) <= 200 else f'{words[:200]}...'
