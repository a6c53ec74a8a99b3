# SPDX-License-Identifier: Apache-2.0
"""What an audit finds of values, compared with what nova does with them."""

import pytest
from nova.virt.ironic import driver as ironic

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.operations.image_audit import ImageCheck
from tests.unit.operations.image_audit.driver import driver_reads
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


@pytest.mark.parametrize(
    ('name', 'value', 'right'),
    [
        ('hypervisor_type', 'esxi', 'vmware'),
        ('hypervisor_type', 'VMware vCenter Server', 'vmware'),
        ('hypervisor_type', 'vsphere', 'vmware'),
        ('vmware_adaptertype', 'IDE', 'ide'),
        ('vmware_adaptertype', 'pvscsi', 'paraVirtual'),
        ('vmware_adaptertype', 'LSI Logic SAS', 'lsiLogicsas'),
        ('hw_scsi_model', 'pvscsi', 'vmpvscsi'),
        ('hw_disk_bus', 'SCSI', 'scsi'),
        ('hw_vif_model', 'vmxnet-3', 'vmxnet3'),
        ('architecture', 'x64', 'x86_64'),
        ('hw_architecture', 'x86-64', 'x86_64'),
    ],
)
def test_a_value_that_nova_refuses_has_a_right_spelling(name, value, right):
    image = vmdk(**{name: value})
    with pytest.raises(ValueError, match=r'(?i)valid'):
        driver_reads(image)
    assert found(image) == {ImageCheck.VALUE_REFUSED: {name: right}}
    driver_reads(fixed(image))


@pytest.mark.parametrize(
    ('name', 'value', 'hint'),
    [
        ('vmware_adaptertype', 'virtio', 'must be one of buslogic, '),
        ('vmware_image_version', 'one', 'must be an integer'),
        ('hypervisor_type', 'powervm', 'must be one of'),
    ],
)
def test_a_value_that_nova_refuses_and_nobody_can_fix(name, value, hint):
    image = vmdk(**{name: value})
    with pytest.raises(ValueError, match=r'(?i)valid|invalid literal'):
        driver_reads(image)
    assert found(image)[ImageCheck.VALUE_REFUSED] == {}
    assert hint in advice(image, ImageCheck.VALUE_REFUSED)


def test_a_type_that_no_host_reports():
    reported = {
        hypervisor_type
        for _, hypervisor_type, _ in ironic._get_nodes_supported_instances(
            'x86_64'
        )
    }
    assert reported == {'baremetal'}
    image = Image(
        'x', disk_format='qcow2', properties={'hypervisor_type': 'Ironic'}
    )
    assert found(image) == {
        ImageCheck.TYPE_UNREPORTED: {'hypervisor_type': 'baremetal'}
    }
    after = fixed(image)
    assert found(after) == {}
    assert demand_of(after).required == demand_of(image).required


@pytest.mark.parametrize(
    'named', ['kvm', 'qemu', 'KVM', 'baremetal', 'vmware', 'xen', 'lxc']
)
def test_a_type_that_a_host_may_report(named):
    image = Image(
        'x', disk_format='iso', properties={'hypervisor_type': named}
    )
    assert ImageCheck.TYPE_UNREPORTED not in found(image)
