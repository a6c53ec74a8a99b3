# SPDX-License-Identifier: Apache-2.0
import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    ('image', 'name', 'text'),
    [
        ({'hypervisor_type': 'VMware'}, 'img_hv_type', None),
        ({'img_hv_type': 'vmware'}, 'img_hv_type', None),
        ({'vmware_ostype': 'otherGuest'}, 'os_distro', None),
        ({'os_distro': 'otherGuest'}, 'os_distro', None),
        ({'img_version': 1}, 'img_version', None),
        ({'vmware_image_version': 1}, 'img_version', None),
        ({'hw_scsi_model': 'buslogic'}, 'hw_scsi_model', None),
        ({'vmware_adaptertype': 'BusLogic'}, 'hw_scsi_model', None),
        ({'vmware_adaptertype': 'ide'}, 'hw_disk_bus', None),
        ({'hw_vif_model': 'VirtualVmxnet'}, 'hw_vif_model', None),
        ({'architecture': 'amd64'}, 'hw_architecture', None),
        ({'disk_format': 'qcow2'}, 'disk_format', None),
        # nova's own name wins, so it is the one to cite.
        (
            {'vmware_ostype': 'otherGuest', 'os_distro': 'ubuntu'},
            'os_distro',
            'os_distro=ubuntu',
        ),
        (
            {'vmware_ostype': 'otherGuest', 'os_distro': None},
            'os_distro',
            'vmware_ostype=otherGuest',
        ),
    ],
)
def test_a_property_is_cited_as_its_owner_has_set_it(image, name, text):
    assert name in properties.normalize(image)
    if text is None:
        ((key, value),) = image.items()
        text = f'{key}={value}'
    assert properties.as_set(name, image).text == text


@pytest.mark.parametrize(
    'image',
    [
        {'hypervisor_type': 'vmware', 'vmware_ostype': 'otherGuest'},
        {'vmware_adaptertype': 'paraVirtual', 'vmware_disktype': 'thin'},
        {'vmware_adaptertype': 'ide', 'vmware_image_version': 1},
        {'hw_disk_bus': 'virtio', 'hw_scsi_model': 'buslogic'},
        {'hw_scsi_model': 'lsilogic'},
        {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'virtio-scsi'},
        {'os_distro': 'ubuntu', 'architecture': 'i386'},
    ],
)
def test_what_nova_has_means_the_same_by_the_names_that_owners_write(image):
    found = properties.normalize(image)
    written = properties.as_owners_write(found)
    assert properties.normalize(written) == found


@pytest.mark.parametrize(
    ('found', 'written'),
    [
        ({'os_distro': 'otherGuest'}, {'vmware_ostype': 'otherGuest'}),
        ({'os_distro': 'ubuntu'}, {'os_distro': 'ubuntu'}),
        (
            {'hw_disk_bus': 'scsi', 'hw_scsi_model': 'buslogic'},
            {'vmware_adaptertype': 'busLogic'},
        ),
        ({'hw_scsi_model': 'buslogic'}, {'hw_scsi_model': 'buslogic'}),
        (
            {'hw_disk_bus': 'ide', 'disk_format': 'vmdk'},
            {'vmware_adaptertype': 'ide', 'disk_format': 'vmdk'},
        ),
        (
            {'hw_disk_bus': 'ide', 'disk_format': 'qcow2'},
            {'hw_disk_bus': 'ide', 'disk_format': 'qcow2'},
        ),
    ],
)
def test_what_owners_write(found, written):
    assert properties.as_owners_write(found) == written


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
    limited = properties.constrained(found, found).get('vmware_adaptertype')
    assert (limited and limited.spellings) == adapter


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
    assert Constraint(key, tuple(accepted)).accepts([value]) is accepts


patterns = st.text('ab*?[]!-\\|().', min_size=1, max_size=6)


@given(
    st.lists(patterns, min_size=1, max_size=4), st.text('ab*[-|.', max_size=5)
)
def test_a_list_accepts_what_one_of_its_patterns_does(accepted, value):
    found = Constraint('vmware_disktype', tuple(accepted)).accepts([value])
    assert found is any(fnmatch.fnmatchcase(value, one) for one in accepted)


def test_a_list_is_made_ready_once_whatever_else_there_is(monkeypatch):
    accepted = [f'once-{number}*' for number in range(10)]
    assert Constraint('vmware_disktype', tuple(accepted)).accepts(['once-9'])
    # As after 32,768 other patterns.
    fnmatch._compile_pattern.cache_clear()
    monkeypatch.setattr(re, 'compile', pytest.fail)
    assert Constraint('vmware_disktype', tuple(accepted)).accepts(['once-9'])


def test_every_constraint_has_a_value_to_constrain():
    image = {
        'vmware_adaptertype': 'ide',
        'vmware_disktype': 'thin',
        'vmware_ostype': 'otherGuest',
        'vmware_linked_clone': True,
        'vmware_image_version': 1,
    }
    values = properties.constrained(properties.normalize(image), image)
    assert tuple(sorted(values)) == tuple(sorted(properties.CONSTRAINT_KEYS))
