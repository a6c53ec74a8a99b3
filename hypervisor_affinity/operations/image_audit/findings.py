# SPDX-License-Identifier: Apache-2.0
"""What is found about an image."""

import enum
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.audit import Severity

# Property -> its new value; None to remove it.
Changes = Mapping[str, str | None]


class Check(enum.StrEnum):
    """What is looked for; the codes are stable."""

    VALUE_REFUSED = 'value_refused'
    """nova-api refuses each boot from the image, for a property's value."""

    TYPE_UNREPORTED = 'type_unreported'
    """No host reports the hypervisor type that the image names, so that nova's
    ImagePropertiesFilter passes none."""

    CONTRADICTORY = 'contradictory'
    """The hypervisor that the image asks for cannot run what it is or sets."""

    RUNS_NOWHERE = 'runs_nowhere'
    """The image asks for no hypervisor, and none that is known can run it."""

    SIGNS_OVERRIDDEN = 'signs_overridden'
    """The image names another hypervisor, and sets what only ESXi reads."""

    LEFT_OVER = 'left_over'
    """A property means a hypervisor that cannot boot the image, and no other
    reads it: often it was there before the image was converted."""

    NAMES_DIFFER = 'names_differ'
    """A property is set by two names, to different values."""

    DISK_TYPE_UNKNOWN = 'disk_type_unknown'
    """The vSphere driver knows no such disk type; case matters to it."""

    DISK_TYPE_WRONG = 'disk_type_wrong'
    """The content is of another disk type."""

    DISK_TYPE_MISSING = 'disk_type_missing'
    """Without a disk type, the driver takes a VMDK for a flat extent."""

    ADAPTER_MISSING = 'adapter_missing'
    """The disk is for another adapter than the driver's default."""

    GUEST_ID_LOST = 'guest_id_lost'
    """``os_distro`` hides ``vmware_ostype`` from the vSphere driver."""

    GUEST_ID_IS_DISTRO = 'guest_id_is_distro'
    """vSphere gets a distribution's name, or nothing, for the guest id, and
    refuses it."""

    GUEST_ID_MISSPELT = 'guest_id_misspelt'
    """vSphere refuses the guest id, since its case is wrong."""

    GUEST_ID_UNKNOWN = 'guest_id_unknown'
    """The guest id is none that vSphere is known to have."""

    GUEST_ID_MISSING = 'guest_id_missing'
    """vSphere is not told what system it is, and takes it for any."""

    DISTRO_ON_ESXI = 'distro_on_esxi'
    """But for the name of its distribution, where vSphere wants a guest id,
    the image could run on ESXi, too: it never gets there."""

    CONTENT_REFUSED = 'content_refused'
    """Glance or nova would refuse the content today."""

    CONTENT_UNREADABLE = 'content_unreadable'
    """The content could not be inspected."""

    NOT_JUDGED = 'not_judged'
    """Something in the image, or in its content, was not foreseen; until it
    is, no change of the image is proposed."""

    PROPERTY_DROPPED = 'property_dropped'
    """nova drops a property that seems to be a misspelt one."""


SEVERITIES = {
    Check.VALUE_REFUSED: Severity.ERROR,
    Check.TYPE_UNREPORTED: Severity.ERROR,
    Check.CONTRADICTORY: Severity.ERROR,
    Check.RUNS_NOWHERE: Severity.ERROR,
    Check.SIGNS_OVERRIDDEN: Severity.WARNING,
    Check.LEFT_OVER: Severity.INFO,
    Check.NAMES_DIFFER: Severity.WARNING,
    Check.DISK_TYPE_UNKNOWN: Severity.ERROR,
    Check.DISK_TYPE_WRONG: Severity.ERROR,
    Check.DISK_TYPE_MISSING: Severity.WARNING,
    Check.ADAPTER_MISSING: Severity.WARNING,
    Check.GUEST_ID_LOST: Severity.ERROR,
    Check.GUEST_ID_IS_DISTRO: Severity.ERROR,
    Check.GUEST_ID_MISSPELT: Severity.ERROR,
    Check.GUEST_ID_UNKNOWN: Severity.WARNING,
    Check.GUEST_ID_MISSING: Severity.INFO,
    Check.DISTRO_ON_ESXI: Severity.INFO,
    Check.CONTENT_REFUSED: Severity.WARNING,
    Check.CONTENT_UNREADABLE: Severity.WARNING,
    Check.NOT_JUDGED: Severity.WARNING,
    Check.PROPERTY_DROPPED: Severity.WARNING,
}


class Finding(NamedTuple):
    """One thing that is wrong.

    :ivar evidence: what it rests on, in a clause
    :ivar advice: what to do, in a clause
    :ivar changes: what mends it; empty if only the owner can tell
    """

    check: Check
    evidence: str
    advice: str
    changes: Changes

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.check]


def for_owner(check: Check, evidence: str, advice: str) -> Finding:
    """Return a finding that only the image's owner can mend."""
    return Finding(check, evidence, advice, {})


def not_judged(evidence: str) -> Finding:
    """Return the finding that something of an image was not foreseen."""
    return for_owner(Check.NOT_JUDGED, evidence, judging.ADVICE)


def cited(signs: Iterable[Sign]) -> str:
    """Return signs as the image has them, for an evidence or advice."""
    return ', '.join(sign.evidence.text for sign in signs)
