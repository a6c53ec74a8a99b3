# SPDX-License-Identifier: Apache-2.0
"""Boots of every kind, in a cloud of two KVM hosts and two vCenter hosts."""

import pytest

from testbed.embedded_cloud import ApiError
from testbed.embedded_cloud import faces

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'


@pytest.fixture
def cloud(two_of_each):
    return two_of_each


def hypervisors(servers):
    return {server.hypervisor for server in servers}


@pytest.mark.smoke
def test_each_kind_of_image_finds_its_hypervisor(cloud):
    create = cloud.images.create
    on_kvm = [
        create('qcow2', 'qcow2'),
        create('raw', 'raw'),
        create('iso', 'iso'),
        create('named', 'qcow2', properties={'hypervisor_type': 'qemu'}),
        create('virtio', 'vmdk', properties={'hw_vif_model': 'virtio'}),
    ]
    on_esxi = [
        create('vmdk', 'vmdk'),
        create('ova', 'vmdk', 'ova'),
        create('named', 'vmdk', properties={'hypervisor_type': 'vmware'}),
        create('guest', 'iso', properties={'vmware_ostype': 'otherGuest'}),
    ]
    assert [cloud.boot(image).hypervisor for image in on_kvm] == [KVM] * 5
    assert [cloud.boot(image).hypervisor for image in on_esxi] == [VCENTER] * 4


@pytest.mark.smoke
def test_volumes(cloud):
    plain = cloud.volumes.create()
    for_esxi = cloud.volumes.create(
        image_metadata={'vmware_ostype': 'windows9Server64Guest'}
    )
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    assert cloud.boot(volume=plain).hypervisor == KVM
    assert cloud.boot(volume=for_esxi).hypervisor == VCENTER
    assert cloud.boot(qcow2, to_volume=True).hypervisor == KVM


@pytest.mark.smoke
def test_a_user_reads_why_there_is_no_host(cloud):
    image = cloud.images.create(
        'wrong', 'qcow2', properties={'hypervisor_type': 'vmware'}
    )
    server = cloud.boot(image)
    assert server.status == 'ERROR'
    assert server.fault == (
        'No valid host was found. The image needs VMware '
        '(hypervisor_type=vmware), which cannot boot an image with '
        'disk_format=qcow2: convert it to VMDK'
    )
    (line,) = cloud.logs.messages('hypervisor_affinity')
    # The reason is the same on every host: KVM's would do no better.
    assert line == (
        f'No host for server {server.id}: image needs VMware '
        '(hypervisor_type=vmware), which cannot boot an image with '
        'disk_format=qcow2; hosts rejected: 4 cannot_boot'
    )


def test_a_user_may_be_told_nothing(cloud):
    cloud.set_options({'hypervisor_affinity': {'tell_user': False}})
    image = cloud.images.create(
        'wrong', 'qcow2', properties={'hypervisor_type': 'vmware'}
    )
    fault = cloud.boot(image).fault
    assert fault == 'No valid host was found. ' + (
        'There are not enough hosts available.'
    )
    assert len(cloud.logs.messages('hypervisor_affinity')) == 1


@pytest.mark.smoke
def test_several_servers_at_once(cloud):
    vmdk = cloud.images.create('vmdk', 'vmdk')
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    assert hypervisors(cloud.boot_many(vmdk, count=5)) == {VCENTER}
    assert hypervisors(cloud.boot_many(qcow2, count=5)) == {KVM}


def test_several_servers_with_no_host_leave_no_allocation(cloud):
    image = cloud.images.create(
        'wrong', 'qcow2', properties={'hypervisor_type': 'vmware'}
    )
    servers = cloud.boot_many(image, count=3)
    assert {server.status for server in servers} == {'ERROR'}
    # None of them may be left with a claim by the first one's refusal.
    usages = cloud.admin_api.get('/os-hypervisors/detail')['hypervisors']
    assert {h['status'] for h in usages} == {'enabled'}
    good = cloud.images.create('good', 'qcow2')
    assert cloud.boot(good).active


def test_a_reserve_holds_within_one_request(cloud):
    cloud.aggregates.set_metadata(
        cloud.vmware, {'hypervisor_affinity_reserve': '99.9'}
    )
    for name in ('kvm-1', 'kvm-2'):
        cloud.hosts.disable(name)
    iso = cloud.images.create('iso', 'iso')
    flavor = cloud.flavors.create('wide', memory_mb=4096)
    # 0.1% of 20 x 512 GiB is 10.24 GiB, and 512 MiB of it are nova's: two
    # servers of 4 GiB on each of two hosts.
    servers = cloud.boot_many(iso, count=5, min_count=5, flavor=flavor)
    assert {server.status for server in servers} == {'ERROR'}
    servers = cloud.boot_many(iso, count=4, flavor=flavor)
    assert hypervisors(servers) == {VCENTER}
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk, flavor=flavor).hypervisor == VCENTER


def test_admit(cloud):
    cloud.aggregates.set_metadata(
        cloud.vmware, {'hypervisor_affinity_admit': 'required'}
    )
    for name in ('kvm-1', 'kvm-2'):
        cloud.hosts.disable(name)
    refused = cloud.boot(cloud.images.create('iso', 'iso'))
    assert 'admit only servers that need their hypervisor' in refused.fault
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk).hypervisor == VCENTER


def test_an_availability_zone_narrows_and_does_not_decide(cloud):
    cloud.aggregates.set_metadata(cloud.kvm, {'availability_zone': 'az-kvm'})
    cloud.aggregates.set_metadata(
        cloud.vmware, {'availability_zone': 'az-vmware'}
    )
    iso = cloud.images.create('iso', 'iso')
    vmdk = cloud.images.create('vmdk', 'vmdk')
    in_vmware = cloud.boot(iso, availability_zone='az-vmware')
    assert in_vmware.hypervisor == VCENTER
    refused = cloud.boot(vmdk, availability_zone='az-kvm')
    assert 'no VMware host is available' in refused.fault


def test_server_groups_spread_within_the_hypervisor(cloud):
    group = cloud.servers.create_group('apart', 'anti-affinity')
    vmdk = cloud.images.create('vmdk', 'vmdk')
    servers = cloud.boot_many(vmdk, count=2, hints={'group': group})
    assert {server.host for server in servers} == {'vc-1', 'vc-2'}
    third = cloud.boot(vmdk, hints={'group': group})
    assert third.status == 'ERROR'
    group = cloud.servers.create_group('together', 'affinity')
    servers = cloud.boot_many(vmdk, count=3, hints={'group': group})
    assert len({server.host for server in servers}) == 1


def test_an_administrators_forced_host_skips_us(cloud):
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk, forced_host='kvm-1').hypervisor == KVM


def test_a_disabled_compute_is_no_host(cloud):
    cloud.hosts.disable('vc-1')
    vmdk = cloud.images.create('vmdk', 'vmdk')
    servers = cloud.boot_many(vmdk, count=3)
    assert {server.host for server in servers} == {'vc-2'}


@pytest.mark.smoke
def test_extra_specs_are_validated_by_nova_api(cloud):
    key = 'hypervisor_affinity:hypervisor_type'
    cloud.flavors.create('right', extra_specs={key: 'ESXi,kvm'})
    with pytest.raises(ApiError) as wrong_value:
        cloud.flavors.create('wrong', extra_specs={key: 'vmwrae'})
    assert wrong_value.value.status == 400
    assert key in str(wrong_value.value)
    assert 'vmwrae is not a known hypervisor' in str(wrong_value.value)
    unknown = 'hypervisor_affinity:hypervisor'
    with pytest.raises(ApiError) as unknown_key:
        cloud.flavors.create('unknown', extra_specs={unknown: 'kvm'})
    assert unknown_key.value.status == 400
    assert unknown in str(unknown_key.value)


def test_flavors(cloud):
    iso = cloud.images.create('iso', 'iso')
    to_esxi = cloud.flavors.create(
        'esxi', extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'}
    )
    rather_esxi = cloud.flavors.create(
        'rather', extra_specs={'hypervisor_affinity:preferred': 'vmware'}
    )
    assert cloud.boot(iso).hypervisor == KVM
    assert cloud.boot(iso, flavor=to_esxi).hypervisor == VCENTER
    assert cloud.boot(iso, flavor=rather_esxi).hypervisor == VCENTER


@pytest.mark.smoke
def test_a_full_hypervisor_overflows_and_strict_does_not(start_cloud):
    cloud = start_cloud()
    cloud.add_kvm_host('kvm-1', vcpus=2, memory_mb=4096)
    cloud.add_vcenter_host('vc-1')
    iso = cloud.images.create('iso', 'iso')
    flavor = cloud.flavors.create('half', vcpus=2, memory_mb=1536)
    # Two fit into 4 GiB less what nova reserves for the host.
    first = [cloud.boot(iso, flavor=flavor) for _ in range(3)]
    assert [server.hypervisor for server in first] == [KVM, KVM, VCENTER]
    cloud.set_options(
        {'hypervisor_affinity': {'flexible_placement': 'strict'}}
    )
    refused = cloud.boot(iso, flavor=flavor)
    assert refused.status == 'ERROR'
    assert 'it may use only the preferred hypervisor' in refused.fault


@pytest.mark.smoke
def test_tags_and_hosts_change_while_the_scheduler_runs(start_cloud):
    cloud = start_cloud()
    for name in ('h-1', 'h-2'):
        # Drivers that say nothing, so that the tags alone decide.
        cloud.add_host(name, faces.FAKE)
    kvm = cloud.aggregates.create(
        'kvm', hosts=['h-1'], metadata={'hypervisor_type': 'kvm'}
    )
    vmware = cloud.aggregates.create(
        'vmware', hosts=['h-2'], metadata={'hypervisor_type': 'vmware'}
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk).host == 'h-2'
    cloud.aggregates.remove_host(vmware, 'h-2')
    assert cloud.boot(vmdk).status == 'ERROR'
    cloud.aggregates.add_host(vmware, 'h-1')
    cloud.aggregates.remove_host(kvm, 'h-1')
    assert cloud.boot(vmdk).host == 'h-1'
    cloud.aggregates.set_metadata(vmware, {'hypervisor_type': 'kvm'})
    assert cloud.boot(vmdk).status == 'ERROR'
    cloud.aggregates.unset_metadata(vmware, 'hypervisor_type')
    cloud.aggregates.set_metadata(kvm, {'hypervisor_type': 'vmware'})
    cloud.aggregates.add_host(kvm, 'h-2')
    assert cloud.boot(vmdk).host == 'h-2'


@pytest.mark.smoke
def test_two_cells(start_cloud):
    cloud = start_cloud(cells=2)
    cloud.add_kvm_host('kvm-1', cell=1)
    cloud.add_kvm_host('kvm-2', cell=2)
    cloud.add_vcenter_host('vc-1', cell=2)
    cloud.add_vcenter_host('vc-2', cell=2)
    cloud.aggregates.create(
        'vmware',
        hosts=['vc-1', 'vc-2'],
        metadata={'hypervisor_type': 'vmware'},
    )
    cloud.aggregates.create(
        'kvm', hosts=['kvm-1', 'kvm-2'], metadata={'hypervisor_type': 'kvm'}
    )
    vmdk = cloud.images.create('vmdk', 'vmdk')
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    assert hypervisors(cloud.boot_many(qcow2, count=4)) == {KVM}
    server = cloud.boot(vmdk)
    assert server.hypervisor == VCENTER
    outcome = cloud.actions.cold_migrate(server)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == VCENTER


@pytest.mark.smoke
def test_a_wrong_option_stops_the_schedulers_start(start_cloud):
    with pytest.raises(ValueError, match=r'flexible_placement.*maybe'):
        start_cloud({'hypervisor_affinity': {'flexible_placement': 'maybe'}})
