# SPDX-License-Identifier: Apache-2.0
"""What a change is to an image, and to its servers."""

import msgspec
import pytest
from nova import objects

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.images import FLEXIBLE
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


def test_no_change_moves_an_image_to_another_hypervisor(disk):
    content = disk(adapter_type='lsilogic')
    image = Image(
        'x', disk_format='vmdk', container_format='bare', properties={}
    )
    assert found(image, FLEXIBLE, disk=content) == {
        ImageCheck.DISK_TYPE_MISSING: {}
    }
    assert (
        'set vmware_disktype=streamOptimized; then: image needs VMware'
    ) in advice(image, ImageCheck.DISK_TYPE_MISSING, FLEXIBLE, disk=content)


def test_the_content_knows_better_than_a_misspelt_property(disk):
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), dropped=('vmware_disk_type',)
    )
    after = fixed(
        image,
        values={'vmware_disk_type': 'sparse'},
        disk=disk(adapter_type='lsilogic'),
    )
    assert after.properties['vmware_disktype'] == 'streamOptimized'


@pytest.mark.parametrize(
    ('image', 'expected'),
    [
        (
            vmdk(os_distro='ubuntu', vmware_disktype='SPARSE'),
            {'os_distro': 'ubuntu64Guest', 'hw_disk_type': 'sparse'},
        ),
        (
            vmdk(vmware_adaptertype='IDE'),
            {'hw_disk_bus': 'ide'},
        ),
        (
            vmdk(vmware_adaptertype='pvscsi', hypervisor_type='esxi'),
            {
                'hw_disk_bus': 'scsi',
                'hw_scsi_model': 'vmpvscsi',
                'img_hv_type': 'vmware',
            },
        ),
        # Of the adapter, nova reads another name.
        (
            vmdk(vmware_adaptertype='pvscsi', hw_scsi_model='lsilogic'),
            {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'lsilogic'},
        ),
    ],
)
def test_what_a_change_is_to_a_server(image, expected):
    changes = image_audit.changes(audit(image, Policy()))
    given = image_audit.for_servers(image, changes)
    assert given == expected
    # It is what nova makes of the image then.
    read = objects.ImageMetaProps.from_dict(dict(fixed(image).properties))
    assert {name: read.get(name) for name in given} == given


def test_what_nova_manage_would_split_is_not_for_a_server():
    assert image_audit.for_servers(vmdk(), {'vmware_ostype': 'a=b'}) == {}
