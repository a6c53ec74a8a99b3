# SPDX-License-Identifier: Apache-2.0
"""A tenth of the reference case's servers, in a whole cloud of its kind.

One in six must run on ESXi. The others could run anywhere or on KVM only, and
there are more of them than KVM holds.
"""

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Tenant
from tests.whole_cloud.tenant import disabled
from tests.whole_cloud.tenant import forget_failed_builds

# Each of the two KVM hosts has room for eight.
RAM = 2048


@pytest.fixture
def tenant(whole_cloud):
    forget_failed_builds(whole_cloud)
    with Tenant(whole_cloud) as tenant:
        yield tenant


def test_servers_are_where_they_belong_until_kvm_is_full(whole_cloud, tenant):
    flavor = tenant.flavor(ram=RAM)
    for_esxi = tenant.image(
        'vmdk', hypervisor_type='vmware', vmware_disktype='streamOptimized'
    )
    iso = tenant.image('iso')
    qcow2 = tenant.image('qcow2')

    def boot(*images):
        return tenant.boot_all(
            {'flavor': flavor, 'image_id': image} for image in images
        )

    first = boot(*[for_esxi] * 5, *[qcow2, iso, iso, iso] * 4)
    placed = [(server.image, server.side) for server in first]
    assert placed.count((for_esxi, 'vmware')) == 5
    assert placed.count((iso, 'kvm')) == 12
    assert placed.count((qcow2, 'kvm')) == 4

    # A real vCenter boots only streamOptimized disks.
    with disabled(whole_cloud, 'vc-1'):
        # Placement lets requests that come at the same time have a little
        # more of a host than there is, so that another one may have room.
        while tenant.boot(flavor, image_id=iso).side == 'kvm':
            pass
        later = boot(*[iso] * 4, *[qcow2] * 4)
    assert [(server.image, server.side) for server in later] == [
        *[(iso, 'vmware')] * 4,
        *[(qcow2, None)] * 4,
    ]
    assert {server.fault for server in later} == {
        None,
        NO_HOST + 'The image cannot boot on VMware (disk_format=qcow2); none '
        'of the available hosts can boot it',
    }
