# SPDX-License-Identifier: Apache-2.0
"""What each kind of compute host tells nova about itself.

A face is data only; ``drivers.FaceDriver`` wears it. The values are what the
real virt drivers of nova report (libvirt, vmwareapi, and a vmwareapi fork
that runs one nova-compute per ESXi host).
"""

import dataclasses
import types
from collections.abc import Iterable, Mapping

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers import vmware

HVM = 'hvm'

# What the drivers report of a host of today, whose processor runs either.
X86 = ('i686', 'x86_64')

# Boolean capabilities that every release of nova asks its driver for.
_LIBVIRT_CAPABILITIES = types.MappingProxyType(
    {
        'has_imagecache': True,
        'supports_evacuate': True,
        'supports_migrate_to_same_host': False,
        'supports_attach_interface': True,
        'supports_device_tagging': True,
        'supports_tagged_attach_interface': True,
        'supports_tagged_attach_volume': True,
        'supports_extend_volume': True,
        'supports_multiattach': True,
        'supports_trusted_certs': True,
        'supports_bfv_rescue': True,
        'supports_accelerators': True,
        'supports_address_space_emulated': True,
        'supports_address_space_passthrough': True,
        # Where OVMF is installed.
        'supports_secure_boot': True,
        'supports_socket_pci_numa_affinity': True,
        'supports_stateless_firmware': True,
        'supports_virtio_fs': True,
    }
)
_VMWAREAPI_CAPABILITIES = types.MappingProxyType(
    {
        'has_imagecache': True,
        'supports_evacuate': False,
        'supports_migrate_to_same_host': True,
        'supports_attach_interface': True,
    }
)

# The models that libvirt announces for QEMU on x86_64. vmwareapi announces
# none, which is why [scheduler] image_metadata_prefilter shuts it out.
_LIBVIRT_TRAITS = frozenset(
    ['COMPUTE_ARCH_X86_64', 'COMPUTE_NET_VIRTIO_PACKED', 'HW_ARCH_X86_64']
    + [
        f'COMPUTE_STORAGE_BUS_{bus}'
        for bus in ('FDC', 'IDE', 'SATA', 'SCSI', 'USB', 'VIRTIO')
    ]
    + [
        f'COMPUTE_NET_VIF_MODEL_{model}'
        for model in (
            'E1000',
            'E1000E',
            'LAN9118',
            'NE2K_PCI',
            'PCNET',
            'RTL8139',
            'SPAPR_VLAN',
            'VIRTIO',
            'VMXNET3',
        )
    ]
    + [
        f'COMPUTE_GRAPHICS_MODEL_{model}'
        for model in (
            'BOCHS',
            'CIRRUS',
            'NONE',
            'QXL',
            'VGA',
            'VIRTIO',
            'VMVGA',
        )
    ]
    + [
        f'COMPUTE_SOUND_MODEL_{model}'
        for model in ('AC97', 'ES1370', 'ICH6', 'ICH9', 'PCSPK', 'SB16', 'USB')
    ]
    + [
        f'COMPUTE_VIOMMU_MODEL_{model}'
        for model in ('AUTO', 'INTEL', 'VIRTIO')
    ]
)


@dataclasses.dataclass(frozen=True, slots=True)
class HypervisorFace:
    """How one kind of host looks to nova.

    * ``hypervisor_type``, ``hypervisor_version``: as in os-hypervisors; the
      version is nova's integer form (8.2.0 is 8002000).
    * ``supported_instances``: (architecture, hypervisor, mode) triples.
    * ``image_types``: disk formats announced as COMPUTE_IMAGE_TYPE_ traits.
    * ``capabilities``: further driver capabilities, all others are False.
      None means whatever nova's fake driver has, image types included.
    * ``traits``: further traits of the resource provider; what the installed
      os-traits does not know yet is left out.
    * ``reports_cpu``: False means that cpu_info is None.
    * ``measures_disk``: False means that it reports no disk_available_least,
      and nova goes by what is not allocated.
    * ``family``: whose driver's table says which images it refuses; None
      means that it refuses none.
    """

    name: str
    hypervisor_type: str
    hypervisor_version: int
    supported_instances: tuple[tuple[str, str, str], ...]
    image_types: frozenset[str]
    capabilities: Mapping[str, bool] | None
    traits: frozenset[str] = frozenset()
    reports_cpu: bool = True
    measures_disk: bool = True
    family: hypervisor.Family | None = None


def supported_instances(
    *guest_types: str, architectures: Iterable[str] = X86
) -> tuple[tuple[str, str, str], ...]:
    """Return what a driver reports that runs these types of guests."""
    return tuple(
        (architecture, guest_type, HVM)
        for architecture in architectures
        for guest_type in guest_types
    )


KVM = HypervisorFace(
    name='kvm',
    # libvirt says QEMU for virt_type kvm and qemu alike.
    hypervisor_type='QEMU',
    hypervisor_version=8002000,
    supported_instances=supported_instances(*kvm.TABLE.guest_types),
    image_types=frozenset({'aki', 'ami', 'ari', 'iso', 'qcow2', 'raw'}),
    capabilities=_LIBVIRT_CAPABILITIES,
    traits=_LIBVIRT_TRAITS,
    family=hypervisor.KVM,
)

VCENTER = HypervisorFace(
    name='vcenter',
    hypervisor_type='VMware vCenter Server',
    hypervisor_version=8000003,
    supported_instances=supported_instances(*vmware.TABLE.guest_types),
    image_types=frozenset({'iso', 'vmdk'}),
    capabilities=_VMWAREAPI_CAPABILITIES,
    traits=frozenset({'HW_ARCH_X86_64'}),
    # A cluster mixes CPU models, so the driver names none.
    reports_cpu=False,
    measures_disk=False,
    family=hypervisor.VMWARE,
)

ESXI = dataclasses.replace(VCENTER, name='esxi', hypervisor_type='VMware ESXi')

FAKE = HypervisorFace(
    name='fake',
    hypervisor_type='fake',
    hypervisor_version=1000000,
    supported_instances=supported_instances('fake', architectures=('x86_64',)),
    image_types=frozenset({'raw'}),
    capabilities=None,
)
