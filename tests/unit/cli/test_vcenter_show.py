# SPDX-License-Identifier: Apache-2.0
"""``vcenter show`` as an operator types it."""

import pytest

from hypervisor_affinity.cloud import files
from tests import vcenter_records as records
from tests.unit.cli.test_vcenter import EXAMPLE
from tests.vcenter_records import cluster
from tests.vcenter_records import datastore
from tests.vcenter_records import hosts
from tests.vcenter_records import vcenter
from tests.vcenter_records import vms


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a vCenter, and returns the file."""

    def save(*clusters):
        path = tmp_path / 'cloud.json'
        files.save(records.cloud(vcenters=[vcenter(*clusters)]), path)
        return path

    return save


@pytest.fixture
def shown(run, save):
    """Return a function that shows a view of a usual cluster."""
    used = [{'memory_used_mb': amount} for amount in (3000, 1000, 2000)]
    path = save(cluster(hosts=hosts(*used), vms=vms(1), other_vms=2))

    def shown(view):
        done = run(
            *('vcenter', 'show', '--snapshot', path, '--of', view),
            *('-f', 'json', '--long'),
        )
        assert (done.code, done.err) == (0, '')
        rows = done.json()
        assert {(row.pop('vCenter'), row.pop('Cluster')) for row in rows} == {
            ('vcenter.example.org', 'production')
        }
        return rows

    return shown


def test_show(shown):
    assert shown('clusters') == [
        {
            'Compute': 'vc-1',
            'DRS': 'fully_automated',
            'HA': 'on',
            'Hosts': '3/3',
            'Memory MiB': 196608,
            'Largest host MiB': 65536,
            'Freest host MiB': 64536,
            'VMs of nova': 1,
            'Others': 2,
        }
    ]
    assert shown('hosts')[2] == {
        'Host': 'esxi-3',
        'State': 'connected',
        'Threads': 32,
        'Memory MiB': 65536,
        'Free MiB': 63536,
    }
    assert [tuple(row.values()) for row in shown('networks')[:4]] == [
        ('esxi-1', 'vmk0', 'management'),
        ('esxi-1', 'vmk1', 'vmotion'),
        ('esxi-1', 'vmk2', ''),
        ('esxi-1', 'segment', 'NSX'),
    ]
    assert shown('datastores') == [
        {
            'Datastore': 'shared-1',
            'Type': 'VMFS',
            'For nova': 'yes',
            'State': 'available',
            'Hosts': '3/3',
            'Capacity GiB': 2000,
            'Free GiB': 2000,
        }
    ]


def test_show_what_is_out_of_service(run, save):
    found = cluster(
        hosts=hosts(
            {'connection': 'notResponding'},
            {'power': 'standBy'},
            {'maintenance': True, 'memory_used_mb': 70000},
        ),
        datastores=(
            datastore(hosts=('esxi-1', 'esxi-2'), accessible=False),
            datastore('other', type='VVOL'),
        ),
    )
    path = save(found)
    command = ('vcenter', 'show', '--snapshot', path, '-f', 'value')
    done = run(*command, '--of', 'hosts', '-c', 'State', '-c', 'Free MiB')
    assert done.out.splitlines() == [
        'not_responding 65536',
        'standby 65536',
        # Never below nothing.
        'maintenance 0',
    ]
    done = run(
        *(*command, '--of', 'datastores', '-c', 'For nova', '-c', 'State'),
        *('-c', 'Hosts'),
    )
    # Of the two hosts that are connected, one has it.
    assert done.out.splitlines() == [
        'yes unavailable 1/2',
        'no available 2/2',
    ]


def test_show_no_cluster_that_nova_has_nothing_to_do_with(run, save):
    other = cluster(id='domain-c1008', name='other')
    path = save(cluster(), other)
    done = run(
        'vcenter', 'show', '--snapshot', path, '-f', 'value', '-c', 'Cluster'
    )
    assert done.out == 'production\n'


def test_a_snapshot_without_a_vcenter(run, tmp_path):
    path = tmp_path / 'cloud.json'
    files.save(records.cloud(vcenters=[]), path)
    done = run('vcenter', 'show', '--snapshot', path, '-f', 'json')
    assert (done.code, done.json()) == (0, [])
    assert done.err == f'{path} has no vCenter\n'


def test_a_vcenter_that_could_not_be_read(run):
    done = run(
        'vcenter', 'show', '--snapshot', EXAMPLE, '-f', 'json', '--long'
    )
    assert done.code == 1
    assert [row['Cluster'] for row in done.json()] == ['production', 'test']
    assert done.err == (
        'vcenter show: vCenter old-vcenter.example.org: no answer within 60 '
        's; see whether vCenter is up\n'
    )
    done = run(
        *('vcenter', 'check', '--snapshot', EXAMPLE, '-f', 'json', '--long'),
        *('--only', 'vcenter_unreadable'),
    )
    assert (done.code, done.err) == (1, '')
    (row,) = done.json()
    assert row['vCenter'] == 'old-vcenter.example.org'
