# SPDX-License-Identifier: Apache-2.0
"""Rebuilds on nova's own vSphere driver: what would fail destroys nothing.

The simulated vCenter takes any guest id and any adapter, which a real one does
not, so that of these only the filter's word shows.
"""

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Tenant
from tests.whole_cloud.tenant import disabled

VMWARE = {'hypervisor_type': 'vmware'}
STREAM = {'vmware_disktype': 'streamOptimized'}
# disk format, properties, end of the fault
REFUSED = [
    (
        'qcow2',
        VMWARE,
        'cannot boot an image with disk_format=qcow2: convert it to VMDK',
    ),
    ('vmdk', {**VMWARE, **STREAM, 'hw_vif_model': 'rtl8139'}, 'adapter'),
    (
        'vmdk',
        {'vmware_disktype': 'streamoptimized'},
        'set vmware_disktype to one of sparse, streamOptimized, '
        'preallocated, thin, thick, eagerZeroedThick',
    ),
    (
        'vmdk',
        {**VMWARE, 'hw_disk_bus': 'scsi'},
        'lsilogic, lsisas1068, vmpvscsi, buslogic',
    ),
    ('vmdk', {**STREAM, 'os_distro': 'ubuntu'}, 'guest id of its system'),
    ('vmdk', {**VMWARE, **STREAM, 'architecture': 'aarch64'}, 'hypervisor'),
    ('iso', {'hw_vif_model': 'virtio'}, 'boot a new server instead'),
    ('qcow2', {'vmware_ostype': 'otherGuest'}, 'boot a new server instead'),
]


@pytest.fixture
def tenant(whole_cloud):
    with Tenant(whole_cloud) as tenant, disabled(whole_cloud, 'vc-2'):
        yield tenant


def test_what_the_driver_refuses_leaves_the_disk(whole_cloud, tenant):
    flavor = tenant.flavor()
    own = tenant.image('vmdk', **STREAM)
    servers = tenant.boot_all(
        {'flavor': flavor, 'image_id': own} for _ in REFUSED
    )
    assert {server.host for server in servers} == {'vc-1'}
    ids = [server.id for server in servers]
    vcenter = whole_cloud.site.vcenter
    before = [vcenter.holds(server) for server in ids]
    # A VM and its root disk.
    assert [len(held) for held in before] == [2] * len(ids)
    for server, (disk_format, properties, _) in zip(ids, REFUSED, strict=True):
        image = tenant.image(disk_format, **properties)
        tenant.user.compute.rebuild_server(server, image=image)
    refused = tenant.settled(ids, 'ERROR')
    for server, (_, _, fault) in zip(refused, REFUSED, strict=True):
        assert server.fault.startswith(NO_HOST)
        assert server.fault.endswith(fault)
        assert server.image == own
    assert [vcenter.holds(server) for server in ids] == before


def test_a_rebuild_that_works_makes_another_disk(whole_cloud, tenant):
    # What the test before is worth.
    image = tenant.image('vmdk', **STREAM)
    server = tenant.boot(tenant.flavor(), image_id=image)
    before = whole_cloud.site.vcenter.holds(server.id)
    other = tenant.image('vmdk', vmware_ostype='otherGuest', **STREAM)
    tenant.user.compute.rebuild_server(server.id, image=other)
    tenant.settled([server.id], 'ACTIVE')
    after = whole_cloud.site.vcenter.holds(server.id)
    assert len(after) == len(before) == 2
    assert after[0] != before[0]
