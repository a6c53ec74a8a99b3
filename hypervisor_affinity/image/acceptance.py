# SPDX-License-Identifier: Apache-2.0
"""Who takes a disk as an image: Glance, nova on KVM, nova's vSphere driver.

Each as it is by default: Glance with ``[image_format]
require_image_format_match``, nova-compute with ``[compute]
vmdk_allowed_types``.
"""

from typing import NamedTuple

from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image import ova_import
from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import Disk

# createType of a VMDK that is one file -> the vmware_disktype that says so:
# nova.virt.vmwareapi.vmops.VMwareVMOps._get_image_callbacks. The same are
# [compute] vmdk_allowed_types of nova, and what oslo.utils lets pass.
DISK_TYPES = {STREAM_OPTIMIZED: 'streamOptimized', MONOLITHIC_SPARSE: 'sparse'}

# What has a descriptor beside one flat extent. Of it the driver takes that
# extent alone, as a disk type such as preallocated.
_FLAT = frozenset({'monolithicFlat', 'vmfs'})

# An ISO that may be written to a stick is a GPT disk, too; both services
# take it for the former.
_HYBRID = {'iso', 'gpt'}

_PREPARE = 'convert it to streamOptimized with "image prepare"'


class Answer(NamedTuple):
    """What one of them says.

    :ivar why: a clause
    """

    accepts: bool
    why: str


def by_glance(disk: Disk) -> Answer:
    """Tell what Glance makes of an upload with the disk's own formats.

    As ``glance.location.ImageProxy.set_data`` does.
    """
    if disk.appliance:
        return Answer(True, 'it does not inspect the content of an OVA')
    if parts := _parts(disk):
        return Answer(False, f'{parts}; an image is one file; {_PREPARE}')
    return _inspected(disk)


def by_kvm(disk: Disk) -> Answer:
    """Tell whether nova boots it on KVM.

    As ``nova.virt.images.fetch_to_raw`` does.
    """
    if kvm.TABLE.row('container_format').refuses.has(disk.container_format):
        return Answer(
            False, f'it would use the OVA file itself as the disk; {_PREPARE}'
        )
    if parts := _parts(disk):
        return Answer(False, f'{parts}; {_PREPARE}')
    inspected = _inspected(disk)
    if not inspected.accepts:
        return inspected
    if disk.format == VMDK:
        return Answer(True, f'vmdk_allowed_types contains {disk.create_type}')
    formats = kvm.TABLE.row('disk_format')
    if formats.refuses.has(disk.format):
        return Answer(
            False,
            f'nova does not recognize {disk.format}; {formats.advice}',
        )
    return Answer(True, f'QEMU reads {disk.format}')


def by_vsphere(disk: Disk) -> Answer:
    """Tell whether nova boots it on ESXi.

    As ``nova.virt.vmwareapi`` does, given properties that fit.
    """
    if disk.appliance:
        return Answer(False, ova_import.refusal(disk, disk.appliance))
    if vmware.TABLE.row('disk_format').refuses.has(disk.format):
        return Answer(
            False,
            f'the driver accepts only VMDK and ISO, not {disk.format}; '
            f'{_PREPARE}',
        )
    if disk.format != VMDK:
        return Answer(True, f'the driver accepts {disk.format}')
    if disk.create_type in DISK_TYPES:
        disk_type = DISK_TYPES[disk.create_type]
        return Answer(True, f'the driver accepts it as disk type {disk_type}')
    if disk.create_type in _FLAT:
        return Answer(
            False,
            'the driver accepts only the flat extent, which Glance detects as '
            f'a raw disk; {_PREPARE}',
        )
    return Answer(
        False, f'the driver does not accept {disk.create_type}; {_PREPARE}'
    )


def nowhere(disk: Disk) -> str | None:
    """Tell why nova boots it on no hypervisor; None if it boots it on one."""
    answer = by_vsphere(disk)
    if answer.accepts or by_kvm(disk).accepts:
        return None
    return f'no hypervisor boots it: {answer.why}'


def _parts(disk: Disk) -> str:
    """Say that the disk is in several files; '' if it is in one."""
    if disk.is_one_file:
        return ''
    number = len(disk.extents) + 1
    return f'{disk.create_type} has {number} files: descriptor and data'


def _inspected(disk: Disk) -> Answer:
    """Tell what the inspection says that both services share."""
    formats = set(disk.formats)
    if disk.format == 'iso' and formats == _HYBRID:
        formats = {'iso'}
    if len(formats) > 1:
        listed = ' and '.join(sorted(formats))
        return Answer(False, f'it matches several formats: {listed}')
    found = next(iter(formats), RAW)
    if found != disk.format and (disk.format, found) != (RAW, 'gpt'):
        return Answer(False, f'it is detected as {found}, not {disk.format}')
    if disk.failures:
        return Answer(
            False, f'it fails safety checks: {"; ".join(disk.failures)}'
        )
    return Answer(True, f'its content is {found}, as its format says')
