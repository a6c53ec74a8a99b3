# SPDX-License-Identifier: Apache-2.0
"""A virt driver that boots nothing and reports what a face says."""

import dataclasses

import os_resource_classes as orc
from nova import exception
from nova.conf import CONF
from nova.virt import fake

from tests.embedded_cloud.faces import HypervisorFace


@dataclasses.dataclass(frozen=True)
class Capacity:
    """Size of a compute host.

    ``vcpus``, ``memory_mb`` (MiB) and ``disk_gb`` (GiB) are totals; the
    ``largest_`` ones are the most that a single server can get, which for a
    vCenter cluster is its largest ESXi host. None means the total.
    """

    vcpus: int
    memory_mb: int
    disk_gb: int
    largest_vcpus: int | None = None
    largest_memory_mb: int | None = None
    largest_disk_gb: int | None = None

    def inventories(self) -> dict[str, tuple[int, int]]:
        """Return {resource class: (total, max_unit)}."""
        return {
            orc.VCPU: (self.vcpus, self.largest_vcpus or self.vcpus),
            orc.MEMORY_MB: (
                self.memory_mb,
                self.largest_memory_mb or self.memory_mb,
            ),
            orc.DISK_GB: (self.disk_gb, self.largest_disk_gb or self.disk_gb),
        }


class FaceDriver(fake.FakeDriver):
    """nova's fake driver with a face, a size and a node name of its own.

    ``refuse_foreign_formats``: spawn fails, as vmwareapi's does, for an
    image in a disk format that the face cannot boot.
    """

    def __init__(
        self,
        virtapi,
        face: HypervisorFace,
        capacity: Capacity,
        node: str,
        refuse_foreign_formats: bool = False,
    ) -> None:
        # FakeDriver reads these three from self to size its resources.
        self.vcpus = capacity.vcpus
        self.memory_mb = capacity.memory_mb
        self.local_gb = capacity.disk_gb
        super().__init__(virtapi)
        self._face = face
        self._capacity = capacity
        self._node = node
        self._refuse_foreign_formats = refuse_foreign_formats
        # An instance attribute, as libvirt's: one process has many faces.
        self.capabilities = self._full_capabilities()

    def _full_capabilities(self) -> dict[str, bool]:
        known = fake.FakeDriver.capabilities
        if self._face.capabilities is None:
            return dict(known)
        none = dict.fromkeys(known, False)
        images = {
            f'supports_image_type_{image_type}': True
            for image_type in self._face.image_types
        }
        return {**none, **self._face.capabilities, **images}

    def init_host(self, host):
        super().init_host(host)
        self._set_nodes([self._node])

    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        if not resources:
            return resources
        resources.update(
            hypervisor_type=self._face.hypervisor_type,
            hypervisor_version=self._face.hypervisor_version,
            supported_instances=list(self._face.supported_instances),
        )
        if not self._face.reports_cpu:
            resources['cpu_info'] = None
        return resources

    def update_provider_tree(self, provider_tree, nodename, allocations=None):
        inventory = provider_tree.data(nodename).inventory
        ratios = self._get_allocation_ratios(inventory)
        reserved = {
            orc.VCPU: CONF.reserved_host_cpus,
            orc.MEMORY_MB: CONF.reserved_host_memory_mb,
            orc.DISK_GB: self._get_reserved_host_disk_gb_from_config(),
        }
        provider_tree.update_inventory(
            nodename,
            {
                resource_class: {
                    'total': total,
                    'min_unit': 1,
                    'max_unit': max_unit,
                    'step_size': 1,
                    'reserved': reserved[resource_class],
                    'allocation_ratio': ratios[resource_class],
                }
                for resource_class, (
                    total,
                    max_unit,
                ) in self._capacity.inventories().items()
            },
        )
        provider_tree.add_traits(nodename, *sorted(self._face.traits))

    def spawn(self, context, instance, image_meta, *args, **kwargs):
        self._check_format(image_meta)
        super().spawn(context, instance, image_meta, *args, **kwargs)

    def post_live_migration(
        self, context, instance, block_device_info, migrate_data=None
    ):
        # FakeDriver leaves the guest behind on the source, as if it ran on
        # two hosts, and a later evacuation to here would fail.
        self.destroy(context, instance, None, block_device_info)

    def _check_format(self, image_meta) -> None:
        bootable = self._face.bootable_formats
        if not self._refuse_foreign_formats or bootable is None:
            return
        # Both are None or unset for a server booted from a volume.
        if image_meta is None or not image_meta.obj_attr_is_set('disk_format'):
            return
        disk_format = image_meta.disk_format
        if disk_format is not None and disk_format not in bootable:
            raise exception.InvalidDiskFormat(disk_format=disk_format)
