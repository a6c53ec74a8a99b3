# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of names, compared with what nova does with them."""

import msgspec
import pytest
from nova import objects

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.driver import driver_reads
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


@pytest.mark.parametrize(
    ('own', 'wins'),
    [
        ({'hypervisor_type': 'vmware', 'img_hv_type': 'kvm'}, 'img_hv_type'),
        (
            {'vmware_disktype': 'sparse', 'hw_disk_type': 'thin'},
            'hw_disk_type',
        ),
        (
            {
                'vmware_adaptertype': 'paraVirtual',
                'hw_scsi_model': 'lsilogic',
            },
            'hw_scsi_model',
        ),
        ({'vmware_adaptertype': 'ide', 'hw_disk_bus': 'scsi'}, 'hw_disk_bus'),
    ],
)
def test_two_names(own, wins):
    image = Image('x', disk_format='vmdk', properties=own)
    read = objects.ImageMetaProps.from_dict(dict(own))
    assert read.get(wins) == own[wins]
    assert found(image)[ImageCheck.NAMES_DIFFER] == {}
    (text,) = [
        finding.evidence
        for finding in audit(image, Policy())
        if finding.check is ImageCheck.NAMES_DIFFER
    ]
    assert text.endswith(f'nova reads {wins}')


@pytest.mark.parametrize(
    'name', ['vmware_disk_type', 'VMWARE_DISKTYPE', 'vmware-disktype']
)
def test_a_misspelt_name(name):
    image = msgspec.structs.replace(
        vmdk(vmware_disktype=None), dropped=(name,)
    )
    dropped = {name: 'SPARSE'}
    read = objects.ImageMetaProps.from_dict({**image.properties, **dropped})
    assert read.get('hw_disk_type') is None
    assert found(image, values=dropped)[ImageCheck.PROPERTY_DROPPED] == {
        'vmware_disktype': 'sparse',
        name: None,
    }
    assert found(fixed(image, values=dropped)) == {}
    # Its value is not known.
    assert found(image)[ImageCheck.PROPERTY_DROPPED] == {}


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        # Not misspelt, but like another name.
        ('vmware_adapter', 'paraVirtual', 'did you mean vmware_adaptertype?'),
        # Its right name is there.
        ('vmware_adapter_type', 'ide', 'the right name is vmware_adaptertype'),
        # It would be refused.
        ('img_Version', 'one', 'img_version must be an integer'),
        # nova reads its other name.
        ('hv_type', 'kvm', 'the right name is hypervisor_type, which is set'),
        # It would move the image to KVM.
        ('img_hv-type', 'kvm', 'then: image needs KVM'),
        # vSphere would get it for a guest id.
        ('os-distro', 'debian', 'then: a server with os_distro=debian would'),
        # It has many meanings.
        ('nic', 'vmxnet3', 'did you mean hw_vif_model?'),
    ],
)
def test_a_misspelt_name_that_is_for_the_owner(name, value, said):
    image = msgspec.structs.replace(vmdk(), dropped=(name,))
    dropped = {name: value}
    assert found(image, values=dropped) == {ImageCheck.PROPERTY_DROPPED: {}}
    assert said in advice(image, ImageCheck.PROPERTY_DROPPED, values=dropped)


@pytest.mark.parametrize(
    ('name', 'value', 'changes'),
    [
        (
            'hypervisor',
            'VMware',
            {'hypervisor_type': 'vmware', 'hypervisor': None},
        ),
        ('hv_type', 'vsphere', {'hypervisor_type': 'vmware', 'hv_type': None}),
        (
            'vmware_guestid',
            'UBUNTU64guest',
            {'vmware_ostype': 'ubuntu64Guest', 'vmware_guestid': None},
        ),
        (
            'vmware_scsi_adapter',
            'pvscsi',
            {
                'vmware_adaptertype': 'paraVirtual',
                'vmware_scsi_adapter': None,
            },
        ),
        (
            'hw_nic_model',
            'VMXNET3',
            {'hw_vif_model': 'vmxnet3', 'hw_nic_model': None},
        ),
        ('cpu_arch', 'amd64', {'architecture': 'x86_64', 'cpu_arch': None}),
        (
            'linked_clone',
            'true',
            {'vmware_linked_clone': 'true', 'linked_clone': None},
        ),
    ],
)
def test_another_name_for_a_property(name, value, changes):
    image = Image(
        'x',
        disk_format='vmdk',
        properties={'vmware_disktype': 'streamOptimized'},
        dropped=(name,),
    )
    told = found(image, values={name: value})
    assert told[ImageCheck.PROPERTY_DROPPED] == changes
    after = fixed(image, values={name: value})
    assert ImageCheck.PROPERTY_DROPPED not in found(after, values={})
    # nova takes it.
    driver_reads(after)


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('vmware_guestos', 'ubuntu', 'ubuntu is not a guest id of vSphere'),
        ('vmware_provisioning', 'lazy', 'lazy is not one of sparse, '),
        ('hypervisor_name', 'ESXi 8', 'img_hv_type must be one of'),
    ],
)
def test_another_name_for_a_property_with_no_value_of_it(name, value, said):
    image = Image('x', disk_format='iso', dropped=(name,))
    values = {name: value}
    assert found(image, values=values) == {ImageCheck.PROPERTY_DROPPED: {}}
    assert said in advice(image, ImageCheck.PROPERTY_DROPPED, values=values)


def test_another_name_for_a_property_that_would_move_an_image():
    image = Image('x', disk_format='vmdk', dropped=('hypervisor',))
    values = {'hypervisor': 'kvm'}
    assert found(image, values=values)[ImageCheck.PROPERTY_DROPPED] == {}
    assert advice(image, ImageCheck.PROPERTY_DROPPED, values=values) == (
        'set hypervisor_type=kvm, remove hypervisor; then: image needs KVM '
        '(hypervisor_type=kvm)'
    )


@pytest.mark.parametrize(
    'name',
    [
        'base_image_ref',
        'image_type',
        'kernel_id',
        'os_version',
        'vmware_create_type',
        'vmware_tools_version',
    ],
)
def test_what_nova_drops_and_others_read(name):
    image = msgspec.structs.replace(vmdk(), dropped=(name,))
    assert found(image, values={name: '1'}) == {}
