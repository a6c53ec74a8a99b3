# SPDX-License-Identifier: Apache-2.0
"""300 servers for KVM and 20 ESXi hypervisors, and three ways to place them.

About 50 servers must run on ESXi, and about 250 could run anywhere, which
should mean on KVM, since ESXi is licensed and scarce.
"""

import dataclasses
from typing import Any

from testbed import example_conf

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'
NOWHERE = 'no host'

KVM_HOSTS = 10
ESXI_HYPERVISORS = 20

# nova's default filters, and the one that isolates images by aggregates.
_STOCK = {
    'filter_scheduler': {
        'enabled_filters': [
            'ComputeFilter',
            'ComputeCapabilitiesFilter',
            'ImagePropertiesFilter',
            'ServerGroupAntiAffinityFilter',
            'ServerGroupAffinityFilter',
            'AggregateImagePropertiesIsolation',
        ]
    }
}
_OURS = {'filter_scheduler': example_conf.filter_scheduler()}


@dataclasses.dataclass(frozen=True, slots=True)
class Scheduler:
    """A configuration of nova-scheduler.

    :ivar options: nova.conf, as {group: {option: value}}
    :ivar key: the aggregate metadata key that its filters read
    """

    title: str
    options: dict[str, dict[str, Any]]
    key: str


SCHEDULERS = {
    'ours': Scheduler('hypervisor-affinity', _OURS, 'hypervisor_type'),
    'stock': Scheduler('stock', _STOCK, 'img_hv_type'),
    'image-types': Scheduler(
        'stock + image types',
        {
            **_STOCK,
            'scheduler': {'query_placement_for_image_type_support': True},
        },
        'img_hv_type',
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """Servers of one kind of image.

    :ivar count: how many of them
    :ivar expected: the hypervisor they belong on
    :ivar disk_format: None if they boot from a volume of their own
    :ivar properties: Glance's raw properties, of the image or the volume
    """

    title: str
    count: int
    expected: str
    disk_format: str | None
    container_format: str = 'bare'
    properties: dict[str, str] = dataclasses.field(default_factory=dict)

    def bootable_on(self, hypervisor: str) -> bool:
        """Whether that hypervisor's driver takes the format."""
        formats = {
            KVM: (None, 'qcow2', 'raw', 'iso', 'vmdk'),
            VCENTER: (None, 'vmdk', 'iso'),
        }
        if self.container_format == 'ova' and hypervisor == KVM:
            return False
        return self.disk_format in formats.get(hypervisor, ())


KINDS = (
    Kind('VMDK', 15, VCENTER, 'vmdk'),
    Kind(
        'VMDK, hypervisor_type=vmware',
        10,
        VCENTER,
        'vmdk',
        properties={'hypervisor_type': 'vmware'},
    ),
    Kind(
        'VMDK, vmware_disktype=streamOptimized',
        10,
        VCENTER,
        'vmdk',
        properties={
            'vmware_disktype': 'streamOptimized',
            'vmware_adaptertype': 'paraVirtual',
        },
    ),
    Kind('OVA', 5, VCENTER, 'vmdk', 'ova'),
    Kind(
        'ISO, vmware_ostype=rhel7_64Guest',
        5,
        VCENTER,
        'iso',
        properties={'vmware_ostype': 'rhel7_64Guest'},
    ),
    Kind(
        'volume, vmware_ostype=rhel7_64Guest',
        5,
        VCENTER,
        None,
        properties={'vmware_ostype': 'rhel7_64Guest'},
    ),
    Kind('qcow2', 120, KVM, 'qcow2'),
    Kind('raw', 60, KVM, 'raw'),
    Kind('ISO', 40, KVM, 'iso'),
    Kind('volume', 30, KVM, None),
)
TOTAL = sum(kind.count for kind in KINDS)


@dataclasses.dataclass(slots=True)
class Result:
    """Where servers ended.

    :ivar placed: kind's title -> hypervisor or NOWHERE -> servers
    :ivar fault: what the owner of a refused server reads
    :ivar log: what nova-scheduler logs of it; None with stock filters
    """

    placed: dict[str, dict[str, int]]
    fault: str
    log: str | None

    def wrong(self, kind: Kind) -> int:
        """Return how many servers of a kind are not where they belong."""
        return kind.count - self.placed[kind.title].get(kind.expected, 0)
