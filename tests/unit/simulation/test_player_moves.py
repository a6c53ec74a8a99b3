# SPDX-License-Identifier: Apache-2.0
"""Servers that move, and clouds that change, under a player."""

from tests.unit.simulation import stories
from tests.unit.simulation.runs import hosts
from tests.unit.simulation.runs import last
from tests.unit.simulation.stories import boot
from tests.unit.simulation.stories import hypervisors
from tests.unit.simulation.stories import play


def test_migrations_stay_on_their_hypervisor():
    run = play(
        boot('iso', count=4),
        {'set_hosts': {'host': 'kvm-2', 'status': 'disabled'}},
        {'drain': {'host': 'kvm-1'}},
    )
    moved = [o for o in run.outcomes if o.action == 'migrate']
    assert [o.origin for o in moved] == ['kvm-1'] * 2
    assert [o.host for o in moved] == [None] * 2
    assert moved[0].refusal.reason == (
        'server runs on KVM; hosts rejected: 1 other_hypervisor; '
        'Placement left out: 2 with COMPUTE_STATUS_DISABLED'
    )


def test_drained_host_is_empty_and_takes_nothing():
    run = play(
        boot('qcow2', count=4),
        {'drain': {'host': 'kvm-1'}},
        boot('qcow2', count=2),
        {'set_hosts': {'host': 'kvm-1', 'status': 'enabled'}},
        boot('qcow2'),
    )
    assert hosts(run)[4:] == ['kvm-2'] * 4 + ['kvm-1']


def test_stock_migration_to_another_hypervisor_is_a_misfit():
    run = play(
        boot('iso', count=2),
        {'drain': {'aggregate': 'vmware'}},
        options=stories.STOCK,
    )
    moved = [o for o in run.outcomes if o.action == 'migrate']
    assert [o.hypervisor for o in moved] == ['KVM', 'KVM']
    assert {o.misfit for o in moved} == {'other_hypervisor'}


def test_converted_image_takes_servers_to_another_hypervisor():
    run = play(
        boot('vmdk', count=3),
        {'set_image': {'name': 'vmdk', 'disk_format': 'qcow2'}},
        {'recreate': {'image': 'vmdk', 'aggregate': 'vmware', 'count': 2}},
        {'drain': {'aggregate': 'vmware', 'by': 'recreate'}},
    )
    assert hypervisors(run) == ['VMware'] * 3 + ['KVM'] * 3
    assert last(run, 'VMware').servers == 0
    assert last(run, 'KVM').servers == 3


def test_server_that_cannot_be_recreated_is_kept():
    run = play(
        boot('vmdk'),
        boot('qcow2', 'large', 4),
        {'set_image': {'name': 'vmdk', 'disk_format': 'qcow2'}},
        {'recreate': {'image': 'vmdk'}},
    )
    assert run.outcomes[-1].refusal is not None
    assert last(run, 'VMware').servers == 1


def test_all_servers_are_booted_again_under_their_names():
    run = play(
        boot('iso'),
        boot('vmdk', count=2),
        boot(None, volume=True),
        {'recreate': {}},
        {'recreate': {'aggregate': 'vmware'}},
    )
    first, again = run.outcomes[:4], run.outcomes[4:]
    names = [outcome.server for outcome in first]
    assert [o.server for o in again] == [*names, *names[1:3]]
    assert {o.action for o in again} == {'recreate'}
    assert not any(outcome.refusal for outcome in again)
    assert last(run, 'KVM').servers == last(run, 'VMware').servers == 2


def test_server_of_a_snapshot_whose_image_is_gone():
    servers = [
        {
            'id': name,
            'flavor': {'name': 'small', 'vcpus': 1},
            'host': 'vcenter',
            'image': None if volume else 'gone',
            'image_properties': {'hypervisor_type': 'kvm'},
            'volume': volume,
        }
        for name, volume in (('a', False), ('b', True))
    ]
    run = play(
        {'drain': {'host': 'vcenter', 'by': 'recreate'}},
        cloud={**stories.CLOUD, 'servers': servers},
    )
    assert hypervisors(run) == [None, 'KVM']
    assert run.outcomes[0].refusal.by == 'nova-api'
    assert "has no image 'gone'" in run.outcomes[0].refusal.reason
    assert run.outcomes[1].image == 'volume of unknown image'


def test_hosts_and_aggregates_come_and_change():
    added = {
        **stories.KVM,
        'name': 'new',
        'count': None,
        'aggregates': ['racks'],
    }
    run = play(
        {
            'add': {
                'aggregates': [
                    {'name': 'racks', 'metadata': {'hypervisor_type': 'kvm'}}
                ],
                'hosts': [added],
            }
        },
        {
            'set_aggregate': {
                'name': 'racks',
                'add_hosts': ['kvm-1'],
                'remove_hosts': ['new'],
            }
        },
        {'set_hosts': {'aggregate': 'kvm', 'vcpus': {'total': 0}}},
        boot('qcow2', count=2),
    )
    assert hosts(run) == ['new', 'new']
    assert last(run, 'KVM').hosts == 3
