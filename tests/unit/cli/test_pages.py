# SPDX-License-Identifier: Apache-2.0
"""The documentation shows what the commands print, to the letter.

A line that begins with ``$ hypervisor-affinity`` or ``$ qemu-img`` in a
literal block of a page is run in a copy of the pages' examples; what follows
it is its output. ``$ echo $?`` asks for the exit code.
"""

import pathlib
import re
import shlex
import shutil
import subprocess
from typing import NamedTuple

import pytest

from tests.installed import skip_without

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source'
EXAMPLES = PAGES / 'cli/examples'
PROGRAM = 'hypervisor-affinity'
QEMU_IMG = 'qemu-img'
# How many blocks a file takes is up to the file system.
VARIES = re.compile(r'\| disk +\| allocated +\|.*')


class Session(NamedTuple):
    """Commands of one literal block.

    :ivar lines: the block, without its indentation
    """

    page: str
    line: int
    lines: tuple[str, ...]

    def __str__(self):
        return f'{self.page}:{self.line}'


def sessions():
    found = []
    for path in sorted(PAGES.rglob('*.rst')):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if not re.match(rf'\s+\$ ({PROGRAM}|{QEMU_IMG}) ', line):
                continue
            indent = line[: line.index('$')]
            before = lines[number - 1]
            if before.startswith(f'{indent}') and before.strip():
                # Not the first command of its block.
                continue
            block = []
            for text in lines[number:]:
                if text and not text.startswith(indent):
                    break
                block.append(text[len(indent) :])
            page = str(path.relative_to(PAGES))
            found.append(
                Session(page, number + 1, tuple('\n'.join(block).split('\n')))
            )
    return found


def commands(session):
    """Yield each command as its lines, and as words without the sign."""
    lines = iter(session.lines)
    for line in lines:
        if line.startswith('$ '):
            command = [line]
            while command[-1].endswith('\\'):
                command.append(next(lines))
            text = ' '.join(line.rstrip('\\') for line in command)
            yield command, shlex.split(text.removeprefix('$ '))


def output_of(session, run):
    """Return what the block should be."""
    shown, code = [], 0
    for command, words in commands(session):
        shown += command
        if words == ['echo', '$?']:
            shown.append(str(code))
            continue
        if words[0] == QEMU_IMG:
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
            continue
        assert words[0] == PROGRAM, command
        done = run(*words[1:])
        code = done.code
        shown += (done.out + done.err).splitlines()
    return shown


def test_there_are_pages_with_sessions():
    pages = {session.page for session in sessions()}
    assert pages >= {
        'cli/audit.rst',
        'cli/classify.rst',
        'cli/explain.rst',
        'cli/snapshot.rst',
        'no-valid-host.rst',
    }


def settled(lines):
    """Return lines without what differs between machines."""
    return [VARIES.sub('', line) for line in lines]


@pytest.mark.parametrize('session', sessions(), ids=str)
def test_the_page_shows_what_is_printed(session, run, monkeypatch, tmp_path):
    if any(line.startswith(f'$ {QEMU_IMG} ') for line in session.lines):
        skip_without(QEMU_IMG)
    examples = shutil.copytree(EXAMPLES, tmp_path / 'examples')
    monkeypatch.chdir(examples)
    shown = list(session.lines)
    while shown and not shown[-1]:
        shown.pop()
    assert settled(output_of(session, run)) == settled(shown)
