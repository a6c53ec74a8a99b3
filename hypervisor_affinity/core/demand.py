# SPDX-License-Identifier: Apache-2.0
"""What a request asks of a hypervisor, as its signs say."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import Limited
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Problem
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.signs import PREFERRED_SPEC
from hypervisor_affinity.core.signs import Sign
from hypervisor_affinity.core.signs import Strength
from hypervisor_affinity.core.signs import signs_of_flavor
from hypervisor_affinity.core.signs import signs_of_image

_NOTHING: frozenset[Family] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Demand:
    """What a request asks of a hypervisor.

    :ivar required: the families that will do; None if any will
    :ivar impossible: families that cannot boot it
    :ivar preferred: the flavor's own order; empty for the operator's order
    :ivar preferring: the extra spec that says so
    :ivar properties: aggregate metadata key -> what the image sets of it,
        for the properties that aggregates may constrain
    :ivar because: the signs that led to ``required`` or to ``refusal``
    :ivar signs: every sign found, strongest first
    :ivar leftovers: of these, what means a hypervisor that cannot boot the
        image. No other driver reads it: it is left over, as from a conversion
    :ivar refusal: why no host can ever do; None if one might
    :ivar rebuild: the host is settled; only whether it can run this counts
    :ivar grows: of a server that moves and could run elsewhere, the flavor
        takes more than before
    :ivar problems: what could not be read
    """

    required: frozenset[Family] | None = None
    impossible: frozenset[Family] = _NOTHING
    preferred: tuple[Family, ...] = ()
    preferring: tuple[Evidence, ...] = ()
    properties: Mapping[str, Limited] = dataclasses.field(default_factory=dict)
    because: tuple[Sign, ...] = ()
    signs: tuple[Sign, ...] = ()
    leftovers: tuple[Sign, ...] = ()
    refusal: Reason | None = None
    rebuild: bool = False
    grows: bool = False
    problems: tuple[Problem, ...] = ()

    @property
    def is_move(self) -> bool:
        """Whether a server is to move that has a disk."""
        return bool(self.signs) and self.signs[0].strength is Strength.SERVER

    @property
    def is_undetermined(self) -> bool:
        """Whether nothing tells which hypervisor its disk is for."""
        return self.is_move and self.signs[0].requires is None

    @property
    def needed(self) -> frozenset[Family]:
        """The families one of which it needs; empty if it needs none."""
        return self.required or _NOTHING

    @property
    def asked(self) -> frozenset[Family] | None:
        """The families that are asked for, whether they can boot it or not.

        None if any will do, or nothing can be read.
        """
        return _common(self.because)

    @property
    def is_flexible(self) -> bool:
        """Whether more than one family would do, if it could boot it.

        A move is to one, also where that is not known.
        """
        if self.is_move:
            return False
        if self.required is None:
            return True
        return len(self.asked or self.required) > 1

    @property
    def spares_reserve(self) -> bool:
        """Whether it must leave free what hosts keep for who needs them."""
        return self.grows or (self.is_flexible and not self.rebuild)

    @property
    def forbidding(self) -> tuple[Sign, ...]:
        """The signs that make families impossible."""
        return self.against(self.impossible)

    def against(self, families: frozenset[Family]) -> tuple[Sign, ...]:
        """Return the signs that speak against any of these families."""
        return tuple(sign for sign in self.signs if sign.excludes & families)


def classify(
    image: Mapping[str, object],
    extra_specs: Mapping[str, str],
    policy: Policy,
    *,
    volume: bool = False,
    underneath: frozenset[Family] | None = None,
    grows: bool = False,
    rebuild: bool = False,
) -> Demand:
    """Turn an image and a flavor into a demand.

    :param image: image properties, raw or by nova's names, in one flat
        mapping with ``disk_format`` and ``container_format``; empty for a
        server booted from a volume that knows no image
    :param extra_specs: the flavor's extra specs
    :param volume: whether the server boots from a volume, which drivers need
        not make a disk from; if it was there before, the image has no formats
    :param underneath: for a move, the families that the server's disk is
        for, empty where that cannot be found out; None for a boot
    :param grows: for a move, whether the flavor takes more than before
    :param rebuild: whether the server stays on its host
    """
    found = properties.normalize(image)
    problems: list[Problem] = []
    flavor = tuple(signs_of_flavor(extra_specs, problems))
    signs = (*flavor, *signs_of_image(image, found, policy, volume))
    decision = boot = _decide(signs, rebuild)
    if underneath is not None:
        server = _server_sign(underneath)
        decision = _decide_move(server, flavor)
        signs = (server, *signs)
    preferred, preferring = _preferred(extra_specs, problems)
    # A server moves whatever its image says, and keeps what was left over
    # when it was booted.
    leftovers = _leftovers(signs, decision.required, boot.impossible)
    problems += map(_left_over, leftovers)
    for sign in leftovers:
        del found[sign.name]
    return Demand(
        **decision._asdict(),
        preferred=preferred,
        preferring=preferring,
        properties=properties.constrained(found, image),
        signs=signs,
        leftovers=leftovers,
        rebuild=rebuild,
        grows=grows and underneath is not None and boot.is_flexible,
        problems=tuple(problems),
    )


UNREADABLE = Demand(required=_NOTHING, refusal=Reason.UNREADABLE_REQUEST)
"""The demand of a request that could not be read: no host will do."""


def _server_sign(underneath: frozenset[Family]) -> Sign:
    place = 'an unknown hypervisor'
    if underneath:
        place = hypervisor.title(underneath)
    evidence = Evidence('server', f'runs on {place}')
    return Sign(Strength.SERVER, evidence, requires=underneath or None)


class _Decision(NamedTuple):
    """What signs come to; the fields are those of :class:`Demand`."""

    required: frozenset[Family] | None
    because: tuple[Sign, ...] = ()
    refusal: Reason | None = None
    impossible: frozenset[Family] = _NOTHING

    @property
    def is_flexible(self) -> bool:
        """Whether a boot by these signs would be."""
        return Demand(
            self.required, because=self.because, refusal=self.refusal
        ).is_flexible


def _decide(signs: tuple[Sign, ...], rebuild: bool) -> _Decision:
    """Decide for a boot, or for a rebuild."""
    impossible = _NOTHING.union(*(sign.forbids for sign in signs))
    unfit = _NOTHING.union(*(sign.unfit for sign in signs))
    if rebuild:
        # The old disk would be gone by the time that it fails.
        impossible |= unfit
    required, because, refusal, _ = _strongest(signs)
    if required is None:
        return _Decision(required, because, refusal, impossible | unfit)
    if refusal is None:
        bootable = required - impossible
        required = bootable - unfit or bootable or required
        if not bootable:
            refusal = Reason.CANNOT_BOOT
    unbootable = impossible | unfit - required
    return _Decision(required, because, refusal, unbootable)


def _decide_move(server: Sign, flavor: tuple[Sign, ...]) -> _Decision:
    decision = _agreed(flavor, Reason.CONTRADICTORY_SIGNS)
    if decision.refusal is not None:
        return decision
    return _agreed((server, *flavor), Reason.LEAVES_HYPERVISOR)


def _strongest(signs: tuple[Sign, ...]) -> _Decision:
    explicit = tuple(s for s in signs if s.strength <= Strength.IMAGE)
    if explicit:
        return _agreed(explicit, Reason.CONTRADICTORY_SIGNS)
    for strength in (Strength.DRIVER, Strength.FORMAT):
        naming = tuple(
            sign
            for sign in signs
            if sign.strength is strength
            and sign.requires
            and not _gives_way(sign, sign.requires, signs)
        )
        if naming:
            return _agreed(naming, Reason.CONTRADICTORY_SIGNS)
    return _Decision(None)


def _gives_way(
    sign: Sign, meant: frozenset[Family], signs: tuple[Sign, ...]
) -> bool:
    """Tell whether what a sign means cannot boot, for another reason.

    What is only inferred from an image then was inferred wrongly.
    """
    others = (other.forbids for other in signs if other is not sign)
    return meant <= _NOTHING.union(*others)


def _leftovers(
    signs: tuple[Sign, ...],
    required: frozenset[Family] | None,
    impossible: frozenset[Family],
) -> tuple[Sign, ...]:
    """Return the signs that mean a hypervisor which cannot boot the image."""
    return tuple(
        sign
        for sign in signs
        if sign.strength is Strength.DRIVER
        and sign.requires
        and sign.requires <= impossible
        and sign.excludes <= sign.requires
        and drivers.readers(sign.name) <= sign.requires
        and not (required and sign.requires & required)
    )


def _left_over(sign: Sign) -> Problem:
    meant = hypervisor.title(sign.requires or _NOTHING)
    return Problem(
        sign.evidence,
        f'is a leftover: {meant} cannot boot the image; ignored',
    )


def _agreed(signs: tuple[Sign, ...], otherwise: Reason) -> _Decision:
    """Intersect what signs require; a sign that requires None agrees.

    :param otherwise: why the request is refused if nothing is left
    """
    naming = tuple(sign for sign in signs if sign.requires is not None)
    if not naming:
        return _Decision(None, signs)
    unreadable = tuple(sign for sign in naming if not sign.requires)
    if unreadable:
        return _Decision(_NOTHING, unreadable, Reason.UNREADABLE_SIGN)
    required = _common(naming)
    return _Decision(required, naming, None if required else otherwise)


def _common(signs: Iterable[Sign]) -> frozenset[Family] | None:
    """Return what all signs require that require any; None if none does."""
    named = [s.requires for s in signs if s.requires is not None]
    return frozenset.intersection(*named) if named else None


def _preferred(
    extra_specs: Mapping[str, str], problems: list[Problem]
) -> tuple[tuple[Family, ...], tuple[Evidence, ...]]:
    value = extra_specs.get(PREFERRED_SPEC)
    if value is None:
        return (), ()
    named = hypervisor.read_list(value)
    evidence = Evidence('flavor', PREFERRED_SPEC, str(value))
    if named.complaint:
        order = ', '.join(named.families) or "the operator's"
        problems.append(
            Problem(evidence, f'{named.complaint}; the order is {order}')
        )
    return named.families, (evidence,) if named.families else ()
