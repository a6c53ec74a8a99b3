# SPDX-License-Identifier: Apache-2.0
"""Images, and what an audit finds of them."""

import msgspec

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations.image_audit import audit

IN_ORDER = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'paraVirtual',
    'vmware_ostype': 'ubuntu64Guest',
}
FLEXIBLE = Policy(vmdk_images='flexible')


def vmdk(**properties):
    """Return a VMDK image in order, but for some properties; None: unset."""
    given = {**IN_ORDER, **properties}
    return Image(
        'x',
        'i-x',
        disk_format='vmdk',
        container_format='bare',
        properties={name: v for name, v in given.items() if v is not None},
    )


def found(image, policy=None, **known):
    """Return {check: changes}, and that each check is there once."""
    findings = audit(image, policy or Policy(), **known)
    checks = [finding.check for finding in findings]
    assert len(set(checks)) == len(checks)
    return {finding.check: finding.changes for finding in findings}


def advice(image, check, policy=None, **known):
    (text,) = [
        finding.advice
        for finding in audit(image, policy or Policy(), **known)
        if finding.check is check
    ]
    return text


def demand_of(image, policy=None):
    return classify(read_image(image), {}, policy or Policy())


def fixed(image, policy=None, **known):
    """Return an image after all changes that an audit proposes."""
    findings = audit(image, policy or Policy(), **known)
    properties = {**image.properties, **image_audit.changes(findings)}
    return msgspec.structs.replace(
        image,
        properties={
            name: value
            for name, value in properties.items()
            if value is not None
        },
        dropped=tuple(set(image.dropped) - set(properties)),
    )
