# SPDX-License-Identifier: Apache-2.0
"""What a program answers, and why it does not, in one line."""

import json
import pathlib
import signal
from collections.abc import Iterable, Mapping
from typing import Any

from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.image.disk import DiskError

# How much a message cites of what a program said.
CITED = 500


def parsed(
    asked: str,
    said: str,
    file: pathlib.Path,
    members: Mapping[str, type] | None = None,
) -> dict[str, Any]:
    """Return an answer that is an object of JSON.

    :param asked: what it answers, such as ``qemu-img info``
    :param members: that it must have, and their types; None for none
    :raises DiskError: if it is none, or lacks a member
    """
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(found.get(name), kind)
        for name, kind in (members or {}).items()
    ):
        raise DiskError(
            f'{file}: "{asked}" ended well, but without an answer that can be '
            'read; is another program installed by this name?'
        )
    return found


def failure(
    asked: str,
    code: int,
    said: str,
    files: Iterable[pathlib.Path],
    spellings: Mapping[str, str],
) -> str:
    """Return why a program failed.

    :param asked: what it was, such as ``qemu-img info``
    :param code: its exit status; below zero, the signal that ended it
    :param said: on standard error
    :param files: that it was given
    :param spellings: what it was told instead of a name -> the name
    """
    program = asked.partition(' ')[0]
    for told, name in spellings.items():
        said = said.replace(told, name)
    lines = (line.strip() for line in said.splitlines())
    text = '; '.join(
        line.removeprefix(f'{program}: ') for line in lines if line
    )
    text = printable(text)
    if len(text) > CITED:
        text = f'{text[:CITED]}...'
    how = 'failed' if code >= 0 else f'was ended by {_name(-code)}'
    outcome = f'and said "{text}"' if text else 'and said nothing'
    if code > 0 and not text:
        outcome += f'; its exit status is {code}'
    return f'{" and ".join(map(str, files))}: "{asked}" {how} {outcome}'


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # One of those for real time, most of which have no name.
        return f'signal {number}'
