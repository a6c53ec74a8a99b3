# SPDX-License-Identifier: Apache-2.0
"""Whether adapter and disk type are those of the disk."""

from collections.abc import Iterator

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.disk import RAW
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.fixes import fix
from hypervisor_affinity.operations.image_audit.fixes import in_words
from hypervisor_affinity.operations.image_audit.subject import Subject

# nova.virt.vmwareapi.constants
DEFAULT_ADAPTER_TYPE = 'lsiLogic'


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find an adapter or a disk type with which ESXi misreads the disk."""
    yield from _check_adapter(subject)
    yield from _check_disk_type(subject)


def _check_adapter(subject: Subject) -> Iterator[ImageFinding]:
    said = subject.fitting.get('vmware_adaptertype')
    if (
        said in (None, DEFAULT_ADAPTER_TYPE)
        or not subject.needs_vmware
        or not {'hw_disk_bus', 'hw_scsi_model'}.isdisjoint(subject.found)
    ):
        return
    evidence = (
        f'no vmware_adaptertype; the disk is for {said}, the default is '
        f'{DEFAULT_ADAPTER_TYPE}'
    )
    change = {'vmware_adaptertype': said}
    if subject.disk and subject.disk.create_type == STREAM_OPTIMIZED:
        # The driver imports it into a VM with the default one
        # (nova.virt.vmwareapi.images.fetch_image_stream_optimized): what
        # boots may have done so for years.
        yield for_owner(
            subject,
            ImageCheck.ADAPTER_MISSING,
            evidence,
            f'{in_words(change)} if its servers do not boot',
        )
    else:
        yield fix(subject, ImageCheck.ADAPTER_MISSING, evidence, change)


def _check_disk_type(subject: Subject) -> Iterator[ImageFinding]:
    if not subject.is_vmdk or not subject.allows(VMWARE):
        return
    name = subject.name_of('vmware_disktype')
    value = subject.image.properties.get(name)
    fitting = _disk_types(subject)
    if value is None:
        yield from _check_missing_disk_type(subject, fitting)
        return
    evidence = subject.cite(name)
    # What looks raw may be a flat extent, or a VMDK that was damaged.
    certain = fitting[0] if len(fitting) == 1 else None
    if value not in vmware.DISK_TYPES:
        kind = ImageCheck.DISK_TYPE_UNKNOWN
        right = certain or spelling.value(name, value)
    elif fitting and value not in fitting:
        kind = ImageCheck.DISK_TYPE_WRONG
        evidence += f'; the content is {_content(subject)}'
        right = certain
    else:
        return
    if right:
        yield fix(subject, kind, evidence, {name: right})
        return
    known = ', '.join(fitting or sorted(vmware.DISK_TYPES))
    advice = f'set {name} to one of {known}'
    if subject.demand.required is None:
        # It runs on KVM, and may be meant to.
        evidence += f'; {demand_text(subject.demand)}'
        advice += ', or set hypervisor_type=kvm, if it is for KVM'
    yield for_owner(subject, kind, evidence, advice)


def _check_missing_disk_type(
    subject: Subject, fitting: tuple[str, ...]
) -> Iterator[ImageFinding]:
    if fitting and fitting[0] != acceptance.DEFAULT_DISK_TYPE:
        yield fix(
            subject,
            ImageCheck.DISK_TYPE_MISSING,
            f'no vmware_disktype; the content is {_content(subject)}',
            {'vmware_disktype': fitting[0]},
        )
    elif not fitting and not subject.disk:
        yield for_owner(
            subject,
            ImageCheck.DISK_TYPE_MISSING,
            'no vmware_disktype; the content was not inspected',
            'set it to what "image inspect" says',
        )


def _disk_types(subject: Subject) -> tuple[str, ...]:
    """Return the disk types that fit the content, the usual one first.

    :returns: empty if it was not read, or none fits
    """
    if subject.found.get('container_format') == 'ova':
        return (acceptance.DISK_TYPES[STREAM_OPTIMIZED],)
    if subject.disk and subject.disk.format == RAW:
        return vmware.FLAT_DISK_TYPES
    known = subject.fitting.get('vmware_disktype')
    return (known,) if known else ()


def _content(subject: Subject) -> str:
    disk = subject.disk
    if not disk or disk.appliance:
        return 'an OVA'
    if disk.format == RAW:
        return 'raw, as a flat extent is'
    return ' '.join(filter(None, (disk.format, disk.create_type)))
