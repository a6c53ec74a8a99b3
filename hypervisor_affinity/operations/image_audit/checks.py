# SPDX-License-Identifier: Apache-2.0
"""What is looked for in an image."""

import enum

from hypervisor_affinity.operations.findings import IN_FINDING
from hypervisor_affinity.operations.findings import REPORT
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Severity


@enum.unique
class ImageCheck(Check):
    """What is looked for; the codes are stable."""

    VALUE_REFUSED = (
        'value_refused',
        Severity.ERROR,
        IN_FINDING,
        "nova-api refuses each boot from the image, for a property's value.",
    )

    TYPE_UNREPORTED = (
        'type_unreported',
        Severity.ERROR,
        IN_FINDING,
        "No host reports the hypervisor type that the image names: nova's "
        'ImagePropertiesFilter passes none.',
    )

    CONTRADICTORY = (
        'contradictory',
        Severity.ERROR,
        IN_FINDING,
        'The image asks for a hypervisor that cannot boot its format or use '
        'its properties.',
    )

    RUNS_NOWHERE = (
        'runs_nowhere',
        Severity.ERROR,
        IN_FINDING,
        'The image asks for no hypervisor, and no known one can boot it.',
    )

    SIGNS_OVERRIDDEN = (
        'signs_overridden',
        Severity.WARNING,
        'remove what is wrong: these properties, or the hypervisor',
        'The image names another hypervisor, and sets what only ESXi reads.',
    )

    LEFT_OVER = (
        'left_over',
        Severity.INFO,
        IN_FINDING,
        'A property is for a hypervisor that cannot boot the image, and no '
        'other one reads it: often a leftover from before a conversion.',
    )

    NAMES_DIFFER = (
        'names_differ',
        Severity.WARNING,
        IN_FINDING,
        'A property is set by two names, to different values.',
    )

    DISK_TYPE_UNKNOWN = (
        'disk_type_unknown',
        Severity.ERROR,
        IN_FINDING,
        'The vSphere driver does not know the disk type; case matters.',
    )

    DISK_TYPE_WRONG = (
        'disk_type_wrong',
        Severity.ERROR,
        IN_FINDING,
        'The content has another disk type.',
    )

    DISK_TYPE_MISSING = (
        'disk_type_missing',
        Severity.WARNING,
        IN_FINDING,
        'Without a disk type, the driver takes a VMDK for a flat extent.',
    )

    ADAPTER_MISSING = (
        'adapter_missing',
        Severity.WARNING,
        IN_FINDING,
        "The disk is for another adapter than the driver's default.",
    )

    GUEST_ID_LOST = (
        'guest_id_lost',
        Severity.ERROR,
        IN_FINDING,
        '``os_distro`` hides ``vmware_ostype`` from the vSphere driver.',
    )

    GUEST_ID_IS_DISTRO = (
        'guest_id_is_distro',
        Severity.ERROR,
        IN_FINDING,
        "vSphere gets a distribution's name, or nothing, for the guest id, "
        'and refuses it.',
    )

    GUEST_ID_MISSPELT = (
        'guest_id_misspelt',
        Severity.ERROR,
        IN_FINDING,
        'vSphere refuses the guest id, since its case is wrong.',
    )

    GUEST_ID_UNKNOWN = (
        'guest_id_unknown',
        Severity.WARNING,
        'check that the oldest vSphere of the cloud knows it',
        'The guest id is not a known guest id of vSphere.',
    )

    GUEST_ID_MISSING = (
        'guest_id_missing',
        Severity.INFO,
        IN_FINDING,
        'vSphere is not told what system it is, and takes it for an unknown '
        'one.',
    )

    DISTRO_ON_ESXI = (
        'distro_on_esxi',
        Severity.INFO,
        IN_FINDING,
        'The image has the name of a distribution where vSphere needs a guest '
        'id. Without it, the image could run on ESXi, too.',
    )

    CONTENT_REFUSED = (
        'content_refused',
        Severity.WARNING,
        'convert it with "image prepare", and upload it again',
        'Glance or nova would refuse the content today.',
    )

    CONTENT_UNREADABLE = (
        'content_unreadable',
        Severity.WARNING,
        'upload it again, if it is damaged',
        'The content could not be inspected.',
    )

    NOT_JUDGED = (
        'not_judged',
        Severity.WARNING,
        REPORT,
        'The image, or its content, has something unexpected; no change of '
        'the image is proposed.',
    )

    PROPERTY_DROPPED = (
        'property_dropped',
        Severity.WARNING,
        IN_FINDING,
        'nova drops a property whose name seems to be misspelled.',
    )
