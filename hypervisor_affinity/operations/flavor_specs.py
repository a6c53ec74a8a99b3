# SPDX-License-Identifier: Apache-2.0
"""What comes of a flavor's extra specs, whatever image it is used with.

Both who asks the APIs and who reads nova's databases say it of their flavors.
"""

from collections.abc import Iterable, Iterator, Mapping

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Problem
from hypervisor_affinity.core.reason import Reason


def reported(types: Iterable[str | None]) -> frozenset[str]:
    """Return each ``hypervisor_type`` that a host may have.

    :param types: of the hosts; None where a driver has not reported yet
    """
    return frozenset({*CONCLUSIVE_TYPES, *filter(None, types)})


def surprises(value: str, types: Iterable[str]) -> Iterator[str]:
    """Say what comes of ``capabilities:hypervisor_type`` against its words.

    Of both filters: ours, and nova's ``ComputeCapabilitiesFilter``.

    :param types: as :func:`reported` returns them
    :returns: what the extra spec does, each as the rest of a sentence
    """
    matching = {name for name in types if capabilities.matches(name, value)}
    if not matching:
        yield 'matches no host, since none reports such a hypervisor_type'
        return
    negated = value.split()[0] == 's!='
    for name in sorted(types):
        # Only the first word after an operator is compared.
        if ' ' in name and name in value and (name in matching) is negated:
            verb = 'does not exclude' if negated else 'never matches'
            yield f'{verb} {name!r}, since the value is split at spaces'


def unreadable(
    specs: Mapping[str, str], policy: Policy
) -> Iterator[tuple[Problem, Reason | None]]:
    """Yield what cannot be read of the extra specs of this project.

    Each with the reason for which no server of the flavor gets a host; None
    if it is only left out.
    """
    ours = {
        key: value
        for key, value in specs.items()
        if key not in capabilities.HYPERVISOR_TYPE_SPECS
    }
    demand = classify({}, ours, policy)
    refused = {sign.evidence for sign in demand.because if demand.refusal}
    for problem in demand.problems:
        is_refused = problem.evidence in refused
        yield problem, demand.refusal if is_refused else None


def contradiction(specs: Mapping[str, str], policy: Policy) -> str:
    """Return the extra specs that name different hypervisors; '' for none."""
    demand = classify({}, specs, policy)
    if demand.refusal is not Reason.CONTRADICTORY_SIGNS:
        return ''
    return ' and '.join(sign.evidence.text for sign in demand.because)
