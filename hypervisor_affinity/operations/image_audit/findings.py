# SPDX-License-Identifier: Apache-2.0
"""What is found about an image."""

from collections.abc import Iterable

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.subject import Subject

ImageFinding = Finding[Image]


def for_owner(
    subject: Subject, check: ImageCheck, evidence: str, advice: str = ''
) -> ImageFinding:
    """Return a finding that only the image's owner can fix.

    :param advice: what to do, in a clause; '' for what the check says
    """
    remedy = Remedy(advice) if advice else None
    return Finding(check, subject.image, evidence, remedy=remedy)


def not_judged(image: Image, evidence: str) -> ImageFinding:
    """Return the finding that something of an image was not foreseen."""
    return Finding(ImageCheck.NOT_JUDGED, image, evidence)


def cited(signs: Iterable[Sign]) -> str:
    """Return signs as the image has them, for an evidence or advice."""
    return ', '.join(sign.evidence.text for sign in signs)
