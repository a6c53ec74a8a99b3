# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between here and a service, and what to do about it.

The one place where an error of openstacksdk, keystoneauth or requests, and an
error of HTTP, becomes a
:class:`~hypervisor_affinity.cloud.source.SourceError`.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator

import msgspec
import requests
from keystoneauth1 import exceptions as auth_errors
from keystoneauth1 import session as auth_session
from openstack import connection
from openstack import exceptions as sdk_errors

from hypervisor_affinity import redaction
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.stumbling import STUMBLES

LOG = logging.getLogger(__name__)

# The statuses after which it is worth asking again.
BUSY = (429, 503)

# Of a change: the errors by which a service says that the request itself is at
# fault, and what to do beside what it says.
_REFUSALS = {
    400: '',
    403: '; see whether the policy rule {right} allows it',
    409: '; somebody else may be changing it',
    410: '',
    413: "; ask the cloud's administrator for a larger limit or quota",
    415: '',
}

# Bytes of an error: one of more is a page for people.
_LONGEST_ERROR = 8192

# What webob puts between its own words and those of the service, which may be
# on either side.
_WEBOB = '<br /><br />'


class MissingService(SourceError):
    """The cloud does not have the service."""


class Refused(SourceError):
    """The service refused to change something, and would do so again."""


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """What is asked of a service; its text is what to call it in messages.

    :ivar service: what operators call it
    """

    service: str
    method: str
    path: str

    def __str__(self) -> str:
        """Return it for people."""
        return f'{self.service}, {self.method} {self.path}'

    @property
    def answerers(self) -> str:
        """Who may have answered: Keystone tells where a service is."""
        if self.service == 'keystone':
            return 'keystone'
        return f'keystone or {self.service}'


def _line(error: object) -> str:
    return redaction.one_line(str(error))


def _lost(error: BaseException) -> str:
    """Say why a connection was not there, or no longer."""
    root = error
    while root.__context__:
        root = root.__context__
    if root is error:
        return _line(error)
    # What follows is how one library wrapped the error of another.
    said, _, _ = str(error).partition(': ')
    if isinstance(root, BrokenPipeError | ConnectionResetError):
        said = 'the connection broke'
    # An OSError's own text begins with its number.
    why = getattr(root, 'strerror', None) or root
    return f'{_line(said)} ({_line(why)})'


def _kind(error: BaseException) -> str:
    # Of its text nobody knows what it cites.
    return type(error).__name__


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """What becomes of some kinds of errors.

    :ivar text: with ``{call}``, its ``{service}`` and all its
        ``{answerers}``, the ``{seconds}`` that it may take, and what the error
        has ``{said}``
    :ivar raised: what the error becomes
    :ivar said: reads the error
    :ivar logs_frames: whether the log is to show where it came from
    """

    kinds: tuple[type[Exception], ...]
    text: str
    raised: type[SourceError] = SourceError
    said: Callable[[Exception], str] = _line
    logs_frames: bool = False


# The first row counts that has an error's class or one above it.
_ROWS = (
    _Row(
        (auth_errors.Unauthorized,),
        'keystone refuses the credentials ({said}); check clouds.yaml or the '
        'variables OS_*',
    ),
    _Row(
        (auth_errors.EndpointNotFound, sdk_errors.ServiceDisabledException),
        '{call}: no endpoint ({said}); check the catalog, and region and '
        'interface in clouds.yaml or OS_*',
        raised=MissingService,
    ),
    _Row(
        (auth_errors.ConnectTimeout,),
        '{call}: no answer within {seconds:g} s; see whether the service is '
        'up, or set a longer api_timeout in clouds.yaml',
    ),
    _Row(
        (auth_errors.ConnectFailure, auth_errors.DiscoveryFailure),
        '{call}: {said}; see whether the service is up and can be reached '
        'from here',
        said=_lost,
    ),
    _Row(
        (auth_errors.UnknownConnectionError, requests.RequestException),
        '{call}: the connection broke ({said}); try again',
    ),
    _Row(
        # What decoding raises.
        (msgspec.MsgspecError, RecursionError, UnicodeDecodeError),
        '{call}: not a valid answer of {service} ({said}); look for a proxy '
        'between here and the service',
    ),
    _Row(
        (auth_errors.ClientException, sdk_errors.SDKException),
        '{call}: {said}; see whether the service is up, and check '
        'clouds.yaml or OS_*',
    ),
    _Row(
        # Of answers such as a catalog without urls.
        STUMBLES,
        '{call}: unexpected answer of {answerers} ({said}); look for a proxy '
        'between here and the service, or see the details with -vv',
        said=_kind,
        logs_frames=True,
    ),
)
_FORESEEN = tuple(kind for row in _ROWS for kind in row.kinds)


@contextlib.contextmanager
def explained(call: Call, seconds: float) -> Iterator[None]:
    """Turn what goes wrong into an error that says what to do.

    :param seconds: the time without a byte that the service has
    :raises MissingService: if the cloud does not have it
    :raises SourceError: whatever else goes wrong
    """
    try:
        yield
    except _FORESEEN as error:
        row = next(row for row in _ROWS if isinstance(error, row.kinds))
        said = row.said(error)
        if row.logs_frames:
            frames = redaction.frames(error)
            LOG.debug('%s: %s\n%s', call, said, frames)
        text = row.text.format(
            call=call,
            service=call.service,
            answerers=call.answerers,
            seconds=seconds,
            said=said,
        )
        raise row.raised(text) from error


# As every plug-in of keystoneauth that asks Keystone does.
TOKEN = Call('keystone', 'POST', '/v3/auth/tokens')


def of_keystone(seconds: float = 0) -> contextlib.AbstractContextManager:
    """Turn what goes wrong while a token is got into an error of Keystone.

    Whoever is asked for something after that is not to blame.

    :param seconds: as of :func:`explained`
    :raises SourceError: as :func:`explained` does
    """
    return explained(TOKEN, seconds)


def session(cloud: connection.Connection) -> auth_session.Session:
    """Return the session, which openstacksdk makes when it is asked for.

    :raises SourceError: if it cannot be made of the configuration
    """
    try:
        return cloud.session
    except (TypeError, ValueError) as error:
        # Nobody knows what the text cites.
        raise SourceError(
            'clouds.yaml or a variable OS_* has a value of the wrong type '
            f'({type(error).__name__}); see the documentation of openstacksdk '
            'on configuration'
        ) from error


def refusal(
    call: Call, response: requests.Response, right: str, retries: int
) -> SourceError:
    """Return what an error of HTTP means, and what to do.

    :param right: the policy rule without which the service refuses
    :param retries: how often the service was asked again while it was busy
    """
    status = response.status_code
    if status == 404:
        return Missing(f'{call}: 404, {_own_words(response)}')
    if call.method != 'GET' and status in _REFUSALS:
        advice = _REFUSALS[status].format(right=right)
        return Refused(f'{call}: {status}, {_own_words(response)}{advice}')
    if status == 401:
        cause = (
            '401, the token is not accepted; authenticate again, and check '
            'that the token is from this cloud'
        )
    elif status == 403:
        cause = (
            f'403, forbidden; the policy rule {right} must allow it; by '
            'default it allows the role admin'
        )
    elif status in BUSY and call.method == 'GET':
        cause = (
            f'{status}, still too busy after {retries} retries; try again '
            'later'
        )
    else:
        words = _own_words(response)
        cause = f'{status}, {words}; see the log of {call.service}'
    return SourceError(f'{call}: {cause}')


def _own_words(response: requests.Response) -> str:
    """Return a service's own words of an error."""
    if len(response.content) > _LONGEST_ERROR:
        return _line(response.reason)
    try:
        sdk_errors.raise_from_response(response)
    except sdk_errors.HttpException as error:
        first, _, last = str(error.details).partition(_WEBOB)
        return _line(last.strip() or first).rstrip('.')
    return _line(response.reason)
