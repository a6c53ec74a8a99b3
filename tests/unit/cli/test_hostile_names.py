# SPDX-License-Identifier: Apache-2.0
"""Names that users, files and vCenters give, in all that commands print.

Each command is run twice on the same cloud: with harmless names, and with such
as move a terminal's cursor, begin lines and turn the order of letters. Both
times it says the same, in as many lines.
"""

import csv
import errno
import io
import os
import pty
import re
import shlex
import subprocess

import msgspec
import pytest
import yaml

from hypervisor_affinity.core.printable import printable
from tests import disk_files
from tests.installed import skip_without
from tests.unit.cli import program
from tests.unit.simulation import stories

EXAMPLES = 'doc/source/cli/examples'
HARMLESS = '-x'
HOSTILE = (
    '\x1b[2J\x9b31m\r\n| error | forged |\n+---+\u2028\u2029\x85\x0b\x0c\t'
    '\u202eforged\u2066\u200f\u200b\ufeff\u3164\x00'
)
PEOPLES = ['table', 'value', 'csv']

# What others name, by its place in a snapshot.
_NAMES = frozenset(
    {
        *('name', 'host', 'hosts', 'image', 'project', 'fault', 'error'),
        *('file', 'cluster', 'task', 'disabled_reason', 'type'),
        *('nsx_networks', 'vms', 'adapters', 'taken_at', 'source'),
    }
)


def spoilt(value, name, end, begin):
    """Return a part of a snapshot with all names spoilt."""
    if isinstance(value, dict) and name in ('vms', 'adapters'):
        return {
            f'{key}{end}': spoilt(inner, name, end, begin)
            for key, inner in value.items()
        }
    if isinstance(value, dict):
        return {
            key: spoilt(inner, key, end, begin) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [spoilt(inner, name, end, begin) for inner in value]
    if isinstance(value, str) and name in _NAMES:
        return f'{begin}{value}{end}'
    return value


def cloud(folder, example, end, begin=''):
    """Write an example with names spoilt; return the file."""
    with open(f'{EXAMPLES}/{example}.yaml') as file:
        document = spoilt(yaml.safe_load(file), '', end, begin)
    for section in ('images', 'servers'):
        for record in document.get(section, ()):
            record['id'] = f'{begin}{record.get("id", "")}{end}'
    for aggregate in document.get('aggregates', ()):
        # Both are complained of.
        aggregate['metadata'] |= {
            'hypervisor_affinity_reserve': f'1{end}',
            f'hypervisor_affinity_{end}': end,
        }
    for flavor in document.get('flavors', ()):
        specs = flavor.setdefault('extra_specs', {})
        specs[f'hypervisor_affinity:{end}'] = end
    for image in document.get('images', ()):
        image.setdefault('properties', {})['vmware_ostype'] = f'a{end}'
    for image in document.get('images', [])[:1]:
        image['disk_format'] = f'of{end}'
    path = folder / 'cloud.json'
    path.write_bytes(msgspec.json.encode(document))
    return path


# Each command, of which example, and its arguments.
COMMANDS = {
    'classify': ('cloud', 'classify', 'windows{end}'),
    'classify with a flavor': (
        *('cloud', 'classify', 'windows{end}', '--flavor', 'medium{end}'),
    ),
    'explain': ('cloud', 'explain', 'windows{end}', 'medium{end}'),
    'explain --counts': (
        *('cloud', 'explain', 'debian{end}', 'medium{end}', '--counts'),
    ),
    'explain --server': ('cloud', 'explain', '--server', 'report{end}'),
    'audit': ('cloud', 'audit'),
    # Without it, it says no name.
    'audit --replay --long': ('cloud', 'audit', '--replay', '--long'),
    'snapshot show': ('cloud', 'snapshot', 'show', '{file}'),
    'image audit': ('images', 'image', 'audit'),
    'vcenter show': ('vcenter', 'vcenter', 'show'),
    'vcenter show --of hosts': ('vcenter', 'vcenter', 'show', '--of', 'hosts'),
    'vcenter show --of networks': (
        *('vcenter', 'vcenter', 'show', '--of', 'networks'),
    ),
    'vcenter show --of datastores': (
        *('vcenter', 'vcenter', 'show', '--of', 'datastores'),
    ),
    'vcenter check': ('vcenter', 'vcenter', 'check'),
    'an image that is not there': ('cloud', 'classify', 'no{end}'),
    'a host that is not there': (
        *('cloud', 'explain', 'windows{end}', 'medium{end}', '--host'),
        'no{end}',
    ),
}


def command(folder, name, end, begin=''):
    """Return the arguments of one."""
    example, *words = COMMANDS[name]
    path = cloud(folder, example, end, begin)
    arguments = [
        (begin if '{end}' in word else '') + word.format(end=end, file=path)
        for word in words
    ]
    if 'show' not in arguments[:2] or arguments[0] != 'snapshot':
        arguments += ['--snapshot', str(path)]
    return arguments


def check(text):
    """Check that what was printed is printable, in lines."""
    assert printable(text.replace('\n', '')) == text.replace('\n', '')


def beginnings(text):
    """Return how many lines there are, but for those that go on in a table.

    A sentence in a cell takes as many lines as its words need; the first cell
    is empty in all but the first.
    """
    return sum(not line.startswith('|  ') for line in text.split('\n'))


@pytest.mark.parametrize('form', PEOPLES)
@pytest.mark.parametrize('name', COMMANDS)
def test_no_name_prints_more_than_itself(run, tmp_path, name, form):
    harmless = run(*command(tmp_path, name, HARMLESS), '-f', form)
    hostile = run(*command(tmp_path, name, HOSTILE), '-f', form)
    assert hostile.code == harmless.code
    for text, usual in (
        (hostile.out, harmless.out),
        (hostile.err, harmless.err),
    ):
        check(text)
        assert beginnings(text) == beginnings(usual)
    assert r'\x1b[2J' in hostile.out + hostile.err


@pytest.mark.parametrize('form', ['json', 'yaml'])
@pytest.mark.parametrize(
    'name', ['audit', 'audit --replay --long', 'vcenter show', 'image audit']
)
def test_programs_get_it_exactly(run, tmp_path, name, form):
    done = run(*command(tmp_path, name, HOSTILE), '-f', form)
    cells = [
        cell
        for row in yaml.safe_load(done.out)
        for cell in row.values()
        if isinstance(cell, str)
    ]
    assert any(cell.endswith(HOSTILE) for cell in cells)


@pytest.mark.parametrize('quote', ['all', 'minimal', 'nonnumeric'])
@pytest.mark.parametrize('begin', [*'=+-@\t\r', '  =', '\uff1d'])
def test_no_spreadsheet_runs_a_cell(run, tmp_path, begin, quote):
    arguments = command(tmp_path, 'audit', '', begin)
    done = run(*arguments, '-f', 'csv', '--quote', quote)
    rows = list(csv.reader(io.StringIO(done.out), escapechar='\\'))
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if re.match(r'\s*[-=+@\uff1d]', cell)]
    names = [cell for cell in cells if cell.endswith('billing')]
    shown = printable(begin)
    quoted = "'" if shown == begin else ''
    assert names == [f'{quoted}{shown}billing']


def test_numbers_stay_numbers(run, tmp_path):
    done = run(
        *command(tmp_path, 'vcenter show', HOSTILE), '-f', 'csv', '--long'
    )
    rows = list(csv.DictReader(io.StringIO(done.out), escapechar='\\'))
    assert rows[0]['Memory MiB'].isdecimal()
    assert '"Memory MiB"' in done.out
    assert f',{rows[0]["Memory MiB"]},' in done.out


def test_names_of_all_languages_stay(run, tmp_path):
    end = '-Größe-生产-サーバー-عربي-e\u0301-\N{PENGUIN}'
    for form in PEOPLES:
        done = run(*command(tmp_path, 'audit', end), '-f', form)
        assert f'billing{end}' in done.out


def read_to_the_end(terminal):
    """Return what is written to a terminal until nobody has it open."""
    read = bytearray()
    while True:
        try:
            read += os.read(terminal, 65536)
        except OSError as error:
            # Linux says so, and not by an empty answer.
            assert error.errno == errno.EIO
            return bytes(read)


@pytest.mark.parametrize('name', ['audit', 'vcenter check', 'explain'])
def test_on_a_terminal(tmp_path, name):
    """A real one, as wide as usual, so that cells are broken into lines."""
    arguments = command(tmp_path, name, HOSTILE.replace('\x00', ''))
    upper, lower = pty.openpty()
    with open(tmp_path / 'said', 'wb') as said:
        process = subprocess.Popen(
            [*program.PROGRAM, *arguments, '-c', 'Evidence'],
            stdin=lower,
            stdout=lower,
            stderr=said,
            env={**os.environ, 'COLUMNS': '80'},
        )
    os.close(lower)
    shown = read_to_the_end(upper).decode()
    os.close(upper)
    process.wait()
    check(shown.replace('\r\n', '\n'))
    assert all(line[:1] in '|+ 01FNOWbn' for line in shown.splitlines())


def test_a_scenario(run, tmp_path):
    pytest.importorskip('nova')
    lines = []
    for end in (HARMLESS, HOSTILE):
        story = spoilt(stories.document(stories.boot('iso')), '', end, '')
        (boot,) = story['steps'][0]['do']
        boot['boot']['flavor'] += end
        for host in story['cloud']['hosts']:
            host['aggregates'] = [f'{a}{end}' for a in host['aggregates']]
        story['title'] = story['steps'][0]['title'] = f'title{end}'
        path = tmp_path / 'scenario.yaml'
        path.write_text(yaml.safe_dump(story))
        done = run('simulate', path, '--show', 'servers')
        assert done.code == 0, done.err
        check(done.out + done.err)
        lines.append(done.out.count('\n'))
    assert lines[0] == lines[1]
    assert r'title\x1b[2J' in done.out
    assert r'iso\x1b[2J' in done.out


@pytest.mark.parametrize('form', [*PEOPLES, 'shell'])
@pytest.mark.parametrize('action', ['inspect', 'upload'])
def test_the_name_of_a_file(run, tmp_path, action, form):
    skip_without('qemu-img')
    if (action, form) in (('inspect', 'shell'), ('upload', 'csv')):
        pytest.skip('has no such format')
    made = disk_files.vmdk(tmp_path, 'streamOptimized')
    lines = []
    for end in (HARMLESS, HOSTILE.replace('\x00', '')):
        path = made.with_name(f'a{end}.vmdk')
        made.rename(path)
        made = path
        arguments = ['image', action, path, '-f', form]
        if action == 'upload':
            arguments += ['--dry-run', '--property', f'a{end}=b{end}']
        done = run(*arguments)
        assert (done.code, done.err) == (0, '')
        check(done.out)
        lines.append(done.out.count('\n'))
    assert lines[0] == lines[1]
    assert r'\x1b' in done.out or (action, form) == ('inspect', form)


def test_no_shell_runs_a_value(run, tmp_path):
    skip_without('qemu-img')
    path = disk_files.vmdk(tmp_path, 'streamOptimized')
    trap = tmp_path / 'trap'
    value = f'"`touch {trap}`$(touch {trap})\\'
    done = run(
        *('image', 'upload', path, '--dry-run', '--name', value),
        *('-f', 'shell'),
    )
    shown = subprocess.run(
        ['sh', '-c', f'{done.out}\nprintf %s "$name"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == value
    assert not trap.exists()


# Lines to paste.


@pytest.mark.parametrize(
    'name',
    ['-x', '--resume', "it's", HOSTILE.replace('\x00', ''), 'x y', '$(x)'],
)
def test_a_line_to_paste_is_the_same_words(run, tmp_path, monkeypatch, name):
    skip_without('qemu-img')
    made = disk_files.vmdk(tmp_path, 'streamOptimized')
    monkeypatch.chdir(tmp_path)
    made.rename(f'{name}.vmdk')
    done = run(
        *('image', 'upload', f'./{name}.vmdk', '--dry-run'),
        f'--property={name}={name}',
    )
    assert done.code == 0, done.err
    check(done.out)
    _, shown, _ = done.out.split('\n\n', 2)
    pasted = subprocess.run(
        ['bash', '-c', f'openstack() {{ printf "%s\\0" "$@"; }}\n{shown}'],
        check=True,
        capture_output=True,
        env={**os.environ, 'LC_ALL': 'C.UTF-8'},
    )
    words = os.fsdecode(pasted.stdout).split('\0')[:-1]
    begun = name.startswith('-')
    file = f'./{name}.vmdk' if begun else f'{name}.vmdk'
    last = ['--', name] if begun else [name]
    assert words[-2 - len(last) :] == ['--file', file, *last]
    assert f'{name}={name}' in words[-5 - len(last)] + words[-3 - len(last)]


def test_a_prepared_disk_whose_name_begins_with_a_dash(
    run, tmp_path, monkeypatch
):
    skip_without('qemu-img')
    made = disk_files.vmdk(tmp_path, 'monolithicFlat')
    monkeypatch.chdir(tmp_path)
    done = run('image', 'prepare', made, '--', '-a.vmdk')
    assert done.code == 0, done.err
    (line,) = re.findall('Next: (.*)', done.out)
    assert shlex.split(line)[1:4] == ['image', 'upload', './-a.vmdk']
    uploaded = run(*shlex.split(line)[1:], '--dry-run')
    assert uploaded.code == 0, uploaded.err
    assert '--file ./-a.vmdk' in uploaded.out
