# SPDX-License-Identifier: Apache-2.0
"""In which order nova would take the hosts that pass, and why.

nova adds up what its weighers give a host, and the one with the most wins.
Ours goes by the order of hypervisors, and its share is known from a snapshot;
those of nova are worked out by nova itself, where it is installed
(``hypervisor_affinity.simulation.weighing``).
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request

# The class of hypervisor_affinity.scheduler.weights.
OURS = 'HypervisorAffinityWeigher'

# Name of the service and of the node.
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """What one weigher gives a host.

    :ivar weigher: name of its class
    :ivar multiplier: by which nova takes its weight
    :ivar added: the product; None if that is not known
    """

    weigher: str
    multiplier: float
    added: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a host comes.

    :ivar rank: 1 wins; hosts of the same weight have the same
    :ivar weight: the sum of the shares that are known
    :ivar shares: in the order in which nova asks the weighers
    """

    rank: int
    weight: float
    shares: tuple[Share, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """The order of the hosts that pass.

    :ivar places: of these
    :ivar settings: where the multipliers are from, in a clause
    :ivar not_known: what nobody tells that counts, too, each in a clause
    :ivar notes: how nova chooses besides, each in a clause
    """

    places: Mapping[Key, Place]
    settings: str
    not_known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def key(host: Host) -> Key:
    """Return what tells a host from all others."""
    return host.name, host.node


def ranked(shares: Mapping[Key, Iterable[Share]]) -> dict[Key, Place]:
    """Return the place of each host by its shares."""
    found = {name: tuple(each) for name, each in shares.items()}
    weights = {
        name: math.fsum(share.added or 0 for share in each)
        for name, each in found.items()
    }
    places: dict[Key, Place] = {}
    rank, before = 0, math.inf
    for number, name in enumerate(
        sorted(found, key=lambda name: -weights[name]), 1
    ):
        if not math.isclose(weights[name], before, rel_tol=1e-12):
            rank, before = number, weights[name]
        places[name] = Place(rank, weights[name], found[name])
    return places


def only(host: Host) -> Ranking:
    """Return the order of one host."""
    return Ranking(
        {key(host): Place(1, 0, ())}, 'nova does not weigh a single host'
    )


def by_hypervisor(
    request: Request, hosts: Iterable[Host], offers: HostOffers, policy: Policy
) -> dict[Key, Place]:
    """Return the places that our weigher alone gives.

    :param hosts: those that pass
    """
    wanted = preference.order(request.demand, policy)
    shares = {}
    for host in hosts:
        offer = offers.offer(host)
        multiplier = preference.multiplier(offer, policy)
        added = preference.weight(offer, wanted, policy)
        shares[key(host)] = [Share(OURS, multiplier, added)]
    return ranked(shares)
