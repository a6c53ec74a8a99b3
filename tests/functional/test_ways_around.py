# SPDX-License-Identifier: Apache-2.0
"""What a user may try to get where flavor, aggregates and options say no."""

import logging

import pytest
from nova import context
from nova import objects
from nova.db.main import api as main_db

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'
REBUILD = {'_nova_check_type': ['rebuild']}

# Of vc-1 and vc-2, 10 GiB each are left for flexible servers.
MOST_OF_IT = {'hypervisor_affinity_reserve': '99.9'}


@pytest.fixture
def cloud(two_of_each):
    return two_of_each


@pytest.fixture
def installer(cloud):
    return cloud.images.create('installer', 'iso')


def keep_hint(server):
    """Have the server's RequestSpec hold it, as an older nova stored it."""
    found = context.get_admin_context()
    spec = objects.RequestSpec.get_by_instance_uuid(found, server.id)
    spec.scheduler_hints = REBUILD
    spec.save()


@pytest.mark.smoke
@pytest.mark.parametrize(
    ('options', 'metadata'),
    [
        ({'flexible_placement': 'strict'}, {}),
        ({}, {'hypervisor_affinity_admit': 'required'}),
        ({}, {'hypervisor_affinity_reserve': '100'}),
    ],
    ids=['strict', 'admit', 'reserve'],
)
def test_a_hint_of_novas_own_waives_no_policy(start_cloud, options, metadata):
    cloud = start_cloud({'hypervisor_affinity': options})
    cloud.add_vcenter_host('vc-1')
    cloud.aggregates.create(
        'vmware',
        hosts=['vc-1'],
        metadata={'hypervisor_type': 'vmware'} | metadata,
    )
    iso = cloud.images.create('installer', 'iso')
    server = cloud.boot(iso, hints=REBUILD)
    assert server.status == 'ERROR'
    assert server.fault.startswith('No valid host was found. The server can ')


@pytest.mark.smoke
@pytest.mark.parametrize('host', ['kvm-1', 'vc-1'])
@pytest.mark.parametrize('move', ['resize', 'cold_migrate', 'unshelve'])
def test_a_stored_hint_takes_no_server_across(cloud, installer, host, move):
    server = cloud.boot(installer, host=host)
    keep_hint(server)
    # Whatever prefers the others does so.
    order = ['vmware', 'kvm'] if host == 'kvm-1' else ['kvm', 'vmware']
    cloud.set_options(
        {'hypervisor_affinity': {'preferred_hypervisors': order}}
    )
    if move == 'unshelve':
        assert cloud.actions.shelve(server).succeeded
    large = cloud.flavors.create('large', memory_mb=2048)
    arguments = [large] if move == 'resize' else []
    outcome = getattr(cloud.actions, move)(server, *arguments)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == server.hypervisor


def test_a_rebuild_is_still_one(cloud, installer):
    server = cloud.boot(installer, host='vc-1')
    keep_hint(server)
    iso = cloud.images.create('other', 'iso')
    assert cloud.actions.rebuild(server, iso).succeeded
    qcow2 = cloud.images.create('wrong', 'qcow2')
    assert not cloud.actions.rebuild(server, qcow2).succeeded


@pytest.mark.smoke
def test_who_boots_small_and_resizes_large_meets_the_reserve(cloud, installer):
    cloud.aggregates.set_metadata(cloud.vmware, MOST_OF_IT)
    small = cloud.flavors.create('small', memory_mb=512)
    large = cloud.flavors.create('large', memory_mb=4096)
    huge = cloud.flavors.create('huge', memory_mb=16 * 1024)
    server = cloud.boot(installer, flavor=small, host='vc-1')
    outcome = cloud.actions.resize(server, huge)
    assert not outcome.succeeded
    lines = cloud.logs.messages('hypervisor_affinity')
    assert '1 reserved' in lines[-1]
    assert '15872 MiB of RAM asked' in lines[-1]
    # What fits beside the reserve is nobody else's.
    assert cloud.actions.resize(server, large).succeeded
    assert cloud.actions.confirm_resize(server).succeeded
    # A server of the same size moves in spite of a reserve, and so does one
    # that shrinks.
    cloud.aggregates.set_metadata(
        cloud.vmware, {'hypervisor_affinity_reserve': '100'}
    )
    assert cloud.actions.cold_migrate(server).succeeded
    assert cloud.actions.confirm_resize(server).succeeded
    assert cloud.actions.resize(server, small).succeeded


@pytest.mark.smoke
@pytest.mark.parametrize('last_host_is_gone', [False, True])
def test_who_shelves_and_unshelves_meets_the_reserve(
    cloud, installer, last_host_is_gone
):
    cloud.aggregates.set_metadata(cloud.vmware, MOST_OF_IT)
    half = cloud.flavors.create('half', memory_mb=6 * 1024)
    servers = [cloud.boot(installer, flavor=half, host='vc-1')]
    assert cloud.actions.shelve(servers[0]).succeeded
    servers.append(cloud.boot(installer, flavor=half, host='vc-1'))
    cloud.hosts.disable('vc-2')
    if last_host_is_gone:
        forget_last_host(servers[0])
        for name in ('kvm-1', 'kvm-2'):
            cloud.hosts.disable(name)
    assert not cloud.actions.unshelve(servers[0]).succeeded
    assert 'reserved' in cloud.logs.messages('hypervisor_affinity')[-1]
    cloud.hosts.enable('vc-2')
    outcome = cloud.actions.unshelve(servers[0])
    assert (outcome.succeeded, outcome.host) == (True, 'vc-2'), outcome.error


def forget_last_host(server):
    found = context.get_admin_context()
    kept = objects.Instance.get_by_uuid(
        found, server.id, expected_attrs=['system_metadata']
    )
    kept.system_metadata['shelved_host'] = 'gone'
    kept.save()


def test_who_needs_vmware_grows_into_the_reserve(cloud):
    cloud.aggregates.set_metadata(cloud.vmware, MOST_OF_IT)
    vmdk = cloud.images.create('windows', 'vmdk')
    huge = cloud.flavors.create('huge', memory_mb=16 * 1024)
    assert cloud.actions.resize(cloud.boot(vmdk), huge).succeeded


@pytest.mark.smoke
@pytest.mark.parametrize('host', ['kvm-1', 'vc-1'])
def test_a_node_that_reports_no_guest_types_keeps_its_servers(
    cloud, installer, host
):
    # As an upgrade may leave it: the field of the object is then not set.
    server = cloud.boot(installer, host=host)
    found = context.get_admin_context()
    node = objects.ComputeNode.get_first_node_by_host_for_old_compat(
        found, host
    )
    main_db.compute_node_update(found, node.id, {'supported_instances': None})
    cloud.hosts.disable(host)
    outcome = cloud.actions.cold_migrate(server)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == server.hypervisor
    assert not cloud.logs.messages('hypervisor_affinity', logging.WARNING)
