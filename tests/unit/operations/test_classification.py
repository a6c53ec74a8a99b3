# SPDX-License-Identifier: Apache-2.0
"""What is told of an image, and whether what it advises is true."""

import pytest

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.classification import classify_image
from hypervisor_affinity.operations.classification import names_that_set
from hypervisor_affinity.operations.classification import runs_nowhere
from tests import case_table
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK
from tests.unit.operations.classified import changes


def asked_by(case):
    """Return the image and the flavor of a row of the case table."""
    properties = dict(case.image or {})
    formats = {
        name: properties.pop(name, None)
        for name in ('disk_format', 'container_format')
    }
    strings = {name: str(value) for name, value in properties.items()}
    return (
        Image('image', properties=strings, **formats),
        Flavor('flavor', extra_specs=case.extra_specs),
    )


@pytest.mark.parametrize(
    'case',
    [c for c in case_table.cases() if not (c.volume or c.rebuild)],
    ids=str,
)
def test_the_demand_is_that_of_the_core(case):
    image, flavor = asked_by(case)
    found = classify_image(image, flavor, Policy())
    expected = classify(read_image(image), case.extra_specs, Policy())
    assert found.demand == expected


def test_a_vmdk_image():
    assert changes(VMDK) == [
        'set image property hypervisor_type=kvm',
        'set flavor extra spec hypervisor_affinity:hypervisor_type=any',
        'convert the image to qcow2',
    ]


def test_a_qcow2_image():
    assert changes(QCOW2) == [
        'set image property hypervisor_type=kvm',
        'convert the image to vmdk',
    ]


def test_an_iso_image():
    assert changes(ISO)[:2] == [
        'set image property hypervisor_type=kvm',
        'set image property hypervisor_type=vmware',
    ]


def test_properties_to_remove_are_named_as_they_were_written():
    image = Image(
        'image',
        disk_format='iso',
        properties={
            'vmware_ostype': 'rhel7_64Guest',
            'hw_disk_type': 'thin',
            'hw_cpu_cores': '2',
        },
    )
    assert 'remove image property hw_disk_type, vmware_ostype' in (
        changes(image)
    )


@pytest.mark.parametrize(
    ('own', 'said'),
    [
        (
            {'img_hv_type': 'vmware', 'hypervisor_type': 'kvm'},
            'set image property img_hv_type=kvm',
        ),
        (
            {'hypervisor_type': 'vmware'},
            'set image property hypervisor_type=kvm',
        ),
    ],
)
def test_the_hypervisor_is_to_be_set_by_the_name_that_nova_reads(own, said):
    image = Image('image', disk_format='vmdk', properties=own)
    assert said in changes(image)


@pytest.mark.parametrize(
    ('disk_format', 'own', 'expected'),
    [
        # A driver refuses the adapter, and has others.
        (
            'vmdk',
            {'hypervisor_type': 'vmware', 'hw_vif_model': 'virtio'},
            'set image property hw_vif_model to one of e1000, e1000e, pcnet, '
            'sriov, vmxnet, vmxnet3, or remove hw_vif_model',
        ),
        # Of these, only such as keep it flexible.
        (
            'iso',
            {'hw_vif_model': 'virtio'},
            'set image property hw_vif_model to one of e1000, e1000e, pcnet, '
            'vmxnet3, or remove hw_vif_model',
        ),
        (
            'iso',
            {'vmware_adaptertype': 'busLogic', 'hypervisor_type': 'kvm'},
            'set image property vmware_adaptertype to one of lsiLogic, '
            'lsiLogicsas, paraVirtual, or remove vmware_adaptertype',
        ),
        # A bus without a model would be refused as well.
        (
            'vmdk',
            {
                'hypervisor_type': 'vmware',
                'hw_disk_bus': 'scsi',
                'hw_scsi_model': 'virtio-scsi',
            },
            'set image property hw_scsi_model to one of buslogic, lsilogic, '
            'lsisas1068, vmpvscsi, or remove hw_scsi_model and hw_disk_bus',
        ),
        (
            'vmdk',
            {'hypervisor_type': 'vmware', 'hw_disk_bus': 'scsi'},
            'set image property hw_disk_bus to ide, or remove hw_disk_bus',
        ),
        # One alone would not help.
        (
            'iso',
            {
                'hypervisor_type': 'kvm',
                'hw_disk_bus': 'xen',
                'hw_vif_model': 'netfront',
            },
            'set image property hw_disk_bus to one of ide, sata, scsi, '
            'usb, virtio, or remove hw_disk_bus, and set image property '
            'hw_vif_model to one of e1000, e1000e, igb, ne2k_pci, pcnet, '
            'rtl8139, spapr-vlan, virtio, vmxnet3, or remove hw_vif_model',
        ),
        (
            'vmdk',
            {'vmware_disktype': 'streamoptimized'},
            'set image property vmware_disktype to one of sparse, '
            'streamOptimized, preallocated, thin, thick, eagerZeroedThick',
        ),
    ],
)
def test_other_values_of_what_a_driver_refuses(disk_format, own, expected):
    image = Image('image', disk_format=disk_format, properties=own)
    assert expected in changes(image)


@pytest.mark.parametrize('case', case_table.cases(), ids=str)
def test_all_that_is_advised_runs_somewhere(case):
    image, flavor = asked_by(case)
    for change in classify_image(image, flavor, Policy()).changes:
        assert 'cannot boot on KVM or VMware' not in change.demand
        assert 'which cannot boot' not in change.demand


def test_vmware_is_not_advised_without_a_guest_id():
    image = Image(
        'image', disk_format='iso', properties={'os_distro': 'debian'}
    )
    assert changes(image)[1] == (
        'set image property hypervisor_type=vmware, and set image property '
        'os_distro to the guest id of its system'
    )
    image = Image(
        'image', disk_format='qcow2', properties={'os_distro': 'debian'}
    )
    assert changes(image)[-1] == (
        'convert the image to vmdk, and set image property os_distro to the '
        'guest id of its system'
    )


def test_what_is_emulated_is_not_for_vmware():
    image = Image(
        'image',
        disk_format='iso',
        properties={'hw_emulation_architecture': 'aarch64'},
    )
    assert changes(image) == [
        'set image property hypervisor_type=kvm',
    ]


def test_an_architecture_is_not_to_be_concealed():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={'hypervisor_type': 'vmware', 'architecture': 'aarch64'},
    )
    assert not any('remove image property arch' in c for c in changes(image))


def test_what_runs_nowhere_is_to_be_converted():
    image = Image('image', disk_format='vhd')
    found = classify_image(image, None, Policy())
    assert runs_nowhere(found.demand)
    assert changes(image) == [
        'convert the image to qcow2',
        'convert the image to vmdk',
    ]


def test_what_an_owner_can_do_is_told_beside_what_an_operator_can():
    found = classify_image(
        Image('image', disk_format='vmdk', properties={'os_distro': 'x'}),
        None,
        Policy(),
    )
    same = 'image cannot boot on VMware (os_distro=x)'
    assert [c.owners for c in found.changes if c.demand == same] == [False]
    assert found.changes[-1].setting == 'convert the image to qcow2'
    assert found.changes[-1].owners


def test_what_is_left_over_decides_nothing():
    image = Image(
        'image',
        disk_format='qcow2',
        properties={'vmware_ostype': 'ubuntu64Guest'},
    )
    found = classify_image(image, None, Policy())
    assert [sign.name for sign in found.demand.leftovers] == ['os_distro']
    assert not any('remove' in change for change in changes(image))


@pytest.mark.parametrize(
    ('image', 'name', 'expected'),
    [
        (
            {'vmware_ostype': 'x', 'os_distro': 'y', 'os_version': '1'},
            'os_distro',
            ('os_distro', 'vmware_ostype'),
        ),
        (
            {'vmware_adaptertype': 'ide', 'hw_disk_bus': 'scsi'},
            'hw_disk_bus',
            ('hw_disk_bus', 'vmware_adaptertype'),
        ),
        ({'vmware_adaptertype': 'ide'}, 'hw_scsi_model', ()),
        ({'architecture': 'x86_64'}, 'hw_architecture', ('architecture',)),
        ({'disk_format': 'iso'}, 'disk_format', ('disk_format',)),
    ],
)
def test_the_names_by_which_a_property_is_set(image, name, expected):
    assert names_that_set(image, name) == expected


def test_what_cannot_be_booted_is_to_be_converted():
    image = Image(
        'image', disk_format='qcow2', properties={'hypervisor_type': 'vmware'}
    )
    found = classify_image(image, None, Policy())
    assert found.demand.refusal is Reason.CANNOT_BOOT
    assert 'convert the image to vmdk' in changes(image)


def test_advice_that_would_be_refused_is_not_given():
    flavor = Flavor(
        'f', extra_specs={'hypervisor_affinity:hypervisor_type': 'vmware'}
    )
    assert 'set image property hypervisor_type=kvm' not in (
        changes(ISO, flavor)
    )


def test_every_change_says_what_comes_of_it():
    found = classify_image(VMDK, None, Policy())
    assert found.changes[0].demand == 'image needs KVM (hypervisor_type=kvm)'


def test_the_option_is_advised_where_it_is_the_only_way():
    flavor = Flavor(
        'f', extra_specs={'hypervisor_affinity:hypervisor_type': 'any'}
    )
    # The flavor lifts the format already.
    assert not any('vmdk_images' in c for c in changes(VMDK, flavor))


def test_what_nova_makes_of_properties():
    image = Image(
        'image',
        disk_format='vmdk',
        properties={
            'vmware_adaptertype': 'paraVirtual',
            'hw_cpu_cores': '2',
            'hypervisor_type': 'esxi',
        },
        dropped=('vmware_tools_version',),
    )
    found = classify_image(image, None, Policy())
    assert {t.name: (t.fate, t.outcome) for t in found.treatments} == {
        'vmware_adaptertype': (
            Fate.RENAMED,
            'hw_disk_bus=scsi, hw_scsi_model=vmpvscsi',
        ),
        'hw_cpu_cores': (Fate.KEPT, 'hw_cpu_cores=2'),
        'hypervisor_type': (
            Fate.REFUSED,
            found.treatments[2].outcome,
        ),
        'vmware_tools_version': (Fate.DROPPED, ''),
    }
    assert found.treatments[2].outcome.startswith('img_hv_type must be one of')
