# SPDX-License-Identifier: Apache-2.0
"""Every exit code of every command, in both programs.

0: good; 1: the answer is bad; 2: the command line is wrong; 3: no answer. The
cloud that is named here refuses the password, so that whatever ends with 0 or
1 needs none.
"""

import importlib.metadata
import re
import socket

import pytest
import yaml

from tests import disk_files
from tests.installed import skip_without
from tests.unit.cli.ending.commands import CLOUD
from tests.unit.cli.ending.commands import EXAMPLES
from tests.unit.cli.ending.commands import SCENARIO
from tests.unit.cli.ending.commands import VCENTERS
from tests.unit.cli.ending.programs import PROGRAMS
from tests.unit.cloud.test_openstack import Cloud

SNAPSHOT = f'--snapshot {CLOUD}'
MISSING = '--snapshot {folder}/missing.json'
SERVER = '5b1a7d52-6a4e-4cbf-9d3c-0c1f7f7b1f01'
# Until a signal comes.
SERVING = ('decisions', 'exporter')
NO_DIRECTORY = '{folder}/missing/file'

# Arguments by command and code.
ROWS = {
    'audit': {
        0: [
            f'{SNAPSHOT} --fail-on never',
            f'{SNAPSHOT} --replay',
            f'{SNAPSHOT} --replay -c Name',
            f'{SNAPSHOT} --replay --nova-conf {{folder}}/strict --fail-on '
            'stays --only would_be_refused',
        ],
        1: [
            SNAPSHOT,
            f'{SNAPSHOT} --replay --fail-on would_go_elsewhere',
            f'{SNAPSHOT} --replay --nova-conf {{folder}}/strict',
        ],
        2: [
            f'{SNAPSHOT} -c Foo',
            f'{SNAPSHOT} -c Servers',
            f'{SNAPSHOT} --replay -c Severity',
            f'{SNAPSHOT} --replay -c Servers -c Name',
            f'{SNAPSHOT} --replay --only server_misplaced',
            f'{SNAPSHOT} --only stays',
            f'{SNAPSHOT} --fail-on server_misplaced,stays',
            f'{SNAPSHOT} --fail-on never,error',
            f'{SNAPSHOT} --fail-on never,foo',
            f'{SNAPSHOT} --only never',
            f'{SNAPSHOT} --nope',
        ],
        3: [MISSING, f'{SNAPSHOT} --nova-conf {{folder}}/missing', ''],
    },
    'classify': {
        0: [f'windows {SNAPSHOT}', '--file {folder}/image.yaml'],
        2: ['', f'windows {SNAPSHOT} -c Foo', f'windows --file x {SNAPSHOT}'],
        3: [f'nope {SNAPSHOT}', '--file {folder}/missing', 'windows'],
    },
    'decisions': {
        2: [
            '',
            '--topic x',
            '--transport-url fake:/ -f json',
            '--nova-conf x --transport-url',
        ],
        3: [
            '--nova-conf {folder}/missing',
            '--transport-url nope://x',
            f'--transport-url fake:/ --output {NO_DIRECTORY}',
        ],
    },
    'explain': {
        0: [f'windows medium {SNAPSHOT}'],
        1: [f'appliance medium {SNAPSHOT}'],
        2: [
            f'windows {SNAPSHOT}',
            f'--server a --volume {SNAPSHOT}',
            f'windows medium --rebuild a {SNAPSHOT}',
            f'windows medium {SNAPSHOT} -c Foo',
            f'windows medium {SNAPSHOT} --nope',
            f'windows medium --decisions x {SNAPSHOT}',
            f'--server {SERVER} --decisions x --counts',
        ],
        3: [
            f'--server {SERVER} --decisions {{folder}}/missing',
            f'nope medium {SNAPSHOT}',
            f'windows medium {SNAPSHOT} --html {NO_DIRECTORY}',
            f'windows medium --html {NO_DIRECTORY}',
            'windows medium',
        ],
    },
    'exporter': {
        2: [
            f'{SNAPSHOT} --listen nowhere',
            f'{SNAPSHOT} --vcenter-conf x',
            '--interval 0',
            f'{SNAPSHOT} --notifications',
            f'{SNAPSHOT} --pool x',
        ],
        3: [
            MISSING,
            f'{SNAPSHOT} --listen 127.0.0.1:{{port}}',
            f'{SNAPSHOT} --notifications --transport-url x:/',
        ],
    },
    'image audit': {
        0: [f'{SNAPSHOT} --fail-on never'],
        1: [f'--snapshot {EXAMPLES}/images.yaml'],
        2: [
            f'{SNAPSHOT} --yes',
            f'{SNAPSHOT} --apply',
            f'{SNAPSHOT} -c Foo',
            '--apply --yes -c Foo',
            f'{SNAPSHOT} --fail-on never,error',
        ],
        3: [MISSING, f'nope {SNAPSHOT}', ''],
    },
    'image inspect': {
        0: ['{folder}/disk.raw'],
        1: ['{folder}/flat.vmdk'],
        2: [
            '{folder}/disk.raw --os-version 9',
            '{folder}/disk.raw --os-distro beos',
            '{folder}/disk.raw --guest-id Ubuntu',
            '{folder}/disk.raw --vif-model virtio',
            '{folder}/disk.raw -c Foo',
            '',
        ],
        3: ['{folder}/missing.vmdk', 'missing', f'missing {SNAPSHOT}'],
    },
    'image prepare': {
        0: ['{folder}/disk.vmdk {folder}/made.vmdk'],
        2: [
            '{folder}/disk.raw -',
            '{folder}/disk.raw --type nope',
            '{folder}/disk.raw {folder}/made.vmdk -c Foo',
            '',
        ],
        3: [
            '{folder}/missing {folder}/made.vmdk',
            f'{{folder}}/disk.raw {NO_DIRECTORY}.vmdk',
        ],
    },
    'image upload': {
        0: ['{folder}/disk.raw --dry-run'],
        1: ['{folder}/flat.vmdk --dry-run', '{folder}/flat.vmdk'],
        2: [
            '{folder}/disk.raw --dry-run --resume x',
            '{folder}/disk.raw --property nope',
            '{folder}/disk.raw --guest-id Ubuntu',
            '{folder}/disk.raw -c Foo',
            '{folder}/disk.raw -c command',
            '',
        ],
        3: ['{folder}/missing --dry-run', '{folder}/disk.raw'],
    },
    'simulate': {
        0: [SCENARIO],
        1: ['{folder}/refused.yaml'],
        2: [
            f'{SCENARIO} --set nope',
            f'{SCENARIO} --plot x.nope',
            f'{SCENARIO} -c Foo',
            '',
        ],
        3: [
            '{folder}/missing.yaml',
            f'{SCENARIO} --plot {NO_DIRECTORY}.svg',
            '{folder}/of-a-cloud.yaml',
        ],
    },
    'snapshot save': {
        0: [f'{{folder}}/saved.json {SNAPSHOT}'],
        2: [
            f'{{folder}}/saved.json {SNAPSHOT} -c Foo',
            f'{{folder}}/saved.json {SNAPSHOT} --vcenter-conf x',
            '',
        ],
        3: [
            f'{{folder}}/saved.json {MISSING}',
            f'{NO_DIRECTORY} {SNAPSHOT}',
            NO_DIRECTORY,
            '{folder}/saved.json',
        ],
    },
    'snapshot show': {
        0: [str(CLOUD)],
        2: [f'{CLOUD} -c Foo', ''],
        3: ['{folder}/missing.json'],
    },
    'vcenter check': {
        0: [f'--snapshot {VCENTERS} --fail-on never'],
        1: [f'--snapshot {VCENTERS} --fail-on info'],
        2: [
            '',
            f'--snapshot {VCENTERS} --vcenter-conf x',
            f'--snapshot {VCENTERS} -c Foo',
            f'--snapshot {VCENTERS} --fail-on never,error',
        ],
        3: [MISSING, '--vcenter-conf {folder}/missing'],
    },
    'vcenter show': {
        0: [SNAPSHOT],
        1: [f'--snapshot {VCENTERS}'],
        2: ['', f'--snapshot {VCENTERS} -c Foo', '--of nope'],
        3: [MISSING, '--vcenter-conf {folder}/missing'],
    },
}

# Of no command of ours.
OTHERS = {0: ['audit --help'], 2: ['nope', 'image nope']}

# No host of the cloud has the only hypervisor that a flexible server may use.
STRICT = """\
[hypervisor_affinity]
preferred_hypervisors = hyperv
flexible_placement = strict
"""

FLAT = """\
# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicFlat"
RW 128 FLAT "disk.raw" 0
ddb.adapterType = "lsilogic"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a directory with what the rows name, and go there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'disk.raw').write_bytes(bytes(128 * 512))
    (tmp_path / 'flat.vmdk').write_text(FLAT)
    (tmp_path / 'strict').write_text(STRICT)
    (tmp_path / 'image.yaml').write_text('disk_format: vmdk\n')
    scenario = yaml.safe_load((tmp_path / 'scenario.yaml').read_text())
    scenario['steps'][0]['do'][0]['boot']['count'] = 100
    (tmp_path / 'refused.yaml').write_text(yaml.safe_dump(scenario))
    del scenario['cloud']
    (tmp_path / 'of-a-cloud.yaml').write_text(yaml.safe_dump(scenario))
    return tmp_path


@pytest.fixture
def port():
    """Return one that is taken."""
    with socket.create_server(('127.0.0.1', 0)) as taken:
        yield taken.getsockname()[1]


@pytest.fixture
def keystone(tmp_path, monkeypatch):
    """Return one that refuses all passwords, of the cloud that is named."""
    with Cloud() as cloud:
        cloud.refuses = True
        config = cloud.connect().config.config
        chosen = {name: config[name] for name in ('auth', 'auth_type')}
        path = tmp_path / 'clouds.yaml'
        path.write_text(yaml.safe_dump({'clouds': {'wrong': chosen}}))
        monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
        monkeypatch.setenv('OS_CLOUD', 'wrong')
        yield cloud


def rows():
    for command, by_code in ROWS.items():
        for code, given in by_code.items():
            for arguments in given:
                yield f'{command} {arguments}'.strip(), code
    for code, given in OTHERS.items():
        for arguments in given:
            yield arguments, code


def shown(value):
    return str(value).replace(str(EXAMPLES), 'examples')


PROGRAM = pytest.mark.parametrize(
    'program', PROGRAMS.values(), ids=PROGRAMS.keys()
)


@PROGRAM
@pytest.mark.parametrize(('arguments', 'code'), rows(), ids=shown)
def test_the_code(capsys, folder, port, keystone, program, arguments, code):
    """What can be answered, or is wrong, without a cloud asks none."""
    if '{folder}/disk.vmdk' in arguments:
        skip_without('qemu-img')
        made = disk_files.vmdk(folder, 'streamOptimized')
        made.rename(folder / 'disk.vmdk')
    words = arguments.format(folder=folder, port=port).split()
    done = program(capsys, *words)
    assert done.code == code, done.err
    assert 'Traceback' not in done.err
    assert 'unexpected' not in done.err
    if code >= 2:
        assert done.err or arguments in OTHERS[2]
        assert not (folder / 'saved.json').exists()
        assert not (folder / 'made.vmdk').exists()
    if code != 3:
        assert keystone.asked('/v3/auth/tokens') == []


def test_every_command_has_every_code_here():
    points = importlib.metadata.entry_points(group='hypervisor_affinity.cli')
    for point in points:
        codes = {2, 3} if point.name in SERVING else {0, 2, 3}
        if re.search(r'(?i)(ends with|status) 1\b', point.load().__doc__):
            codes.add(1)
        assert ROWS[point.name].keys() == codes, point.name
    assert ROWS.keys() == points.names


READING = {
    'audit': '',
    'classify': 'windows',
    'explain': 'windows medium',
    'image audit': '',
    'image inspect': 'windows',
    'image upload': '{folder}/disk.raw',
    'simulate': '{folder}/of-a-cloud.yaml',
    'snapshot save': '{folder}/saved.json',
}


@PROGRAM
@pytest.mark.parametrize('command', READING)
def test_a_wrong_password(capsys, folder, keystone, program, command):
    words = f'{command} {READING[command]}'.format(folder=folder).split()
    done = program(capsys, *words)
    assert done.code == 3, done.err
    line = done.err.splitlines()[-1]
    assert f'{command}: keystone refuses the credentials' in line
    assert keystone.asked('/v3/auth/tokens')


@PROGRAM
# The exporter asks again and again if a cloud refuses it.
@pytest.mark.parametrize('command', [*READING, 'exporter'])
def test_no_cloud(capsys, folder, program, command):
    words = f'{command} {READING.get(command, "")}'.format(
        folder=folder
    ).split()
    done = program(capsys, *words)
    assert done.code == 3, done.err
    assert 'no cloud to read: ' in done.err.splitlines()[-1]


def test_a_cloud_that_is_not_there(capsys, folder):
    """OpenStackClient looks for it before it looks for the command."""
    own, openstack = PROGRAMS.values()
    words = ('audit', *SNAPSHOT.split(), '--fail-on', 'never')
    assert own(capsys, '--os-cloud', 'nope', *words).code == 0
    assert own(capsys, '--os-cloud', 'nope', 'audit').code == 3
    assert openstack(capsys, '--os-cloud', 'nope', *words).code == 1
