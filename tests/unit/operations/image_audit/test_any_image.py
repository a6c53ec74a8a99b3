# SPDX-License-Identifier: Apache-2.0
"""What an audit promises of any image."""

import hypothesis
from hypothesis import strategies
from nova import objects

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.operations.classification import runs_nowhere
from hypervisor_affinity.operations.classification import unfit
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.images import FLEXIBLE
from tests.unit.operations.image_audit.images import demand_of
from tests.unit.operations.image_audit.images import fixed

# Right ones, wrong ones, and such as others are hidden by.
VALUES = {
    'hypervisor_type': 'vmware kvm esxi vsphere ironic powervm xen',
    'img_hv_type': 'vmware kvm',
    'vmware_disktype': 'thin streamOptimized streamoptimized fat',
    'hw_disk_type': 'thin SPARSE nvme',
    'vmware_ostype': 'ubuntu64Guest UBUNTU64GUEST ubuntu foo',
    'os_distro': 'debian12Guest ubuntu plan9',
    'vmware_adaptertype': 'paraVirtual busLogic pvscsi IDE virtio',
    'hw_disk_bus': 'scsi virtio ide xen SCSI',
    'hw_scsi_model': 'lsilogic buslogic virtio-scsi pvscsi',
    'hw_vif_model': 'e1000 virtio vmxnet netfront sriov vmxnet-3',
    'architecture': 'x86_64 aarch64 arm64 i386',
    'hw_emulation_architecture': 'aarch64',
    'vmware_linked_clone': 'true',
    'vmware_image_version': '1 one',
}
any_image = strategies.builds(
    Image,
    strategies.just('x'),
    disk_format=strategies.sampled_from(['vmdk', 'vmdk', 'iso', 'raw', 'vhd']),
    container_format=strategies.sampled_from(['bare', 'bare', 'ova']),
    properties=strategies.fixed_dictionaries(
        {},
        optional={
            name: strategies.sampled_from(values.split())
            for name, values in VALUES.items()
        },
    ),
)
any_policy = strategies.sampled_from([Policy(), FLEXIBLE])
any_disk = strategies.none() | strategies.sampled_from(
    ['streamOptimized', 'monolithicSparse']
).map(
    lambda create_type: Disk(
        name='x',
        format='vmdk',
        formats=('vmdk',),
        virtual_bytes=1,
        file_bytes=1,
        create_type=create_type,
        adapter_type='buslogic',
    )
)


@hypothesis.given(any_image, any_policy, any_disk)
@hypothesis.settings(max_examples=500)
def test_of_any_image_no_change_moves_it(image, policy, disk):
    before = demand_of(image, policy)
    hypothesis.assume(not refused(image))
    after = demand_of(fixed(image, policy, disk=disk), policy)
    assert after.required == before.required
    if before.refusal:
        # It may boot now where it asked to.
        assert after.refusal in (None, before.refusal)
    else:
        assert not after.refusal
        assert before.required or after.impossible == before.impossible


@hypothesis.given(any_image, any_policy)
@hypothesis.settings(max_examples=500)
def test_of_any_image_that_runs_nowhere_something_is_told(image, policy):
    demand = demand_of(image, policy)
    hypothesis.assume(
        refused(image)
        or demand.refusal
        or runs_nowhere(demand)
        or unfit(demand)
    )
    assert any(
        finding.severity is Severity.ERROR
        for finding in audit(image, policy, disk=None)
    )


def refused(image):
    try:
        objects.ImageMetaProps.from_dict(dict(image.properties))
    except ValueError:
        return True
    return False
