# SPDX-License-Identifier: Apache-2.0
"""``explain --decisions``."""

import pytest

from hypervisor_affinity.cloud import files
from tests import cloud_of_records
from tests import decision_records as records
from tests.cloud_of_records import both


@pytest.fixture
def save(tmp_path):
    """Save lines; return the path."""

    def save(*lines):
        path = tmp_path / 'decisions.jsonl'
        path.write_bytes(b''.join(line + b'\n' for line in lines))
        return path

    return save


@pytest.fixture
def explain(run):
    """Run it: ``explain(path, argument...)``."""

    def explain(path, *arguments, server=records.SERVER):
        return run(
            'explain', '--server', server, '--decisions', path, *arguments
        )

    return explain


OLD = records.line('m1', decided_at='2026-12-01T09:00:00+00:00')
NEW = records.line(
    'm2',
    decided_at='2026-12-01T10:00:00+00:00',
    outcome='passed',
    reason='suitable',
    hosts={'suitable': 1, 'other_hypervisor': 1},
    kind='move',
    look_up='found',
)


def test_newest_last(explain, save):
    done = explain(save(NEW, OLD))
    assert (done.code, done.err) == (0, '')
    lines = done.out.splitlines()
    assert lines[:3] == [
        f'server {records.SERVER}: decided 2 times; the newest:',
        '  image needs VMware (disk_format=vmdk)',
        '  hosts: 1 suitable, 1 other_hypervisor',
    ]
    assert lines[3].startswith('  options: mode=enforce, preferred_hyper')
    assert 'preferred_hypervisors=kvm,vmware, flex' in lines[3]
    assert 'tell_user=true' in lines[3]
    rows = [line.split()[1] for line in lines if line.startswith('| 2026')]
    assert rows == ['2026-12-01T09:00:00+00:00', '2026-12-01T10:00:00+00:00']


def test_a_refusal_is_a_bad_answer(explain, save):
    assert explain(save(OLD)).code == 1
    assert explain(save(NEW, OLD)).code == 0
    observed = records.line(outcome='would_be_refused', passed=2)
    assert explain(save(observed)).code == 0


def test_all_columns_for_programs(explain, save):
    done = explain(save(NEW), '-f', 'json', '--long')
    (row,) = done.json()
    options = row.pop('Options')
    assert options['mode'] == 'enforce'
    assert row == {
        'Decided at': '2026-12-01T10:00:00+00:00',
        'Scheduler': records.SCHEDULER,
        'Kind': 'move',
        'Outcome': 'passed',
        'Reason': 'suitable',
        'Demand': 'image needs VMware (disk_format=vmdk)',
        'Signs': ['image disk_format=vmdk'],
        'Hosts': {'suitable': 1, 'other_hypervisor': 1},
        'Passed': 0,
        'Modes': ['enforce'],
        'Order': ['vmware'],
        'First left': False,
        'Look-up': 'found',
        'Project': 'p1',
        'Request': 'req-1',
    }


@pytest.mark.parametrize('formatter', ['csv', 'value', 'yaml', 'table'])
def test_every_format(explain, save, formatter):
    done = explain(save(NEW), '-f', formatter, '--long')
    assert done.code == 0
    assert 'kvm' in done.out


def test_what_was_written_by_others_is_printable(explain, save):
    demand = {**records.payload()['demand'], 'text': '\x1b[2J\n\u202e'}
    done = explain(
        save(
            records.line(
                scheduler='\x1b[2J',
                project='\u202e',
                demand=demand,
                options={'\x1b': '\x1b'},
            ),
            b'{"version": "1.0", "\x1b": 7',
        ),
        '--long',
    )
    for text in (done.out, done.err):
        assert all(line.isprintable() for line in text.splitlines())


def test_lines_that_are_no_records(explain, save):
    path = save(NEW, b'x', records.line(version='2.0'), *[b'y'] * 20)
    done = explain(path)
    assert done.code == 0
    lines = done.err.splitlines()
    assert lines[0].startswith(f'explain: {path}: line 2: JSON is malformed')
    assert lines[1] == (
        f'explain: {path}: line 3: it is of version 2.0; this release reads '
        '1.x'
    )
    assert lines[-1] == 'explain: 12 more lines are no records'


def test_no_record_of_the_server(explain, save):
    path = save(NEW)
    done = explain(path, server=records.OTHER)
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        f'explain: {path}: no record of server {records.OTHER}\n'
    )


def test_a_file_that_cannot_be_read(explain, tmp_path):
    done = explain(tmp_path / 'none')
    assert (done.code, done.out) == (3, '')
    assert done.err == (
        f'explain: {tmp_path}/none: No such file or directory\n'
    )
    assert explain(tmp_path).err == (f'explain: {tmp_path}: Is a directory\n')


def test_another_way_to_write_the_id(explain, save):
    server = records.SERVER.upper().replace('-', '')
    assert explain(save(NEW), server=server).code == 0


def test_a_name_is_looked_up(explain, save, tmp_path):
    server = cloud_of_records.server('web', cloud_of_records.VMDK, 'vc')
    path = tmp_path / 'cloud.json'
    files.save(both(servers=[server]), path)
    line = records.line(server=server.id)
    done = explain(save(line), '--snapshot', path, server='web')
    assert f'server {server.id}: decided once' in done.out
    done = explain(save(line), '--snapshot', path, server='nope')
    assert done.code == 3
    assert "no server 'nope'" in done.err


def test_a_name_without_a_cloud(explain, save):
    done = explain(save(NEW), server='web')
    assert done.code == 3
    assert done.err.endswith(
        'or give the id of the server instead of its name\n'
    )


@pytest.mark.parametrize(
    'arguments',
    [
        ['--counts'],
        ['--host', 'a'],
        ['--html', 'x'],
        ['--project', 'p'],
        ['--rebuild', 'i'],
        ['--volume'],
        ['-c', 'Host'],
        ['image', 'flavor'],
    ],
)
def test_what_does_not_go_together(explain, save, arguments):
    done = explain(save(NEW), *arguments)
    assert (done.code, done.out) == (2, '')


def test_it_needs_a_server(run, save):
    done = run('explain', '--decisions', save(NEW))
    assert done.code == 2
    assert '--decisions needs --server' in done.err
