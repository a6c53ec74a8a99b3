# SPDX-License-Identifier: Apache-2.0
"""No password in anything that any command or program writes.

The commands are those that are installed, their arguments those that they
have, so that a new one is looked at by itself.
"""

import importlib.metadata
import os
import pathlib
import subprocess
import sys
import urllib.request

import openstack.config
import pytest
import yaml
from openstack import connection

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.openstack import CloudSource
from testbed.processes import polling
from testbed.processes import ports
from tests import cloud_of_records as records
from tests.unit.cli import program
from tests.unit.cli.program import Run
from tests.unit.secrecy import places
from tests.unit.simulation import stories

COMMANDS = {
    point.name: point.load()
    for point in importlib.metadata.entry_points(
        group='hypervisor_affinity.cli'
    )
}
# They end by a signal only, unless they have nothing to begin with.
SERVES = ('decisions', 'exporter')
LOUD = ('-vvv', '--debug')


def options_of(command):
    parser = COMMANDS[command](None, None).get_parser(command)
    return {
        name
        for action in parser._actions
        for name in action.option_strings
        if name.startswith('--')
    }


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return the current folder, with all that arguments may name."""
    for name in list(os.environ):
        if name.startswith('OS_'):
            monkeypatch.delenv(name)
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    files.save(records.both(), tmp_path / 'cloud.json')
    story = stories.document(stories.boot('iso'))
    (tmp_path / 'story.yaml').write_text(yaml.safe_dump(story))
    (tmp_path / 'disk').write_bytes(bytes(2**20))
    return tmp_path


# By the name of an argument, unless the command has others.
ARGUMENTS = {
    'disk': 'disk',
    'file': 'cloud.json',
    'flavor': 'small',
    'image': 'vmdk',
    'images': 'vmdk',
    'scenario': 'story.yaml',
    'source': 'disk',
    'target': 'target.vmdk',
}
OTHERS = {
    ('image upload', 'file'): 'disk',
    ('snapshot save', 'file'): 'saved.json',
}


def positionals(command):
    parser = COMMANDS[command](None, None).get_parser(command)
    return [
        OTHERS.get((command, action.dest)) or ARGUMENTS[action.dest]
        for action in parser._actions
        if not action.option_strings
    ]


def check(folder, known, *texts):
    """Fail if a marker is in a text or in a file that was not there."""
    written = [
        path.read_text('latin-1')
        for path in folder.rglob('*')
        if path.is_file() and path not in known
    ]
    for text in (*texts, *written):
        at = text.find(places.MARKER)
        assert at < 0, text[max(at - 500, 0) : at + 200]


@pytest.fixture
def run(capsys, folder):
    """Return a function that runs a command, and looks at all it writes."""

    def run(command, *options, before=()):
        known = set(folder.rglob('*'))
        done = Run(
            capsys,
            *(*before, *command.split(), *options, *positionals(command)),
        )
        check(folder, known, done.out, done.err)
        return done

    return run


def with_files(name):
    return [command for command in COMMANDS if name in options_of(command)]


# Those that each reader of a nova.conf stumbles over.
FATAL = {
    'no sign',
    'an URL without a sign',
    'no end of a section',
    'no name',
    'no text',
    'a value that goes on',
    'a list that goes on',
    'a reference',
}
# One of each kind, for what takes seconds to start.
KINDS = (
    'none',
    'no sign',
    'no text',
    'a value that goes on',
    'an option of the command line that goes on',
    'a filter that goes on',
    'a reference',
)


# And those that also who reads no option of ours stumbles over.
UNREADABLE = FATAL - {
    'a value that goes on',
    'a list that goes on',
    'a reference',
}


def _fatal(command):
    return UNREADABLE if command == 'decisions' else FATAL


def faults_of(option):
    """Yield each command with such a file, and what may be wrong with it."""
    for command in COMMANDS:
        if option not in options_of(command):
            continue
        for fault in KINDS if command == 'simulate' else places.CONF_FAULTS:
            if command not in SERVES or fault in _fatal(command):
                yield command, fault


@pytest.mark.parametrize(('command', 'fault'), faults_of('--nova-conf'))
def test_nova_conf(run, folder, command, fault):
    conf = places.write_conf(folder / 'nova.conf', fault)
    options = ['--nova-conf', conf]
    if '--snapshot' in options_of(command):
        options += ['--snapshot', 'cloud.json']
    done = run(command, *options, before=LOUD)
    assert done.code == 3 or fault not in _fatal(command)


@pytest.mark.parametrize(('command', 'fault'), faults_of('--vcenter-conf'))
def test_vcenter_conf(run, folder, command, fault):
    conf = places.write_conf(folder / 'nova.conf', fault)
    done = run(command, '--vcenter-conf', conf, before=LOUD)
    assert done.code in (1, 3)
    if fault in FATAL - {'a list that goes on'}:
        assert str(conf) in done.err


@pytest.mark.parametrize('fault', places.CONF_FAULTS)
def test_files_without_debugging(run, folder, fault):
    conf = places.write_conf(folder / 'nova.conf', fault)
    run('classify', '--nova-conf', conf, '--snapshot', 'cloud.json')
    run('vcenter check', '--nova-conf', conf, '--vcenter-conf', conf)


@pytest.fixture(scope='module')
def port():
    with places.cloud() as port:
        yield port


@pytest.mark.parametrize('fault', places.CLOUD_FAULTS)
@pytest.mark.parametrize('command', [c for c in COMMANDS if c not in SERVES])
def test_cloud(run, folder, monkeypatch, port, command, fault):
    # Of no cloud of its own.
    story = stories.document(stories.boot('iso'), cloud={})
    (folder / 'story.yaml').write_text(yaml.safe_dump(story))
    for name, value in places.CLOUD_FAULTS[fault].items():
        monkeypatch.setenv(name, value.format(port=port))
    run(command, before=LOUD)


@pytest.mark.parametrize('fault', places.CLOUD_FAULTS)
def test_cloud_without_debugging(run, monkeypatch, port, fault):
    for name, value in places.CLOUD_FAULTS[fault].items():
        monkeypatch.setenv(name, value.format(port=port))
    assert run('audit').code == 3


@pytest.mark.parametrize('fault', places.CLOUD_FAULTS)
def test_what_a_snapshot_is_taken_from(monkeypatch, port, fault):
    for name, value in places.CLOUD_FAULTS[fault].items():
        monkeypatch.setenv(name, value.format(port=port))
    config = openstack.config.OpenStackConfig().get_one()
    source = CloudSource(connection.Connection(config=config))
    assert '127.0.0.1:' in source.taken_from
    assert places.MARKER not in source.taken_from + source.name


@pytest.mark.parametrize('fault', places.CLOUDS_YAML_FAULTS)
def test_clouds_yaml(folder, fault):
    path = places.write_clouds_yaml(folder / 'clouds.yaml', fault)
    known = set(folder.rglob('*'))
    # In a process of its own: it is read before there is a log.
    done = subprocess.run(
        [*program.PROGRAM, '--os-cloud', 'mine', *LOUD, 'audit'],
        env={**os.environ, 'PYTHONPATH': ':'.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    check(folder, {*known, path}, done.stdout, done.stderr)


def test_the_exporter(folder, port):
    conf = places.write_conf(folder / 'nova.conf', 'none')
    known = set(folder.rglob('*'))
    (listening,) = ports.free(1)
    fault = places.CLOUD_FAULTS['an API that fails']
    process = program.start(
        *(*program.PROGRAM, *LOUD, '--log-file', 'log', 'exporter'),
        *('--listen', f'127.0.0.1:{listening}'),
        *('--nova-conf', conf, '--vcenter-conf', conf),
        env={
            **os.environ,
            **{name: value.format(port=port) for name, value in fault.items()},
            'PYTHONPATH': ':'.join(sys.path),
        },
        cwd=folder,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def failed():
        try:
            with opener.open(f'http://127.0.0.1:{listening}/metrics') as page:
                text = page.read().decode()
        except OSError:
            return None
        counts = [
            line.endswith(' 1.0')
            for line in text.splitlines()
            if line.startswith('hypervisor_affinity_read_errors_total')
        ]
        return text if counts == [True, True] else None

    try:
        page = polling.until(failed, 'two failed readings')
        command = pathlib.Path(f'/proc/{process.pid}/cmdline').read_text()
        process.terminate()
        out, err = process.communicate()
    finally:
        process.kill()
    assert 'see whether' in err
    check(folder, known, page, command, out, err)


@pytest.mark.parametrize('loud', [(), LOUD])
def test_decisions(folder, loud):
    conf = places.write_conf(folder / 'nova.conf', 'none')
    known = set(folder.rglob('*'))
    process = program.start(
        *(*program.PROGRAM, *loud, '--log-file', 'log', 'decisions'),
        *('--nova-conf', conf),
        env={**os.environ, 'PYTHONPATH': ':'.join(sys.path)},
        cwd=folder,
    )
    try:
        lines = []
        while not lines or 'no connection' not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
        process.terminate()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    check(folder, known, out, err, *lines)


PROGRAMS = {
    'hypervisor-affinity-fake-compute': (
        'hypervisor_affinity.fake_compute.program',
        (),
    ),
    'hypervisor-affinity-status': (
        'hypervisor_affinity.status.program',
        ('upgrade', 'check'),
    ),
}


def test_every_program_is_looked_at():
    points = importlib.metadata.distribution(
        'hypervisor-affinity'
    ).entry_points
    scripts = points.select(group='console_scripts').names
    assert scripts == {'hypervisor-affinity', *PROGRAMS}


# nova-compute itself says the rest, and would wait for its broker.
@pytest.mark.parametrize(
    ('name', 'fault'),
    [
        ('hypervisor-affinity-fake-compute', 'no sign'),
        *(('hypervisor-affinity-status', fault) for fault in KINDS),
    ],
)
def test_program(folder, name, fault):
    conf = places.write_conf(folder / 'nova.conf', fault)
    known = set(folder.rglob('*'))
    module, arguments = PROGRAMS[name]
    done = subprocess.run(
        [sys.executable, '-m', module, f'--config-file={conf}', *arguments],
        env={**os.environ, 'PYTHONPATH': ':'.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    # A table breaks words that are long.
    check(folder, known, done.stdout, done.stderr)
    check(folder, known, ''.join(done.stdout.replace('|', '').split()))
