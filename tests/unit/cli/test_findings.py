# SPDX-License-Identifier: Apache-2.0
"""What the commands that list findings show, and on what."""

import os
import pty
import shlex
import subprocess

import pytest

from hypervisor_affinity.cli import pasting
from hypervisor_affinity.operations import commands
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests.unit.cli import program
from tests.unit.cli.ending import commands as all_commands

EXAMPLES = all_commands.EXAMPLES
AREAS = {
    'audit': (CloudCheck, 'cloud.yaml'),
    'image audit': (ImageCheck, 'images.yaml'),
    'vcenter check': (VCenterCheck, 'vcenter.yaml'),
}
# As wide as a terminal is by habit.
WIDTH = 80
LONG = {'Evidence', 'Advice', 'Command'}

each_command = pytest.mark.parametrize('command', AREAS)


def of_example(command, *arguments):
    return [
        *command.split(),
        *('--snapshot', EXAMPLES / AREAS[command][1]),
        *arguments,
    ]


@each_command
def test_checks_are_listed_without_a_cloud(run, command):
    area, _ = AREAS[command]
    done = run(*command.split(), '--list-checks', '-f', 'json')
    assert (done.code, done.err) == (0, '')
    rows = done.json()
    assert [row['Check'] for row in rows] == list(area)
    for row in rows:
        assert row.keys() == {'Check', 'Severity', 'Meaning'}
        assert area(row['Check']).severity.name.lower() == row['Severity']
        assert row['Meaning'].endswith('.')
        assert '`' not in row['Meaning']


@each_command
def test_the_list_of_checks_names_the_page(run, command):
    done = run(*command.split(), '--list-checks', '--only', 'error')
    page = command.replace(' ', '-')
    assert f'/doc/source/cli/{page}.rst\n' in done.out
    assert (EXAMPLES.parent / f'{page}.rst').exists()
    table = [line for line in done.out.splitlines() if line[0] in '|+']
    assert table
    assert max(map(len, table)) <= WIDTH
    assert ' warning ' not in ''.join(table)


@each_command
def test_a_table_fits_a_terminal(run, command):
    done = run(*of_example(command))
    table = [line for line in done.out.splitlines() if line[0] in '|+']
    words = {word for line in table for word in line.split()}
    # A property of 32 characters in the images is not chopped for it.
    spare = 2 if command == 'image audit' else 0
    assert max(map(len, table)) <= WIDTH + spare
    for row in run(*of_example(command), '-f', 'json').json():
        for cell in row.values():
            assert words.issuperset(cell.split())


@each_command
def test_long_shows_the_rest(run, command):
    short = run(*of_example(command), '-f', 'json').json()[0].keys()
    long = run(*of_example(command), '--long', '-f', 'json').json()[0].keys()
    assert len(short) <= 5
    assert short < long
    assert long >= LONG


@each_command
def test_a_column_that_is_named_is_there(run, command):
    done = run(*of_example(command), '-c', 'Advice', '-f', 'json')
    assert {*done.json()[0]} == {'Advice'}
    done = run(*of_example(command), '--sort-column', 'Advice', '-f', 'json')
    advice = [row['Advice'] for row in done.json()]
    assert advice == sorted(advice)


@each_command
def test_a_table_says_where_the_rest_is(run, command):
    hint = 'Use --long to see what to do'
    assert hint in run(*of_example(command)).out
    assert hint not in run(*of_example(command), '--long').out
    assert hint not in run(*of_example(command), '--counts').out
    assert hint not in run(*of_example(command), '-f', 'csv').out


def on_terminal(arguments, **variables):
    """Return what a process writes to a terminal, with its colours."""
    upper, lower = pty.openpty()
    process = subprocess.Popen(
        [*program.PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=lower,
        stderr=subprocess.DEVNULL,
        env={**all_commands.QUIET, 'TERM': 'xterm', **variables},
    )
    os.close(lower)
    read = bytearray()
    try:
        while part := os.read(upper, 65536):
            read += part
    except OSError:
        # As Linux says that nobody has it open any more.
        pass
    os.close(upper)
    process.wait()
    return read.decode().replace('\r\n', '\n')


def test_no_word_is_cut_on_a_terminal():
    arguments = of_example('audit')
    shown = on_terminal([*arguments, '--long'], COLUMNS='80', NO_COLOR='1')
    for word in ('host_contradictory', 'contradictory_host', 'openstack'):
        assert f' {word} ' in shown


def test_severities_have_colours_on_a_terminal(run):
    arguments = of_example('audit')
    shown = on_terminal(arguments)
    for severity, code in (('error', 31), ('warning', 33), ('info', 36)):
        assert f'| \x1b[{code}m{severity}\x1b[0m ' in shown
    plain = run(*arguments).out
    assert '\x1b' not in plain
    # The columns are as wide as without.
    for code in ('\x1b[31m', '\x1b[33m', '\x1b[36m', '\x1b[0m'):
        shown = shown.replace(code, '')
    assert shown == plain


@pytest.mark.parametrize(
    ('arguments', 'variables'),
    [
        ((), {'NO_COLOR': '1'}),
        ((), {'TERM': 'dumb'}),
        (('-f', 'csv'), {}),
        (('-f', 'json'), {}),
        (('-f', 'value'), {}),
    ],
    ids=str,
)
def test_no_colours_where_nobody_wants_them(arguments, variables):
    shown = on_terminal(of_example('audit', *arguments), **variables)
    assert 'error' in shown
    assert '\x1b' not in shown


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        (
            (commands.remove_host('a b', '-x'),),
            ['openstack aggregate remove host -- a b -x'],
        ),
        (
            commands.set_properties('image', 'i', {'a': '$(x)', 'b': None}),
            [
                'openstack image set --property a=$(x) i',
                '&& openstack image unset --property b i',
            ],
        ),
        ((Command(('chmod', 'o-rwx'), arguments=('/etc/n',)),), None),
    ],
)
def test_a_command_is_what_a_shell_takes_for_it(given, words):
    line = pasting.command_lines(given)
    assert '\n' not in line
    if words is None:
        assert line == 'chmod o-rwx /etc/n'
        return
    assert ' '.join(shlex.split(line)) == ' '.join(words)
    for value in ("'a b'", "'a=$(x)'"):
        assert (value in line) == (value.strip("'") in ' '.join(words))
