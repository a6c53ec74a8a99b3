# SPDX-License-Identifier: Apache-2.0
"""What images say to the oracle, by doc/source/classification.rst alone."""

from tests.unit.scheduler.oracle_hosts import KVM
from tests.unit.scheduler.oracle_hosts import VMWARE

GUEST_IDS = {'ubuntu64Guest', 'otherGuest', 'windows2019srv_64Guest'}
LACKED_BY_VMWARE = {
    *('igb', 'ne2k_pci', 'rtl8139', 'spapr-vlan', 'virtio'),
    *('lan9118', 'netfront'),
}
NOT_FOR_VMWARE = ('aki', 'ami', 'ari', 'qcow2', 'raw', 'vdi', 'vhdx')
DISKS = ('vmdk', 'vstorageobject')
FLAT = {'preallocated', 'thin', 'thick', 'eagerZeroedThick'}
NOT_FLAT = {'sparse', 'streamOptimized'}
# classification, What nova passes to the scheduler
ADAPTERS = {
    'lsiLogic': 'lsilogic',
    'lsiLogicsas': 'lsisas1068',
    'paraVirtual': 'vmpvscsi',
    'busLogic': 'buslogic',
}
VIFS = {
    'VirtualE1000': 'e1000',
    'VirtualE1000e': 'e1000e',
    'VirtualPCNet32': 'pcnet',
    'VirtualVmxnet': 'vmxnet',
    'VirtualVmxnet3': 'vmxnet3',
    'VirtualSriovEthernetCard': 'sriov',
}
RENAMED = {
    'hypervisor_type': 'img_hv_type',
    'vmware_disktype': 'hw_disk_type',
    'vmware_ostype': 'os_distro',
    'vmware_linked_clone': 'img_linked_clone',
    'vmware_image_version': 'img_version',
    'architecture': 'hw_architecture',
}

SUGGESTS, REFUSES, FAILS = range(3)


def novas_names(image):
    # classification, What nova passes to the scheduler
    found = {}
    for key, value in image.items():
        if key in RENAMED:
            found[RENAMED[key]] = value
        elif key == 'vmware_adaptertype' and value == 'ide':
            found['hw_disk_bus'] = 'ide'
        elif key == 'vmware_adaptertype':
            found['hw_disk_bus'] = 'scsi'
            found['hw_scsi_model'] = ADAPTERS[value]
    found.update({k: v for k, v in image.items() if k not in RENAMED})
    found.pop('vmware_adaptertype', None)
    if 'hw_vif_model' in found:
        found['hw_vif_model'] = VIFS.get(
            found['hw_vif_model'], found['hw_vif_model']
        )
    known = {'amd64': 'x86_64', 'i386': 'i686'}
    if 'hw_architecture' in found:
        found['hw_architecture'] = known.get(
            found['hw_architecture'], found['hw_architecture']
        )
    return found


def sayings(image, volume):
    """Yield (property, verb, hypervisor), row by row of the page's table.

    classification, What a value says.
    """
    # A volume that was made beforehand has no format.
    form = image.get('disk_format') or None
    if form is not None:
        yield from say_format(form)
    if image.get('container_format') == 'ova':
        yield 'container_format', SUGGESTS, VMWARE
        yield 'container_format', REFUSES, KVM
    yield from say_disk_type(image, form, volume)
    for key in ('img_linked_clone', 'img_version'):
        if key in image:
            yield key, SUGGESTS, VMWARE
    if 'os_distro' in image:
        yield from say_guest_id(image['os_distro'])
    yield from say_adapter(image, form, volume)
    yield from say_vif(image.get('hw_vif_model'))
    if image.get('hw_architecture', 'i686') not in ('i686', 'x86_64'):
        yield 'hw_architecture', REFUSES, VMWARE
    if image.get('hw_emulation_architecture', 'i686') not in (
        'i686',
        'x86_64',
    ):
        yield 'hw_emulation_architecture', FAILS, VMWARE


def say_format(form):
    key = 'disk_format'
    if form not in ('vmdk', 'iso', *NOT_FOR_VMWARE):
        yield key, REFUSES, KVM
    if form not in ('iso', *DISKS):
        yield key, REFUSES, VMWARE
    if form == 'vstorageobject':
        yield key, SUGGESTS, VMWARE


def say_disk_type(image, form, volume):
    key = 'hw_disk_type'
    if key not in image:
        return
    kind = image[key]
    known = {one.lower() for one in FLAT | NOT_FLAT}
    if kind in FLAT:
        yield key, SUGGESTS, VMWARE
        if form == 'vmdk':
            yield key, FAILS, KVM
    elif kind in NOT_FLAT:
        yield key, SUGGESTS, VMWARE
        if form == 'iso' and not volume:
            yield key, FAILS, VMWARE
    else:
        is_misspelt = kind.lower() in known
        if is_misspelt:
            yield key, SUGGESTS, VMWARE
        if form in DISKS and not volume:
            yield key, REFUSES, VMWARE
        if form == 'iso' and not volume:
            yield key, FAILS, VMWARE


def say_guest_id(value):
    if value in GUEST_IDS:
        yield 'os_distro', SUGGESTS, VMWARE
    elif value.lower() in {one.lower() for one in GUEST_IDS}:
        yield 'os_distro', SUGGESTS, VMWARE
        yield 'os_distro', FAILS, VMWARE
    else:
        yield 'os_distro', FAILS, VMWARE


def say_adapter(image, form, volume):
    model, bus = image.get('hw_scsi_model'), image.get('hw_disk_bus')
    is_flat = form in DISKS and image.get('hw_disk_type') not in NOT_FLAT
    # A volume is Cinder's, and an OVA has its disk in it.
    is_flat = is_flat and image.get('container_format') != 'ova'
    vcenter_makes_disk = not volume and (form == 'iso' or is_flat)
    if model == 'buslogic':
        yield 'hw_scsi_model', SUGGESTS, VMWARE
        yield 'hw_scsi_model', REFUSES, KVM
    if bus in ('lxc', 'uml', 'xen'):
        yield 'hw_disk_bus', REFUSES, KVM
    lacks = model is None or model in ('ibmvscsi', 'lsisas1078', 'virtio-scsi')
    if bus == 'scsi' and lacks and vcenter_makes_disk:
        yield 'hw_disk_bus', REFUSES, VMWARE


def say_vif(model):
    key = 'hw_vif_model'
    if model in ('lan9118', 'netfront', 'vmxnet'):
        yield key, REFUSES, KVM
    if model in LACKED_BY_VMWARE:
        yield key, REFUSES, VMWARE
    if model in ('sriov', 'vmxnet'):
        yield key, SUGGESTS, VMWARE


def limited(image, field):
    """Return the spellings of an image's property; none: it is not set."""
    value = image.get(field)
    if field == 'hw_scsi_model':
        if image.get('hw_disk_bus') == 'ide':
            return ['ide']
        return [
            one
            for owners, novas in ADAPTERS.items()
            for one in (owners, novas)
            if novas == value and image.get('hw_disk_bus') in (None, 'scsi')
        ]
    if field == 'img_linked_clone' and value is not None:
        # What an owner writes, and what nova makes of it.
        words = 'true yes 1' if value in ('true', 'yes', '1') else 'false no 0'
        return words.split()
    if field == 'os_distro' and value not in GUEST_IDS:
        return []
    return [] if value is None else [value]
