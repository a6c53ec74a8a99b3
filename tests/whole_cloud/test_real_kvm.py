# SPDX-License-Identifier: Apache-2.0
"""Servers of nova's own libvirt driver: what runs, and from which disk.

The guest's line on its serial port tells which disk it has booted.
"""

import json
import pathlib
import subprocess

import psutil
import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from testbed import boot_disks
from testbed.processes import guests
from testbed.processes import polling
from testbed.processes.site import ADMIN
from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Tenant

HYPERVISOR_TYPE = 'hypervisor_affinity:hypervisor_type'


pytestmark = pytest.mark.usefixtures('real_kvm')


@pytest.fixture
def tenant(whole_cloud):
    """One who may say where a server is to boot."""
    with Tenant(whole_cloud, ADMIN) as tenant:
        yield tenant


def boot(tenant, image, flavor=None, network=None):
    server = tenant.boot(
        flavor or tenant.flavor(),
        image_id=image,
        host='kvm-1',
        network=network,
    )
    assert (server.status, server.fault) == ('ACTIVE', None)
    return server.id


def booted(tenant, label, **request):
    """Return a server that has booted, and the line that it wrote."""
    line = boot_disks.line(label)
    server = boot(tenant, tenant.image('qcow2', label=label), **request)
    tenant.wait_for_line(server, line)
    return server, line


def guest(cloud, tenant, server):
    """Return the process of a server; None if there is none."""
    name = tenant.admin.compute.get_server(server).instance_name
    running = [
        found
        for found in guests.find(cloud.folder)
        if found.name == name and found.pid
    ]
    assert len(running) <= 1
    return psutil.Process(running[0].pid) if running else None


def is_plugged(tenant, server):
    """Tell whether the network device of a server's port is there."""
    (port,) = tenant.admin.network.ports(device_id=server)
    # The driver's name for it: nova.network.model.NIC_NAME_LEN.
    return pathlib.Path('/sys/class/net', f'tap{port.id}'[:14]).exists()


def root_disk(cloud, server):
    return cloud.folder / 'nova' / 'instances' / server / 'disk'


def virtual_gib(disk):
    done = subprocess.run(
        [
            *(boot_disks.QEMU_IMG, 'info', '--force-share'),
            *('--output', 'json', disk),
        ],
        check=True,
        capture_output=True,
    )
    return json.loads(done.stdout)['virtual-size'] / 1024**3


def test_what_stops_and_starts_a_server(whole_cloud, tenant):
    server, line = booted(tenant, 'first')
    compute = tenant.admin.compute

    first = guest(whole_cloud, tenant, server)
    compute.stop_server(server)
    tenant.settled([server], 'SHUTOFF')
    assert not first.is_running()
    assert guest(whole_cloud, tenant, server) is None
    compute.start_server(server)
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, line)

    compute.pause_server(server)
    tenant.settled([server], 'PAUSED')
    compute.unpause_server(server)
    tenant.settled([server], 'ACTIVE')

    compute.suspend_server(server)
    tenant.settled([server], 'SUSPENDED')
    assert guest(whole_cloud, tenant, server) is None
    compute.resume_server(server)
    tenant.settled([server], 'ACTIVE')
    assert guest(whole_cloud, tenant, server)

    compute.reboot_server(server, 'HARD')
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, line)

    rescue = tenant.image('qcow2', label='rescue')
    compute.rescue_server(server, image=rescue)
    tenant.settled([server], 'RESCUE')
    tenant.wait_for_line(server, boot_disks.line('rescue'))
    compute.unrescue_server(server)
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, line)


def test_what_moves_a_server_takes_its_disk_and_port(whole_cloud, tenant):
    server, line = booted(tenant, 'moved', network=tenant.network())
    assert is_plugged(tenant, server)
    compute = tenant.admin.compute

    compute.migrate_server(server)
    (seen,) = tenant.settled([server], 'VERIFY_RESIZE')
    assert seen.host == 'kvm-2'
    compute.confirm_server_resize(server)
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, line)
    assert is_plugged(tenant, server)

    assert virtual_gib(root_disk(whole_cloud, server)) == 1
    compute.resize_server(server, tenant.flavor(ram=192, disk=2))
    (seen,) = tenant.settled([server], 'VERIFY_RESIZE')
    assert seen.side == 'kvm'
    assert virtual_gib(root_disk(whole_cloud, server)) == 2
    compute.revert_server_resize(server)
    (seen,) = tenant.settled([server], 'ACTIVE')
    assert seen.host == 'kvm-2'
    tenant.wait_for_line(server, line)
    assert is_plugged(tenant, server)
    assert virtual_gib(root_disk(whole_cloud, server)) == 1


def test_a_rebuild_that_is_refused_leaves_the_disk(whole_cloud, tenant):
    server, old = booted(tenant, 'old')
    new = boot_disks.line('new')
    compute = tenant.user.compute

    vmware = tenant.image('qcow2', label='new', hypervisor_type='vmware')
    compute.rebuild_server(server, image=vmware)
    (refused,) = tenant.settled([server], 'ERROR')
    assert refused.fault.startswith(NO_HOST)
    compute.reboot_server(server, 'HARD')
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, old)
    assert new not in tenant.console(server)

    compute.rebuild_server(server, image=tenant.image('qcow2', label='new'))
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, new)


def test_a_snapshot_boots_on_kvm_again(whole_cloud, tenant):
    line = boot_disks.line('kept')
    image = tenant.image(
        'vmdk', label='kept', vmware_disktype='streamOptimized'
    )
    # Else it would need VMware.
    flavor = tenant.flavor({HYPERVISOR_TYPE: 'any'})
    server = boot(tenant, image, flavor=flavor)
    tenant.wait_for_line(server, line)
    compute, images = tenant.user.compute, tenant.user.image

    snapshot = compute.create_server_image(server, 'snapshot', wait=True)
    tenant.keep(snapshot.id)
    stored = images.get_image(snapshot.id)
    # nova converts the disk, and keeps what was said of the image.
    assert stored.disk_format == 'qcow2'
    assert stored.properties['vmware_disktype'] == 'streamOptimized'
    again = tenant.boot(tenant.flavor(), image_id=snapshot.id)
    assert (again.status, again.side) == ('ACTIVE', 'kvm')
    tenant.wait_for_line(again.id, line)

    compute.shelve_server(server)
    tenant.settled([server], 'SHELVED_OFFLOADED')
    assert guest(whole_cloud, tenant, server) is None
    assert not root_disk(whole_cloud, server).exists()
    compute.unshelve_server(server)
    (back,) = tenant.settled([server], 'ACTIVE')
    assert back.side == 'kvm'
    tenant.wait_for_line(server, line)


def test_guests_go_on_without_their_nova_compute(whole_cloud, tenant):
    server, _ = booted(tenant, 'lasting')
    before = guest(whole_cloud, tenant, server)
    whole_cloud.programs['nova-compute-kvm-1'].kill()
    assert before.is_running()
    whole_cloud.up()
    tenant.settled([server], 'ACTIVE')
    assert guest(whole_cloud, tenant, server) == before
    # The new one has it in hand.
    tenant.admin.compute.stop_server(server)
    tenant.settled([server], 'SHUTOFF')
    assert not before.is_running()


def test_guests_that_died_with_their_host_come_back(whole_cloud, tenant):
    server, line = booted(tenant, 'back')
    before = guest(whole_cloud, tenant, server)
    whole_cloud.programs['nova-compute-kvm-1'].kill()
    before.kill()
    whole_cloud.up()

    def runs():
        now = guest(whole_cloud, tenant, server)
        return now and now != before

    polling.until(runs, 'the guest')
    tenant.settled([server], 'ACTIVE')
    tenant.wait_for_line(server, line)


def test_an_evacuation_takes_the_disk_and_the_port(whole_cloud, tenant):
    server, line = booted(tenant, 'evacuated', network=tenant.network())
    before = guest(whole_cloud, tenant, server)
    program = whole_cloud.programs['nova-compute-kvm-1']
    compute = tenant.admin.compute
    (service,) = compute.services(binary='nova-compute', host='kvm-1')
    program.kill()
    before.kill()
    try:
        compute.update_service_forced_down(service, forced=True)
        compute.evacuate_server(server)
        (seen,) = tenant.settled([server], 'ACTIVE')
        assert seen.host == 'kvm-2'
        tenant.wait_for_line(server, line)
    finally:
        program.start()
        program.wait()
        compute.update_service_forced_down(service, forced=False)
    # Even after the first host found that the server is its own no more.
    assert is_plugged(tenant, server)


def test_a_volume_has_what_cinder_made_of_the_image(whole_cloud, tenant):
    volume = tenant.volume(tenant.image('qcow2', label='volume'))
    server = tenant.boot(
        tenant.flavor(),
        host='kvm-1',
        block_device_mapping=[
            {
                'boot_index': 0,
                'source_type': 'volume',
                'destination_type': 'volume',
                'uuid': volume,
            }
        ],
    )
    assert (server.status, server.side) == ('ACTIVE', 'kvm')
    tenant.wait_for_line(server.id, boot_disks.line('volume'))
    assert not root_disk(whole_cloud, server.id).exists()
