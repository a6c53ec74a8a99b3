# SPDX-License-Identifier: Apache-2.0
"""nova's vSphere driver, ``nova.virt.vmwareapi``."""

import re

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers.table import EVERYTHING
from hypervisor_affinity.core.drivers.table import Circumstance
from hypervisor_affinity.core.drivers.table import Found
from hypervisor_affinity.core.drivers.table import Row
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.drivers.table import Values
from hypervisor_affinity.core.drivers.table import all_but
from hypervisor_affinity.core.drivers.table import has_format
from hypervisor_affinity.core.drivers.table import listed
from hypervisor_affinity.core.drivers.table import misspelt

# nova.virt.vmwareapi.constants.DISK_FORMATS_ALL
DISK_FORMATS = ('iso', 'vmdk', 'vstorageobject')

# nova.virt.vmwareapi.vmops.VMwareVMOps._get_image_callbacks: the first two by
# name, the others are constants.SUPPORTED_FLAT_VARIANTS.
SPARSE_DISK_TYPES = ('sparse', 'streamOptimized')
FLAT_DISK_TYPES = ('preallocated', 'thin', 'thick', 'eagerZeroedThick')
DISK_TYPES = (*SPARSE_DISK_TYPES, *FLAT_DISK_TYPES)

# nova.virt.vmwareapi.vm_util.convert_vif_model
_VIF_MODELS = ('e1000', 'e1000e', 'pcnet', 'sriov', 'vmxnet', 'vmxnet3')

# nova.virt.vmwareapi.images.VMwareImage.from_image
_SCSI_MODELS = ('lsilogic', 'lsisas1068', 'vmpvscsi', 'buslogic')

_X86 = ('i686', 'x86_64')

# VirtualMachineGuestOsIdentifier of the vSphere API: ubuntu64Guest,
# otherGuest64, ... Each vSphere knows some more than the one before, and all
# are in this case.
_GUEST_ID = re.compile(r'\w+Guest(64)?')
_MEANT_FOR_ONE = re.compile(_GUEST_ID.pattern, re.IGNORECASE)


def is_guest_id(value: str) -> bool:
    """Tell whether an ``os_distro`` has the form of a vSphere guest id."""
    return _GUEST_ID.fullmatch(value) is not None


def _is_meant_for_one(value: str) -> bool:
    return _MEANT_FOR_ONE.fullmatch(value) is not None


def _is_a_disk(found: Found, volume: bool) -> bool:
    return not volume and has_format(
        found, 'disk_format', 'vmdk', 'vstorageobject'
    )


def _is_an_iso(found: Found, volume: bool) -> bool:
    return not volume and has_format(found, 'disk_format', 'iso')


def _lacks_an_adapter(found: Found, volume: bool) -> bool:
    """Tell whether vCenter is to make a disk for an adapter of no type.

    It is to for an ISO's empty disk and for a flat VMDK; any other root disk
    comes with the image or the volume. What else a flavor has (swap, an
    ephemeral disk, or no disk beside the ISO) is not known here.
    """
    if volume or str(found.get('hw_disk_bus')).lower() != 'scsi':
        return False
    return _is_an_iso(found, volume) or (
        _is_a_disk(found, volume)
        and not has_format(found, 'container_format', 'ova')
        and found.get('hw_disk_type') not in SPARSE_DISK_TYPES
    )


_NAME_AN_ADAPTER = f'set hw_scsi_model to one of {", ".join(_SCSI_MODELS)}'

TABLE = Table(
    family=hypervisor.VMWARE,
    driver='vmwareapi',
    # The second is that of a fork with a node per ESXi host.
    reports=('VMware vCenter Server', 'VMware ESXi'),
    guest_types=('vmware',),
    architectures=_X86,
    alone=True,
    rows={
        'disk_format': Row(
            takes=listed(*DISK_FORMATS),
            refuses=all_but(*DISK_FORMATS),
            source='vmwareapi.images.VMwareImage, of volumes too',
            advice='convert it to VMDK',
        ),
        'container_format': Row(
            takes=listed('ova'),
            source='vmwareapi.images.VMwareImage.is_ova',
        ),
        'hw_disk_type': Row(
            takes=listed(*DISK_TYPES),
            refuses=misspelt(DISK_TYPES),
            source='vmwareapi.vmops.VMwareVMOps._get_image_callbacks',
            advice=f'set vmware_disktype to one of {", ".join(DISK_TYPES)}',
            where=Circumstance('of a VMDK that is not a volume', _is_a_disk),
            # vCenter gets it for the empty disk beside the ISO:
            # VirtualDiskType of the vSphere API.
            fails=Values(
                'what is not a type of a flat disk',
                lambda value: value not in FLAT_DISK_TYPES,
            ),
            fails_where=Circumstance('of an ISO', _is_an_iso),
        ),
        'img_linked_clone': Row(
            takes=EVERYTHING,
            source='vmwareapi.images.VMwareImage.from_image',
        ),
        'img_version': Row(
            takes=EVERYTHING,
            source='vmwareapi.images.upload_image_stream_optimized',
        ),
        'os_distro': Row(
            takes=Values('the guest ids of vSphere', _is_meant_for_one),
            fails=Values(
                'every other value, another case too',
                lambda value: not is_guest_id(value),
            ),
            source='vCenter, which gets it as guestId '
            '(vmwareapi.vm_util.create_vm)',
            advice='set os_distro to the guest id of its system',
        ),
        'hw_scsi_model': Row(
            takes=listed(*_SCSI_MODELS),
            refuses=all_but(*_SCSI_MODELS),
            source='vmwareapi.images.VMwareImage.from_image, which takes it '
            'for no adapter type; vSphere makes no disk for that '
            '(VirtualDiskSpec.adapterType)',
            advice=_NAME_AN_ADAPTER,
            where=Circumstance(
                'on hw_disk_bus=scsi, for an ISO or a flat VMDK',
                _lacks_an_adapter,
            ),
        ),
        'hw_disk_bus': Row(
            takes=listed('ide', 'scsi'),
            refuses=listed('scsi'),
            source='vmwareapi.images.VMwareImage.from_image, as above',
            advice=_NAME_AN_ADAPTER,
            where=Circumstance(
                'without hw_scsi_model, for an ISO or a flat VMDK',
                lambda found, volume: (
                    'hw_scsi_model' not in found
                    and _lacks_an_adapter(found, volume)
                ),
            ),
        ),
        'hw_vif_model': Row(
            takes=listed(*_VIF_MODELS),
            refuses=all_but(*_VIF_MODELS),
            source='vmwareapi.vm_util.convert_vif_model',
            advice='choose another network adapter',
        ),
        'hw_architecture': Row(
            takes=listed(*_X86),
            refuses=all_but(*_X86),
            source='vmwareapi.host, supported_instances',
            advice='choose another hypervisor',
        ),
        'hw_emulation_architecture': Row(
            fails=all_but(*_X86),
            source='the driver does not read it, so that the guest would '
            'start on x86',
            advice='choose another hypervisor',
        ),
    },
)
