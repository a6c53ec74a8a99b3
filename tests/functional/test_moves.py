# SPDX-License-Identifier: Apache-2.0
"""No move crosses to another hypervisor; rebuilds stay bootable."""

import pytest
from oslo_context import context as oslo_context

from hypervisor_affinity.scheduler import moves

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'


@pytest.fixture
def cloud(two_of_each):
    return two_of_each


@pytest.fixture
def small(cloud):
    return cloud.flavors.create('small', memory_mb=512)


@pytest.fixture
def large(cloud):
    return cloud.flavors.create('large', memory_mb=2048)


@pytest.fixture(params=[KVM, VCENTER])
def server(request, cloud, small):
    """A server of an image that could run anywhere, on either hypervisor."""
    image = cloud.images.create('installer', 'iso')
    host = 'kvm-1' if request.param == KVM else 'vc-1'
    server = cloud.boot(image, flavor=small, host=host)
    assert server.hypervisor == request.param, server.fault
    return server


def leave_only_the_other_hypervisor(cloud, server):
    own = 'kvm' if server.hypervisor == KVM else 'vc'
    for name in cloud.hosts.names():
        if name.startswith(own) and name != server.host:
            cloud.hosts.disable(name)


@pytest.mark.smoke
def test_resize_stays(cloud, server, large):
    outcome = cloud.actions.resize(server, large)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == server.hypervisor
    assert cloud.actions.confirm_resize(server).succeeded


def test_resize_fails_rather_than_cross(cloud, server, large):
    leave_only_the_other_hypervisor(cloud, server)
    outcome = cloud.actions.resize(server, large)
    assert not outcome.succeeded
    assert cloud.servers.get(server).host == server.host
    (line,) = cloud.logs.messages('hypervisor_affinity')
    assert f'No host for server {server.id}: server runs on' in line


@pytest.mark.smoke
@pytest.mark.parametrize('migrate', ['cold_migrate', 'live_migrate'])
def test_migration_stays(cloud, server, migrate):
    # To another host, or for vCenter, which can, within the cluster.
    outcome = getattr(cloud.actions, migrate)(server)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == server.hypervisor


@pytest.mark.parametrize('migrate', ['cold_migrate', 'live_migrate'])
def test_migration_to_a_host_of_the_other_hypervisor(cloud, server, migrate):
    other = 'vc-2' if server.hypervisor == KVM else 'kvm-2'
    outcome = getattr(cloud.actions, migrate)(server, to=other)
    assert not outcome.succeeded
    assert cloud.servers.get(server).host == server.host


@pytest.mark.smoke
def test_evacuation_never_crosses(cloud, server):
    cloud.hosts.fail(server.host)
    outcome = cloud.actions.evacuate(server)
    if server.hypervisor == KVM:
        assert outcome.succeeded, outcome.error
    else:
        # vmwareapi cannot evacuate (supports_evacuate=False); libvirt would
        # have taken it while the virtual machine still ran in vCenter.
        assert not outcome.succeeded
    assert cloud.servers.get(server).hypervisor == server.hypervisor


@pytest.mark.smoke
def test_unshelve_returns_to_the_hypervisor(cloud, server):
    assert cloud.actions.shelve(server).succeeded
    cloud.hosts.disable(server.host)
    outcome = cloud.actions.unshelve(server)
    assert outcome.succeeded, outcome.error
    assert outcome.host != server.host
    assert outcome.hypervisor == server.hypervisor


def test_unshelve_waits_rather_than_cross(cloud, server):
    assert cloud.actions.shelve(server).succeeded
    cloud.hosts.disable(server.host)
    leave_only_the_other_hypervisor(cloud, server)
    outcome = cloud.actions.unshelve(server)
    assert not outcome.succeeded
    assert cloud.servers.get(server).status == 'SHELVED_OFFLOADED'


def test_a_server_booted_from_a_volume_stays(cloud, small, large):
    volume = cloud.volumes.create()
    server = cloud.boot(volume=volume, flavor=small, host='vc-1')
    outcome = cloud.actions.resize(server, large)
    assert outcome.succeeded, outcome.error
    assert outcome.hypervisor == VCENTER


def test_one_of_several_stays_and_reads_why(cloud, small, large):
    image = cloud.images.create('installer', 'iso')
    first, _second = cloud.boot_many(image, count=2, flavor=small)
    assert first.hypervisor == KVM
    for name in ('kvm-1', 'kvm-2'):
        if name != first.host:
            cloud.hosts.disable(name)
    outcome = cloud.actions.resize(first, large)
    assert not outcome.succeeded
    assert cloud.servers.get(first).host == first.host


def test_a_misplaced_server_can_move_within_its_hypervisor(cloud, small):
    # With hypervisor_type=vmware, nova's ImagePropertiesFilter would hold it.
    image = cloud.images.create('windows', 'vmdk')
    # An administrator's forced host skips every filter.
    server = cloud.boot(image, flavor=small, forced_host='kvm-1')
    assert server.hypervisor == KVM
    outcome = cloud.actions.cold_migrate(server)
    assert outcome.succeeded, outcome.error
    assert outcome.host == 'kvm-2'


def test_a_resize_to_a_flavor_of_the_other_hypervisor(cloud, small):
    image = cloud.images.create('installer', 'iso')
    server = cloud.boot(image, flavor=small, host='kvm-1')
    flavor = cloud.flavors.create(
        'esxi',
        memory_mb=2048,
        extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'},
    )
    outcome = cloud.actions.resize(server, flavor)
    assert not outcome.succeeded
    assert cloud.servers.get(server).host == 'kvm-1'
    (line,) = cloud.logs.messages('hypervisor_affinity')
    assert 'a server cannot move to another hypervisor' in line


def test_the_thread_keeps_the_context_of_the_request(
    cloud, server, large, monkeypatch
):
    """nova's log lines have its request id, as have our records."""
    contexts = []
    origin = moves.origin

    def watched(request_spec):
        contexts.append(oslo_context.get_current())
        found = origin(request_spec)
        contexts.append(oslo_context.get_current())
        return found

    monkeypatch.setattr(moves, 'origin', watched)
    assert cloud.actions.resize(server, large).succeeded
    before, after = contexts
    assert before is not None
    assert after is before


def test_a_boot_asks_the_database_nothing_of_ours(cloud, small, monkeypatch):
    asked = []
    monkeypatch.setattr(moves, 'origin', asked.append)
    image = cloud.images.create('installer', 'iso')
    cloud.aggregates.set_metadata(cloud.kvm, {'availability_zone': 'az1'})
    assert cloud.boot(image, flavor=small).active
    assert cloud.boot(image, flavor=small, availability_zone='az1').active
    assert cloud.boot(image, flavor=small, host='kvm-1').active
    assert cloud.boot_many(image, count=2, flavor=small)[1].active
    assert asked == []


REBUILDS = [
    pytest.param('vmdk', {}, VCENTER, True, marks=pytest.mark.smoke),
    ('vmdk', {'vmware_disktype': 'sparse'}, VCENTER, True),
    ('iso', {}, VCENTER, True),
    pytest.param('qcow2', {}, VCENTER, False, marks=pytest.mark.smoke),
    ('raw', {}, VCENTER, False),
    ('iso', {'hypervisor_type': 'kvm'}, VCENTER, False),
    ('qcow2', {}, KVM, True),
    ('raw', {}, KVM, True),
    ('vmdk', {}, KVM, False),
    ('iso', {'vmware_ostype': 'otherGuest'}, KVM, False),
]


@pytest.mark.parametrize(
    ('disk_format', 'properties', 'on', 'works'), REBUILDS
)
def test_rebuild(cloud, small, disk_format, properties, on, works):
    installer = cloud.images.create('installer', 'iso')
    host = 'kvm-1' if on == KVM else 'vc-1'
    server = cloud.boot(installer, flavor=small, host=host)
    image = cloud.images.create('new', disk_format, properties=properties)
    outcome = cloud.actions.rebuild(server, image)
    assert outcome.succeeded is works
    after = cloud.servers.get(server)
    assert after.host == host
    if not works:
        assert 'The image ' in after.fault
        assert "; this server's host " in after.fault
        assert after.fault.endswith('; boot a new server instead')


VMWARE = {'hypervisor_type': 'vmware'}
# What the driver of the host refuses, and what it takes of the same kind:
# disk format, properties, whether it works.
KINDS = {
    VCENTER: [
        ('qcow2', {}, False),
        ('vhd', VMWARE, False),
        ('iso', {'hw_vif_model': 'rtl8139'}, False),
        ('vmdk', {**VMWARE, 'hw_vif_model': 'virtio'}, False),
        ('iso', {'hw_vif_model': 'VirtualVmxnet3'}, True),
        ('iso', {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'ibmvscsi'}, False),
        ('vmdk', {**VMWARE, 'hw_disk_bus': 'scsi'}, False),
        ('vmdk', {'vmware_adaptertype': 'paraVirtual'}, True),
        ('iso', {'hw_disk_bus': 'virtio'}, True),
        ('iso', {'os_distro': 'ubuntu'}, False),
        ('vmdk', {'os_distro': 'ubuntu'}, False),
        ('vmdk', {**VMWARE, 'os_distro': 'ubuntu'}, False),
        ('vmdk', {'vmware_ostype': 'ubuntu64Guest'}, True),
        ('vmdk', {**VMWARE, 'architecture': 'aarch64'}, False),
        ('iso', {'hw_emulation_architecture': 'aarch64'}, False),
        ('iso', {'architecture': 'x86_64'}, True),
        ('vmdk', {'vmware_disktype': 'Sparse'}, False),
        ('vmdk', {'vmware_disktype': 'sparse'}, True),
    ],
    KVM: [
        ('vhd', {}, False),
        ('vmdk', {'hypervisor_type': 'kvm'}, True),
        ('iso', {'hw_vif_model': 'vmxnet'}, False),
        ('qcow2', {'hw_vif_model': 'netfront'}, False),
        ('qcow2', {'hw_vif_model': 'rtl8139'}, True),
        ('qcow2', {'vmware_adaptertype': 'busLogic'}, False),
        ('qcow2', {'vmware_adaptertype': 'lsiLogicsas'}, True),
        ('qcow2', {'hw_disk_bus': 'xen'}, False),
        ('qcow2', {'hw_disk_bus': 'sata'}, True),
        # Left over from before a conversion.
        ('qcow2', {'vmware_ostype': 'ubuntu64Guest'}, True),
        ('raw', {'vmware_disktype': 'thin'}, True),
    ],
}
HOSTS = {KVM: 'kvm-1', VCENTER: 'vc-1'}


class Rebuilds:
    """Servers on hosts whose drivers refuse what nova's own refuse."""

    def __init__(self, cloud):
        self.cloud = cloud
        cloud.add_kvm_host('kvm-1')
        cloud.add_vcenter_host('vc-1')
        self._installer = cloud.images.create('installer', 'iso')

    def rebuild(self, on, disk_format, properties):
        """Return the outcome, the server, and whether its disk is there."""
        cloud, host = self.cloud, HOSTS[on]
        server = cloud.boot(self._installer, host=host)
        before = cloud.hosts.guest(host, server.id)
        assert before is not None
        image = cloud.images.create('new', disk_format, properties=properties)
        outcome = cloud.actions.rebuild(server, image)
        is_there = cloud.hosts.guest(host, server.id) is before
        return outcome, cloud.servers.get(server), is_there


@pytest.fixture
def rebuilds(start_cloud):
    # Only the filter under test, so that no other one saves the disk.
    filters = ['ComputeFilter', 'HypervisorAffinityFilter']
    return Rebuilds(
        start_cloud(
            {'filter_scheduler': {'enabled_filters': filters}},
            refuse_foreign_images=True,
        )
    )


@pytest.mark.parametrize('on', KINDS)
def test_the_disk_outlives_a_rebuild_that_the_driver_would_refuse(
    rebuilds, on
):
    wrong = []
    for disk_format, properties, works in KINDS[on]:
        found = rebuilds.rebuild(on, disk_format, properties)
        outcome, server, is_there = found
        # A rebuild that works makes another disk.
        if (outcome.succeeded, is_there) != (works, not works) or (
            not works and 'image' not in server.fault
        ):
            wrong.append((disk_format, properties, found))
    assert not wrong


def test_without_the_filter_the_disk_is_gone(start_cloud):
    # What the test before is worth.
    one = Rebuilds(
        start_cloud(
            {'filter_scheduler': {'enabled_filters': ['ComputeFilter']}},
            refuse_foreign_images=True,
        )
    )
    for on, disk_format, properties in (
        (VCENTER, 'qcow2', {}),
        (VCENTER, 'vmdk', {'os_distro': 'ubuntu'}),
        (KVM, 'qcow2', {'vmware_adaptertype': 'busLogic'}),
    ):
        outcome, _, is_there = one.rebuild(on, disk_format, properties)
        assert not outcome.succeeded
        assert not is_there
