# SPDX-License-Identifier: Apache-2.0
"""Clouds of real HostState objects, in memory, and requests to them."""

import collections
import datetime
import uuid
from typing import NamedTuple

import os_resource_classes as orc
import os_traits
from nova import objects
from nova.scheduler import host_manager
from oslo_utils.fixture import uuidsentinel as uuids

from hypervisor_affinity.fake_compute import faces

ZONES = 4
KVM_AGGREGATES = 15
VCENTER_SHARE = 20
# An image each: Glance's raw properties and ``disk_format``, flat.
NEEDS_VMWARE = 'needs VMware'
FLEXIBLE = 'flexible'
REQUESTS = {
    NEEDS_VMWARE: {'disk_format': 'vmdk', 'hypervisor_type': 'vmware'},
    FLEXIBLE: {'disk_format': 'qcow2'},
}
CAPACITY = {orc.VCPU: 64, orc.MEMORY_MB: 256 * 1024, orc.DISK_GB: 2000}

objects.register_all()


class Kind(NamedTuple):
    """What the compute hosts of one virt driver report.

    :ivar traits: of the resource provider
    """

    hypervisor_type: str
    hypervisor_version: int
    hv_types: tuple[str, ...]
    traits: frozenset[str]


# Whatever the driver, nova-compute adds these.
_COMPUTE_TRAITS = {os_traits.COMPUTE_NODE, os_traits.OWNER_NOVA}

KVM = Kind(
    'QEMU',
    8002000,
    ('kvm', 'qemu'),
    frozenset(
        {
            *_COMPUTE_TRAITS,
            'COMPUTE_ACCELERATORS',
            'COMPUTE_DEVICE_TAGGING',
            'COMPUTE_NET_ATTACH_INTERFACE',
            'COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG',
            'COMPUTE_RESCUE_BFV',
            'COMPUTE_SOCKET_PCI_NUMA_AFFINITY',
            'COMPUTE_TRUSTED_CERTS',
            'COMPUTE_VOLUME_ATTACH_WITH_TAG',
            'COMPUTE_VOLUME_EXTEND',
            'COMPUTE_VOLUME_MULTI_ATTACH',
            'HW_ARCH_X86_64',
            'HW_CPU_X86_AVX',
            'HW_CPU_X86_AVX2',
            'HW_CPU_X86_SSE42',
            'HW_CPU_X86_VMX',
        }
        | {
            f'COMPUTE_{group}_{model}'
            for group, models in {
                'IMAGE_TYPE': 'AKI AMI ARI ISO QCOW2 RAW',
                'STORAGE_BUS': 'FDC IDE SATA SCSI USB VIRTIO',
                'NET_VIF_MODEL': 'E1000 E1000E NE2K_PCI PCNET RTL8139 '
                'SPAPR_VLAN VIRTIO VMXNET3',
                'GRAPHICS_MODEL': 'BOCHS CIRRUS NONE QXL VGA VIRTIO VMVGA',
            }.items()
            for model in models.split()
        }
    ),
)
VCENTER = Kind(
    'VMware vCenter Server',
    8000003,
    ('vmware',),
    frozenset(
        {
            *_COMPUTE_TRAITS,
            'COMPUTE_IMAGE_TYPE_ISO',
            'COMPUTE_IMAGE_TYPE_VMDK',
            'COMPUTE_NET_ATTACH_INTERFACE',
            'COMPUTE_SAME_HOST_COLD_MIGRATE',
            'HW_ARCH_X86_64',
        }
    ),
)


class Cloud(NamedTuple):
    """Hosts in 20 aggregates.

    Each host is in two of them: one of 15 for KVM or the one for vCenter,
    and the availability zone of that one. They are tagged with
    ``img_hv_type``, the one key that nova's AggregateImagePropertiesIsolation
    and our filter both read, in the values that nova's needs.

    :ivar kinds: of the hosts, in their order
    """

    hosts: list[host_manager.HostState]
    kinds: list[Kind]
    aggregates: list[objects.Aggregate]


def proportional(hosts: int) -> Cloud:
    """Return that many hosts, one in 20 of them a vCenter."""
    last = VCENTER_SHARE - 1
    return _cloud(
        [
            VCENTER if number % VCENTER_SHARE == last else KVM
            for number in range(hosts)
        ]
    )


def beside(kvm: int, vcenters: int) -> Cloud:
    """Return a fixed number of vCenter hosts beside any number of KVM ones."""
    return _cloud([KVM] * kvm + [VCENTER] * vcenters)


def request_spec(request: str) -> objects.RequestSpec:
    """Return the request for a boot, as nova-api makes it.

    :param request: one of ``REQUESTS``
    """
    properties = dict(REQUESTS[request])
    disk_format = properties.pop('disk_format')
    spec = objects.RequestSpec.from_components(
        None,
        uuids.server,
        objects.ImageMeta.from_dict(
            {
                'disk_format': disk_format,
                'container_format': 'bare',
                'properties': properties,
            }
        ),
        objects.Flavor(
            name='m1.tiny',
            flavorid='1',
            memory_mb=512,
            vcpus=1,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs={},
        ),
        numa_topology=None,
        pci_requests=None,
        filter_properties={'scheduler_hints': {}},
        instance_group=None,
        availability_zone=None,
        project_id='project',
        user_id='user',
    )
    spec.is_bfv = False
    spec.requested_networks = objects.NetworkRequestList(objects=[])
    return spec


def _cloud(kinds: list[Kind]) -> Cloud:
    zones = [
        _aggregate(n, {'availability_zone': f'az{n}'}) for n in range(ZONES)
    ]
    kvm = [
        _aggregate(100 + n, {'img_hv_type': 'kvm,qemu'})
        for n in range(KVM_AGGREGATES)
    ]
    vcenter = _aggregate(200, {'img_hv_type': 'vmware'})
    hosts = []
    for number, kind in enumerate(kinds):
        rack = number % KVM_AGGREGATES
        aggregates = (
            [zones[0], vcenter]
            if kind is VCENTER
            else [zones[rack % ZONES], kvm[rack]]
        )
        hosts.append(_host_state(number, kind, aggregates))
    members = collections.defaultdict(list)
    for state in hosts:
        for aggregate in state.aggregates:
            members[aggregate.id].append(state.host)
    every = [*zones, *kvm, vcenter]
    for aggregate in every:
        aggregate.hosts = members[aggregate.id]
    return Cloud(hosts, kinds, every)


def _aggregate(number: int, metadata: dict[str, str]) -> objects.Aggregate:
    return objects.Aggregate(
        id=number,
        uuid=getattr(uuids, f'aggregate-{number}'),
        name=f'aggregate-{number}',
        metadata=metadata,
    )


def _host_state(
    number: int, kind: Kind, aggregates: list[objects.Aggregate]
) -> host_manager.HostState:
    """Return a host as ``HostState.update`` leaves it, in less time."""
    name = f'host-{number}'
    state = host_manager.HostState(name, name, uuids.cell)
    state.uuid = str(uuid.UUID(int=number))
    state.aggregates = aggregates
    state.hypervisor_type = kind.hypervisor_type
    state.hypervisor_version = kind.hypervisor_version
    state.hypervisor_hostname = name
    # Lists of its own for every host, as nova makes them.
    state.supported_instances = [
        list(triple) for triple in faces.supported_instances(*kind.hv_types)
    ]
    state.total_usable_ram_mb = state.free_ram_mb = CAPACITY[orc.MEMORY_MB]
    state.total_usable_disk_gb = CAPACITY[orc.DISK_GB]
    state.free_disk_mb = CAPACITY[orc.DISK_GB] * 1024
    state.vcpus_total = CAPACITY[orc.VCPU]
    state.cpu_allocation_ratio = 1.0
    state.ram_allocation_ratio = 1.0
    state.disk_allocation_ratio = 1.0
    state.stats = {}
    state.service = host_manager.ReadOnlyDict(
        {
            'host': name,
            'binary': 'nova-compute',
            'disabled': False,
            'forced_down': False,
            'last_seen_up': datetime.datetime.now(datetime.UTC),
        }
    )
    return state
