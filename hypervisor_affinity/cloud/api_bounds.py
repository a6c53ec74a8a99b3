# SPDX-License-Identifier: Apache-2.0
"""What an answer of a service, and a list of many answers, keep to.

The cloud's configuration may have other bounds, beside ``api_timeout``, which
is for a time without a byte.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from openstack import connection

from hypervisor_affinity.cloud import api_errors
from hypervisor_affinity.cloud import bounds
from hypervisor_affinity.cloud.bounds import Bounds
from hypervisor_affinity.cloud.source import SourceError

# In seconds, with all retries and their pauses; and in MiB.
_DEFAULTS = {
    'hypervisor_affinity_answer_deadline': 600.0,
    'hypervisor_affinity_answer_limit': 64.0,
}
_DEADLINE, _LIMIT = _DEFAULTS
# A number beyond is none that anybody waits for.
_LARGEST = 1_000_000

_TOKEN = str(api_errors.TOKEN)

# Of all pages of a list together: deadlines, and elements.
_DEADLINES = 6
_ELEMENTS = 1_000_000
# How much smaller a page is to be if one was too large, as by the few images
# whose properties are as long as Glance lets them be.
_SMALLER = 8


class TooLarge(SourceError):
    """The answer is larger than what is read of one."""


def configured(cloud: connection.Connection) -> Bounds:
    """Return the bounds of an answer of a cloud's services.

    :raises SourceError: if clouds.yaml has one that is none
    """
    found = {}
    for name, default in _DEFAULTS.items():
        try:
            found[name] = float(cloud.config.config.get(name, default))
        except (OverflowError, TypeError, ValueError):
            found[name] = 0.0
        check(name, found[name])
    return Bounds(found[_DEADLINE], int(found[_LIMIT] * bounds.MIB))


def check(name: str, value: float) -> None:
    """See that a key of clouds.yaml bounds anything.

    :raises SourceError: if it does not
    """
    if not 0 < value <= _LARGEST:
        raise SourceError(
            f'clouds.yaml: {name} is not a number above 0 and up to {_LARGEST}'
        )


def authenticate_once(auth: Any, seconds: float) -> None:
    """Have an authentication fail as one, also if it waits for itself.

    Whatever goes wrong meanwhile is Keystone's, and not of the service that
    the token is for.

    Who stands before Keystone may want a token for its list of versions, and
    keystoneauth then waits, without an end, for the one that it is asking for.

    :param auth: a plugin of keystoneauth; None, or one of another kind, is
        left as it is
    :param seconds: without a byte that Keystone has
    """
    get_access = getattr(auth, 'get_access', None)
    if get_access is None or isinstance(get_access, _OneAccess):
        return
    auth.get_access = _OneAccess(get_access, seconds)


class _OneAccess:
    """Returns access, but to nobody who is asking for it already."""

    def __init__(self, get_access: Callable[..., Any], seconds: float) -> None:
        self._get_access = get_access
        self._seconds = seconds
        self._thread = threading.local()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        if getattr(self._thread, 'is_asking', False):
            raise auth_errors.Unauthorized(
                'keystone asks for a token before it has issued one'
            )
        self._thread.is_asking = True
        try:
            with api_errors.of_keystone(self._seconds), _told(_TOKEN):
                return self._get_access(*arguments, **options)
        finally:
            self._thread.is_asking = False


@contextlib.contextmanager
def kept(
    call: str, limits: Bounds, *, is_upload: bool = False
) -> Iterator[None]:
    """Have what a call receives keep to bounds.

    :param call: what to call it in messages
    :param is_upload: as in :func:`bounds.within`
    :raises TooLarge: if it does not
    :raises SourceError: likewise
    """
    with _told(call), bounds.within(limits, is_upload=is_upload):
        yield


@contextlib.contextmanager
def _told(call: str) -> Iterator[None]:
    """Name a call in the error that it does not keep to bounds."""
    try:
        yield
    except bounds.TooLarge as error:
        raise TooLarge(
            f'{call}: {error}; check what the service sends, or set a higher '
            f'{_LIMIT} in clouds.yaml'
        ) from error
    except bounds.TooLong as error:
        raise SourceError(
            f'{call}: {error}; see whether the service is up, or set a longer '
            f'{_DEADLINE} in clouds.yaml'
        ) from error
    except bounds.Unacceptable as error:
        raise SourceError(f'{call}: {error}') from error


class Progress:
    """How far a list has been read, page by page.

    * ``page_size``: how many elements to ask for
    """

    def __init__(self, call: str, limits: Bounds, size: int) -> None:
        """Begin.

        :param call: what to call it in messages
        :param limits: of each answer
        :param size: of a page, at most
        """
        self.page_size = size
        self._call = call
        self._size = size
        self._longest = _DEADLINES * limits.seconds
        self._markers: set[str] = set()
        self._count = 0
        self._waited = 0.0

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time until an answer is there."""
        began = time.monotonic()
        yield
        self._waited += time.monotonic() - began

    def shrink(self, error: TooLarge) -> None:
        """Have the next page be smaller than the last one.

        :raises TooLarge: this one, if none can be
        """
        if self.page_size == 1:
            raise error
        self.page_size = max(self.page_size // _SMALLER, 1)

    def after(self, ids: Sequence[str]) -> str:
        """Return the marker of the page after the one of these elements.

        :raises SourceError: if there is no end of them
        """
        marker = ids[-1]
        self._count += len(ids)
        if marker in self._markers:
            raise SourceError(
                f'{self._call}: the service sends the same page again and '
                'again; it does not support the parameter marker'
            )
        if self._count > _ELEMENTS:
            self._complain(f'more than {_ELEMENTS} elements')
        if self._waited > self._longest:
            self._complain(f'incomplete after {self._longest:g} s')
        self._markers.add(marker)
        self.page_size = min(2 * self.page_size, self._size)
        return marker

    def _complain(self, reached: str) -> None:
        raise SourceError(
            f'{self._call}: the list does not end ({reached}); see the log of '
            f'the service, or set a longer {_DEADLINE} in clouds.yaml'
        )
