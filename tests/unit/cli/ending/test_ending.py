# SPDX-License-Identifier: Apache-2.0
"""How the programs end, whatever happens: by which code, in how many lines.

A cron job reads 1 as a bad answer. What is no answer ends with 3 and one
line, a wrong command line with 2.
"""

import importlib.metadata
import sys

import pytest

from tests.unit.cli.ending.commands import ANSWERING
from tests.unit.cli.ending.commands import ANSWERS
from tests.unit.cli.ending.commands import CLOUD
from tests.unit.cli.ending.commands import arguments_of
from tests.unit.cli.ending.commands import check_no_answer
from tests.unit.cli.ending.commands import each


def test_every_command_is_here():
    points = importlib.metadata.entry_points(group='hypervisor_affinity.cli')
    assert {point.name for point in points} == set(ANSWERING)


UNFORESEEN = [
    RecursionError('maximum depth'),
    MemoryError(),
    TypeError('one\ntwo  three ' + 'x' * 5000),
    OSError(5, 'Input/output error'),
    UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'invalid start byte'),
    AssertionError('http://me:hunter2@vc.example.org/'),
    BrokenPipeError(32, 'Broken pipe'),
]


@pytest.fixture
def failing(monkeypatch):
    """Return a function that has a command fail by an error."""

    def fail(command, error):
        (point,) = importlib.metadata.entry_points(
            group='hypervisor_affinity.cli', name=command
        )

        def take_action(self, parsed_args):
            raise error

        monkeypatch.setattr(point.load(), 'take_action', take_action)

    return fail


@each(ANSWERS)
def test_what_is_not_foreseen(run, failing, tmp_path, command):
    failing(command, KeyError('x'))
    done = run(*arguments_of(command, tmp_path))
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        f"{command}: unexpected KeyError: 'x'; run it again with --debug and "
        'report it\n'
    )


@pytest.mark.parametrize('error', UNFORESEEN, ids=lambda e: type(e).__name__)
def test_whatever_it_is_it_is_one_line(run, failing, error):
    failing('audit', error)
    done = run('audit', '--snapshot', CLOUD)
    assert (done.code, done.out) == (3, '')
    (line,) = done.err.splitlines()
    assert line.startswith(f'audit: unexpected {type(error).__name__}: ')
    assert len(line) < 400
    assert 'hunter2' not in line


def test_an_error_whose_text_fails(run, failing):
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    failing('audit', Odd())
    done = run('audit', '--snapshot', CLOUD)
    assert done.code == 3
    assert 'audit: unexpected Odd: it has no text; run' in done.err


def test_debug_shows_where_it_came_from(run, failing):
    failing('audit', KeyError('x'))
    done = run('--debug', 'audit', '--snapshot', CLOUD)
    assert done.code == 3
    assert 'Traceback' in done.err
    assert 'in take_action' in done.err
    assert done.err.splitlines()[-1].startswith('audit: unexpected KeyError')


def test_what_fails_while_the_answer_is_written(run, monkeypatch):
    def emit(*_):
        raise RuntimeError('no such glyph')

    monkeypatch.setattr(
        'cliff.formatters.table.TableFormatter.emit_list', emit
    )
    done = run('audit', '--snapshot', CLOUD)
    assert done.code == 3
    assert done.err.startswith('audit: unexpected RuntimeError: no such')


def test_a_command_that_cannot_begin(run, monkeypatch):
    def get_parser(self, prog_name):
        raise RuntimeError('no parser')

    command = 'hypervisor_affinity.cli.audit.Audit'
    monkeypatch.setattr(f'{command}.get_parser', get_parser)
    done = run('audit', '--snapshot', CLOUD)
    assert (done.code, done.err) == (3, 'no parser\n')


def test_an_interruption(run, failing):
    failing('audit', KeyboardInterrupt())
    done = run('audit', '--snapshot', CLOUD)
    assert (done.code, done.out, done.err) == (130, '', '')


WITHOUT_CLIFF = """
import sys
sys.modules['cliff'] = None
from hypervisor_affinity.cli import shell
sys.exit(shell.main())
"""


def test_where_the_extra_is_not_installed(start):
    done = start((sys.executable, '-c', WITHOUT_CLIFF), 'audit')
    assert (done.returncode, done.stdout) == (3, '')
    assert done.stderr == (
        'hypervisor-affinity: cliff is not installed: pip install '
        "'hypervisor-affinity[cli]'\n"
    )


@each(ANSWERS)
def test_a_column_that_is_none(run, tmp_path, command):
    arguments = arguments_of(command, tmp_path)
    answered = run(*arguments, '-f', 'csv', '--long')
    if answered.code == 2:
        answered = run(*arguments, '-f', 'csv')
    assert answered.code in (0, 1)
    names = answered.out.splitlines()[0].replace('"', '').split(',')
    done = run(*arguments, '-c', names[0], '-c', 'Foo')
    assert done.code == 2
    said, known = done.err.splitlines()[-1].split('; the columns are: ')
    assert said == f"{command}: unknown column 'Foo'"
    # Those of --long, too.
    assert set(known.split(', ')) >= set(names)


def test_a_column_in_any_case(run):
    done = run('audit', '--snapshot', CLOUD, '-c', 'check', '-f', 'value')
    assert done.code == 1
    assert 'server_misplaced' in done.out


@pytest.mark.parametrize(
    'arguments',
    [
        ['nope'],
        ['audit', 'nope'],
        ['audit', '--nope'],
        ['--nope'],
        ['audit', '-f', 'nope'],
        ['audit', '--fail-on', 'nope'],
        ['help', 'nope'],
        ['image', 'nope'],
        ['--log-file'],
    ],
    ids=' '.join,
)
def test_a_wrong_command_line(run, arguments):
    done = run(*arguments)
    assert done.code == 2
    assert done.out or done.err
    assert 'Traceback' not in done.err


BAD_CLOUDS = {
    'a list': 'clouds: [a]',
    'cut': 'clouds: {a: {auth: [',
    'no text': b'\xff\xfe',
    'a word': 'clouds',
    'a name only': 'clouds: {a: b}',
    'numbers': 'clouds: {a: {auth: 3, region_name: [1]}}',
    'nothing': '',
}


def test_help_with_a_cloud_that_is_not_there(run, monkeypatch):
    done = run('--os-cloud', 'nope', '--help')
    assert (done.code, done.err) == (0, '')
    assert '--os-cloud' in done.out
    assert '--os-auth-url' in done.out
    monkeypatch.setenv('OS_CLOUD', 'nope')
    done = run('audit', '--help')
    assert (done.code, done.err) == (0, '')
    assert '--snapshot' in done.out


def test_a_cloud_that_is_not_there(run, monkeypatch):
    answered = run('audit', '--snapshot', CLOUD)
    assert answered.code == 1
    done = run('--os-cloud', 'nope', 'audit', '--snapshot', CLOUD)
    assert (done.code, done.out) == (1, answered.out)
    done = run('--os-cloud', 'nope', 'audit')
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        'audit: no cloud to read: Cloud nope was not found. Name one with '
        '--os-cloud or the variables OS_*, or read a file with --snapshot\n'
    )
    monkeypatch.setenv('OS_CLOUD', 'nope')
    assert run('audit').err == done.err
    assert run('audit', '--snapshot', CLOUD).code == 1


@pytest.mark.parametrize('text', BAD_CLOUDS.values(), ids=BAD_CLOUDS.keys())
def test_a_file_of_clouds_that_is_none(run, monkeypatch, tmp_path, text):
    path = tmp_path / 'clouds.yaml'
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
    assert run('--help').code == 0
    assert run('audit', '--snapshot', CLOUD).code == 1
    done = run('audit')
    assert (done.code, done.out) == (3, '')
    assert done.err.splitlines()[-1].startswith('audit: no cloud to read: ')
    assert 'unexpected' not in done.err


def test_a_value_of_clouds_that_is_none(run, monkeypatch, tmp_path):
    path = tmp_path / 'clouds.yaml'
    path.write_text(
        'clouds: {a: {auth: {auth_url: "http://127.0.0.1:1/", username: u, '
        'password: p, project_name: p}, api_timeout: abc}}'
    )
    monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
    line = check_no_answer(run('--os-cloud', 'a', 'audit'))
    assert (
        'clouds.yaml or a variable OS_* has a value of the wrong type' in line
    )
