# SPDX-License-Identifier: Apache-2.0
"""nova's libvirt driver, ``nova.virt.libvirt``, with QEMU and KVM guests."""

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.drivers.table import EVERYTHING
from hypervisor_affinity.core.drivers.table import Circumstance
from hypervisor_affinity.core.drivers.table import Found
from hypervisor_affinity.core.drivers.table import Row
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.drivers.table import all_but
from hypervisor_affinity.core.drivers.table import exactly
from hypervisor_affinity.core.drivers.table import has_format
from hypervisor_affinity.core.drivers.table import listed

_DISK_FORMATS = ('aki', 'ami', 'ari', 'iso', 'qcow2', 'raw', 'vdi', 'vhdx')

# What nova.virt.libvirt.vif has for virt_type=kvm.
_VIF_MODELS = (
    'e1000',
    'e1000e',
    'igb',
    'ne2k_pci',
    'pcnet',
    'rtl8139',
    'spapr-vlan',
    'virtio',
    'vmxnet3',
)

_SCSI_MODELS = (
    'ibmvscsi',
    'lsilogic',
    'lsisas1068',
    'lsisas1078',
    'virtio-scsi',
    'vmpvscsi',
)


def _is_vmdk(found: Found, volume: bool) -> bool:
    return has_format(found, 'disk_format', 'vmdk')


TABLE = Table(
    family=hypervisor.KVM,
    driver='libvirt',
    reports=('QEMU',),
    # Of a host without usable /dev/kvm, qemu alone.
    guest_types=('kvm', 'qemu'),
    rows={
        'disk_format': Row(
            takes=listed(*_DISK_FORMATS, 'vmdk'),
            refuses=all_but(*_DISK_FORMATS, 'vmdk'),
            # VHD: the two inspections call it vhd and vpc, and disagree.
            source='nova.virt.images.fetch_to_raw; of volumes, Cinder alike',
            advice='convert it to qcow2',
        ),
        'container_format': Row(
            # The archive itself is taken for the disk.
            refuses=listed('ova'),
            source='nova.virt.images.fetch_to_raw; of volumes, Cinder alike',
            advice='unpack it and upload its disk',
        ),
        'hw_disk_type': Row(
            # It is not read. But what the vSphere driver boots by one of
            # these is a disk's extent alone, which looks raw to nova here.
            fails=exactly(*vmware.FLAT_DISK_TYPES),
            fails_where=Circumstance('of a VMDK', _is_vmdk),
            source='nova.virt.images.fetch_to_raw; of volumes, Cinder alike',
            advice='convert it to qcow2',
        ),
        'hw_scsi_model': Row(
            takes=listed(*_SCSI_MODELS),
            refuses=listed('buslogic'),
            source="libvirt's QEMU driver",
            advice='choose another adapter',
        ),
        'hw_disk_bus': Row(
            takes=listed('ide', 'sata', 'scsi', 'usb', 'virtio'),
            # nova takes fdc for a bus of disks too; libvirt has floppies on
            # it alone. (From an ISO, a server without further disks starts:
            # nothing of it is on the bus.)
            refuses=listed('fdc', 'lxc', 'uml', 'xen'),
            source='libvirt.blockinfo.is_disk_bus_valid_for_virt; of fdc, '
            'libvirt itself',
            advice='choose another disk bus',
        ),
        'hw_vif_model': Row(
            takes=listed(*_VIF_MODELS),
            # sriov is neither taken nor refused: the model counts for
            # ordinary ports alone, and who asks for sriov may well have a
            # direct one. Of lan9118 virt_type=qemu says yes, but QEMU has it
            # on no machine type that nova starts.
            refuses=listed('lan9118', 'netfront', 'vmxnet'),
            source='libvirt.vif.is_vif_model_valid_for_virt',
            advice='choose another network adapter',
        ),
        'hw_architecture': Row(
            takes=EVERYTHING, source='what QEMU of the host emulates'
        ),
        'hw_emulation_architecture': Row(
            takes=EVERYTHING, source='what QEMU of the host emulates'
        ),
    },
)
