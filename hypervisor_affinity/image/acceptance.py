# SPDX-License-Identifier: Apache-2.0
"""Who takes a disk as an image: Glance, nova on KVM, nova's vSphere driver.

Each as it is by default: Glance with ``[image_format]
require_image_format_match``, nova-compute with ``[compute]
vmdk_allowed_types``.
"""

from collections.abc import Collection
from typing import NamedTuple

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image.appliance import ova_import
from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import OVA
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import Disk

# createType of a VMDK that is one file -> the vmware_disktype that says so:
# nova.virt.vmwareapi.vmops.VMwareVMOps._get_image_callbacks. The same are
# [compute] vmdk_allowed_types of nova, and what oslo.utils lets pass.
DISK_TYPES = {STREAM_OPTIMIZED: 'streamOptimized', MONOLITHIC_SPARSE: 'sparse'}

# nova.virt.vmwareapi.constants.DEFAULT_DISK_TYPE
DEFAULT_DISK_TYPE = 'preallocated'

# Versions of a streamOptimized disk's header, of which ESXi is reported to say
# "Not a supported disk format (sparse VMDK version too old)". qemu-img before
# 2.5.1 wrote 1; since then it writes 3.
_TOO_OLD = frozenset({1, 2})

# What has a descriptor beside one flat extent. Of it the driver takes that
# extent alone, as a disk type such as preallocated.
_FLAT = frozenset({'monolithicFlat', 'vmfs'})

# An ISO that may be written to a stick is a GPT disk, too; both services
# take it for the former, whatever it is said to be.
_HYBRID = {'iso', 'gpt'}

# Amazon's formats, whose content can be anything.
_AMAZONS = frozenset({'aki', 'ami', 'ari'})
# To nova they may be whatever qemu takes for raw.
_RAW_TO_QEMU = frozenset({RAW, 'gpt', 'iso'})

_NOT_INSPECTED = 'it does not inspect the content of an OVA'

_PREPARE = 'convert it to streamOptimized with "image prepare"'

# Of a fixed VHD, which has its only signature at its end.
_FOOTER = f'; as raw, its footer would be a part of the disk; {_PREPARE}'


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
    if disk.declared:
        return Answer(True, _held(disk))
    if disk.appliance:
        return Answer(True, _NOT_INSPECTED)
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
    inspected = _inspected(disk, of_amazon=_RAW_TO_QEMU)
    if not inspected.accepts:
        return inspected
    if disk.format == VMDK:
        return Answer(True, f'vmdk_allowed_types contains {disk.create_type}')
    formats = kvm.TABLE.row('disk_format')
    if formats.refuses.has(disk.disk_format):
        return Answer(
            False,
            f'nova does not recognize {disk.disk_format}; {formats.advice}',
        )
    return Answer(True, f'QEMU reads {disk.format}')


def by_vsphere(disk: Disk) -> Answer:
    """Tell whether nova boots it on ESXi.

    As ``nova.virt.vmwareapi`` and ESXi do: an image in Glance with the
    properties that it has, a file with those that fit.
    """
    if disk.appliance:
        return Answer(False, ova_import.refusal(disk, disk.appliance))
    if disk.container_format == OVA:
        return Answer(False, 'its content is not an OVA: not a tar archive')
    if vmware.TABLE.row('disk_format').refuses.has(disk.disk_format):
        return Answer(
            False,
            f'the driver accepts only VMDK and ISO, not {disk.disk_format}; '
            f'{_PREPARE}',
        )
    if disk.disk_format == VMDK:
        return _vmdk_by_vsphere(disk)
    if disk.disk_format != disk.format:
        return Answer(False, f'its content is {disk.format}')
    return Answer(True, f'the driver accepts {disk.format}')


def nowhere(disk: Disk, families: Collection[str] | None = None) -> str | None:
    """Tell why nova boots it on no hypervisor; None if it boots it on one.

    :param families: those that it may be on; None for any
    """
    answers = {
        hypervisor.KVM: by_kvm(disk),
        hypervisor.VMWARE: by_vsphere(disk),
    }
    if not any(answer.accepts for answer in answers.values()):
        return f'no hypervisor boots it: {answers[hypervisor.VMWARE].why}'
    wanted = answers.keys() & (answers if families is None else families)
    if not wanted or any(answers[family].accepts for family in wanted):
        return None
    (family,) = wanted
    why = answers[family].why
    return f'{hypervisor.title({family})} does not boot it: {why}'


def fitting_disk_type(disk: Disk) -> str | None:
    """Return the ``vmware_disktype`` with which the driver takes a disk.

    None if it is no VMDK for it, or not the whole of one.
    """
    if disk.disk_format != VMDK:
        return None
    if disk.create_type:
        return DISK_TYPES.get(disk.create_type)
    if disk.format != RAW:
        return None
    # The bare content of a disk, as of the image of a flat VMDK.
    said = disk.declared and disk.declared.disk_type
    return said if said in vmware.FLAT_DISK_TYPES else DEFAULT_DISK_TYPE


def _vmdk_by_vsphere(disk: Disk) -> Answer:
    version = disk.header_version
    if disk.create_type == STREAM_OPTIMIZED and version in _TOO_OLD:
        return Answer(
            False,
            'ESXi is reported to refuse a streamOptimized disk with a header '
            f'of version {version} as too old; {_PREPARE}',
        )
    if disk.declared:
        return _with_its_disk_type(disk, disk.declared)
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


def _with_its_disk_type(disk: Disk, declared: Declared) -> Answer:
    """Tell what the driver makes of a VMDK, which it reads as it is told.

    It uploads one that is said to be flat as the extent of a disk.
    """
    said = declared.disk_type or DEFAULT_DISK_TYPE
    fitting = fitting_disk_type(disk)
    if said == fitting:
        return Answer(True, f'the driver accepts it as disk type {said}')
    content = disk.create_type or disk.format
    why = f'the driver takes it for disk type {said}, but it is {content}'
    if not declared.disk_type:
        why = f'without vmware_disktype {why}'
    if fitting is None:
        return Answer(False, f'{why}; {_PREPARE}')
    return Answer(False, f'{why}; set vmware_disktype={fitting}')


def _held(disk: Disk) -> str:
    """Say what Glance, which has the image, would say of such an upload."""
    if disk.container_format != 'bare':
        return _NOT_INSPECTED
    accepts, why = _inspected(disk)
    return why if accepts else f'it has it, but would refuse it today: {why}'


def _parts(disk: Disk) -> str:
    """Say that the disk is in several files; '' if it is in one."""
    if disk.is_one_file:
        return ''
    number = len(disk.extents) + 1
    return f'{disk.create_type} has {number} files: descriptor and data'


def _inspected(
    disk: Disk, of_amazon: Collection[str] = frozenset({RAW})
) -> Answer:
    """Tell what the inspection says that both services share.

    :param of_amazon: what the content of an image in Amazon's formats may be
        detected as
    """
    formats = set(disk.formats)
    said = disk.disk_format
    if formats == _HYBRID:
        formats = {'iso'}
    if len(formats) > 1:
        listed = ' and '.join(sorted(formats))
        return Answer(False, f'it matches several formats: {listed}')
    found = next(iter(formats), RAW)
    is_taken_for_raw = (said, found) == (RAW, 'gpt') or (
        said in _AMAZONS and found in of_amazon
    )
    if found != said and not is_taken_for_raw:
        footer = _FOOTER if said == 'vhd' else ''
        return Answer(False, f'it is detected as {found}, not {said}{footer}')
    if disk.failures:
        why = f'it fails safety checks: {"; ".join(disk.failures)}'
        return Answer(
            False, f'{why}; {_PREPARE}' if disk.format == VMDK else why
        )
    return Answer(True, f'its content is {found}, as its format says')
