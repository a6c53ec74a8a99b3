# SPDX-License-Identifier: Apache-2.0
"""Whether the content can be read, and would be taken."""

from collections.abc import Iterator

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.hypervisor import KVM
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import for_owner
from hypervisor_affinity.operations.image_audit.subject import Subject


def check(subject: Subject) -> Iterator[ImageFinding]:
    """Find content that is not taken where the image is meant to go."""
    disk, image = subject.disk, subject.image
    if disk is None:
        return
    if disk.format != image.disk_format and not disk.appliance:
        yield for_owner(
            subject,
            ImageCheck.CONTENT_REFUSED,
            f'the content is {disk.format}, not {image.disk_format}: Glance '
            'and KVM refuse that',
        )
        return
    takers = {'Glance': acceptance.by_glance(disk)}
    if subject.allows(KVM):
        takers['KVM'] = acceptance.by_kvm(disk)
    if subject.allows(VMWARE):
        takers['ESXi'] = acceptance.by_vsphere(disk)
    refusing = {
        taker: answer.why
        for taker, answer in takers.items()
        if not answer.accepts
    }
    if refusing:
        why = '; '.join(dict.fromkeys(refusing.values()))
        yield for_owner(
            subject,
            ImageCheck.CONTENT_REFUSED,
            f'refused by {" and ".join(refusing)}: {why}',
        )


def unreadable(image: Image, complaint: object) -> ImageFinding:
    """Return the finding that an image's content could not be inspected."""
    return Finding(ImageCheck.CONTENT_UNREADABLE, image, str(complaint))
