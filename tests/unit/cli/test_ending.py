# SPDX-License-Identifier: Apache-2.0
"""How the programs end, whatever happens: by which code, in how many lines.

A cron job reads 1 as a bad answer. What is no answer ends with 3 and one
line, a wrong command line with 2.
"""

import array
import contextlib
import fcntl
import importlib.metadata
import os
import pathlib
import signal
import subprocess
import sys
import termios
import time

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from tests.cloud_of_records import both
from tests.unit.cli import program

EXAMPLES = pathlib.Path(__file__).parents[3] / 'doc/source/cli/examples'
CLOUD = EXAMPLES / 'cloud.yaml'
VCENTERS = EXAMPLES / 'vcenter.yaml'
SCENARIO = '{folder}/scenario.yaml'

_SCENARIO = """\
format: hypervisor-affinity-scenario
version: 1
cloud:
  hosts:
  - name: kvm
    hypervisor_type: QEMU
    vcpus: {total: 8}
    memory_mb: {total: 8192}
    disk_gb: {total: 100}
  flavors:
  - {name: small, memory_mb: 512}
  images:
  - {name: iso, disk_format: iso, container_format: bare}
steps:
- title: one
  do:
  - boot: {flavor: small, image: iso, count: 1}
"""

# What each command needs to answer without a cloud; None where it cannot.
ANSWERING = {
    'audit': ['--snapshot', CLOUD],
    'classify': ['windows', '--snapshot', CLOUD],
    'explain': ['windows', 'medium', '--snapshot', CLOUD],
    'exporter': None,
    'image audit': ['--snapshot', CLOUD],
    'image inspect': [EXAMPLES / 'image.yaml'],
    'image prepare': None,
    'image upload': None,
    'simulate': [SCENARIO],
    'snapshot save': ['{folder}/saved.json', '--snapshot', CLOUD],
    'snapshot show': [CLOUD],
    'vcenter check': ['--snapshot', VCENTERS],
    'vcenter show': ['--snapshot', VCENTERS],
}

# OpenStackClient without its own commands, as osc-lib makes it.
OPENSTACK = (
    sys.executable,
    '-c',
    'import sys\n'
    'from cliff import commandmanager\n'
    'from osc_lib import shell\n'
    "commands = 'openstack.hypervisor_affinity.v1'\n"
    'manager = commandmanager.CommandManager(commands)\n'
    "openstack = shell.OpenStackShell('-', '1', manager)\n"
    'sys.exit(openstack.run(sys.argv[1:]))\n',
    'hypervisor',
    'affinity',
)
# It wants a cloud before it looks at a command.
NO_CLOUD = {'OS_AUTH_TYPE': 'none', 'OS_ENDPOINT': 'http://127.0.0.1:1'}
PROGRAMS = pytest.mark.parametrize(
    'started',
    [program.PROGRAM, OPENSTACK],
    ids=['hypervisor-affinity', 'openstack'],
)

# For programs in processes of their own: no configuration of this machine.
QUIET = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(('OS_', 'PYTHON', 'LC_', 'LANG'))
}


def arguments_of(command, folder):
    return [
        *command.split(),
        *(str(word).format(folder=folder) for word in ANSWERING[command]),
    ]


def each(commands):
    return pytest.mark.parametrize('command', commands)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """No clouds.yaml of this machine is read, and no variable."""
    (tmp_path / 'scenario.yaml').write_text(_SCENARIO)
    for name in os.environ:
        if name.startswith('OS_'):
            monkeypatch.delenv(name)
    for kind in ('CONFIG_FILES', 'SECURE_FILES'):
        monkeypatch.setattr(f'openstack.config.loader.{kind}', [])


@pytest.fixture
def start(tmp_path):
    """Return a function that runs a program to its end, really."""

    def run(started, *arguments, **options):
        environment = {**QUIET, **NO_CLOUD} if started is OPENSTACK else QUIET
        environment = {**environment, **options.pop('env', {})}
        return subprocess.run(
            [*started, *map(str, arguments)],
            **{
                'stdout': subprocess.PIPE,
                'stderr': subprocess.PIPE,
                'text': True,
                'errors': 'surrogateescape',
                'env': environment,
                **options,
            },
        )

    return run


def test_every_command_is_here():
    points = importlib.metadata.entry_points(group='hypervisor_affinity.cli')
    assert {point.name for point in points} == set(ANSWERING)


ANSWERS = [name for name, given in ANSWERING.items() if given is not None]


# What is not foreseen.


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


# Wrong command lines.


@each(ANSWERS)
def test_a_column_that_is_none(run, tmp_path, command):
    arguments = arguments_of(command, tmp_path)
    answered = run(*arguments, '-f', 'csv')
    assert answered.code in (0, 1)
    names = answered.out.splitlines()[0].replace('"', '').split(',')
    done = run(*arguments, '-c', names[0], '-c', 'Foo')
    assert done.code == 2
    assert done.err.splitlines()[-1] == (
        f"{command}: there is no column 'Foo'; there are: {', '.join(names)}"
    )


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


# Clouds.


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
    assert 'clouds.yaml or a variable OS_* has a value of a wrong kind' in line


# Files.


FILES = {
    'audit': ['--snapshot', '*'],
    'audit of nova.conf': ['audit', '--snapshot', CLOUD, '--nova-conf', '*'],
    'classify': ['--file', '*'],
    'explain': ['windows', 'medium', '--snapshot', '*'],
    'explain a page': [
        *('explain', 'windows', 'medium', '--snapshot', CLOUD, '--html', '*')
    ],
    'exporter': ['--snapshot', '*'],
    'exporter of vCenters': ['exporter', '--vcenter-conf', '*'],
    'image audit': ['--snapshot', '*'],
    'image inspect': ['*'],
    'image prepare': ['*', '{folder}/made.vmdk'],
    'image upload': ['*'],
    'simulate': ['*'],
    'simulate a cloud': ['simulate', SCENARIO, '--snapshot', '*'],
    'simulate with nova.conf': ['simulate', SCENARIO, '--nova-conf', '*'],
    'simulate a plot': ['simulate', SCENARIO, '--plot', '*'],
    'snapshot save': ['*', '--snapshot', CLOUD],
    'snapshot save a file': [
        *('snapshot', 'save', '{folder}/saved.json', '--snapshot', '*')
    ],
    'snapshot show': ['*'],
    'vcenter check': ['--snapshot', '*'],
    'vcenter check of files': ['vcenter', 'check', '--vcenter-conf', '*'],
    'vcenter show': ['--snapshot', '*'],
    'log file': ['--log-file', '*', 'audit', '--snapshot', CLOUD],
}
WRITTEN = ('explain a page', 'simulate a plot', 'snapshot save', 'log file')


def with_file(case, file, folder):
    words = FILES[case]
    if case in ANSWERING:
        words = [*case.split(), *words]
    if case == 'simulate a plot':
        file = file.with_suffix('.svg')
    return [
        str(file if word == '*' else word).format(folder=folder)
        for word in words
    ]


def test_every_command_has_its_files_here():
    assert set(ANSWERING) <= set(FILES)


def check_no_answer(done):
    assert done.code == 3, done.err
    assert done.out == ''
    (line,) = done.err.splitlines()
    assert 'unexpected' not in line
    return line


@each(FILES)
def test_a_directory_as_a_file(run, tmp_path, command):
    folder = tmp_path / 'folder.json'
    arguments = with_file(command, folder, tmp_path)
    for word in arguments:
        if word.startswith(str(tmp_path / 'folder')):
            os.mkdir(word)
    check_no_answer(run(*arguments))


@each([case for case in FILES if case not in WRITTEN])
def test_a_file_of_anything(run, tmp_path, command):
    file = tmp_path / 'file.yaml'
    file.write_bytes(b'\xff\xfe\x00\x80' * 100)
    done = run(*with_file(command, file, tmp_path))
    # To "image inspect", it is a raw disk.
    if done.code != 3:
        assert command.startswith('image')
        assert done.code in (0, 1)
    assert 'unexpected' not in done.err
    assert len(done.err.splitlines()) <= 1


@each([case for case in FILES if case not in WRITTEN])
def test_a_file_that_cannot_be_read(run, tmp_path, command):
    """It can be opened, as on a disk with a fault."""
    file = pathlib.Path('/proc/self/mem')
    line = check_no_answer(run(*with_file(command, file, tmp_path)))
    assert f'{file}: Input/output error' in line


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('taken_at: 2026-02-30', 'no YAML: '),
        ('version: ' + '1' * 5000, 'line 1, column 10: a number of more'),
        ('[' * 500, 'line 1, column 51: more than 50 levels'),
    ],
    ids=lambda text: text[:20],
)
def test_a_value_that_yaml_cannot_have(run, tmp_path, text, said):
    path = tmp_path / 'cloud.yaml'
    path.write_text(text)
    line = check_no_answer(run('audit', '--snapshot', path))
    assert f'{path}: {said}' in line


# Standard streams.


@pytest.fixture
def run_into(run, monkeypatch):
    """Return a function that runs the program with a standard output."""

    def run_it(file, *arguments):
        # To close it fails as long as it holds what cannot be written.
        with file:
            monkeypatch.setattr('sys.stdout', file)
            done = run(*arguments)
        monkeypatch.undo()
        return done

    return run_it


def full():
    return open('/dev/full', 'w')


@each(ANSWERS)
def test_a_full_standard_output(run_into, tmp_path, command):
    done = run_into(full(), *arguments_of(command, tmp_path))
    assert done.code == 3
    assert done.err.splitlines()[-1] == (
        f'{command}: cannot write standard output: No space left on device'
    )


def test_more_than_standard_output_holds(run_into, tmp_path):
    """What is longer than a buffer fails while it is written."""
    arguments = ['audit', '--snapshot', many_images(tmp_path)]
    done = run_into(full(), *arguments, '-f', 'csv')
    assert (done.code, done.err) == (
        3,
        'audit: cannot write standard output: No space left on device\n',
    )


@pytest.mark.parametrize(
    'arguments', [['--help'], ['audit', '--help'], ['--version'], ['nope']]
)
def test_help_that_cannot_be_written(run_into, arguments):
    done = run_into(full(), *arguments)
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert 'cannot write standard output: No space left on device' in line


def test_who_reads_a_part_only(run_into, tmp_path):
    """As with "| head -1" and pipefail."""
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ['audit', '--snapshot', many_images(tmp_path)]
    done = run_into(os.fdopen(writing, 'w'), *arguments)
    assert (done.code, done.err) == (141, '')


# Standard streams of processes of their own, which Python ends.


@PROGRAMS
def test_a_process_with_a_full_standard_output(start, tmp_path, started):
    with full() as file:
        done = start(started, *arguments_of('audit', tmp_path), stdout=file)
    check_lost(done, 'audit', 'No space left on device')


def check_lost(done, command, why):
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert line.endswith(f'{command}: cannot write standard output: {why}')


def many_images(folder):
    """Return a snapshot of 1000 images that no host can run."""
    images = [
        Image(f'image-{n}', f'i-{n}', properties={'hypervisor_type': 'xen'})
        for n in range(1000)
    ]
    files.save(both(images=images), folder / 'many.json')
    return folder / 'many.json'


def closing(*numbers):
    """Return what has a process begin without some of its streams."""

    def close():
        for number in numbers:
            os.close(number)

    return close


@PROGRAMS
def test_a_closed_standard_output(start, tmp_path, started):
    done = start(
        started,
        *arguments_of('audit', tmp_path),
        stdout=None,
        preexec_fn=closing(1),
    )
    check_lost(done, 'audit', 'Bad file descriptor')


def test_a_file_never_takes_the_place_of_a_closed_stream(start, tmp_path):
    """Its content would have what was meant for standard output in it."""
    path = tmp_path / 'saved.json'
    done = start(
        program.PROGRAM,
        *('snapshot', 'save', path, '--snapshot', CLOUD),
        stdout=None,
        preexec_fn=closing(0, 1),
    )
    check_lost(done, 'snapshot save', 'Bad file descriptor')
    assert b'Section' not in path.read_bytes()


@PROGRAMS
def test_no_stream_for_errors(start, tmp_path, started):
    arguments = arguments_of('audit', tmp_path)
    done = start(started, *arguments, stderr=None, preexec_fn=closing(0, 2))
    assert done.returncode == 1
    assert 'server_misplaced' in done.stdout
    missing = ['audit', '--snapshot', tmp_path / 'missing.json']
    with full() as file:
        assert start(started, *missing, stderr=file).returncode == 3


@PROGRAMS
def test_a_process_of_which_a_part_is_read(start, tmp_path, started):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, 'wb') as pipe:
        done = start(started, *arguments_of('audit', tmp_path), stdout=pipe)
    assert (done.returncode, done.stderr) == (141, '')


@PROGRAMS
@pytest.mark.parametrize(
    'encoding',
    [
        {'PYTHONIOENCODING': 'ascii'},
        {'LC_ALL': 'C', 'PYTHONCOERCECLOCALE': '0', 'PYTHONUTF8': '0'},
    ],
    ids=lambda found: next(iter(reversed(found))),
)
def test_names_that_the_encoding_lacks(start, tmp_path, started, encoding):
    path = tmp_path / 'cloud.json'
    names = ['Größe', '日本']
    images = [
        Image(name, name, properties={'hypervisor_type': 'xen'})
        for name in names
    ]
    files.save(both(images=images), path)
    arguments = ['audit', '--snapshot', path, '-f', 'value', '-c', 'Name']
    done = start(started, *arguments, env=encoding)
    assert (done.returncode, done.stderr) == (1, '')
    told = done.stdout.split()
    assert len(told) == 2
    assert told[0] in ('Größe', 'Gr\\xf6\\xdfe')


def test_arguments_that_are_no_text():
    arguments = ['explain', b'\xff', 'medium', '--snapshot', str(CLOUD)]
    done = subprocess.run(
        [*program.PROGRAM, *arguments],
        capture_output=True,
        env=QUIET,
    )
    assert done.returncode == 3
    assert b'\\udcff' in done.stderr
    assert b'Traceback' not in done.stderr


def waiting_in(pipe):
    """Return how many bytes nobody has read yet."""
    found = array.array('i', [0])
    fcntl.ioctl(pipe, termios.FIONREAD, found)
    return found[0]


def test_ctrl_c(tmp_path):
    """While a file is read of which nobody writes the end."""
    path = tmp_path / 'nova.conf'
    os.mkfifo(path)
    # For both, since the other would wait for who reads it.
    number = os.open(path, os.O_RDWR)
    try:
        process = program.start(
            *program.PROGRAM,
            *('audit', '--snapshot', str(CLOUD), '--nova-conf', str(path)),
            env=QUIET,
        )
        os.write(number, b'[')
        while process.poll() is None and waiting_in(number):
            time.sleep(0.05)
        # One that comes just before the program waits is not seen.
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        out, err = process.communicate()
    finally:
        os.close(number)
    assert (process.returncode, out, err) == (130, '', '')
