# SPDX-License-Identifier: Apache-2.0
"""What a parser made of a file, as records; what is wrong, with its place."""

import re
import types
from collections.abc import Callable
from typing import (
    Annotated,
    Any,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core import nearness

_Type = TypeVar('_Type')

Steps = tuple[str | int, ...]
"""The keys and numbers that lead to a value from the top of a document."""

# msgspec's own words.
_KEY = 'key` in `'
_UNKNOWN = re.compile(r'Object contains unknown field `(.*)`')


def convert(
    value: object,
    kind: type[_Type],
    where: str,
    path: str = '$',
    find_line: Callable[[Steps], int | None] = lambda steps: None,
) -> _Type:
    """Return what a parser made of a file, as a record.

    :param where: the file
    :param path: of the value in the file, in JSONPath's notation
    :param find_line: returns the line, from 1, on which what lies there
        begins; None where lines are not known
    :raises SourceError: with the path of the first wrong element
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        cause, _, inner = str(error).partition(' - at `')
    except RecursionError:
        raise SourceError(
            f'{where}: at {path}: too many nested levels'
        ) from None
    if inner.startswith(_KEY):
        cause = f'a key: {cause}'
    wrong = _find(value, kind, inner.removeprefix(_KEY))
    steps, place = wrong.steps, path + wrong.place
    if unknown := _UNKNOWN.fullmatch(cause):
        known = [field for kind in wrong.kinds for field in _fields(kind)]
        cause += nearness.Nearest(unknown[1], known).question
        steps = (*steps, unknown[1])
    if line := find_line(steps):
        place += f' (line {line})'
    raise SourceError(f'{where}: at {place}: {cause}')


class _Wrong(NamedTuple):
    """The first wrong element.

    :ivar place: in JSONPath's notation, without the top
    :ivar kinds: what it may be
    """

    steps: Steps
    place: str
    kinds: list[Any]


def _find(value: Any, kind: Any, path: str) -> _Wrong:
    """Follow a path of msgspec's, which has ``[...]`` for a mapping's key."""
    steps: list[str | int] = []
    place = ''
    kinds = _members(kind)
    for name, index in re.findall(r'\.(\w+)|\[(\d+|\.\.\.)\]', path):
        step: str | int = name
        if index:
            elements = [_element(each) for each in kinds]
            is_key = index == '...'
            step = _wrong_key(value, elements) if is_key else int(index)
        else:
            elements = [_fields(each).get(name) for each in kinds]
        kinds = [member for each in elements for member in _members(each)]
        steps.append(step)
        place += f'.{name}' if name else f'[{step!r}]'
        value = value[step]
    return _Wrong(tuple(steps), place, kinds)


def _wrong_key(mapping: dict[str, Any], kinds: list[Any]) -> str:
    return next(
        key
        for key, value in mapping.items()
        if not any(_fits(value, kind) for kind in kinds)
    )


def _fits(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _members(kind: Any) -> list[Any]:
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [each for one in get_args(kind) for each in _members(one)]
    return [kind]


def _fields(kind: Any) -> dict[str, Any]:
    """Return the fields of a record with their types."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found = msgspec.structs.fields(kind)
        return {field.encode_name: field.type for field in found}
    return {}


def _element(kind: Any) -> Any:
    """Return what a mapping, a list or a tuple holds; None for others."""
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    if get_origin(kind) in (list, tuple):
        return get_args(kind)[0]
    return None
