# SPDX-License-Identifier: Apache-2.0
"""The order in which hypervisors are tried, and the score it gives."""

from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence


def order(demand: Demand, policy: Policy) -> tuple[Family, ...]:
    """Return the families a request can run on, most wanted first.

    The flavor's order goes first, then the operator's for what the flavor
    does not name. Families in neither come last and are not returned.
    """
    wanted = dict.fromkeys(demand.preferred + policy.preferred_hypervisors)
    return tuple(
        family
        for family in wanted
        if family not in demand.impossible
        and (demand.required is None or family in demand.required)
    )


def first_choice(demand: Demand, policy: Policy) -> Family | None:
    """Return the most wanted family; None if no order names one."""
    return next(iter(order(demand, policy)), None)


def evidence(demand: Demand, policy: Policy) -> tuple[Evidence, ...]:
    """Return what says that only the first choice will do, and which it is."""
    order_of_operator = ','.join(policy.preferred_hypervisors)
    return (
        Evidence('option', 'flexible_placement', FlexiblePlacement.STRICT),
        *demand.preferring,
        Evidence('option', 'preferred_hypervisors', order_of_operator),
    )


def score(families: frozenset[Family], wanted: tuple[Family, ...]) -> float:
    """Score a host between 0 and 1.

    :param families: the host's hypervisors that would do
    :param wanted: as :func:`order` returns it
    :returns: 1 for a host of the first family, evenly less for each further
        one, 0 for a host of none of them
    """
    for position, family in enumerate(wanted):
        if family in families:
            return 1 - position / len(wanted)
    return 0.0


def multiplier(offer: HostOffer, policy: Policy) -> float:
    """Return what a host's score is multiplied by: an aggregate's goes first.

    :returns: of any sign; 0 leaves the order to others
    """
    if offer.weight_multiplier is None:
        return policy.weight_multiplier
    return offer.weight_multiplier


def weight(
    offer: HostOffer, wanted: tuple[Family, ...], policy: Policy
) -> float:
    """Return what a host gains where the order is enforced.

    :param wanted: as :func:`order` returns it
    """
    return multiplier(offer, policy) * score(offer.families, wanted)
