# SPDX-License-Identifier: Apache-2.0
"""``vcenter check``, and what the commands of vCenters have in common."""

import csv
import importlib.util
import io
import json
import pathlib
import tempfile

import msgspec
import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests import cloud_of_records
from tests import vcenter_records as records
from tests.vcenter_records import cluster
from tests.vcenter_records import hosts
from tests.vcenter_records import nova
from tests.vcenter_records import server
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms

EXAMPLE = (
    pathlib.Path(__file__).parents[3] / 'doc/source/cli/examples/vcenter.yaml'
)
PASSWORD = 's3cret'
VIEWS = ('clusters', 'hosts', 'networks', 'datastores')


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a cloud, and returns its file."""

    def save(source, name='cloud.json'):
        path = tmp_path / name
        files.save(source, path)
        return path

    return save


@pytest.fixture
def in_order(save):
    return save(records.cloud(servers=[server(1, nova())], vcenters=[RUNNING]))


@pytest.fixture
def wrong(save):
    """An error, a warning and an info."""
    found = cluster(drs='manual', ha=False, hosts=hosts({'adapters': ONE}))
    return save(records.cloud(vcenters=[vcenter(found)]))


@pytest.fixture
def conf(tmp_path):
    """Return a function that writes the file of a nova-compute."""

    def write(text, name='nova.conf'):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


ONE = {'vmk0': ('management', 'vmotion')}
RUNNING = vcenter(cluster(vms=vms(1), other_vms=2))
ACCESS = (
    '[vmware]\nhost_ip = 127.0.0.1\nhost_port = 1\nhost_username = nova\n'
    f'host_password = {PASSWORD}\n'
)


def test_a_cloud_in_order(run, in_order):
    done = run('vcenter', 'check', '--snapshot', in_order)
    assert (done.code, done.err) == (0, '')
    assert done.out.startswith('Found: nothing\n')


def test_the_worst_comes_first(run, wrong):
    done = run('vcenter', 'check', '--snapshot', wrong, '-f', 'json', '--long')
    assert (done.code, done.err) == (1, '')
    rows = done.json()
    assert [
        (row['Severity'], row['Check'], row['Cluster'], row['Subject'])
        for row in rows
    ] == [
        ('error', 'drs_manual', 'production', ''),
        ('warning', 'ha_off', 'production', ''),
        ('info', 'storage_network_shared', 'production', 'esxi-3'),
    ]
    assert rows[0] == {
        'Severity': 'error',
        'Check': 'drs_manual',
        'Where': 'vcenter.example.org, production',
        'vCenter': 'vcenter.example.org',
        'Cluster': 'production',
        'Subject': '',
        'Evidence': 'DRS is manual',
        'Advice': 'set DRS to Fully Automated',
        'Command': '',
    }


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        ((), 1),
        (('--fail-on', 'error'), 1),
        (('--fail-on', 'never'), 0),
        (('--fail-on', 'storage_network_shared'), 1),
        (('--fail-on', 'drs_off,server_without_vm'), 0),
        (('--only', 'storage_network_shared'), 0),
        (('--only', 'storage_network_shared', '--fail-on', 'info'), 1),
        (('--only', 'ha_off', '--fail-on', 'error'), 0),
        (('--only', 'drs_off'), 0),
    ],
)
def test_it_ends_as_it_was_told(run, wrong, arguments, code):
    done = run('vcenter', 'check', '--snapshot', wrong, *arguments)
    assert (done.code, done.err) == (code, '')


def test_only_leaves_out_the_rest(run, wrong):
    done = run(
        *('vcenter', 'check', '--snapshot', wrong, '--only', 'ha_off'),
        *('-f', 'value', '-c', 'Check'),
    )
    assert done.out == 'ha_off\n'


def test_counts_have_what_is_not_there_too(run, wrong):
    done = run(
        *('vcenter', 'check', '--snapshot', wrong, '--counts', '-f', 'csv')
    )
    assert done.code == 1
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row['Check'] for row in rows] == [
        check.value for check in VCenterCheck
    ]
    assert {
        r['Check']: r['Findings'] for r in rows if r['Findings'] != '0'
    } == {'drs_manual': '1', 'ha_off': '1', 'storage_network_shared': '1'}


@pytest.mark.parametrize(
    'arguments',
    [
        ('check', '--fail-on', 'errors'),
        # It is an audit's.
        ('check', '--only', 'server_misplaced'),
        ('show', '--of', 'disks'),
        ('show', '--counts'),
        ('check', '--vcenter-conf'),
    ],
)
def test_what_it_does_not_know(run, wrong, arguments):
    done = run('vcenter', *arguments, '--snapshot', wrong)
    assert (done.code, done.out) == (2, '')
    assert 'Traceback' not in done.err


@pytest.mark.parametrize('output', ['table', 'json', 'yaml', 'csv', 'value'])
@pytest.mark.parametrize(
    'command',
    [
        ('check', '--fail-on', 'never'),
        ('check', '--counts', '--fail-on', 'never'),
        *(('show', '--of', view) for view in VIEWS),
    ],
    ids=' '.join,
)
def test_every_command_in_every_format(run, wrong, command, output):
    done = run('vcenter', *command, '--snapshot', wrong, '-f', output)
    assert (done.code, done.err) == (0, '')
    assert done.out
    if output in ('json', 'yaml'):
        assert yaml.safe_load(done.out)


@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
def test_a_snapshot_keeps_vcenters(run, tmp_path, suffix):
    # There is each field in it that a record has.
    copy, back = tmp_path / f'copy{suffix}', tmp_path / 'back.json'
    done = run('snapshot', 'save', copy, '--snapshot', EXAMPLE, '-f', 'json')
    assert done.code == 0
    assert {'Section': 'vcenters', 'Elements': 2} in done.json()
    assert run('snapshot', 'save', back, '--snapshot', copy).code == 0
    kept = [
        list(files.FileSource(path).vcenters())
        for path in (EXAMPLE, copy, back)
    ]
    assert kept[0] == kept[1] == kept[2]
    done = run('snapshot', 'show', copy, '-f', 'value')
    assert 'vcenters readable 1\nvcenters unreadable 1\n' in done.out


def test_a_snapshot_without_vcenters(run, save):
    path = save(records.cloud(vcenters=[]))
    assert 'vcenters": [\n]' in path.read_text()
    document = json.loads(path.read_text())
    del document['vcenters']
    path.write_text(json.dumps(document))
    done = run('vcenter', 'check', '--snapshot', path, '-f', 'json', '--long')
    # As nova knows it, there is one, which was not looked at.
    assert [row['Check'] for row in done.json()] == ['compute_not_checked']
    assert done.code == 0
    done = run('vcenter', 'show', '--snapshot', path, '-f', 'json')
    assert (done.code, done.json()) == (0, [])
    assert run('audit', '--snapshot', path).code == 0


@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda found: found['clusters'][1].update(drs='sometimes'),
            "at $.vcenters[0].clusters[1].drs: Invalid enum value 'sometimes'",
        ),
        (
            lambda found: found['clusters'][0]['hosts'][2].update(
                memory_mb=-1
            ),
            'at $.vcenters[0].clusters[0].hosts[2].memory_mb: Expected',
        ),
        (
            lambda found: found['clusters'][0].update(vms={'s-1': 1}),
            "at $.vcenters[0].clusters[0].vms['s-1']: Expected `str`",
        ),
        (
            lambda found: found.update(password='x'),
            'at $.vcenters[0]: Object contains unknown field `password`',
        ),
        (
            lambda found: found['computes'][0].pop('file'),
            'at $.vcenters[0].computes[0]: Object missing required field',
        ),
    ],
)
def test_a_wrong_element_is_named(run, tmp_path, suffix, change, message):
    found = msgspec.to_builtins(
        vcenter(cluster(hosts=hosts()), cluster(id='domain-c9', name='b'))
    )
    change(found)
    document = {
        'format': 'hypervisor-affinity-snapshot',
        'version': 1,
        'vcenters': [found],
    }
    path = tmp_path / f'wrong{suffix}'
    path.write_text(json.dumps(document))
    if suffix == '.yaml':
        message = message.replace(': ', ' (line 1): ', 1)
    for command in ('check', 'show'):
        done = run('vcenter', command, '--snapshot', path)
        assert (done.code, done.out) == (3, '')
        assert message in done.err
        assert done.err.count('\n') == 1


@pytest.mark.parametrize('command', ['check', 'show'])
def test_neither_a_file_nor_a_snapshot(run, command):
    done = run('vcenter', command)
    assert (done.code, done.out) == (2, '')
    assert '--vcenter-conf' in done.err
    assert '--snapshot' in done.err


@pytest.mark.parametrize(
    'command',
    [
        ('vcenter', 'check'),
        ('vcenter', 'show'),
        ('snapshot', 'save', 'copy.json'),
    ],
    ids=' '.join,
)
def test_a_snapshot_and_files(run, in_order, conf, command):
    done = run(
        *(*command, '--snapshot', in_order, '--vcenter-conf', conf(ACCESS))
    )
    assert (done.code, done.out) == (2, '')
    assert '--vcenter-conf cannot be combined' in done.err


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        pytest.param(None, 'no such file', id='none'),
        pytest.param(
            f'[vmware]\nhost_password\n{PASSWORD}\n', 'line 2', id='no option'
        ),
        pytest.param('[DEFAULT]\n', 'host_ip is not set in', id='empty'),
        pytest.param(
            ACCESS.replace('host_username = nova\n', ''),
            'host_username is not set in',
            id='no user',
        ),
        pytest.param(
            f'{ACCESS}insecure = {PASSWORD}\n',
            '[vmware] insecure cannot be read',
            id='no value',
        ),
        pytest.param(
            f'{ACCESS}datastore_regex = shared-(\n',
            "datastore_regex 'shared-(' is not a regular expression",
            id='no expression',
        ),
        pytest.param(
            f'{ACCESS}datastore_regex = a{{99999999999}}\n',
            "datastore_regex 'a{99999999999}' is not a regular expression",
            id='too many times',
        ),
        pytest.param(
            f'{ACCESS}datastore_regex = {"(" * 5000}\n',
            ' is not a regular expression',
            id='too deep',
        ),
    ],
)
def test_a_file_that_cannot_be_read(run, conf, tmp_path, text, message):
    path = tmp_path / 'nova.conf' if text is None else conf(text)
    for command in ('check', 'show'):
        done = run('vcenter', command, '--vcenter-conf', path)
        assert (done.code, done.out) == (3, '')
        assert f'{path}: ' in done.err
        assert message in done.err
        assert done.err.count('\n') == 1
        assert PASSWORD not in done.err


@pytest.fixture
def no_cloud(monkeypatch, tmp_path):
    for name in ('OS_CLOUD', 'OS_AUTH_URL', 'OS_CLIENT_CONFIG_FILE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))


@pytest.mark.parametrize('command', ['show', 'check'])
def test_a_file_that_everybody_may_read(run, conf, no_cloud, command):
    with tempfile.TemporaryDirectory(dir='/tmp') as folder:
        pathlib.Path(folder).chmod(0o755)
        path = pathlib.Path(folder, 'nova.conf')
        path.write_text(pathlib.Path(conf(ACCESS)).read_text())
        path.chmod(0o644)
        done = run('vcenter', command, '--vcenter-conf', path)
        line = (
            f'vcenter {command}: {path}: every user of this machine can read '
            'the vCenter password in it; run chmod o-rwx on it'
        )
        # The other has it among its findings.
        assert (line in done.err.splitlines()) == (command == 'show')
        path.chmod(0o640)
        assert line not in run('vcenter', command, '--vcenter-conf', path).err


def test_a_cloud_that_nobody_has_named(run, conf, no_cloud):
    done = run('vcenter', 'check', '--vcenter-conf', conf(ACCESS))
    assert (done.code, done.out) == (3, '')
    assert '--os-cloud' in done.err
    assert PASSWORD not in done.err


@pytest.fixture
def without(monkeypatch):
    """Return a function that takes a module away."""

    def take(name):
        real = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util,
            'find_spec',
            lambda asked, *rest: None if asked == name else real(asked, *rest),
        )

    return take


def test_without_pyvmomi(run, conf, in_order, without):
    without('pyVmomi')
    done = run('vcenter', 'check', '--vcenter-conf', conf(ACCESS))
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        'vcenter check: pyVmomi, which reads vCenter, is not installed: pip '
        "install 'hypervisor-affinity[vsphere]'\n"
    )
    # A snapshot needs none of it.
    assert run('vcenter', 'check', '--snapshot', in_order).code == 0


def test_without_vcenters_a_cloud_needs_no_pyvmomi(run, tmp_path, without):
    without('pyVmomi')
    path = tmp_path / 'cloud.json'
    files.save(cloud_of_records.both(), path)
    assert run('audit', '--snapshot', path, '--only', 'error').code == 0
