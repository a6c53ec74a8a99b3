# SPDX-License-Identifier: Apache-2.0
"""Whether vSphere gets a guest id, and one that it knows."""

from collections.abc import Iterator

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.explanation import demand_text
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.image.guests import GUEST_IDS
from hypervisor_affinity.image.guests import guest_id
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.classification import runs_nowhere
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.fixes import fix
from hypervisor_affinity.operations.image_audit.subject import Subject


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find a guest id that vSphere would not get, or would not know."""
    if not subject.allows(VMWARE) or not subject.is_for_esxi:
        return
    name = subject.name_of('vmware_ostype')
    value = subject.image.properties.get(name)
    if value is None:
        yield from _check_missing(subject)
    elif value in GUEST_IDS:
        return
    elif spelled := spelling.value(name, value):
        yield fix(
            subject,
            ImageCheck.GUEST_ID_MISSPELT,
            subject.cite(name),
            {name: spelled},
        )
    elif vmware.is_guest_id(value):
        yield for_owner(
            subject,
            ImageCheck.GUEST_ID_UNKNOWN,
            subject.cite(name),
        )
    elif not runs_nowhere(subject.spelled_demand):
        yield _distro_as_guest_id(subject, name, value)


def _check_missing(subject: Subject) -> Iterator[ImageFinding]:
    if not subject.needs_vmware:
        return
    evidence = 'no vmware_ostype; the default is otherGuest'
    told = subject.fitting.get('vmware_ostype')
    if told in GUEST_IDS:
        yield fix(
            subject,
            ImageCheck.GUEST_ID_MISSING,
            evidence,
            {'vmware_ostype': told},
        )
    else:
        yield for_owner(
            subject,
            ImageCheck.GUEST_ID_MISSING,
            evidence,
            'set vmware_ostype to the guest id of its system',
        )


def _distro_as_guest_id(
    subject: Subject, name: str, distro: str
) -> ImageFinding:
    """Return what is wrong if vSphere gets a distribution's name.

    ``os_distro`` is given the guest id, not removed: nova reads the same then
    (``ImageMetaProps._set_attr_from_current_names``), both names agree, and
    who reads ``os_distro`` in Glance still sees the distribution in it.
    """
    raw = subject.image.properties.get('vmware_ostype')
    hidden = (
        spelling.value('vmware_ostype', raw) if raw and raw != distro else None
    )
    evidence = subject.cite(*(['vmware_ostype'] if hidden else []), name)
    right = hidden or _derived(subject, distro)
    wanted = right or 'the guest id of its system'
    if not subject.needs_vmware:
        if hidden:
            return for_owner(
                subject,
                ImageCheck.GUEST_ID_LOST,
                evidence,
                f'set {name} to {wanted}, for ESXi; remove vmware_ostype, for '
                'KVM',
            )
        return for_owner(
            subject,
            ImageCheck.DISTRO_ON_ESXI,
            demand_text(subject.demand),
            f'leave it, for KVM alone; set {name} to {wanted}, for ESXi '
            f'alone; remove {name}, for both',
        )
    kind = (
        ImageCheck.GUEST_ID_LOST if hidden else ImageCheck.GUEST_ID_IS_DISTRO
    )
    if not right:
        return for_owner(subject, kind, evidence, f'set {name} to {wanted}')
    return fix(subject, kind, evidence, {name: right})


def _derived(subject: Subject, distro: str) -> str | None:
    """Return the guest id by distribution and version; None if unknown."""
    version = None
    if 'os_version' in subject.image.dropped:
        if subject.values is None:
            return None
        version = subject.values.get('os_version')
    bits = 32 if subject.found.get('hw_architecture') == 'i686' else 64
    return guest_id(distro, version, bits=bits)
