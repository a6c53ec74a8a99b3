# SPDX-License-Identifier: Apache-2.0
"""Lines to paste, as a shell reads them."""

import os
import subprocess

from hypothesis import given
from hypothesis import strategies

from hypervisor_affinity.cli import pasting
from hypervisor_affinity.core.printable import printable


def words_of(line):
    """Return the words that bash makes of a line."""
    done = subprocess.run(
        ['bash', '-c', f'printf "%s\\0" {line}'],
        check=True,
        capture_output=True,
        env={**os.environ, 'LC_ALL': 'C.UTF-8'},
    )
    return [os.fsdecode(word) for word in done.stdout.split(b'\0')[:-1]]


# Whatever a name of a file may be: bytes but NUL.
_NAMES = strategies.binary(min_size=1).map(
    lambda name: os.fsdecode(name.replace(b'\0', b'x'))
)
_TEXTS = strategies.text(
    strategies.characters(exclude_categories=['Cs'], exclude_characters='\0'),
    min_size=1,
)


@given(strategies.lists(_NAMES | _TEXTS, min_size=1, max_size=3))
def test_a_line_to_paste_is_the_words_themselves(words):
    line = pasting.line(words)
    assert printable(line) == line
    assert words_of(line) == words


def test_words_that_are_no_options():
    assert pasting.file('-x') == './-x'
    assert pasting.file('a/-x') == 'a/-x'
    assert pasting.file('-') == './-'
    assert pasting.option('--name', 'x') == ['--name', 'x']
    assert pasting.option('--name', '-x') == ['--name=-x']
    assert pasting.arguments('a', '-b') == ['--', 'a', '-b']
    assert pasting.arguments('a', 'b') == ['a', 'b']
