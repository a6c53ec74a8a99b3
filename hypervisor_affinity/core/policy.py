# SPDX-License-Identifier: Apache-2.0
"""What the operator decided once for the whole cloud."""

import dataclasses

from hypervisor_affinity.core import hypervisor

PREFER = 'prefer'
STRICT = 'strict'

REPORTED = 'reported'
NONE = 'none'
ANY = 'any'

FLEXIBLE = 'flexible'


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """The ``[hypervisor_affinity]`` options, read and validated.

    The defaults are the options' defaults; ``hypervisor_affinity.conf``
    describes each and builds a Policy from nova's configuration.

    :ivar preferred_hypervisors: families, most wanted first
    :ivar flexible_placement: PREFER or STRICT
    :ivar unclassified_hosts: REPORTED, NONE or ANY
    :ivar vmdk_images: ``vmware`` or FLEXIBLE
    :ivar placement_prefilter: whether Placement is to leave out what cannot
        pass
    :ivar weight_multiplier: what a host of the most wanted family gains
    :ivar tell_user: whether a server fault says what was needed
    """

    preferred_hypervisors: tuple[str, ...] = (
        hypervisor.KVM,
        hypervisor.VMWARE,
    )
    flexible_placement: str = PREFER
    unclassified_hosts: str = REPORTED
    vmdk_images: str = hypervisor.VMWARE
    placement_prefilter: bool = False
    weight_multiplier: float = 100.0
    tell_user: bool = True
