# SPDX-License-Identifier: Apache-2.0
"""``explain`` of what a snapshot has."""

import pytest

from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import server
from tests.unit.cli.clouds import WINDOWS


def test_explain_names_every_host(run, cloud):
    done = run(
        *('explain', 'windows', 'small', '-f', 'json'),
        *('--snapshot', cloud()),
    )
    assert done.code == 0
    assert [
        (row['Host'], row['Passes'], row['Reason']) for row in done.json()
    ] == [
        ('vc-1', True, 'suitable'),
        ('kvm-1', False, 'other_hypervisor'),
        ('kvm-2', False, 'other_hypervisor'),
    ]


def test_explain_shows_counts_first(run, cloud):
    done = run('explain', 'windows', 'small', '--snapshot', cloud())
    head = done.out.partition('+')[0].splitlines()
    assert head[1:] == [
        '1 of 3 hosts could take it',
        '       1 suitable (hypervisor): vc-1',
        '       2 other_hypervisor (hypervisor): kvm-1, kvm-2',
        'Would win: vc-1',
        'Order of hypervisors: VMware',
        'Weights: nova does not weigh a single host',
    ]


def test_explain_ends_with_1_if_no_host_passes(run, cloud):
    hosts = [records.kvm('kvm-1'), records.vcenter('vc-1', state='down')]
    done = run(
        *('explain', 'windows', 'small', '--counts', '-f', 'json'),
        *('--snapshot', cloud(hosts=hosts)),
    )
    assert done.code == 1
    assert [(row['Reason'], row['Hosts']) for row in done.json()] == [
        ('other_hypervisor', 1),
        ('service_down', 1),
    ]


def test_explain_one_host(run, cloud):
    command = ('explain', 'windows', 'small', '--snapshot', cloud())
    assert run(*command, '--host', 'vc-1').code == 0
    done = run(*command, '--host', 'kvm-1', '-f', 'json')
    assert done.code == 1
    assert [row['Host'] for row in done.json()] == ['kvm-1']
    done = run(*command, '--host', 'kvm-9')
    assert (done.code, done.out) == (3, '')
    assert "no host 'kvm-9'" in done.err


def test_explain_a_volume_made_from_an_image(run, cloud):
    hosts = [records.kvm('kvm-1', disk_gb=None), records.vcenter('vc-1')]
    command = ('explain', 'qcow2', 'small', '-f', 'json')
    snapshot = ('--snapshot', cloud(hosts=hosts))
    assert {
        row['Host']: row['Reason'] for row in run(*command, *snapshot).json()
    } == {'kvm-1': 'no_inventory', 'vc-1': 'cannot_boot_here'}
    done = run(*command, *snapshot, '--volume')
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'kvm-1': 'suitable',
        'vc-1': 'cannot_boot_here',
    }


def test_explain_a_servers_move(run, cloud):
    path = cloud(servers=[server('a', ISO, 'vc-1')])
    done = run('explain', '--server', 'a', '--snapshot', path, '-f', 'json')
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'vc-1': 'own_host',
        'kvm-1': 'other_hypervisor',
        'kvm-2': 'other_hypervisor',
    }


def test_explain_a_move_from_a_host_in_the_wrong_aggregate(run, cloud):
    path = cloud(
        servers=[server('a', ISO, 'kvm-1')],
        aggregates=[
            records.Aggregate(
                'vmware', 'a-1', {'hypervisor_type': 'vmware'}, ('kvm-1',)
            )
        ],
    )
    done = run('explain', '--server', 'a', '--snapshot', path, '-f', 'json')
    # Its disk is for KVM, whatever the aggregate says.
    assert {row['Host']: row['Reason'] for row in done.json()} == {
        'kvm-1': 'contradictory_host, own_host',
        'kvm-2': 'suitable',
        'vc-1': 'other_hypervisor',
    }


@pytest.mark.parametrize(
    ('image', 'code', 'reason'),
    [
        ('iso', 0, 'suitable'),
        ('vmdk', 0, 'suitable'),
        ('qcow2', 1, 'cannot_boot_here'),
    ],
)
def test_explain_a_rebuild(run, cloud, image, code, reason):
    # The host takes no other server any more.
    hosts = [records.vcenter('vc-1', memory_mb=records.Inventory(1, used=1))]
    path = cloud(servers=[server('a', ISO, 'vc-1')], hosts=hosts)
    done = run(
        *('explain', '--server', 'a', '--rebuild', image, '-f', 'json'),
        *('--snapshot', path),
    )
    assert done.code == code
    assert [(row['Host'], row['Reason']) for row in done.json()] == [
        ('vc-1', reason)
    ]


def test_explain_a_rebuild_of_a_server_on_no_host(run, cloud):
    path = cloud(servers=[server('a', ISO, None)])
    done = run(
        *('explain', '--server', 'a', '--rebuild', 'iso'),
        *('--snapshot', path),
    )
    assert done.code == 3
    assert 'server a is on no host' in done.err


def test_explain_a_server_that_never_got_a_host(run, cloud):
    failed = server(
        'a', WINDOWS, None, status='ERROR', fault='No valid host was found.'
    )
    hosts = [records.kvm('kvm-1')]
    done = run(
        *('explain', '--server', 's-a'),
        *('--snapshot', cloud(servers=[failed], hosts=hosts)),
    )
    assert done.code == 1
    assert 'nova said: No valid host was found.\n' in done.out
    assert '0 of 1 hosts could take it' in done.out


def test_explain_a_server_whose_image_is_gone(run, cloud):
    path = cloud(servers=[server('a', WINDOWS, 'vc-1')], images=[])
    done = run('explain', '--server', 'a', '--snapshot', path)
    assert (done.code, done.err) == (1, '')
    lost = server('a', WINDOWS, 'vc-1', image_properties=None)
    path = cloud(servers=[lost], images=[])
    done = run('explain', '--server', 'a', '--snapshot', path)
    assert done.code == 3
    assert "no image 'i-windows'" in done.err


def test_explain_a_page(run, cloud, tmp_path):
    target = tmp_path / 'page.html'
    done = run(
        *('explain', 'windows', 'small', '--snapshot', cloud()),
        *('--html', target),
    )
    assert done.code == 0
    assert 'vc-1' in target.read_text()
    done = run(
        *('explain', 'windows', 'small', '--snapshot', cloud()),
        *('--html', tmp_path / 'no' / 'page.html'),
    )
    assert done.code == 3
    assert 'No such file' in done.err


@pytest.mark.parametrize(
    'arguments',
    [
        (),
        ('windows',),
        ('windows', 'small', '--server', 'a'),
        ('windows', 'small', '--rebuild', 'iso'),
    ],
)
def test_explain_needs_one_request(run, cloud, arguments):
    done = run('explain', *arguments, '--snapshot', cloud())
    assert done.code == 2
    assert '--server' in done.err
