# SPDX-License-Identifier: Apache-2.0
"""What the operator decided once for the whole cloud."""

import dataclasses
import enum

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.hypervisor import Family


class Mode(enum.StrEnum):
    """Whether what is judged is carried out."""

    ENFORCE = 'enforce'
    """Hosts that cannot run a request are withheld from it."""

    OBSERVE = 'observe'
    """Nothing is withheld; what would be is said."""


class FlexiblePlacement(enum.StrEnum):
    """What becomes of a flexible request whose first hypervisor is full."""

    PREFER = 'prefer'
    """The next one of the order is used."""

    STRICT = 'strict'
    """It fails."""


class UnclassifiedHosts(enum.StrEnum):
    """What hosts in no tagged aggregate offer."""

    REPORTED = 'reported'
    """What their drivers report."""

    NONE = 'none'
    """Nothing."""

    ANY = 'any'
    """What their drivers report; anything, where these say nothing."""


class VmdkImages(enum.StrEnum):
    """What a VMDK image needs that says nothing else."""

    VMWARE = hypervisor.VMWARE
    FLEXIBLE = 'flexible'


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """The ``[hypervisor_affinity]`` options, read and validated.

    The defaults are the options' defaults; ``hypervisor_affinity.conf``
    describes each and builds a Policy from nova's configuration.

    :ivar mode: for the hosts of which no aggregate says it
    :ivar preferred_hypervisors: families, most wanted first
    :ivar placement_prefilter: whether Placement is to leave out what cannot
        pass
    :ivar weight_multiplier: what a host of the most wanted family gains
    :ivar tell_user: whether a server fault says what was needed
    :ivar decision_notifications: whether a record of each decision is sent
    """

    mode: Mode = Mode.ENFORCE
    preferred_hypervisors: tuple[Family, ...] = (
        hypervisor.KVM,
        hypervisor.VMWARE,
    )
    flexible_placement: FlexiblePlacement = FlexiblePlacement.PREFER
    unclassified_hosts: UnclassifiedHosts = UnclassifiedHosts.REPORTED
    vmdk_images: VmdkImages = VmdkImages.VMWARE
    placement_prefilter: bool = False
    weight_multiplier: float = 100.0
    tell_user: bool = True
    decision_notifications: bool = False
