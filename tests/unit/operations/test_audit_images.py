# SPDX-License-Identifier: Apache-2.0
"""Images that run nowhere."""

import msgspec

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import audit
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import QCOW2
from tests.cloud_of_records import both
from tests.unit.operations.audited import found


def test_images_that_no_host_can_run():
    impossible = msgspec.structs.replace(
        QCOW2, id='i-2', name='lost', properties={'hypervisor_type': 'vmware'}
    )
    xen = msgspec.structs.replace(
        ISO, id='i-3', name='xen', properties={'hypervisor_type': 'xen'}
    )
    queued = msgspec.structs.replace(impossible, id='i-4', status='queued')
    assert found(both(images=[ISO, impossible, xen, queued])) == [
        (CloudCheck.IMAGE_WITHOUT_HOST, 'lost', Reason.CANNOT_BOOT),
        (CloudCheck.IMAGE_WITHOUT_HOST, 'xen', Reason.OTHER_HYPERVISOR),
    ]


def without_host(image, *hosts):
    source = both(hosts=list(hosts), aggregates=[], images=[image])
    return [
        (finding.reason, finding.evidence)
        for finding in audit(source, Policy())
        if finding.check is CloudCheck.IMAGE_WITHOUT_HOST
    ]


KVM_IMAGE = msgspec.structs.replace(
    QCOW2, properties={'hypervisor_type': 'kvm'}
)


def test_images_that_no_driver_supports():
    emulating = records.kvm('kvm-1', supported=('qemu',))
    assert without_host(KVM_IMAGE, emulating, records.vcenter('vc-1')) == [
        (
            'image_properties_differ, other_hypervisor',
            'image needs KVM (hypervisor_type=kvm); '
            'image hypervisor_type=kvm; driver supports qemu',
        )
    ]
    # Of one host it is not known, so there may be one.
    assert without_host(KVM_IMAGE, emulating, records.kvm('kvm-2')) == []


def test_images_that_no_driver_supports_by_a_word_of_their_own():
    ironic = records.kvm('node-1', hypervisor_type='ironic')
    image = msgspec.structs.replace(
        ISO, properties={'hypervisor_type': 'ironic'}
    )
    assert without_host(image, ironic) == [
        (
            'image_properties_differ',
            'image needs bare metal (hypervisor_type=ironic); '
            'image hypervisor_type=ironic; driver supports at most baremetal',
        )
    ]
    image = msgspec.structs.replace(ISO, properties={'hw_vm_mode': 'xen'})
    assert without_host(image, records.kvm('kvm-1')) == [
        (
            'image_properties_differ',
            'can run on any hypervisor; image hw_vm_mode=xen; '
            'driver supports hvm',
        )
    ]


def test_images_for_another_version():
    image = msgspec.structs.replace(
        QCOW2,
        properties={
            'hypervisor_type': 'qemu',
            'hypervisor_version_requires': '>=9.0',
        },
    )
    old = records.kvm('kvm-1')
    new = records.kvm('kvm-2', hypervisor_version=9001000)
    assert [reason for reason, _ in without_host(image, old)] == [
        'image_properties_differ'
    ]
    assert without_host(image, old, new) == []
