# SPDX-License-Identifier: Apache-2.0
"""Servers of the whole cloud stay on the hypervisor that they run on.

What tempest's tests of the plug-in do here too is left out: resizes that are
confirmed, and rebuilds with images that only say their formats.
"""

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from testbed.processes import guests
from testbed.processes.site import ADMIN
from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Tenant
from tests.whole_cloud.tenant import disabled

OWN = "this server's host has another hypervisor; boot a new server instead"

HYPERVISOR_TYPE = 'hypervisor_affinity:hypervisor_type'
PREFERRED = 'hypervisor_affinity:preferred'
OTHER = {'kvm': 'vmware', 'vmware': 'kvm'}
KVM_HOSTS = ('kvm-1', 'kvm-2')


@pytest.fixture(scope='module', autouse=True)
def without_vc_1(whole_cloud):
    """Leave the vCenter that moves everything: a real one does not."""
    with disabled(whole_cloud, 'vc-1'):
        yield


@pytest.fixture
def admin(whole_cloud):
    """A tenant who may migrate and say where a server is to boot."""
    with Tenant(whole_cloud, ADMIN) as tenant:
        yield tenant


def boot_on_both(tenant):
    """Return a server on each side, which would rather be on the other.

    Their image could run anywhere: nothing holds them but that they run.
    """
    image = tenant.image('iso')
    hosts = {'kvm': 'kvm-1', 'vmware': 'vc-2'}
    servers = tenant.boot_all(
        {
            'flavor': tenant.flavor({PREFERRED: OTHER[side]}),
            'image_id': image,
            'host': host,
        }
        for side, host in hosts.items()
    )
    assert [server.host for server in servers] == [*hosts.values()]
    return [server.id for server in servers]


def sides(servers):
    return [server.side for server in servers]


def test_nothing_that_moves_servers_takes_them_across(admin):
    compute = admin.admin.compute
    servers = boot_on_both(admin)
    both = ['kvm', 'vmware']

    larger = admin.flavor(ram=192)
    for server in servers:
        compute.resize_server(server, larger)
    assert sides(admin.settled(servers, 'VERIFY_RESIZE')) == both
    for server in servers:
        compute.revert_server_resize(server)
    assert sides(admin.settled(servers, 'ACTIVE')) == both

    for server in servers:
        compute.migrate_server(server)
    migrated = admin.settled(servers, 'VERIFY_RESIZE')
    assert [server.host for server in migrated] == ['kvm-2', 'vc-2']
    for server in servers:
        compute.confirm_server_resize(server)
    admin.settled(servers, 'ACTIVE')

    for server in servers:
        compute.shelve_server(server)
    admin.settled(servers, 'SHELVED_OFFLOADED')
    for server in servers:
        compute.unshelve_server(server)
    assert sides(admin.settled(servers, 'ACTIVE')) == both


def test_a_live_migration_stays(whole_cloud, admin):
    if any(host.is_real for host in whole_cloud.hosts_of('kvm')):
        pytest.skip('a libvirt driver inside nova-compute migrates nothing')
    on_kvm, _ = boot_on_both(admin)
    (before,) = admin.settled([on_kvm], 'ACTIVE')
    admin.admin.compute.live_migrate_server(on_kvm, block_migration='auto')
    (after,) = admin.settled([on_kvm], 'ACTIVE')
    assert {before.host, after.host} == set(KVM_HOSTS)


def test_an_evacuation_stays(whole_cloud, admin):
    compute = admin.admin.compute
    on_kvm, _ = boot_on_both(admin)
    program = whole_cloud.programs['nova-compute-kvm-1']
    (service,) = compute.services(binary='nova-compute', host='kvm-1')
    program.kill()
    guests.end(whole_cloud.folder, 'kvm-1')
    try:
        compute.update_service_forced_down(service, forced=True)
        compute.evacuate_server(on_kvm)
        (server,) = admin.settled([on_kvm], 'ACTIVE')
        assert server.host == 'kvm-2'
    finally:
        program.start()
        program.wait()
        compute.update_service_forced_down(service, forced=False)


@pytest.fixture
def tenant(whole_cloud):
    with Tenant(whole_cloud) as tenant:
        yield tenant


def boot_by_order(tenant):
    """Return a server on each side, and their image, which is flexible."""
    image = tenant.image('iso')
    servers = tenant.boot_all(
        {'flavor': tenant.flavor({PREFERRED: side}), 'image_id': image}
        for side in OTHER
    )
    assert sides(servers) == [*OTHER]
    return [server.id for server in servers], image


def logged(cloud, server):
    """Return what nova-scheduler said of why a server got no host."""
    lines = [
        line
        for number in (1, 2)
        for line in cloud.programs[f'nova-scheduler-{number}']
        .log()
        .splitlines()
        if f'No host for server {server}: ' in line
    ]
    assert len(lines) == 1
    return lines[0]


def test_a_resize_that_would_cross_is_refused(whole_cloud, tenant):
    servers, _ = boot_by_order(tenant)
    before = tenant.settled(servers, 'ACTIVE')
    flavors = [
        tenant.flavor({HYPERVISOR_TYPE: 'vmware'}, ram=192),
        tenant.flavor(ram=192),
    ]
    # Of those that are left, all are KVM's.
    with disabled(whole_cloud, 'vc-2'):
        for server, flavor in zip(servers, flavors, strict=True):
            tenant.user.compute.resize_server(server, flavor)
        assert tenant.settled(servers, 'ACTIVE') == before
    on_kvm, on_vmware = servers
    assert (
        'server runs on KVM and the flavor needs VMware '
        '(hypervisor_affinity:hypervisor_type=vmware): a server cannot move '
        'to another hypervisor'
    ) in logged(whole_cloud, on_kvm)
    assert 'server runs on VMware' in logged(whole_cloud, on_vmware)


def test_a_rebuild_gets_what_runs_there(tenant):
    servers, own = boot_by_order(tenant)
    rebuild = tenant.user.compute.rebuild_server
    for server, properties in zip(
        servers,
        ({'vmware_ostype': 'otherGuest'}, {'hypervisor_type': 'kvm'}),
        strict=True,
    ):
        rebuild(server, image=tenant.image('iso', **properties))
    refused = tenant.settled(servers, 'ERROR')
    assert [server.fault for server in refused] == [
        f'{NO_HOST}The image needs VMware (vmware_ostype=otherGuest); {OWN}',
        f'{NO_HOST}The image needs KVM (hypervisor_type=kvm); {OWN}',
    ]
    assert {server.image for server in refused} == {own}

    fitting = [tenant.image('qcow2'), tenant.image('vmdk')]
    for server, image in zip(servers, fitting, strict=True):
        rebuild(server, image=image)
    rebuilt = tenant.settled(servers, 'ACTIVE')
    assert [server.image for server in rebuilt] == fitting
    assert [server.host for server in rebuilt] == [
        server.host for server in refused
    ]


def test_a_volume_made_beforehand_knows_its_image(tenant):
    flavor = tenant.flavor()
    images = [
        tenant.image('vmdk', vmware_disktype='streamOptimized'),
        tenant.image('qcow2'),
    ]
    servers = tenant.boot_all(
        {
            'flavor': flavor,
            'block_device_mapping': [
                {
                    'boot_index': 0,
                    'source_type': 'volume',
                    'destination_type': 'volume',
                    'uuid': tenant.volume(image),
                }
            ],
        }
        for image in images
    )
    assert sides(servers) == ['vmware', 'kvm']


def test_its_owner_finds_a_volume_by_its_name(tenant):
    storage = tenant.user.block_storage
    volume = storage.get_volume(tenant.volume())
    assert storage.find_volume(volume.name).id == volume.id
