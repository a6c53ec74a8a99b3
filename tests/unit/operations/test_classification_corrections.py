# SPDX-License-Identifier: Apache-2.0
"""What has to be corrected before an image can run."""

import pytest

from hypervisor_affinity.cloud.snapshot import Image
from tests.unit.operations.classified import changes


@pytest.mark.parametrize(
    ('disk_format', 'own', 'first'),
    [
        (
            'iso',
            {'hypervisor_type': 'vsphere'},
            'set image property hypervisor_type=vmware',
        ),
        # No driver reports it.
        (
            'qcow2',
            {'hypervisor_type': 'ironic'},
            'set image property hypervisor_type=baremetal',
        ),
        (
            'qcow2',
            {'architecture': 'arm64'},
            'set image property architecture=aarch64',
        ),
        (
            'vmdk',
            {
                'vmware_adaptertype': 'pvscsi',
                'vmware_disktype': 'streamOptimized',
            },
            'set image property vmware_adaptertype=paraVirtual',
        ),
        # Nobody can tell which is meant.
        (
            'vmdk',
            {'vmware_adaptertype': 'virtio'},
            'remove image property vmware_adaptertype',
        ),
        # Right, it would still not boot.
        (
            'qcow2',
            {'hypervisor_type': 'vsphere'},
            'set image property hypervisor_type=kvm',
        ),
        (
            'qcow2',
            {'hypervisor_type': 'vmware', 'hw_vif_model': 'vmxnet-3'},
            'set image property hw_vif_model=vmxnet3, and set image property '
            'hypervisor_type=kvm',
        ),
        ('vmdk', {'architecture': 'pdp11'}, None),
    ],
)
def test_what_nova_refuses_is_corrected_first(disk_format, own, first):
    image = Image('image', disk_format=disk_format, properties=own)
    assert next(iter(changes(image)), None) == first


def test_what_is_to_be_corrected_is_told_once():
    own = {'hypervisor_type': 'vsphere'}
    image = Image('image', disk_format='iso', properties=own)
    assert changes(image) == [
        'set image property hypervisor_type=vmware',
        'set image property hypervisor_type=kvm',
        'remove image property hypervisor_type',
    ]


@pytest.mark.parametrize(
    ('own', 'expected'),
    [
        (
            {'hw_vif_model': 'lan9118'},
            [
                'convert the image to qcow2, and set image property '
                'hw_vif_model to one of e1000, e1000e, igb, ne2k_pci, pcnet, '
                'rtl8139, spapr-vlan, virtio, vmxnet3, or remove '
                'hw_vif_model',
                'convert the image to vmdk, and set image property '
                'hw_vif_model to one of e1000, e1000e, pcnet, sriov, vmxnet, '
                'vmxnet3, or remove hw_vif_model',
            ],
        ),
        (
            {
                'hypervisor_type': 'vmware',
                'vmware_disktype': 'streamoptimized',
            },
            [
                'set image property hypervisor_type=kvm, and convert the '
                'image to qcow2',
                'convert the image to vmdk, and set image property '
                'vmware_disktype to one of sparse, streamOptimized, '
                'preallocated, thin, thick, eagerZeroedThick',
            ],
        ),
        (
            {
                'hypervisor_type': 'vmware',
                'vmware_disktype': 'streamoptimized',
                'hw_vif_model': 'ne2k_pci',
            },
            [
                'set image property hypervisor_type=kvm, and convert the '
                'image to qcow2',
                'convert the image to vmdk, and set image property '
                'vmware_disktype to one of sparse, streamOptimized, '
                'preallocated, thin, thick, eagerZeroedThick, and set image '
                'property hw_vif_model to one of e1000, e1000e, pcnet, '
                'sriov, vmxnet, vmxnet3, or remove hw_vif_model',
            ],
        ),
    ],
)
def test_what_has_to_be_corrected_together(own, expected):
    image = Image('image', disk_format='vhd', properties=own)
    assert changes(image) == expected


def test_only_disk_types_with_which_it_runs_are_listed():
    image = Image(
        'image',
        disk_format='iso',
        properties={
            'hypervisor_type': 'vmware',
            'vmware_disktype': 'streamOptimized',
        },
    )
    assert (
        'set image property vmware_disktype to one of preallocated, thin, '
        'thick, eagerZeroedThick'
    ) in changes(image)


def test_a_flat_disk_is_not_to_be_concealed_from_kvm():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={'hypervisor_type': 'kvm', 'vmware_disktype': 'thin'},
    )
    assert changes(image)[-1] == 'convert the image to qcow2'
    assert not any('vmware_disktype' in change for change in changes(image))


def test_a_guest_id_alone_may_be_what_is_missing():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={'hypervisor_type': 'vmware', 'os_distro': 'debian'},
    )
    assert changes(image)[0] == (
        'set image property os_distro to the guest id of its system'
    )


def test_a_guest_id_in_the_wrong_case_is_to_be_corrected():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={'vmware_ostype': 'UBUNTU64GUEST'},
    )
    assert changes(image)[0] == (
        'set image property vmware_ostype=ubuntu64Guest'
    )


def test_a_flat_disk_of_another_machine_is_no_dead_end():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={
            'hypervisor_type': 'vmware',
            'vmware_disktype': 'thin',
            'architecture': 'aarch64',
        },
    )
    assert (
        'set image property hypervisor_type=kvm, and convert the image to '
        'qcow2'
    ) in changes(image)
