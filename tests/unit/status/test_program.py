# SPDX-License-Identifier: Apache-2.0
"""The program, as far as it needs no database."""

import importlib.metadata
import json
import subprocess
import sys

import pytest

# Its import fails in this process as where nova is not installed.
_WITHOUT_NOVA = """
import sys
sys.modules['nova'] = None
from hypervisor_affinity.status import program
sys.exit(program.main())
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
    )


def run_program(*arguments):
    return run('-m', 'hypervisor_affinity.status.program', *arguments)


# Those of the checks, 0 to 2, are where there is a database:
# tests/functional/test_status_program.py.
@pytest.mark.long
@pytest.mark.parametrize(
    ('code', 'arguments', 'said'),
    [
        (0, ['--version'], ''),
        (0, ['--help'], ''),
        (2, [], 'required: command'),
        (2, ['upgrade'], 'required: check'),
        (2, ['upgrade', 'nope'], 'no command "upgrade nope"'),
        (2, ['upgrade', 'check', '--nope'], 'unrecognized arguments: --nope'),
        (255, ['--config-file', 'x', 'upgrade', 'check'], 'x: no such file'),
        (255, ['--config-dir', 'x', 'upgrade', 'check'], 'x: no such direct'),
        (255, ['--config-dir', '{folder}', 'upgrade', 'check'], 'there is no'),
    ],
)
def test_the_exit_code(tmp_path, code, arguments, said):
    words = [word.format(folder=tmp_path) for word in arguments]
    ended = run_program(*words)
    assert ended.returncode == code
    assert said in ended.stderr
    assert 'Traceback' not in ended.stdout + ended.stderr


@pytest.mark.parametrize('program', [(), ('-c', _WITHOUT_NOVA)])
def test_the_version_is_ours(program):
    arguments = program or ('-m', 'hypervisor_affinity.status.program')
    ended = run(*arguments, '--version')
    version = importlib.metadata.version('hypervisor-affinity')
    assert (ended.returncode, ended.stdout) == (0, f'{version}\n')


def test_the_files_that_were_read_are_named(tmp_path):
    paths = [tmp_path / 'a.conf', tmp_path / 'b.conf']
    for path in paths:
        path.write_text('[DEFAULT]\n')
    files = [f'--config-file={path}' for path in paths]
    ended = run_program(*files, 'upgrade', 'check', '--json')
    details = {
        check['check']: check['details']
        for check in json.loads(ended.stdout)['checks']
    }
    assert details['Configuration files'] == (
        f'Read, the last one takes precedence: {paths[0]}, {paths[1]}'
    )


def test_without_nova():
    ended = run('-c', _WITHOUT_NOVA, 'upgrade', 'check')
    assert ended.returncode == 255
    assert 'nova is not installed in' in ended.stderr
    assert ended.stdout == ''


def test_a_file_that_is_not_there(tmp_path):
    missing = tmp_path / 'missing.conf'
    ended = run_program(f'--config-file={missing}', 'upgrade', 'check')
    assert ended.returncode == 255
    assert str(missing) in ended.stderr
    assert 'Traceback' not in ended.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    'url',
    [
        'rabbit://nova:s3cret@[::1',
        'rabbit://nova:s3cret/@host/',
        'lapin://nova:s3cret@host/',
    ],
)
def test_a_transport_url_is_not_cited(tmp_path, url):
    path = tmp_path / 'nova.conf'
    path.write_text(f'[DEFAULT]\ntransport_url = {url}\n')
    ended = run_program(f'--config-file={path}', 'upgrade', 'check')
    assert ended.returncode == 255
    assert 'transport_url' in ended.stderr
    assert 's3cret' not in ended.stdout + ended.stderr


def test_help_names_the_command():
    ended = run_program('--help')
    assert ended.returncode == 0
    assert '--config-file' in ended.stdout
    assert 'upgrade' in ended.stdout


@pytest.mark.long
def test_a_wrong_command():
    ended = run_program('downgrade', 'check')
    assert ended.returncode == 2
    assert 'downgrade' in ended.stderr


_UNFORESEEN = """
import sys
import nova.cmd.scheduler
from hypervisor_affinity.status import commands, program
def run(argv):
    raise {error}
commands.run = run
sys.exit(program.main())
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ('error', 'code', 'lines'),
    [
        ("KeyError('x')", 255, ["unexpected KeyError: 'x'; run it again"]),
        ('KeyboardInterrupt', 130, []),
    ],
)
def test_what_is_not_foreseen(error, code, lines):
    ended = run('-c', _UNFORESEEN.format(error=error), 'upgrade', 'check')
    assert (ended.returncode, ended.stdout) == (code, '')
    # Some releases of nova say first how they run threads.
    name = 'hypervisor-affinity-status: '
    told = [t for t in ended.stderr.splitlines() if t.startswith(name)]
    for line, words in zip(told, lines, strict=True):
        assert line.startswith(f'{name}{words}')
    assert 'Traceback' not in ended.stderr


@pytest.mark.long
def test_an_answer_that_cannot_be_written():
    with open('/dev/full', 'w') as full:
        ended = subprocess.run(
            [sys.executable, '-m', 'hypervisor_affinity.status.program', '-h'],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 255
    assert ended.stderr == (
        'hypervisor-affinity-status: cannot write standard output: No space '
        'left on device\n'
    )
