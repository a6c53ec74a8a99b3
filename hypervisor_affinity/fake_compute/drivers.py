# SPDX-License-Identifier: Apache-2.0
"""Virt drivers that boot nothing and report what a face says."""

import dataclasses
import uuid
from typing import Any

import os_resource_classes as orc
import os_traits
from nova import exception
from nova.conf import CONF
from nova.virt import fake
from nova.virt import node as virt_node
from nova.virt import virtapi

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.fake_compute import options
from hypervisor_affinity.fake_compute.faces import HypervisorFace

# nova names a cluster by its id in vCenter and by vCenter's own.
_CLUSTER = 'domain-c7'


@dataclasses.dataclass(frozen=True, slots=True)
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

    @classmethod
    def of_cluster(
        cls, esxi_hosts: int, vcpus: int, memory_mb: int, disk_gb: int
    ) -> 'Capacity':
        """Return the size of a vCenter cluster.

        :param vcpus: of each ESXi host, as ``memory_mb``
        :param disk_gb: of all datastores
        """
        return cls(
            esxi_hosts * vcpus,
            esxi_hosts * memory_mb,
            disk_gb,
            largest_vcpus=vcpus,
            largest_memory_mb=memory_mb,
        )

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

    ``refuse_foreign_images``: spawn fails, as the real driver's or what is
    behind it, for an image that it refuses.
    """

    def __init__(
        self,
        virtapi: virtapi.VirtAPI,
        face: HypervisorFace,
        capacity: Capacity,
        node: str,
        refuse_foreign_images: bool = False,
    ) -> None:
        # FakeDriver reads these three from self to size its resources.
        self.vcpus = capacity.vcpus
        self.memory_mb = capacity.memory_mb
        self.local_gb = capacity.disk_gb
        super().__init__(virtapi)
        self._face = face
        self._capacity = capacity
        self._node = node
        self._refuse_foreign_images = refuse_foreign_images
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

    def init_host(self, host: str) -> None:
        """Name the node; nova has told nothing of it before."""
        super().init_host(host)
        self._set_nodes([self._node])

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """Return what os-hypervisors shows, as the face has it."""
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
        # nova's fake driver says 0, and its disk weigher would be mute.
        del resources['disk_available_least']
        if self._face.measures_disk:
            free_gb = resources['local_gb'] - resources['local_gb_used']
            resources['disk_available_least'] = free_gb
        return resources

    def update_provider_tree(
        self, provider_tree: Any, nodename: str, allocations: Any = None
    ) -> None:
        """Report size and traits to Placement."""
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
        known = self._face.traits.intersection(os_traits.get_traits())
        provider_tree.add_traits(nodename, *sorted(known))

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Pretend to boot.

        :raises nova.exception.InvalidDiskFormat: if the face demands it
        :raises nova.exception.UnsupportedHardware: likewise
        """
        family = self._face.family
        if self._refuse_foreign_images and family:
            table = drivers.TABLES[family]
            network_info = kwargs.get('network_info')
            _check_taken(table, instance, image_meta, network_info)
        super().spawn(context, instance, image_meta, *args, **kwargs)

    def post_live_migration(
        self,
        context: Any,
        instance: Any,
        block_device_info: Any,
        migrate_data: Any = None,
    ) -> None:
        """Forget the guest that has left."""
        # FakeDriver leaves the guest behind on the source, as if it ran on
        # two hosts, and a later evacuation to here would fail.
        self.destroy(context, instance, None, block_device_info)


def _check_taken(
    table: Table, instance: Any, image_meta: Any, network_info: Any
) -> None:
    found = _given_properties(image_meta)
    # A volume that was there before has no image.
    volume = not instance.image_ref
    for name, value in found.items():
        if name == 'hw_vif_model' and not network_info:
            continue
        row, asked = table.row(name), (str(value), found, volume)
        if not (row.refuses_in(*asked) or row.fails_in(*asked)):
            continue
        if name in properties.FORMAT_NAMES:
            raise exception.InvalidDiskFormat(disk_format=value)
        raise exception.UnsupportedHardware(
            model=written(name, value), virt=table.driver
        )


def _given_properties(image_meta: Any) -> dict[str, object]:
    """Return what an ImageMeta sets, by nova's names; {} for None."""
    if image_meta is None:
        return {}
    found = {
        name: getattr(image_meta, name)
        for name in properties.FORMAT_NAMES
        if image_meta.obj_attr_is_set(name)
    }
    for name in properties.PROPERTY_NAMES:
        found[name] = image_meta.properties.get(name)
    # Formats are empty in FakeDriver's snapshots, such as of shelved servers.
    return properties.normalize(found)


class _OnlyDriver(FaceDriver):
    """The one of its process, whose node keeps its identity.

    FakeDriver makes up another one in each process, and nova-compute refuses
    to start where the identity that the database has is gone.
    """

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """Return {identity: name} of the node."""
        return {virt_node.get_local_node_uuid(): self._node}

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """Return what os-hypervisors shows, with the identity."""
        resources = super().get_available_resource(nodename)
        if resources:
            resources['uuid'] = virt_node.get_local_node_uuid()
        return resources


def _size() -> options.Size:
    """Return the configured size.

    :raises InvalidConfiguration: naming the option that is wrong; of a
        ValueError nova says that the driver is none
    """
    try:
        return options.read_size(CONF)
    except ValueError as error:
        raise exception.InvalidConfiguration(str(error)) from error


class LibvirtDriver(_OnlyDriver):
    """A KVM host of the configured size, under its host's name."""

    def __init__(self, virtapi: virtapi.VirtAPI, read_only: bool = False):
        size = _size()
        super().__init__(
            virtapi,
            faces.KVM,
            Capacity(size.vcpus, size.memory_mb, size.disk_gb),
            node=CONF.host,
            refuse_foreign_images=True,
        )


class VCenterDriver(_OnlyDriver):
    """A vCenter cluster of the configured size, under a cluster's name."""

    def __init__(self, virtapi: virtapi.VirtAPI, read_only: bool = False):
        size = _size()
        super().__init__(
            virtapi,
            faces.VCENTER,
            Capacity.of_cluster(
                size.esxi_hosts, size.vcpus, size.memory_mb, size.disk_gb
            ),
            # The same after each start, or nova takes it for another node.
            node=f'{_CLUSTER}.{uuid.uuid5(uuid.NAMESPACE_DNS, CONF.host)}',
            refuse_foreign_images=True,
        )
