# SPDX-License-Identifier: Apache-2.0
"""What requests and answers of a service hold."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import msgspec
import requests

_Shape = TypeVar('_Shape')


class Body(Protocol):
    """What is uploaded, in chunks."""

    def __len__(self) -> int:
        """Return the size of all of it, in bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks."""


def decoded(content: bytes, key: str | None, shape: type[_Shape]) -> _Shape:
    """Return an answer, or the part of it that a key has.

    :raises msgspec.MsgspecError: if it has another shape
    """
    if key is None:
        return msgspec.json.decode(content, type=shape)
    parts = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    if key not in parts:
        raise msgspec.ValidationError(f'it has no `{key}`')
    return msgspec.json.decode(parts[key], type=shape)


def received(response: requests.Response, length: int) -> bytes:
    """Return what an answer has, however much it has beyond that."""
    received = b''
    for chunk in response.iter_content(length):
        received += chunk
        if len(received) >= length:
            break
    return received[:length]
