# SPDX-License-Identifier: Apache-2.0
"""Observing before enforcing, in a cloud of two KVM and two vCenter hosts."""

import pytest

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'
MODE = 'hypervisor_affinity_mode'


@pytest.fixture
def cloud(two_of_each):
    two_of_each.set_options({'hypervisor_affinity': {'mode': 'observe'}})
    return two_of_each


def said(cloud):
    return cloud.logs.messages('hypervisor_affinity')


@pytest.mark.smoke
def test_nova_places_as_without_us_and_says_what_would_change(cloud):
    qcow2 = cloud.images.create('qcow2', 'qcow2')
    # The most free RAM wins.
    server = cloud.boot(qcow2)
    assert server.hypervisor == VCENTER
    (line,) = said(cloud)
    assert line.startswith(
        f'Mode observe: server {server.id} would go to another host: image '
        'cannot boot on VMware (disk_format=qcow2); host vc-'
    )


def test_what_would_be_refused_boots(cloud):
    for name in ('vc-1', 'vc-2'):
        cloud.hosts.disable(name)
    server = cloud.boot(cloud.images.create('vmdk', 'vmdk'))
    assert server.hypervisor == KVM
    (line,) = said(cloud)
    assert line == (
        f'Mode observe: server {server.id} would be refused: image needs '
        'VMware (disk_format=vmdk); hosts rejected: 2 other_hypervisor'
    )


def test_one_line_for_each_server_of_a_request(cloud):
    servers = cloud.boot_many(cloud.images.create('qcow2', 'qcow2'), count=3)
    assert {server.hypervisor for server in servers} == {VCENTER}
    lines = said(cloud)
    assert len(lines) == 3
    for server in servers:
        assert sum(server.id in line for line in lines) == 1


@pytest.mark.smoke
def test_one_aggregate_is_enforced(cloud):
    cloud.aggregates.set_metadata(cloud.vmware, {MODE: 'enforce'})
    qcow2 = cloud.boot(cloud.images.create('qcow2', 'qcow2'))
    iso = cloud.boot(cloud.images.create('iso', 'iso'))
    assert qcow2.hypervisor == iso.hypervisor == KVM
    for name in ('vc-1', 'vc-2'):
        cloud.hosts.disable(name)
    vmdk = cloud.boot(cloud.images.create('vmdk', 'vmdk'))
    assert vmdk.hypervisor == KVM


def test_placement_leaves_out_no_observed_host(cloud):
    cloud.set_options({'hypervisor_affinity': {'placement_prefilter': True}})
    for name in ('vc-1', 'vc-2'):
        cloud.hosts.disable(name)
    named = cloud.images.create(
        'named', 'vmdk', properties={'hypervisor_type': 'vmware'}
    )
    # nova's own ImagePropertiesFilter compares hypervisor_type.
    assert 'VMware' not in cloud.boot(named).fault
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert cloud.boot(vmdk).hypervisor == KVM
    cloud.aggregates.set_metadata(cloud.kvm, {MODE: 'enforce'})
    # Placement has no other host left.
    assert cloud.boot(vmdk).status == 'ERROR'
