# SPDX-License-Identifier: Apache-2.0
"""A small cloud behind a real server, and what may be wrong in its answers.

An answer is changed at one place of its JSON, or as a message of HTTP: as by
a service that is broken, a proxy that is none, or somebody who means harm.
"""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from openstack import connection

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import Request
from tests import fake_keystone
from tests import small_cloud

TOKEN = 'a-token-of-an-administrator'

# A way from the top of an answer to a place in it.
_Place = tuple[str | int, ...]


class _Again(str):
    """A key beside an equal one."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def _with_all_again(value: Any) -> Any:
    if isinstance(value, dict):
        return value | {_Again(key): None for key in value}
    return value


def _twice(value: Any) -> Any:
    return value * 2 if isinstance(value, list | str) else [value, value]


def _change_type(value: Any) -> Any:
    return str(value) if isinstance(value, int) else {'x': value}


# What may stand in the place of what is good.
_ODD = {
    'null': None,
    'true': True,
    'zero': 0,
    'minus one': -1,
    'beyond 31 bits': 2**31,
    'beyond 63 bits': 2**63,
    '400 digits': 10**400,
    'a float': 0.1,
    'a large float': 1e308,
    'NaN': float('nan'),
    'infinity': float('inf'),
    'NaN in words': 'nan',
    'a number in words': '9' * 400,
    'empty': '',
    'a word': 'unheard-of',
    'a pattern': 'a{99999999999}(',
    'a large pattern': 'a{99999999999}',
    'a path': '../../../etc/passwd?a=b#c%2f',
    'long': 'long ' * 2000,
    'a surrogate': 'a\ud800',
    'two surrogates': '\udc00\ud800',
    'a NUL': 'a\0b',
    'marks': '\x1b[2J\r\n\u202eabc\u2066\u2028\u200b\ufeff\x9b31m',
    'a date that is none': '2026-02-30T25:61:61.000000',
    'a date of another year': '999999-01-01T00:00:00+99:99',
    'an empty list': [],
    'a list': ['a', 1, None],
    'an empty object': {},
    'an object': {'id': 1, '': None, 'a\0\x1b': [[]]},
    'deep': json.loads('[' * 60 + ']' * 60),
}
_WORKS: dict[str, Callable[[Any], Any]] = {
    **{
        name: lambda value, odd=odd: copy.deepcopy(odd)
        for name, odd in _ODD.items()
    },
    'keys twice': _with_all_again,
    'twice': _twice,
    'another type': _change_type,
}
_REMOVED = 'removed'
# The names of all.
CHANGES = (*_WORKS, _REMOVED)


def places(value: Any, way: _Place = ()) -> Iterator[_Place]:
    """Yield the ways to all places."""
    yield way
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, element in inner:
            yield from places(element, (*way, key))


def changed(value: Any, way: _Place, change: str) -> Any:
    """Return a value, itself unchanged, with a change at a place.

    Without any if another one took the place away.
    """
    if not way:
        return None if change == _REMOVED else _WORKS[change](value)
    first, *others = way
    try:
        inner = value[first]
    except (IndexError, KeyError, TypeError):
        return value
    copied = copy.copy(value)
    if change == _REMOVED and not others:
        del copied[first]
    elif isinstance(copied, dict | list):
        copied[first] = changed(inner, tuple(others), change)
    return copied


def _resized(body: bytes, step: Callable[[bytes], bytes]) -> Answer:
    return Answer(200, step(body), _JSON)


_JSON = {'Content-Type': 'application/json'}
_STATUSES = (
    *(201, 203, 204, 206, 300, 302, 304, 400, 401, 403, 404, 406, 407, 409),
    *(410, 413, 415, 418, 429, 431, 500, 501, 502, 503, 504, 511, 599, 999),
)
_PAGE = b'<html><body><h1>Log in\x1b[2J</h1>\xff</body></html>'
# What may become of a message whose body is good.
MESSAGES: dict[str, Callable[[bytes], Answer]] = {
    **{
        f'status {status}': lambda body, status=status: Answer(
            status, b'' if status in (204, 304) else body, _JSON
        )
        for status in _STATUSES
    },
    **{
        f'a page, {status}': lambda body, status=status: Answer(
            status, _PAGE, {'Content-Type': 'text/html'}
        )
        for status in (200, 404, 500, 503)
    },
    'an error in an odd form': lambda body: Answer(
        500, b'{"error": [1], "message": {"a": "\\u001b[2J"}}', _JSON
    ),
    'an error in a long form': lambda body: Answer(
        409, json.dumps({'message': '\x1b' * 5000}).encode(), _JSON
    ),
    'no type': lambda body: Answer(200, body),
    'another type': lambda body: Answer(
        200, body, {'Content-Type': 'image/png; charset=utf-7'}
    ),
    'an unknown charset': lambda body: Answer(
        200, body, {'Content-Type': 'application/json; charset=\xff'}
    ),
    'compressed in words': lambda body: Answer(
        200, body, {**_JSON, 'Content-Encoding': 'gzip'}
    ),
    'in UTF-16': lambda body: _resized(
        body, lambda b: b.decode().encode('utf-16')
    ),
    'no UTF-8': lambda body: _resized(
        body, lambda b: b.replace(b'a', b'\xff')
    ),
    'half': lambda body: _resized(body, lambda b: b[: len(b) // 2]),
    'broken off': lambda body: Answer(200, body, _JSON, cut=True),
    'more': lambda body: _resized(body, lambda b: b + b' {}'),
    'nothing': lambda body: _resized(body, lambda b: b''),
}

# {path: ([(place, change)], a change of the message or None)}
Wrong = dict[str, tuple[list[tuple[_Place, str]], str | None]]


def _wrong(changes: list[tuple[str, Any]]) -> Wrong:
    wrong: Wrong = {}
    for path, change in changes:
        values, message = wrong.get(path, ([], None))
        if isinstance(change, str):
            message = change
        else:
            values = [*values, change]
        wrong[path] = values, message
    return wrong


def wrong_answers(good: dict[str, Any]) -> st.SearchStrategy[Wrong]:
    """Return a strategy for one or two changes of what is good."""
    ways = {path: list(places(content)) for path, content in good.items()}
    value = st.sampled_from(list(good)).flatmap(
        lambda path: st.tuples(
            st.just(path),
            st.tuples(
                st.sampled_from(ways[path]),
                st.sampled_from(CHANGES),
            ),
        )
    )
    message = st.tuples(
        st.sampled_from(list(good)), st.sampled_from(list(MESSAGES))
    )
    # There are many more places than messages.
    change = st.one_of(value, value, value, message)
    return st.lists(change, min_size=1, max_size=2).map(_wrong)


class WrongCloud(FakeApi):
    """Keystone and all services.

    * ``wrong``: what is not as it should be
    """

    def __init__(self) -> None:
        """Serve what is good."""
        self.wrong: Wrong = {}
        super().__init__(self._answer)

    def connect(self) -> connection.Connection:
        """Return a connection without retries, which pause."""
        return connection.Connection(
            auth_type='password',
            auth=fake_keystone.credentials(self.url),
            region_name=fake_keystone.REGION,
            status_code_retries=0,
            connect_retries=0,
            # openstacksdk's own default for Glance goes before.
            image_status_code_retries=0,
            # So that they are not asked for versions.
            image_api_version='2',
            image_endpoint_override=f'{self.url}{small_cloud.BASE}',
            placement_api_version='1',
            placement_endpoint_override=f'{self.url}{small_cloud.BASE}',
            block_storage_api_version='3',
            block_storage_endpoint_override=f'{self.url}{small_cloud.BASE}',
        )

    def _answer(self, request: Request) -> Answer:
        self.requests.clear()
        path = request.path.rstrip('/')
        if path in small_cloud.IDENTITY:
            content = small_cloud.IDENTITY[path]
        else:
            path = path.removeprefix(small_cloud.BASE)
            content = small_cloud.GOOD.get(path)
            if content is None:
                return Answer(404, b'{"message": "none"}', _JSON)
        values, message = self.wrong.get(path, ([], None))
        hidden = request.query.get('os_hidden') == 'true'
        if path in small_cloud.IN_PAGES and (
            'marker' in request.query or hidden
        ):
            content = {key: [] for key in content}
        else:
            for place, change in values:
                content = changed(content, place, change)
        body = json.dumps(content).replace(small_cloud.URL, self.url).encode()
        if message is not None:
            answer = MESSAGES[message](body)
        elif path == '/v3/auth/tokens':
            answer = Answer(201, body, _JSON)
        else:
            answer = Answer(200, body, _JSON)
        if path == '/v3/auth/tokens':
            headers = {**answer.headers, 'X-Subject-Token': TOKEN}
            answer = Answer(answer.status, answer.body, headers)
        return answer
