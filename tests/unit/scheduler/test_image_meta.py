# SPDX-License-Identifier: Apache-2.0
"""What the project has written down of nova, against the nova at hand."""

import pytest
from nova import objects
from nova.objects import fields

from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.properties import ADAPTER_TYPES
from hypervisor_affinity.core.properties import VIF_MODELS
from tests import case_table

# Without a property of their own name: read from hw_numa_cpus.0, trait:...
_INDIRECT = {'hw_numa_cpus', 'hw_numa_mem', 'traits_required'}


def test_no_name_of_novas_is_missing():
    objects.register_all()
    known = set(objects.ImageMetaProps.fields) - _INDIRECT
    # An older nova knows fewer.
    assert known <= image_meta.FIELD_NAMES
    assert objects.ImageMetaProps._legacy_property_map == (
        image_meta.LEGACY_NAMES
    )


@pytest.mark.parametrize('name', sorted(image_meta.CHOICES))
def test_choices_are_novas(name):
    field = objects.ImageMetaProps.fields[name]
    assert set(field._type._valid_values) <= image_meta.CHOICES[name]


def _raws():
    values = {
        'hypervisor_type': (
            *sorted(image_meta.CHOICES['img_hv_type']),
            'VMware',
            'xapi',
            'esxi',
            'VMware vCenter Server',
            '',
        ),
        'img_hv_type': ('kvm', 'powervm'),
        'vmware_adaptertype': (
            *ADAPTER_TYPES.values(),
            'ide',
            'IDE',
            'pvscsi',
            'virtio',
        ),
        'hw_scsi_model': ('paraVirtual', 'virtio-scsi', 'nonsense'),
        'hw_disk_bus': ('ide', 'IDE', 'scsi'),
        'hw_vif_model': (*VIF_MODELS, 'VirtualE1000', 'E1000', 'ne3000'),
        'vmware_disktype': ('sparse', 'anything'),
        'vmware_image_version': ('1', 'one', '-2'),
        'vmware_linked_clone': ('true', 'maybe'),
        'vmware_tools_version': ('11',),
        'architecture': ('x86_64',),
        'trait:HW_CPU_X86_AVX': ('required',),
    }
    return [(name, v) for name, found in values.items() for v in found]


@pytest.mark.parametrize(('name', 'value'), _raws())
def test_one_property_is_treated_as_nova_does(name, value):
    (treatment,) = image_meta.treat({name: value})
    try:
        made = objects.ImageMetaProps.from_dict({name: value})
    except ValueError:
        assert treatment.fate is Fate.REFUSED
        return
    stored = {
        field: getattr(made, field)
        for field in made.fields
        if field in made and field != 'traits_required'
    }
    if name.startswith('trait:'):
        assert treatment.fate is Fate.KEPT
    elif not stored:
        assert treatment.fate is Fate.DROPPED
    else:
        renamed = stored.keys() != {name}
        assert treatment.fate is (
            Fate.RENAMED
            if renamed or str(stored[name]) != value
            else Fate.KEPT
        )
        if 'img_linked_clone' not in stored:
            assert treatment.outcome == ', '.join(
                f'{field}={text}' for field, text in sorted(stored.items())
            )


def test_novas_own_name_wins():
    raw = {'hypervisor_type': 'kvm', 'img_hv_type': 'vmware'}
    old, new = image_meta.treat(raw)
    assert (old.fate, new.fate) == (Fate.OVERRIDDEN, Fate.KEPT)
    made = objects.ImageMetaProps.from_dict(raw)
    assert made.img_hv_type == fields.HVType.VMWARE


@pytest.mark.parametrize(
    'case', [case for case in case_table.cases() if case.image], ids=str
)
def test_what_nova_api_refuses_by_the_case_table(case):
    fates = {treatment.fate for treatment in image_meta.treat(case.image)}
    assert (Fate.REFUSED in fates) is (case.nova_api == 'refuses')
