# SPDX-License-Identifier: Apache-2.0
"""What nova makes of Glance's image properties before any scheduler sees them.

From ``nova.objects.ImageMetaProps`` and ``nova.objects.fields`` of nova 31 to
34, written down here because operators ask on machines without nova. A test
compares all of it with the nova that is installed.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple

from hypervisor_affinity.core import properties

# Raw name -> nova's name, ImageMetaProps._legacy_property_map.
LEGACY_NAMES = {
    'architecture': 'hw_architecture',
    'auto_disk_config': 'hw_auto_disk_config',
    'bdm_v2': 'img_bdm_v2',
    'bittorrent': 'img_bittorrent',
    'block_device_mapping': 'img_block_device_mapping',
    'cache_in_nova': 'img_cache_in_nova',
    'hypervisor_type': 'img_hv_type',
    'hypervisor_version_requires': 'img_hv_requested_version',
    'ipxe_boot': 'hw_ipxe_boot',
    'mappings': 'img_mappings',
    'owner_id': 'img_owner_id',
    'root_device_name': 'img_root_device_name',
    'vm_mode': 'hw_vm_mode',
    'vmware_disktype': 'hw_disk_type',
    'vmware_image_version': 'img_version',
    'vmware_linked_clone': 'img_linked_clone',
    'vmware_ostype': 'os_distro',
    'xenapi_device_id': 'hw_device_id',
    'xenapi_image_compression_level': 'img_compression_level',
    'xenapi_skip_agent_inject_files_at_boot': (
        'os_skip_agent_inject_files_at_boot'
    ),
    'xenapi_skip_agent_inject_ssh': 'os_skip_agent_inject_ssh',
    'xenapi_use_agent': 'img_use_agent',
}

# ImageMetaProps.fields but the one that has no property of its own name.
FIELD_NAMES = frozenset(
    """
    hw_architecture hw_auto_disk_config hw_boot_menu hw_cdrom_bus hw_cpu_cores
    hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads hw_cpu_policy
    hw_cpu_realtime_mask hw_cpu_sockets hw_cpu_thread_policy hw_cpu_threads
    hw_device_id hw_disk_bus hw_disk_type hw_emulation_architecture
    hw_ephemeral_encryption hw_ephemeral_encryption_format
    hw_ephemeral_encryption_secret_uuid hw_firmware_stateless
    hw_firmware_type hw_floppy_bus hw_input_bus hw_ipxe_boot hw_locked_memory
    hw_machine_type hw_maxphysaddr_bits hw_maxphysaddr_mode hw_mem_encryption
    hw_mem_encryption_model hw_mem_page_size hw_numa_nodes
    hw_pci_numa_affinity_policy hw_pmu hw_pointer_model hw_qemu_guest_agent
    hw_redirected_usb_ports hw_rescue_bus hw_rescue_device hw_rng_model
    hw_scsi_model hw_serial_port_count hw_sound_model hw_time_hpet
    hw_tpm_model hw_tpm_version hw_usb_model hw_video_model hw_video_ram
    hw_vif_model hw_vif_multiqueue_enabled hw_viommu_model
    hw_virtio_packed_ring hw_vm_mode hw_watchdog_action img_bdm_v2
    img_bittorrent img_block_device_mapping img_cache_in_nova
    img_compression_level img_config_drive img_hide_hypervisor_id
    img_hv_requested_version img_hv_type img_linked_clone img_mappings
    img_owner_id img_root_device_name img_signature
    img_signature_certificate_uuid img_signature_hash_method
    img_signature_key_type img_use_agent img_version os_admin_user
    os_command_line os_distro os_require_quiesce os_secure_boot
    os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh os_type
    """.split()
)

# Of these, ImageMetaProps reads names that begin so: trait:HW_...=required,
# hw_numa_cpus.0 and hw_numa_mem.0.
_PREFIXES = ('trait:', 'hw_numa_cpus.', 'hw_numa_mem.')

# The values that nova-api lets pass, of those properties that bear on the
# hypervisor: HVType, SCSIModel, DiskBus, VIFModel and Architecture.
_ARCHITECTURES = frozenset(
    'aarch64 alpha armv6 armv7b armv7l cris i686 ia64 lm32 m68k microblaze '
    'microblazeel mips mips64 mips64el mipsel openrisc parisc parisc64 ppc '
    'ppc64 ppc64le ppcemb ppcle s390 s390x sh4 sh4eb sparc sparc64 unicore32 '
    'x86_64 xtensa xtensaeb'.split()
)
CHOICES = {
    'img_hv_type': frozenset(
        'baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz '
        'parallels phyp prsm qemu test uml vbox vmware vz xen zvm'.split()
    ),
    'hw_scsi_model': frozenset(
        'buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi '
        'vmpvscsi'.split()
    ),
    'hw_disk_bus': frozenset(
        'fdc ide lxc sata scsi uml usb virtio xen'.split()
    ),
    'hw_vif_model': frozenset(
        'e1000 e1000e igb lan9118 ne2k_pci netfront pcnet rtl8139 spapr-vlan '
        'sriov virtio vmxnet vmxnet3'.split()
    ),
    'hw_architecture': _ARCHITECTURES,
    'hw_emulation_architecture': _ARCHITECTURES,
}


def is_known(name: str) -> bool:
    """Tell whether nova reads a property of this name."""
    return (
        name in FIELD_NAMES
        or name in LEGACY_NAMES
        or name == 'vmware_adaptertype'
        or name.startswith(_PREFIXES)
    )


# Values that become one of the choices.
_ALIASES = {'img_hv_type': {'xapi': 'xen'}, **properties.ALIASES}


class Fate(enum.StrEnum):
    """What becomes of a property."""

    KEPT = 'kept'
    """nova reads it by this name."""

    RENAMED = 'renamed'
    """nova reads it by another name, perhaps with another value."""

    OVERRIDDEN = 'overridden'
    """nova's own name of it is set too, and wins."""

    REFUSED = 'refused'
    """nova-api refuses every request with this image."""

    DROPPED = 'dropped'
    """nova does not know it; no scheduler ever sees it."""


class Treatment(NamedTuple):
    """What nova does with one property.

    :ivar outcome: what the scheduler sees, as ``name=value`` joined by
        ``, ``; for a refused one why; empty if it sees nothing
    """

    name: str
    value: str
    fate: Fate
    outcome: str = ''


def treat(image: Mapping[str, str]) -> list[Treatment]:
    """Tell what nova makes of each property, in their order.

    :param image: Glance's properties; formats are none
    """
    return [_treat(name, str(image[name]), image) for name in image]


def _treat(name: str, value: str, image: Mapping[str, str]) -> Treatment:
    if not is_known(name):
        return Treatment(name, value, Fate.DROPPED)
    becomes = _becomes(name, value)
    for field, read in becomes.items():
        if complaint := _complaint(field, read):
            return Treatment(name, value, Fate.REFUSED, complaint)
    left = [
        f'{field}={read}'
        for field, read in becomes.items()
        if field == name or field not in image
    ]
    outcome = ', '.join(left)
    if not left:
        return Treatment(name, value, Fate.OVERRIDDEN)
    same = left == [f'{name}={value}']
    return Treatment(name, value, Fate.KEPT if same else Fate.RENAMED, outcome)


def _becomes(name: str, value: str) -> dict[str, str]:
    """Return nova's fields with the values that nova stores."""
    if name == 'vmware_adaptertype':
        # As ImageMetaProps._set_attr_from_legacy_names: only the lower case.
        if value == 'ide':
            return {'hw_disk_bus': 'ide'}
        found = {'hw_disk_bus': 'scsi', 'hw_scsi_model': value}
    else:
        found = {LEGACY_NAMES.get(name, name): value}
    return {field: _stored(field, text) for field, text in found.items()}


def _stored(field: str, value: str) -> str:
    if field not in _ALIASES:
        return value
    return _ALIASES[field].get(value.lower(), value.lower())


def _complaint(field: str, value: str) -> str | None:
    choices = CHOICES.get(field)
    if choices and value not in choices:
        return f'{field} must be one of {", ".join(sorted(choices))}'
    if field == 'img_version' and not value.strip().lstrip('+-').isdecimal():
        return f'{field} must be an integer'
    return None
