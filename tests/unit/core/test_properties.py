# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core import properties
from hypervisor_affinity.core.properties import Constraint


def test_raw_names_become_novas():
    raw = {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'thin',
        'vmware_ostype': 'rhel7_64Guest',
        'vmware_linked_clone': 'true',
        'vmware_image_version': '1',
        'vmware_adaptertype': 'lsiLogicsas',
        'hw_vif_model': 'VirtualVmxnet3',
        'disk_format': 'vmdk',
        'our_own': 'x',
    }
    assert properties.normalize(raw) == {
        'img_hv_type': 'vmware',
        'hw_disk_type': 'thin',
        'os_distro': 'rhel7_64Guest',
        'img_linked_clone': 'true',
        'img_version': '1',
        'hw_disk_bus': 'scsi',
        'hw_scsi_model': 'lsisas1068',
        'hw_vif_model': 'vmxnet3',
        'disk_format': 'vmdk',
    }


def test_novas_names_win():
    raw = {'vmware_disktype': 'thin', 'hw_disk_type': 'sparse'}
    assert properties.normalize(raw) == {'hw_disk_type': 'sparse'}


def test_unset_values_are_no_values():
    raw = {'disk_format': '', 'container_format': None, 'img_hv_type': None}
    assert properties.normalize(raw) == {}


def test_normalize_leaves_its_input_alone():
    raw = {'vmware_adaptertype': 'ide'}
    properties.normalize(raw)
    assert raw == {'vmware_adaptertype': 'ide'}


@pytest.mark.parametrize(
    ('name', 'value', 'text'),
    [
        ('img_hv_type', 'vmware', 'hypervisor_type=vmware'),
        ('os_distro', 'otherGuest', 'vmware_ostype=otherGuest'),
        ('os_distro', 'ubuntu', 'os_distro=ubuntu'),
        ('hw_scsi_model', 'buslogic', 'vmware_adaptertype=busLogic'),
        ('hw_scsi_model', 'virtio-scsi', 'hw_scsi_model=virtio-scsi'),
        ('disk_format', 'qcow2', 'disk_format=qcow2'),
    ],
)
def test_shown_as_image_owners_write_it(name, value, text):
    assert properties.shown(name, value) == text


@pytest.mark.parametrize(
    ('found', 'adapter'),
    [
        ({'hw_disk_bus': 'ide'}, ('ide',)),
        (
            {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'vmpvscsi'},
            ('vmpvscsi', 'paraVirtual'),
        ),
        ({'hw_disk_bus': 'scsi'}, None),
        ({'hw_disk_bus': 'virtio', 'hw_scsi_model': 'buslogic'}, None),
        ({}, None),
    ],
)
def test_adapter_is_chosen_as_the_driver_does(found, adapter):
    values = properties.constrained(found)
    assert values.get('vmware_adaptertype') == adapter


@pytest.mark.parametrize(
    ('key', 'accepted', 'value', 'accepts'),
    [
        ('vmware_disktype', ['thin'], 'THIN', True),
        ('vmware_disktype', ['th*'], 'thick', True),
        ('vmware_disktype', ['th*'], 'sparse', False),
        ('vmware_disktype', ['[', 'sparse'], 'sparse', True),
        ('vmware_linked_clone', ['yes'], 'True', True),
        ('vmware_linked_clone', ['0'], 'false', True),
        ('vmware_linked_clone', ['0'], 'true', False),
    ],
)
def test_constraint(key, accepted, value, accepts):
    assert Constraint(key, accepted).accepts([value]) is accepts


def test_every_constraint_has_a_value_to_constrain():
    image = {
        'vmware_adaptertype': 'ide',
        'vmware_disktype': 'thin',
        'vmware_ostype': 'otherGuest',
        'vmware_linked_clone': True,
        'vmware_image_version': 1,
    }
    values = properties.constrained(properties.normalize(image))
    assert tuple(sorted(values)) == tuple(sorted(properties.CONSTRAINT_KEYS))
