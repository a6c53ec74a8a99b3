# SPDX-License-Identifier: Apache-2.0
"""Clouds of real HostState objects, in memory."""

from nova import objects
from nova.scheduler import host_manager
from oslo_utils.fixture import uuidsentinel as uuids

ZONES = 4
KVM_AGGREGATES = 15

objects.register_all()

_KVM = [(arch, hv) for arch in ('i686', 'x86_64') for hv in ('kvm', 'qemu')]
_VMWARE = [(arch, 'vmware') for arch in ('i686', 'x86_64')]


def _aggregate(number: int, metadata: dict[str, str]) -> objects.Aggregate:
    return objects.Aggregate(
        id=number,
        uuid=getattr(uuids, f'aggregate-{number}'),
        name=f'aggregate-{number}',
        metadata=metadata,
        hosts=[],
    )


def _triples(supported: list[tuple[str, str]]) -> list[list[str]]:
    # As HostState has them: lists of its own for every host.
    return [
        objects.HVSpec(arch=arch, hv_type=hv, vm_mode='hvm').to_list()
        for arch, hv in supported
    ]


def host_states(count: int) -> list[host_manager.HostState]:
    """Return that many hosts in 20 aggregates, one in 20 of them a vCenter.

    Each host is in two aggregates: one of 15 for KVM or the one for vCenter,
    and the availability zone of that one. They are tagged with
    ``img_hv_type``, the one key that nova's AggregateImagePropertiesIsolation
    and our filter both read, in the values that nova's needs.
    """
    zones = [
        _aggregate(n, {'availability_zone': f'az{n}'}) for n in range(ZONES)
    ]
    kvm = [
        _aggregate(100 + n, {'img_hv_type': 'kvm,qemu'})
        for n in range(KVM_AGGREGATES)
    ]
    vcenter = _aggregate(200, {'img_hv_type': 'vmware'})
    states = []
    for number in range(count):
        name = f'host-{number}'
        state = host_manager.HostState(name, name, uuids.cell)
        is_vcenter = number % 20 == 19
        rack = number % KVM_AGGREGATES
        state.aggregates = [
            zones[0 if is_vcenter else rack % ZONES],
            vcenter if is_vcenter else kvm[rack],
        ]
        state.hypervisor_type = (
            'VMware vCenter Server' if is_vcenter else 'QEMU'
        )
        state.supported_instances = _triples(_VMWARE if is_vcenter else _KVM)
        state.hypervisor_version = 8000003
        states.append(state)
    return states


def request_spec(image: dict[str, str]) -> objects.RequestSpec:
    """Return a boot request.

    :param image: Glance's raw properties and ``disk_format``, flat
    """
    properties = dict(image)
    disk_format = properties.pop('disk_format')
    return objects.RequestSpec(
        image=objects.ImageMeta.from_dict(
            {
                'disk_format': disk_format,
                'container_format': 'bare',
                'properties': properties,
            }
        ),
        flavor=objects.Flavor(
            memory_mb=512,
            vcpus=1,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs={},
        ),
        instance_uuid=uuids.server,
        num_instances=1,
        scheduler_hints={},
    )
