# SPDX-License-Identifier: Apache-2.0
"""The commands as an operator types them."""

import argparse
import csv
import importlib.metadata
import io

import pytest
import yaml

from hypervisor_affinity.cli import application
from hypervisor_affinity.cloud import files
from hypervisor_affinity.operations.audit import CloudCheck
from tests.cloud_of_records import ISO
from tests.cloud_of_records import VMDK
from tests.cloud_of_records import server


@pytest.fixture
def wrong_cloud(cloud):
    return cloud(
        servers=[server('a', VMDK, 'kvm-1'), server('b', ISO, 'vc-1')]
    )


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        ((), 1),
        (('--fail-on', 'error'), 1),
        (('--fail-on', 'never'), 0),
        (('--fail-on', 'server_not_preferred'), 1),
        (('--fail-on', 'image_drifted,host_untagged'), 0),
        (('--only', 'host_untagged'), 0),
        (('--only', 'server_not_preferred', '--fail-on', 'error'), 0),
    ],
)
def test_audit_ends_as_it_was_told(run, wrong_cloud, arguments, code):
    done = run('audit', '--snapshot', wrong_cloud, *arguments)
    assert (done.code, done.err) == (code, '')


def test_audit_of_a_cloud_in_order(run, cloud):
    done = run('audit', '--snapshot', cloud())
    assert done.code == 0
    assert done.out.startswith('Found: nothing\n')


def test_audit_shows_the_worst_first(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '-f', 'json')
    assert [
        (row['Severity'], row['Check'], row['Name']) for row in done.json()
    ] == [
        ('error', 'server_misplaced', 'a'),
        ('warning', 'server_not_preferred', 'b'),
    ]


def test_audit_counts_what_is_not_there_too(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '--counts', '-f', 'csv')
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row['Check'] for row in rows} == set(CloudCheck)
    assert {
        r['Check']: r['Findings'] for r in rows if r['Findings'] != '0'
    } == {
        'server_misplaced': '1',
        'server_not_preferred': '1',
    }


@pytest.fixture
def misspelt(tmp_path):
    path = tmp_path / 'nova.conf'
    path.write_text('[hypervisor_affinity]\nvmdk_image = flexible\n')
    return path


SAID = (
    '[hypervisor_affinity] vmdk_image is not known, and has no effect; did '
    "you mean 'vmdk_images'?"
)


def test_audit_finds_misspelt_options(run, cloud, misspelt):
    arguments = '--nova-conf', misspelt, '-f', 'json', '--long'
    done = run('audit', '--snapshot', cloud(), *arguments)
    (row,) = done.json()
    assert (done.code, done.err) == (1, '')
    assert (row['Check'], row['ID']) == ('option_unknown', str(misspelt))
    assert row['Evidence'] == SAID


def test_others_say_misspelt_options_beside_the_answer(run, cloud, misspelt):
    arguments = '--nova-conf', misspelt, '--snapshot', cloud()
    done = run('classify', 'iso', *arguments, '-f', 'json')
    assert done.code == 0
    assert done.json()
    assert done.err == f'classify: {misspelt}: {SAID}\n'


def test_audit_refuses_what_it_does_not_know(run, wrong_cloud):
    done = run('audit', '--snapshot', wrong_cloud, '--fail-on', 'errors')
    assert done.code == 2
    assert "'errors' is neither a severity (info, warning, error) nor a" in (
        done.err
    )
    assert "did you mean 'error'?; --list-checks lists all" in done.err
    done = run('audit', '--only', 'server_misplacd')
    assert "did you mean 'server_misplaced'?" in done.err


@pytest.mark.parametrize('output', ['table', 'json', 'yaml', 'csv'])
@pytest.mark.parametrize(
    'command',
    [
        ('classify', 'windows'),
        ('explain', 'windows', 'small'),
        ('explain', 'windows', 'small', '--counts'),
        ('audit', '--fail-on', 'never'),
        ('audit', '--counts', '--fail-on', 'never'),
        ('audit', '--replay'),
        ('audit', '--replay', '--long'),
        ('audit', '--replay', '--counts'),
    ],
)
def test_every_command_in_every_format(run, wrong_cloud, command, output):
    done = run(*command, '--snapshot', wrong_cloud, '-f', output)
    assert (done.code, done.err) == (0, '')
    if output in ('json', 'yaml'):
        assert yaml.safe_load(done.out)


def test_snapshot_save_copies_a_snapshot(run, cloud, tmp_path):
    path = cloud(servers=[server('a', ISO, 'vc-1')])
    copy = tmp_path / 'copy.yaml'
    done = run('snapshot', 'save', copy, '--snapshot', path, '-f', 'value')
    assert done.code == 0
    assert done.out.splitlines() == [
        'hosts 3',
        'aggregates 2',
        'flavors 1',
        'images 4',
        'vcenters 0',
        'servers 1',
    ]
    old, new = files.FileSource(path), files.FileSource(copy)
    assert (new.taken_from, new.taken_at) == (old.taken_from, old.taken_at)
    assert list(new.servers()) == list(old.servers())


def test_snapshot_show(run, wrong_cloud):
    done = run('snapshot', 'show', wrong_cloud, '-f', 'value')
    assert done.code == 0
    assert 'hosts KVM 2\nhosts VMware 1\n' in done.out
    done = run('snapshot', 'show', wrong_cloud)
    assert 'from the records\n' in done.out


def test_snapshot_show_checks_to_the_end(run, tmp_path):
    path = tmp_path / 's.json'
    path.write_text(
        '{"format": "hypervisor-affinity-snapshot", "version": 1,'
        '"servers": [{"id": "x"}]}'
    )
    done = run('snapshot', 'show', path)
    assert (done.code, done.out.count('\n')) == (3, 1)
    assert 'at $.servers[0]: Object missing' in done.err


def test_a_cloud_that_nobody_has_named(run, monkeypatch, tmp_path):
    for name in ('OS_CLOUD', 'OS_AUTH_URL', 'OS_CLIENT_CONFIG_FILE'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('HOME', str(tmp_path))
    done = run('audit')
    assert done.code == 3
    assert '--os-cloud' in done.err
    assert '--snapshot' in done.err
    assert 'Traceback' not in done.err
    done = run('--os-cloud', 'nowhere', 'audit')
    assert done.code == 3
    assert 'nowhere' in done.err


def test_both_programs_have_the_same_commands():
    def commands(group):
        return {
            point.name.replace('hypervisor_affinity_', '').replace('_', ' '): (
                point.value
            )
            for point in importlib.metadata.entry_points(group=group)
        }

    own = commands('hypervisor_affinity.cli')
    assert own.keys() == {
        'audit',
        'classify',
        'decisions',
        'explain',
        'exporter',
        'image audit',
        'image inspect',
        'image prepare',
        'image upload',
        'simulate',
        'snapshot save',
        'snapshot show',
        'vcenter check',
        'vcenter show',
    }
    assert commands('openstack.hypervisor_affinity.v1') == own


def test_no_command_is_imported_before_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(importlib.metadata.EntryPoint, 'load', pytest.fail)
    found = dict(application.Commands(application.COMMANDS))
    assert {'audit', 'image prepare', 'simulate'} <= set(found)


def test_openstackclient_can_load_the_plug_in():
    (point,) = [
        found
        for found in importlib.metadata.entry_points(
            group='openstack.cli.extension'
        )
        if found.name == 'hypervisor_affinity'
    ]
    plugin = point.load()
    assert plugin.API_NAME == 'hypervisor_affinity'
    assert plugin.DEFAULT_API_VERSION in plugin.API_VERSIONS
    parser = argparse.ArgumentParser()
    assert plugin.build_option_parser(parser) is parser
