# SPDX-License-Identifier: Apache-2.0
"""What an audit of several checks finds of one image."""

import msgspec
import pytest

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unforeseen import SECRET
from tests.unforeseen import Unforeseen
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


@pytest.mark.parametrize(
    'image',
    [
        vmdk(),
        Image('q', disk_format='qcow2', properties={'os_distro': 'ubuntu'}),
        Image('i', disk_format='iso'),
        # It says KVM, and nothing of ESXi.
        Image(
            'k',
            disk_format='vmdk',
            properties={'hypervisor_type': 'kvm', 'os_distro': 'ubuntu'},
        ),
        vmdk(hw_disk_type='streamOptimized', img_hv_type='VMware'),
    ],
)
def test_in_order(image):
    assert found(image) == {}


def test_one_wrong_value_does_not_hide_another():
    image = vmdk(
        hypervisor_type=None,
        vmware_disktype='SPARSE',
        vmware_adaptertype='pvscsi',
        os_distro='ubuntu',
    )
    assert found(image) == {
        ImageCheck.VALUE_REFUSED: {'vmware_adaptertype': 'paraVirtual'},
        ImageCheck.DISK_TYPE_UNKNOWN: {'vmware_disktype': 'sparse'},
        ImageCheck.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'},
    }
    after = fixed(image)
    assert found(after) == {}
    assert demand_of(after).required == {'vmware'}


def test_other_checks_see_an_image_that_cannot_boot():
    image = vmdk(hw_vif_model='virtio', os_distro='ubuntu')
    assert found(image) == {
        ImageCheck.CONTRADICTORY: {},
        ImageCheck.GUEST_ID_LOST: {'os_distro': 'ubuntu64Guest'},
    }


def test_what_cannot_be_judged_is_not_changed():
    """The checks before have found something that a change fixes."""
    image = vmdk(hypervisor_type='VMWARE ')
    assert any(finding.changes for finding in audit(image, Policy()))
    image = msgspec.structs.replace(image, dropped=('x',))
    findings = audit(image, Policy(), values=Unforeseen())
    assert [finding.check for finding in findings[-1:]] == [
        ImageCheck.NOT_JUDGED
    ]
    assert 'unexpected RecursionError in operations.' in findings[-1].evidence
    assert SECRET not in findings[-1].evidence
    assert len(findings) > 1
    assert not any(finding.changes for finding in findings)
