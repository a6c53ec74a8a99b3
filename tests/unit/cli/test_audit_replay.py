# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity audit --replay``."""

import csv
import io

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from tests import reference_cloud
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import server

WRONG = Image(
    'wrong', 'i-wrong', 'active', 'qcow2', 'bare', {'hypervisor_type': 'esx'}
)
SERVERS = [
    server('a', QCOW2, 'kvm-1', project='red'),
    server('b', VMDK, 'kvm-1', project='red'),
    server('c', VMDK, 'kvm-2', project='red'),
    server('d', ISO, 'vc-1', project='blue'),
    server('e', WRONG, 'vc-1', project='blue'),
    server('f', ISO, None, project='blue'),
]


@pytest.fixture
def replay(run, cloud):
    """Return a function that runs the command on a cloud with every kind."""
    path = cloud(servers=SERVERS, images=[QCOW2, ISO, VMDK, WRONG])
    return lambda *arguments: run(
        'audit', '--replay', '--snapshot', path, *arguments
    )


def test_a_summary_by_kind_and_reason(replay):
    done = replay('-f', 'json')
    assert (done.code, done.err) == (1, '')
    assert done.json() == [
        {'Kind': kind, 'Reason': reason, 'Servers': n, 'From': a, 'To': b}
        for kind, reason, n, a, b in (
            ('would_be_refused', 'cannot_boot', 1, 'VMware', ''),
            ('would_go_elsewhere', 'other_hypervisor', 2, 'KVM', 'VMware'),
            ('other_hypervisor_first', 'not_preferred', 1, 'VMware', 'KVM'),
            ('stays', 'suitable', 1, 'KVM', 'KVM'),
            ('not_known', 'on_no_host', 1, '', ''),
        )
    ]


def test_the_reference_case(run, tmp_path):
    path = tmp_path / 'cloud.json'
    files.save(reference_cloud.read(), path)
    done = run('audit', '--replay', '--snapshot', path, '-f', 'value')
    assert done.code == 0
    assert done.out.splitlines() == [
        'would_go_elsewhere cannot_boot_here 180 VMware KVM',
        'other_hypervisor_first not_preferred 70 VMware KVM',
        'stays suitable 50 VMware VMware',
    ]


def test_long_lists_the_servers(replay):
    done = replay('--long', '-f', 'csv')
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row['Name'] for row in rows] == ['e', 'b', 'c', 'd', 'a', 'f']
    assert rows[0] == {
        'Kind': 'would_be_refused',
        'Reason': 'cannot_boot',
        'Name': 'e',
        'Host': 'vc-1',
        'From': 'VMware',
        'To': '',
        'ID': 's-e',
        'Project': 'blue',
        'Image': 'i-wrong',
        'Flavor': 'small',
        'Evidence': 'image needs VMware (hypervisor_type=esx), which cannot '
        'boot an image with disk_format=qcow2; hosts rejected: 3 cannot_boot',
        'Advice': ReplayCheck.WOULD_BE_REFUSED.advice,
    }


def test_a_column_of_servers_lists_them(replay):
    assert replay('-c', 'ID', '-f', 'value').out.split() == [
        f's-{name}' for name in 'ebcdaf'
    ]
    # As cliff reads a name.
    done = replay('-c', 'servers', '-f', 'value')
    assert done.out.split() == ['1', '2', '1', '1', '1']


def test_only_what_is_asked_for(replay):
    done = replay('--only', 'warning', '--long', '-f', 'json')
    assert [row['Name'] for row in done.json()] == ['e']
    kinds = 'stays,not_known'
    done = replay('--only', kinds, '-f', 'json')
    assert [row['Kind'] for row in done.json()] == kinds.split(',')
    assert done.code == 0
    done = replay('--project', 'red', '-f', 'json')
    assert sum(row['Servers'] for row in done.json()) == 3
    done = replay('--host', 'vc-1', '-c', 'Name', '-f', 'value')
    assert done.out.split() == ['e', 'd']


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        ((), 1),
        (('--fail-on', 'would_be_refused'), 1),
        (('--fail-on', 'error'), 0),
        (('--fail-on', 'never'), 0),
        (('--fail-on', 'info', '--only', 'stays'), 1),
        (('--only', 'would_go_elsewhere'), 0),
    ],
)
def test_it_ends_as_it_was_told(replay, arguments, code):
    done = replay(*arguments)
    assert (done.code, done.err) == (code, '')


def test_counts_are_there_for_each_kind(replay):
    done = replay('--counts', '-f', 'value', '--only', 'info')
    assert done.code == 1
    assert done.out.splitlines() == [
        'would_be_refused warning 1',
        'would_go_elsewhere info 2',
        'other_hypervisor_first info 1',
        'stays info 1',
        'not_known info 1',
    ]


def test_kinds_are_listed_without_a_cloud(run):
    done = run('audit', '--replay', '--list-checks', '-f', 'json', '--long')
    assert (done.code, done.err) == (0, '')
    assert [row['Check'] for row in done.json()] == list(ReplayCheck)
    assert all(row['Meaning'] and row['Advice'] for row in done.json())


def test_kinds_and_checks_are_not_mixed(replay, run):
    done = replay('--only', 'server_misplaced')
    assert (done.code, done.out) == (2, '')
    assert done.err == (
        "audit: 'server_misplaced' is not checked by this command line; "
        '--list-checks lists what is\n'
    )
    done = run('audit', '--fail-on', 'warning,stays')
    assert done.code == 2
    assert "'stays' is not checked" in done.err
    done = run('audit', '--replay', '--only', 'stay')
    assert "did you mean 'stays'?" in done.err


def test_a_table_fits_a_terminal_and_says_where_the_rest_is(replay):
    done = replay()
    assert max(map(len, done.out.splitlines())) <= 80
    assert 'Use --long to see each server' in done.out
    assert 'Use --long' not in replay('--long').out
    assert done.out.startswith('As if all servers were booted again ')


def test_misspelt_options_are_said_beside_the_answer(replay, tmp_path):
    path = tmp_path / 'nova.conf'
    path.write_text('[hypervisor_affinity]\nvmdk_image = flexible\n')
    done = replay('--nova-conf', path, '-f', 'json')
    assert done.json()
    assert "did you mean 'vmdk_images'?" in done.err


def test_an_empty_cloud(run, tmp_path):
    path = tmp_path / 'cloud.yaml'
    path.write_text('format: hypervisor-affinity-snapshot\nversion: 1\n')
    for arguments in ((), ('--long',)):
        arguments = (*arguments, '-f', 'json')
        done = run('audit', '--replay', '--snapshot', path, *arguments)
        assert (done.code, done.json()) == (0, [])
