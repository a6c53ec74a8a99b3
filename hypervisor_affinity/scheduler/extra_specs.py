# SPDX-License-Identifier: Apache-2.0
"""Validators of our flavor extra specs, for nova-api.

nova-api calls ``register`` of every ``nova.api.extra_spec_validators`` entry
point when it starts, and validates from microversion 2.86 on. Registering a
namespace makes every other key in it an error.
"""

from nova import exception
from nova.api.validation.extra_specs import base

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.signs import HYPERVISOR_TYPE_SPEC
from hypervisor_affinity.core.signs import PREFERRED_SPEC
from hypervisor_affinity.core.signs import is_any


class HypervisorListValidator(base.ExtraSpecValidator):
    """Validates a comma list of hypervisors with the scheduler's own eyes.

    A regular expression of all spellings would do, but nova shows it to the
    user instead of naming the word that is wrong.
    """

    def validate(self, name: str, value: str) -> None:
        """Accept what the scheduler reads without a complaint.

        :raises nova.exception.ValidationError: naming the extra spec and
            what is wrong with its value
        """
        super().validate(name, value)
        if name == HYPERVISOR_TYPE_SPEC and is_any(value):
            return
        complaint = hypervisor.read_list(value).complaint
        if complaint:
            known = ', '.join(sorted(hypervisor.FAMILY_OF))
            raise exception.ValidationError(
                f"Validation failed; extra spec '{name}': {complaint}. "
                f'Known hypervisors: {known}.'
            )


_VALIDATORS = [
    HypervisorListValidator(
        name=HYPERVISOR_TYPE_SPEC,
        description=(
            'The hypervisors that servers of this flavor may run on, as a '
            'comma-separated list, such as ``vmware``; or ``any``, which '
            'overrides what the image only suggests. The image property '
            '``hypervisor_type`` must agree with it.'
        ),
        value={'type': str},
    ),
    HypervisorListValidator(
        name=PREFERRED_SPEC,
        description=(
            'The order in which hypervisors are tried for servers of this '
            'flavor that may run on several, as a comma-separated list, the '
            'preferred one first. It takes precedence over '
            '``[hypervisor_affinity] preferred_hypervisors``.'
        ),
        value={'type': str},
    ),
]


def register() -> list[base.ExtraSpecValidator]:
    """Return the validators of the ``hypervisor_affinity`` namespace."""
    return _VALIDATORS
