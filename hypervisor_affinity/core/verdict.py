# SPDX-License-Identifier: Apache-2.0
"""The one decision: may this request run on this host, and why."""

from typing import NamedTuple

from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.signs import Sign

_NO_HYPERVISOR = {
    Basis.CONTRADICTION: Reason.CONTRADICTORY_HOST,
    Basis.NOTHING: Reason.UNCLASSIFIED_HOST,
}


# Neither aggregates nor the driver say what the host is. Where that goes for a
# server's own host as well, nothing is known to be wrong with a move.
_UNKNOWN = frozenset({Basis.UNDETERMINED, Basis.ANYTHING})


class Verdict(NamedTuple):
    """An answer with its reason.

    :ivar reason: SUITABLE if the host can run the request
    :ivar evidence: what the reason rests on, request first
    :ivar families: the hypervisors of the host that would do; empty where
        the host is rejected or its hypervisor is undetermined
    :ivar reserve: percent of the host that this request must leave free, as
        :func:`judge_room` checks for the host's figures of the moment
    :ivar deciding: of the evidence, what stands in no request: the policy
        that the host was rejected by; empty if the request says it all
    :ivar enforced: whether the host is withheld if it cannot run the request
    """

    reason: Reason
    evidence: tuple[Evidence, ...] = ()
    families: frozenset[Family] = frozenset()
    reserve: float = 0.0
    deciding: tuple[Evidence, ...] = ()
    enforced: bool = True

    @property
    def passes(self) -> bool:
        """Whether the host can run the request."""
        return self.reason is Reason.SUITABLE

    @property
    def withholds(self) -> bool:
        """Whether the request does not get the host."""
        return self.enforced and not self.passes


class Room(NamedTuple):
    """A host's figures of the moment and what a request takes of them.

    RAM in MiB. Limits are totals times nova's allocation ratios. A server
    that moves asks for what it takes more than before.
    """

    ram_limit: float
    ram_used: float
    ram_asked: float
    vcpus_limit: float
    vcpus_used: float
    vcpus_asked: float

    def leaves(self, percent: float) -> bool:
        """Tell whether nothing is taken of that share of the limits.

        What takes no more of something than before takes nothing of it.
        """
        return _fits(
            self.ram_asked, self.ram_used, _free(self.ram_limit, percent)
        ) and _fits(
            self.vcpus_asked, self.vcpus_used, _free(self.vcpus_limit, percent)
        )

    def shortage(self, percent: float) -> str:
        """Say in figures what does not fit beside that share."""
        amounts = (
            ('MiB of RAM', self.ram_asked, self.ram_used, self.ram_limit),
            ('vCPUs', self.vcpus_asked, self.vcpus_used, self.vcpus_limit),
        )
        return ', '.join(
            f'{asked:.0f} {unit} asked, {used:.0f} in use, '
            f'{int(_free(limit, percent))} of {limit:.0f} for such requests'
            for unit, asked, used, limit in amounts
            if not _fits(asked, used, _free(limit, percent))
        )


def _free(limit: float, percent: float) -> float:
    # In this order it is exact where the numbers are whole: 1 - 55 / 100 is
    # less than 0.45.
    return limit * (100 - percent) / 100


def _fits(asked: float, used: float, limit: float) -> bool:
    return asked <= 0 or used + asked <= limit


def judge(demand: Demand, offer: HostOffer, policy: Policy) -> Verdict:
    """Decide whether a request may run on a host.

    A rebuild's host is settled, so only what its driver can run counts for
    it, and what aggregates accept of image properties: not what the host
    offers to newcomers, whom an aggregate admits, prefers or keeps room for.

    The mode changes nothing of the answer but whether it is enforced.
    """
    verdict = _judge(demand, offer, policy)
    if offer.mode is Mode.OBSERVE:
        return verdict._replace(enforced=False)
    return verdict


def _judge(demand: Demand, offer: HostOffer, policy: Policy) -> Verdict:
    if demand.refusal is Reason.CANNOT_BOOT:
        against = demand.against(demand.needed)
        return Verdict(demand.refusal, _facts((*demand.because, *against)))
    if demand.refusal is not None:
        return Verdict(demand.refusal, _facts(demand.because))
    if demand.rebuild:
        offer = _to_its_own_servers(offer)
    if offer.basis in _NO_HYPERVISOR:
        return Verdict(
            _NO_HYPERVISOR[offer.basis],
            offer.evidence,
            deciding=offer.evidence,
        )
    families, rejection = _match(demand, offer)
    rejection = rejection or _unaccepted(demand, offer)
    if rejection is None and not demand.rebuild:
        rejection = _unwelcome(demand, offer, families, policy)
    if rejection is not None:
        return rejection
    evidence = _facts(demand.because) + offer.evidence
    if demand.spares_reserve and offer.reserve:
        return Verdict(
            Reason.SUITABLE,
            evidence + offer.reserving,
            families,
            offer.reserve,
            deciding=offer.reserving,
        )
    return Verdict(Reason.SUITABLE, evidence, families)


def judge_room(verdict: Verdict, room: Room) -> Verdict:
    """Decide whether a host that would do has room outside its reserve."""
    if not verdict.reserve or room.leaves(verdict.reserve):
        return verdict
    figures = Evidence('host', room.shortage(verdict.reserve))
    return Verdict(
        Reason.RESERVED,
        (*verdict.evidence, figures),
        deciding=(*verdict.deciding, figures),
        enforced=verdict.enforced,
    )


def _to_its_own_servers(offer: HostOffer) -> HostOffer:
    if offer.reported:
        return offer._replace(families=offer.reported, basis=Basis.DRIVER)
    if offer.basis is Basis.NOTHING:
        return offer._replace(basis=Basis.UNDETERMINED)
    return offer


def _match(
    demand: Demand, offer: HostOffer
) -> tuple[frozenset[Family], Verdict | None]:
    if demand.is_undetermined and offer.basis not in _UNKNOWN:
        evidence = _facts(demand.signs[:1]) + offer.evidence
        return offer.families, Verdict(Reason.UNDETERMINED_SERVER, evidence)
    if offer.basis is Basis.UNDETERMINED:
        if demand.required is None:
            return offer.families, None
        evidence = _facts(demand.because) + offer.evidence
        return offer.families, Verdict(Reason.UNDETERMINED_HOST, evidence)
    families = offer.families
    if demand.required is not None:
        families &= demand.required
        if not families:
            # Of a choice, what the image leaves of it.
            left_out = (demand.asked or families) & offer.families
            against = demand.against(left_out)
            evidence = _facts((*demand.because, *against)) + offer.evidence
            return families, Verdict(Reason.OTHER_HYPERVISOR, evidence)
    families -= demand.impossible
    if not families:
        against = demand.against(offer.families)
        evidence = _facts(against) + offer.evidence
        return families, Verdict(Reason.CANNOT_BOOT_HERE, evidence)
    return families, None


def _unwelcome(
    demand: Demand,
    offer: HostOffer,
    families: frozenset[Family],
    policy: Policy,
) -> Verdict | None:
    if not demand.is_flexible:
        return None
    if policy.flexible_placement == FlexiblePlacement.STRICT:
        first = preference.first_choice(demand, policy)
        if first is not None and first not in families:
            return _by_policy(
                Reason.NOT_PREFERRED,
                offer.evidence,
                preference.evidence(demand, policy),
            )
    if offer.admitting:
        return _by_policy(
            Reason.ADMITS_REQUIRED_ONLY, offer.evidence, offer.admitting
        )
    return None


def _unaccepted(demand: Demand, offer: HostOffer) -> Verdict | None:
    image: list[Evidence] = []
    limits: list[Evidence] = []
    for constraint in offer.constraints:
        limited = demand.properties.get(constraint.key)
        if limited and not constraint.accepts(limited.spellings):
            image.append(limited.evidence)
            limits += constraint.evidence
    if not image:
        return None
    return _by_policy(
        Reason.PROPERTY_NOT_ACCEPTED, tuple(image), tuple(limits)
    )


def _by_policy(
    reason: Reason,
    evidence: tuple[Evidence, ...],
    deciding: tuple[Evidence, ...],
) -> Verdict:
    return Verdict(reason, evidence + deciding, deciding=deciding)


def _facts(signs: tuple[Sign, ...]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(sign.evidence for sign in signs))
