# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of disks, compared with what the driver reads."""

import msgspec
import pytest
from nova import exception
from nova.virt.vmwareapi import constants

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations.image_audit import ImageCheck
from tests.unit.operations.image_audit.driver import driver_fetches
from tests.unit.operations.image_audit.driver import driver_reads
from tests.unit.operations.image_audit.images import FLEXIBLE
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


def test_the_drivers_defaults():
    assert image_audit.DEFAULT_ADAPTER_TYPE == constants.DEFAULT_ADAPTER_TYPE


@pytest.mark.parametrize('hypervisor_type', ['vmware', None])
@pytest.mark.parametrize('name', ['vmware_disktype', 'hw_disk_type'])
def test_the_driver_tells_case_apart(name, hypervisor_type):
    image = vmdk(
        **{'vmware_disktype': None, name: 'streamoptimized'},
        hypervisor_type=hypervisor_type,
    )
    assert demand_of(image).refusal is Reason.CANNOT_BOOT
    with pytest.raises(exception.InvalidDiskInfo):
        driver_fetches(image)
    assert found(image) == {
        ImageCheck.DISK_TYPE_UNKNOWN: {name: 'streamOptimized'}
    }
    assert driver_fetches(fixed(image)) == driver_fetches(vmdk())


def test_a_disk_type_that_no_hypervisor_reads():
    # The core takes it for an image of KVM, as which it would run.
    image = Image('x', disk_format='vmdk', properties={'hw_disk_type': 'fat'})
    assert demand_of(image).impossible == {'vmware'}
    assert found(image)[ImageCheck.DISK_TYPE_UNKNOWN] == {}
    told = advice(image, ImageCheck.DISK_TYPE_UNKNOWN)
    assert told.startswith('set hw_disk_type to one of eagerZeroedThick')
    assert told.endswith('or set hypervisor_type=kvm, if it is for KVM')
    # Neither reads it.
    own = {'hw_disk_type': 'fat', 'hypervisor_type': 'kvm'}
    assert found(Image('x', disk_format='vmdk', properties=own)) == {}


def test_a_disk_type_that_the_content_proves_moves_no_image(disk):
    content = disk(adapter_type='lsilogic')
    image = Image(
        'x',
        disk_format='vmdk',
        container_format='bare',
        properties={'hw_disk_type': 'fat'},
    )
    assert found(image, disk=content)[ImageCheck.DISK_TYPE_UNKNOWN] == {}
    assert (
        'set hw_disk_type=streamOptimized; then: image needs VMware'
    ) in advice(image, ImageCheck.DISK_TYPE_UNKNOWN, disk=content)


def test_a_disk_type_that_does_not_exist():
    image = vmdk(vmware_disktype='fat')
    with pytest.raises(exception.InvalidDiskInfo):
        driver_fetches(image)
    assert found(image) == {ImageCheck.DISK_TYPE_UNKNOWN: {}}
    assert 'to one of eagerZeroedThick' in advice(
        image, ImageCheck.DISK_TYPE_UNKNOWN
    )


@pytest.mark.parametrize(
    ('subformat', 'expected'),
    [('streamOptimized', 'streamOptimized'), ('monolithicSparse', 'sparse')],
)
@pytest.mark.parametrize(
    ('value', 'check'),
    [
        (None, ImageCheck.DISK_TYPE_MISSING),
        ('thin', ImageCheck.DISK_TYPE_WRONG),
        ('fat', ImageCheck.DISK_TYPE_UNKNOWN),
        ('PREALLOCATED', ImageCheck.DISK_TYPE_UNKNOWN),
    ],
)
def test_the_content_tells_the_disk_type(
    disk, subformat, expected, value, check
):
    content = disk(subformat, adapter_type='lsilogic')
    image = vmdk(vmware_disktype=value)
    assert found(image, disk=content) == {check: {'vmware_disktype': expected}}
    after = fixed(image, disk=content)
    assert found(after, disk=content) == {}
    assert driver_reads(after).disk_type == expected


def test_a_flat_extent_needs_no_disk_type():
    flat = Disk(name='x', format='raw', virtual_bytes=1, file_bytes=1)
    image = vmdk(vmware_disktype=None)
    # Neither Glance nor KVM would take it.
    assert found(image, disk=flat) == {ImageCheck.CONTENT_REFUSED: {}}
    assert driver_reads(image).disk_type in vmware.FLAT_DISK_TYPES
    # Or something else that only looks raw.
    wrong = vmdk(vmware_disktype='sparse')
    assert found(wrong, disk=flat)[ImageCheck.DISK_TYPE_WRONG] == {}
    assert 'to one of preallocated, thin' in advice(
        wrong, ImageCheck.DISK_TYPE_WRONG, disk=flat
    )
    for value in vmware.FLAT_DISK_TYPES:
        right = vmdk(vmware_disktype=value)
        assert ImageCheck.DISK_TYPE_WRONG not in found(right, disk=flat)


def test_without_the_content_a_missing_disk_type_is_for_the_owner():
    image = vmdk(vmware_disktype=None)
    assert found(image) == {ImageCheck.DISK_TYPE_MISSING: {}}
    assert 'image inspect' in advice(image, ImageCheck.DISK_TYPE_MISSING)


def test_an_ova_has_one_disk_type():
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), container_format='ova'
    )
    assert found(image) == {
        ImageCheck.DISK_TYPE_MISSING: {'vmware_disktype': 'streamOptimized'}
    }


@pytest.mark.parametrize(
    ('said', 'changes'),
    [
        ('ide', {ImageCheck.ADAPTER_MISSING: {'vmware_adaptertype': 'ide'}}),
        (
            'buslogic',
            {ImageCheck.ADAPTER_MISSING: {'vmware_adaptertype': 'busLogic'}},
        ),
        ('lsilogic', {}),
    ],
)
def test_the_descriptor_tells_the_adapter(disk, said, changes):
    content = disk('monolithicSparse', adapter_type=said)
    image = vmdk(vmware_adaptertype=None, vmware_disktype='sparse')
    assert driver_reads(image).adapter_type == 'lsiLogic'
    assert found(image, disk=content) == changes
    assert driver_reads(fixed(image, disk=content)).adapter_type.lower() == (
        said
    )
    # What the owner said counts.
    own = {'vmware_disktype': 'sparse'}
    assert found(vmdk(**own), disk=content) == {}
    own['hw_scsi_model'] = 'lsilogic'
    assert found(vmdk(**own), disk=content).keys() <= {ImageCheck.NAMES_DIFFER}


def test_the_adapter_of_an_imported_disk_may_be_right_as_it_is(disk):
    image = vmdk(vmware_adaptertype=None)
    content = disk('streamOptimized', adapter_type='ide')
    assert found(image, disk=content) == {ImageCheck.ADAPTER_MISSING: {}}
    assert advice(image, ImageCheck.ADAPTER_MISSING, disk=content) == (
        'set vmware_adaptertype=ide if its servers do not boot'
    )


def test_the_adapter_of_a_flexible_image_is_left_alone(disk):
    # On KVM, too, nova reads it.
    image = Image('x', disk_format='vmdk', container_format='bare')
    content = disk(adapter_type='ide')
    assert found(image, FLEXIBLE, disk=content).keys() == {
        ImageCheck.DISK_TYPE_MISSING
    }


def test_an_empty_disk_type_is_none():
    image = vmdk(vmware_disktype='')
    assert found(image) == {ImageCheck.DISK_TYPE_UNKNOWN: {}}
