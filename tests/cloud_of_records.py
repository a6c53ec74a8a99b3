# SPDX-License-Identifier: Apache-2.0
"""A cloud of both hypervisors in records, for the tests of the tools."""

from collections.abc import Iterator
from typing import Any

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source

KVM_TYPE = 'QEMU'
VCENTER_TYPE = 'VMware vCenter Server'

SMALL = Flavor('small', 'f-small', vcpus=1, memory_mb=1024, disk_gb=10)
QCOW2 = Image('qcow2', 'i-qcow2', 'active', 'qcow2', 'bare')
ISO = Image('iso', 'i-iso', 'active', 'iso', 'bare')
VMDK = Image('vmdk', 'i-vmdk', 'active', 'vmdk', 'bare')


class Records(Source):
    """A source in memory.

    :ivar read: the sections in the order in which they were asked for
    """

    name = 'the records'

    def __init__(self, **sections: list[Any]) -> None:
        self._sections = sections
        self.read: list[str] = []

    def hosts(self) -> Iterator[Host]:
        return self._section('hosts')

    def aggregates(self) -> Iterator[Aggregate]:
        return self._section('aggregates')

    def flavors(self) -> Iterator[Flavor]:
        return self._section('flavors')

    def images(self) -> Iterator[Image]:
        return self._section('images')

    def vcenters(self) -> Iterator[VCenter]:
        return self._section('vcenters')

    def servers(self) -> Iterator[Server]:
        return self._section('servers')

    def _section(self, name: str) -> Iterator[Any]:
        self.read.append(name)
        return iter(self._sections.get(name, ()))


def kvm(name: str, **fields: Any) -> Host:
    """Return a KVM host of 8 vCPUs, 16 GiB and 500 GB, all of it free."""
    usual = {
        'node': name,
        'hypervisor_type': KVM_TYPE,
        'hypervisor_version': 8002000,
        'vcpus': Inventory(8),
        'memory_mb': Inventory(16384),
        'disk_gb': Inventory(500),
    }
    return Host(name, **{**usual, **fields})


def vcenter(name: str, **fields: Any) -> Host:
    """Return a vCenter host of 4 such hypervisors."""
    usual = {
        'node': f'domain-c1.{name}',
        'hypervisor_type': VCENTER_TYPE,
        'hypervisor_version': 8000003,
        'vcpus': Inventory(32, max_unit=8),
        'memory_mb': Inventory(65536, max_unit=16384),
        'disk_gb': Inventory(2000),
    }
    return Host(name, **{**usual, **fields})


def both(**sections: list[Any]) -> Records:
    """Return a cloud of two KVM hosts and a vCenter, in tagged aggregates.

    :param sections: in place of the usual ones
    """
    usual = {
        'hosts': [kvm('kvm-1'), kvm('kvm-2'), vcenter('vc-1')],
        'aggregates': [
            Aggregate(
                'kvm', 'a-kvm', {'hypervisor_type': 'kvm'}, ('kvm-1', 'kvm-2')
            ),
            Aggregate(
                'vmware', 'a-vmware', {'hypervisor_type': 'vmware'}, ('vc-1',)
            ),
        ],
        'flavors': [SMALL],
        'images': [QCOW2, ISO, VMDK],
        'servers': [],
    }
    return Records(**{**usual, **sections})


def server(name: str, image: Image | None, host: str, **fields: Any) -> Server:
    """Return a server that nova booted when its image was as it is now."""
    usual = {
        'id': f's-{name}',
        'name': name,
        'flavor': SMALL,
        'host': host,
        'image': image and image.id,
        'volume': image is None,
        'image_properties': dict(image.properties) if image else {},
    }
    return Server(**{**usual, **fields})
