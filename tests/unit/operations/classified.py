# SPDX-License-Identifier: Apache-2.0
"""What would change where an image can run."""

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.classification import classify_image


def changes(image, flavor=None, policy=None):
    found = classify_image(image, flavor, policy or Policy())
    return [change.setting for change in found.changes]
