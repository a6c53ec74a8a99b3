# SPDX-License-Identifier: Apache-2.0
"""The Placement pre-filter, with a real Placement that shuffles its answers.

Placement returns fewer candidates than there are hosts, as it does in a cloud
of thousands. Without the pre-filter, each of these requests would fail now
and then: 7 in 10 times for one host of ten and three candidates.
"""

import pytest

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'
TIMES = 12
# Placement returns 3 candidates of many.
OPTIONS = {
    'scheduler': {'max_placement_results': 3},
    'hypervisor_affinity': {'placement_prefilter': True},
}


@pytest.fixture
def start(start_cloud):
    """Start a cloud of the test's own."""

    def start(**arguments):
        return start_cloud(OPTIONS, randomize_candidates=True, **arguments)

    return start


@pytest.fixture
def crowd(clouds, share_cloud):
    """Have a cloud of so many hosts, with each kind in an aggregate.

    Tests with the same numbers share one; they stand next to each other.
    """

    def crowd(kvm, vcenters, options=None, scheduler=None):
        def build():
            cloud = clouds.start(OPTIONS, randomize_candidates=True)
            add_hosts(cloud, kvm, vcenters)
            return cloud

        cloud = share_cloud((kvm, vcenters), build)
        if options or scheduler:
            cloud.set_options(
                {
                    'hypervisor_affinity': options or {},
                    'scheduler': scheduler or {},
                }
            )
        return cloud

    return crowd


def add_hosts(cloud, kvm, vcenters):
    names = {'kvm': [], 'vmware': []}
    for number in range(kvm):
        names['kvm'].append(f'kvm-{number}')
        cloud.add_kvm_host(f'kvm-{number}')
    for number in range(vcenters):
        names['vmware'].append(f'vc-{number}')
        cloud.add_vcenter_host(f'vc-{number}')
    for family, hosts in names.items():
        cloud.aggregates.create(
            family, hosts=hosts, metadata={'hypervisor_type': family}
        )


def boot_often(cloud, image, **request):
    # Each by itself, but waited for together.
    ids = []
    for _ in range(TIMES):
        ids += cloud.servers.submit(image, **request)
    return cloud.servers.wait(ids)


def hypervisors(servers):
    return [server.hypervisor for server in servers]


@pytest.mark.smoke
@pytest.mark.parametrize('tag', [True, False], ids=['tagged', 'untagged'])
def test_the_one_vcenter_host_is_always_found(crowd, tag):
    cloud = crowd(kvm=9, vcenters=1)
    if not tag:
        for aggregate in cloud.aggregates.all():
            for host in aggregate.hosts:
                cloud.aggregates.remove_host(aggregate, host)
            cloud.aggregates.delete(aggregate)
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert hypervisors(boot_often(cloud, vmdk)) == [VCENTER] * TIMES


def test_without_it_the_one_vcenter_host_is_missed(crowd):
    # What the other tests of this module are worth.
    cloud = crowd(9, 1, options={'placement_prefilter': False})
    vmdk = cloud.images.create('vmdk', 'vmdk')
    found = hypervisors(boot_often(cloud, vmdk))
    assert None in found


def test_a_volume_without_formats_finds_it_too(crowd):
    cloud = crowd(kvm=9, vcenters=1)
    for _ in range(TIMES):
        volume = cloud.volumes.create(
            image_metadata={'vmware_ostype': 'windows9Server64Guest'}
        )
        assert cloud.boot(volume=volume).hypervisor == VCENTER


def test_hosts_that_an_administrator_names(crowd):
    cloud = crowd(kvm=9, vcenters=1)
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk, forced_host='kvm-1').hypervisor == KVM
    assert cloud.boot(vmdk, host='vc-0').hypervisor == VCENTER
    refused = cloud.boot(vmdk, host='kvm-1')
    assert 'no VMware host is available' in refused.fault


def test_a_crowd_of_vcenter_hosts_hides_no_kvm_host(crowd):
    cloud = crowd(1, 9, options={'flexible_placement': 'strict'})
    for image in (
        cloud.images.create('qcow2', 'qcow2'),
        cloud.images.create('iso', 'iso'),
    ):
        assert hypervisors(boot_often(cloud, image)) == [KVM] * TIMES


def test_moves_stay_where_the_disk_belongs(crowd):
    cloud = crowd(kvm=8, vcenters=2)
    iso = cloud.images.create('iso', 'iso')
    to_esxi = cloud.flavors.create(
        'esxi', extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'}
    )
    # Nothing in the image tells, and the new flavor does not either.
    larger = cloud.flavors.create('larger', memory_mb=1024)
    for _ in range(4):
        server = cloud.boot(iso, flavor=to_esxi)
        assert server.hypervisor == VCENTER
        outcome = cloud.actions.resize(server, larger)
        assert outcome.succeeded, outcome.error
        assert outcome.hypervisor == VCENTER


def test_what_nova_isolates_stays_isolated(crowd):
    cloud = crowd(
        7, 3, scheduler={'enable_isolated_aggregate_filtering': True}
    )
    cloud.aggregates.create(
        'zone', hosts=['kvm-0', 'vc-0', 'vc-1'], availability_zone='az'
    )
    cloud.aggregates.create(
        'licensed',
        hosts=['vc-0', 'kvm-1'],
        metadata={'trait:CUSTOM_LICENSED': 'required'},
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    servers = boot_often(cloud, vmdk, availability_zone='az')
    assert {server.host for server in servers} == {'vc-1'}
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    servers = boot_often(cloud, qcow2, availability_zone='az')
    assert {server.host for server in servers} == {'kvm-0'}


def test_a_tenants_hosts_stay_its_only_ones(crowd):
    cloud = crowd(
        7, 3, scheduler={'limit_tenants_to_placement_aggregate': True}
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    server = cloud.boot(vmdk)
    shown = cloud.user_api.get(f'/servers/{server.id}')['server']
    cloud.aggregates.create(
        'tenant',
        hosts=['kvm-0', 'kvm-1', 'kvm-2', 'vc-2'],
        metadata={'filter_tenant_id': shown['tenant_id']},
    )
    servers = boot_often(cloud, vmdk)
    assert {server.host for server in servers} == {'vc-2'}


def test_aggregates_change_while_requests_run(crowd):
    cloud = crowd(kvm=7, vcenters=3)
    kvm, vmware = cloud.aggregates.all()
    images = {
        VCENTER: cloud.images.create('vmdk', 'vmdk'),
        KVM: cloud.images.create('qcow2', 'qcow2'),
    }
    other = cloud.aggregates.create('other')
    change = cloud.aggregates
    changes = [
        # In both at once, it would keep both among the candidates.
        lambda: change.remove_host(vmware, 'vc-0'),
        lambda: change.add_host(other, 'vc-0'),
        lambda: change.set_metadata(other, {'hypervisor_type': 'kvm'}),
        lambda: change.add_host(other, 'kvm-0'),
        lambda: change.unset_metadata(kvm, 'hypervisor_type'),
        lambda: change.set_metadata(kvm, {'hypervisor_type': 'kvm,qemu'}),
        lambda: change.set_metadata(other, {'hypervisor_type': 'vmware'}),
        lambda: change.remove_host(other, 'kvm-0'),
        lambda: change.add_host(vmware, 'vc-0'),
        lambda: change.remove_host(other, 'vc-0'),
        lambda: change.delete(other),
    ]
    expected, ids = [], []
    for one in changes:
        # Two that the scheduler works on while the aggregate changes.
        for hypervisor, image in images.items():
            ids += cloud.servers.submit(image)
            expected.append(hypervisor)
        one()
    servers = cloud.servers.wait(ids)
    faults = [server.fault for server in servers if server.fault]
    assert faults == []
    assert hypervisors(servers) == expected


def test_what_no_host_can_run_ends_before_placement_is_asked(crowd):
    cloud = crowd(kvm=2, vcenters=1)
    wrong = cloud.images.create(
        'wrong', 'qcow2', properties={'hypervisor_type': 'vmware'}
    )
    fault = cloud.boot(wrong).fault
    assert fault.endswith(
        'cannot boot an image with disk_format=qcow2: convert it to VMDK'
    )
    # Not for one server only: none of them has a place yet.
    faults = {server.fault for server in cloud.boot_many(wrong, count=3)}
    assert faults == {fault}
    lines = cloud.logs.messages('hypervisor_affinity')
    assert len(lines) == 2
    assert all('Placement is not asked' in line for line in lines)


def test_a_zone_of_another_hypervisor_ends_with_the_reason(crowd):
    cloud = crowd(kvm=2, vcenters=1)
    cloud.aggregates.create('zone', hosts=['kvm-0'], availability_zone='az')
    vmdk = cloud.images.create('vmdk', 'vmdk')
    fault = cloud.boot(vmdk, availability_zone='az').fault
    assert fault == (
        'No valid host was found. The image needs VMware (disk_format=vmdk); '
        'no VMware host is available'
    )


def test_a_rebuild_is_left_to_the_filter(crowd):
    cloud = crowd(kvm=2, vcenters=1)
    server = cloud.boot(cloud.images.create('qcow2', 'qcow2'))
    vmdk = cloud.images.create('vmdk', 'vmdk')
    outcome = cloud.actions.rebuild(server, vmdk)
    assert not outcome.succeeded
    assert 'image needs VMware' in outcome.error


def test_two_cells(start):
    cloud = start(cells=2)
    for number in range(8):
        cloud.add_kvm_host(f'kvm-{number}', cell=1 + number % 2)
    cloud.add_vcenter_host('vc-1', cell=1)
    cloud.add_vcenter_host('vc-2', cell=2)
    cloud.aggregates.create(
        'kvm',
        hosts=[f'kvm-{number}' for number in range(8)],
        metadata={'hypervisor_type': 'kvm'},
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    servers = boot_often(cloud, vmdk)
    assert hypervisors(servers) == [VCENTER] * TIMES
    outcome = cloud.actions.cold_migrate(servers[0])
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == VCENTER


@pytest.mark.smoke
@pytest.mark.parametrize('cells', [1, 2])
def test_what_no_host_has_ends_with_the_reason(start, cells):
    cloud = start(cells=cells)
    add_hosts(cloud, kvm=2, vcenters=1)
    # Beside them hosts in no aggregate, and of a zone that says nothing.
    cloud.add_kvm_host('stray', cell=cells)
    cloud.add_kvm_host('in-a-zone', cell=cells)
    cloud.aggregates.create(
        'zone', hosts=['in-a-zone'], availability_zone='az-2'
    )
    image = cloud.images.create(
        'xen', 'iso', properties={'hypervisor_type': 'xen'}
    )
    assert (
        'image needs Xen (hypervisor_type=xen); no Xen host is available'
    ) in cloud.boot(image).fault
    vmdk = cloud.images.create('vmdk', 'vmdk')
    zone = {'availability_zone': 'az-2'}
    assert 'image needs VMware' in cloud.boot(vmdk, **zone).fault
    assert cloud.boot(vmdk).hypervisor == VCENTER
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    assert cloud.boot(qcow2, **zone).host == 'in-a-zone'


def test_a_host_that_nobody_told_of_is_found(start):
    cloud = start()
    cloud.add_kvm_host('kvm-1')
    cloud.aggregates.create(
        'kvm', hosts=['kvm-1'], metadata={'hypervisor_type': 'kvm'}
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert 'image needs VMware' in cloud.boot(vmdk).fault
    cloud.add_vcenter_host('vc-new')
    assert cloud.boot(vmdk).hypervisor == VCENTER
