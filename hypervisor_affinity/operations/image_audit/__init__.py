# SPDX-License-Identifier: Apache-2.0
"""What is wrong with an image, and which change fixes it.

What nova makes of properties is :mod:`hypervisor_affinity.core.image_meta`'s
to say, where the image can run :func:`~hypervisor_affinity.core.demand.
classify`'s, what fits its content :mod:`hypervisor_affinity.image`'s. Here
they are compared.

A change is proposed only where there is one right answer, and never one that
moves an image from one hypervisor to another: that is for its owner.

``subject`` is an image with all that is known of it. ``property_values``,
``demands``, ``property_names``, ``guest_ids``, ``disks`` and ``content`` check
it; ``checks`` lists what they look for, ``fixes`` has what comes of a
change.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.findings import Remedy
from hypervisor_affinity.operations.image_audit import content
from hypervisor_affinity.operations.image_audit import demands
from hypervisor_affinity.operations.image_audit import disks
from hypervisor_affinity.operations.image_audit import guest_ids
from hypervisor_affinity.operations.image_audit import property_names
from hypervisor_affinity.operations.image_audit import property_values
from hypervisor_affinity.operations.image_audit.checks import ImageCheck
from hypervisor_affinity.operations.image_audit.content import unreadable
from hypervisor_affinity.operations.image_audit.disks import (
    DEFAULT_ADAPTER_TYPE,
)
from hypervisor_affinity.operations.image_audit.findings import ImageFinding
from hypervisor_affinity.operations.image_audit.findings import not_judged
from hypervisor_affinity.operations.image_audit.fixes import changes
from hypervisor_affinity.operations.image_audit.fixes import for_servers
from hypervisor_affinity.operations.image_audit.fixes import in_words
from hypervisor_affinity.operations.image_audit.subject import Subject

__all__ = [
    'DEFAULT_ADAPTER_TYPE',
    'ImageCheck',
    'ImageFinding',
    'audit',
    'changes',
    'for_servers',
    'in_words',
    'not_judged',
    'unreadable',
]

# In the order of findings; what knows the content comes last.
_CHECKS = (
    property_values.check,
    demands.check,
    property_names.check,
    guest_ids.check,
    disks.check,
    content.check,
)


def audit(
    image: Image,
    policy: Policy,
    *,
    values: Mapping[str, str] | None = None,
    disk: Disk | None = None,
) -> list[ImageFinding]:
    """Return what is wrong with an image.

    :param values: of all properties, also of those that nova drops; None if
        these are not known, as of an image in a snapshot
    :param disk: what its content is; None if that was not read
    """
    found = list(
        judging.judged(
            _findings(image, policy, values, disk),
            image,
            ImageCheck.NOT_JUDGED,
            f'image {image.name or image.id}',
        )
    )
    if any(finding.check is ImageCheck.NOT_JUDGED for finding in found):
        # What was not looked at may be against a change.
        return [
            dataclasses.replace(
                finding, remedy=Remedy(finding.advice), commands=()
            )
            for finding in found
        ]
    return found


def _findings(
    image: Image,
    policy: Policy,
    values: Mapping[str, str] | None,
    disk: Disk | None,
) -> Iterator[ImageFinding]:
    subject = Subject(image, policy, values, disk)
    for check in _CHECKS:
        yield from check(subject)
