# SPDX-License-Identifier: Apache-2.0
"""What is told of an image, and whether what it advises is true."""

import pytest

from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.classification import classify_image
from tests import case_table
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import VMDK


def changes(image, flavor=None, policy=None):
    found = classify_image(image, flavor, policy or Policy())
    return [change.setting for change in found.changes]


@pytest.mark.parametrize(
    'case',
    [c for c in case_table.cases() if not (c.volume or c.rebuild)],
    ids=str,
)
def test_the_demand_is_that_of_the_core(case):
    properties = dict(case.image or {})
    formats = {
        name: properties.pop(name, None)
        for name in ('disk_format', 'container_format')
    }
    strings = {name: str(value) for name, value in properties.items()}
    image = Image('image', properties=strings, **formats)
    flavor = Flavor('flavor', extra_specs=case.extra_specs)
    found = classify_image(image, flavor, Policy())
    expected = classify(
        {**strings, **{n: v for n, v in formats.items() if v}},
        case.extra_specs,
        Policy(),
    )
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
