# SPDX-License-Identifier: Apache-2.0
"""Commands for people to paste into a shell.

What others named, and files of any name, come to the program as they are, and
as nothing else: neither as an option nor as a line of the shell's.
"""

import os
import shlex
from collections.abc import Iterable

from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.operations.findings import Command

# How $'...' writes what it would not take as it is.
_ESCAPES = {'\\': '\\\\', "'": "\\'"}


def line(words: Iterable[str]) -> str:
    """Return words as a line that a shell takes for these words.

    It has printable characters only: others as in ``$'\\n'``, which all usual
    shells know but a few small ones.
    """
    return ' '.join(map(_quoted, words))


def file(path: str | os.PathLike[str]) -> str:
    """Return a file's name as a word that is no option."""
    name = os.fspath(path)
    return f'./{name}' if name.startswith('-') else name


def option(name: str, value: str) -> list[str]:
    """Return an option, as words of which the value is no other one."""
    if value.startswith('-'):
        return [f'{name}={value}']
    return [name, value]


def arguments(*words: str) -> list[str]:
    """Return a command's last arguments, as words that are no options."""
    if any(word.startswith('-') for word in words):
        return ['--', *words]
    return list(words)


def command_lines(commands: Iterable[Command]) -> str:
    """Return commands as one line, each run if the one before worked."""
    return ' && '.join(
        line(
            [
                *command.words,
                *(word for pair in command.options for word in option(*pair)),
                *arguments(*command.arguments),
            ]
        )
        for command in commands
    )


def _quoted(word: str) -> str:
    if printable(word) == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(character: str) -> str:
    code = ord(character)
    if printable(character) == character:
        return _ESCAPES.get(character, character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte of a file's name that is no UTF-8.
        return f'\\x{code - 0xDC00:02x}'
    if code < 0x80:
        return f'\\x{code:02x}'
    return f'\\u{code:04x}' if code < 0x10000 else f'\\U{code:08x}'
