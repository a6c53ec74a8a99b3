# SPDX-License-Identifier: Apache-2.0
"""What a host offers: its aggregates' metadata and its driver's report."""

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import nearness
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import UnclassifiedHosts
from hypervisor_affinity.core.properties import CONSTRAINT_KEYS
from hypervisor_affinity.core.properties import Constraint
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Problem

# The second is the key of nova's own AggregateImagePropertiesIsolation.
HYPERVISOR_TYPE_KEYS = ('hypervisor_type', 'img_hv_type')
ADMIT_KEY = 'hypervisor_affinity_admit'
RESERVE_KEY = 'hypervisor_affinity_reserve'
MULTIPLIER_KEY = 'hypervisor_affinity_weight_multiplier'
MODE_KEY = 'hypervisor_affinity_mode'
_OUR_KEYS = (ADMIT_KEY, RESERVE_KEY, MULTIPLIER_KEY, MODE_KEY)
_KEYS = frozenset({*HYPERVISOR_TYPE_KEYS, *CONSTRAINT_KEYS, *_OUR_KEYS})


class Admit(enum.StrEnum):
    """What aggregate metadata may say of who is admitted."""

    ANY = 'any'
    REQUIRED = 'required'


class AggregateTags(NamedTuple):
    """A host aggregate as the core sees it.

    :ivar name: for messages to operators; a user never sees it
    :ivar metadata: the aggregate metadata, whole
    """

    name: str
    metadata: Mapping[str, str]


class DriverReport(NamedTuple):
    """What a host's virt driver says of itself.

    :ivar hypervisor_type: the compute node's ``hypervisor_type``, or None
    :ivar supported: the hypervisor types of its ``supported_instances``;
        empty if it reports none
    """

    hypervisor_type: str | None
    supported: tuple[str, ...] = ()


class Basis(enum.StrEnum):
    """Where a host's families come from."""

    AGGREGATE = 'aggregate metadata'
    DRIVER = 'virt driver'
    ANYTHING = 'unclassified_hosts=any'
    NOTHING = 'unclassified_hosts=none'
    UNDETERMINED = 'not known'
    CONTRADICTION = 'aggregate metadata against virt driver'


class HostOffer(NamedTuple):
    """What a host offers to requests.

    :ivar families: the hypervisors it offers; empty if none is known
    :ivar basis: where ``families`` comes from
    :ivar reported: the families its driver reports; empty if it says nothing
    :ivar evidence: the metadata and the report behind ``families``
    :ivar constraints: image property values it is limited to
    :ivar admitting: the metadata by which it admits only requests that need
        its hypervisor; empty if it admits any
    :ivar reserve: percent of RAM and vCPUs kept for such requests, 0 to 100
    :ivar reserving: the metadata behind ``reserve``
    :ivar weight_multiplier: an aggregate's override; None for the option's
    :ivar mode: whether it is withheld from what it cannot run
    :ivar problems: metadata that could not be read
    """

    families: frozenset[Family]
    basis: Basis
    reported: frozenset[Family] = frozenset()
    evidence: tuple[Evidence, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    admitting: tuple[Evidence, ...] = ()
    reserve: float = 0.0
    reserving: tuple[Evidence, ...] = ()
    weight_multiplier: float | None = None
    mode: Mode = Mode.ENFORCE
    problems: tuple[Problem, ...] = ()

    @property
    def underneath(self) -> frozenset[Family]:
        """The families that the disks of its servers are for.

        The driver's word overrides the aggregates', as in
        ``hypervisor_affinity.scheduler.moves``.
        """
        return self.reported or self.families


def reported_families(report: DriverReport) -> frozenset[Family]:
    """Return the families a driver reports; empty if that says nothing.

    A ``hypervisor_type`` that only one driver uses is enough. Of others,
    ``supported_instances`` goes first: it names each guest type, in nova's
    own words, where ``hypervisor_type`` is the driver's.
    """
    if report.hypervisor_type in CONCLUSIVE_TYPES:
        return frozenset({CONCLUSIVE_TYPES[report.hypervisor_type]})
    for spellings in (report.supported, (report.hypervisor_type,)):
        named = filter(None, map(hypervisor.canonicalize, spellings))
        if families := frozenset(named) - hypervisor.SAY_NOTHING:
            return families
    return frozenset()


def read_offer(
    aggregates: Sequence[AggregateTags],
    report: DriverReport,
    policy: Policy,
) -> HostOffer:
    """Read what a host offers. What cannot be read never adds a family."""
    problems: list[Problem] = []
    reported = reported_families(report)
    found = _find(aggregates)
    tags = _tags(found, problems)
    families, basis = _families(tags, reported, policy)
    evidence = [tag.evidence for tag in tags]
    if reported or not families:
        said = str(report.hypervisor_type)
        evidence.append(Evidence('driver', 'hypervisor_type', said))
    for tag in tags:
        if reported and tag.families and not tag.families & reported:
            problems.append(
                Problem(
                    tag.evidence,
                    'contradicts the virt driver, which reports '
                    f'{hypervisor.title(reported)}; the host is not '
                    f'used as {hypervisor.title(tag.families)}',
                )
            )
    problems += _misspelt(aggregates)
    reserves = _numbers(found, RESERVE_KEY, problems)
    reserve = max(reserves.values(), default=0.0)
    return HostOffer(
        families=families,
        basis=basis,
        reported=reported,
        evidence=tuple(evidence),
        constraints=_constraints(found, problems),
        admitting=_admitting(found, problems),
        reserve=reserve,
        reserving=tuple(
            evidence
            for evidence, percent in reserves.items()
            if percent == reserve
        ),
        # nova.scheduler.filters.utils.validate_num_values: the smallest wins.
        weight_multiplier=min(
            _numbers(found, MULTIPLIER_KEY, problems).values(), default=None
        ),
        mode=_mode(found, problems) or policy.mode,
        problems=tuple(problems),
    )


def problems_of(
    aggregate: AggregateTags, policy: Policy
) -> tuple[Problem, ...]:
    """Return what cannot be read of an aggregate, whatever hosts it has."""
    return read_offer([aggregate], DriverReport(None), policy).problems


def mode_of(aggregate: AggregateTags) -> Mode | None:
    """Return the mode that an aggregate chooses; None if it chooses none."""
    return _mode(_find([aggregate]), [])


def misspelt_key(key: str) -> str | None:
    """Return the key of ours that a misspelt one was meant to be.

    :returns: as :func:`~hypervisor_affinity.core.nearness.misspelt`
    """
    return nearness.misspelt(key, _OUR_KEYS)


def widest_offers(
    aggregates: Sequence[AggregateTags], policy: Policy
) -> tuple[HostOffer, ...]:
    """Return what hosts in these aggregates may offer, their drivers unknown.

    If a request may run on none of the offers, it may run on no host in
    exactly these aggregates, whatever its driver reports.
    """
    silent = read_offer(aggregates, DriverReport(None), policy)
    if silent.basis is not Basis.UNDETERMINED:
        # A driver's report only ever chooses among what tags and policy say.
        return (silent,)
    # What a report of several families can run, one of them alone can.
    reports = map(DriverReport, sorted(hypervisor.FAMILIES))
    return (silent, *(read_offer(aggregates, r, policy) for r in reports))


def is_tagged(aggregate: AggregateTags) -> bool:
    """Tell whether any metadata of an aggregate is for this project."""
    return not _KEYS.isdisjoint(aggregate.metadata)


# Aggregate metadata key -> each aggregate's value, and where it stands.
_Found = dict[str, list[tuple[Evidence, str]]]


def _find(aggregates: Sequence[AggregateTags]) -> _Found:
    found: _Found = {}
    for name, metadata in aggregates:
        for key in metadata.keys() & _KEYS:
            value = metadata[key]
            evidence = Evidence(f'aggregate {name}', key, str(value))
            found.setdefault(key, []).append((evidence, value))
    return found


def _misspelt(aggregates: Sequence[AggregateTags]) -> Iterator[Problem]:
    for name, metadata in aggregates:
        for key, value in metadata.items():
            meant = misspelt_key(key)
            if meant is not None:
                evidence = Evidence(f'aggregate {name}', key, str(value))
                yield Problem(
                    evidence, nearness.unknown('metadata key', meant)
                )


class _Tag(NamedTuple):
    evidence: Evidence
    families: frozenset[Family]


def _tags(found: _Found, problems: list[Problem]) -> list[_Tag]:
    tags = []
    for key in HYPERVISOR_TYPE_KEYS:
        for evidence, value in found.get(key, ()):
            named = hypervisor.read_list(value)
            if named.complaint:
                problems.append(Problem(evidence, named.complaint))
            families = frozenset(named.families) - hypervisor.SAY_NOTHING
            tags.append(_Tag(evidence, families))
    return tags


def _families(
    tags: list[_Tag], reported: frozenset[Family], policy: Policy
) -> tuple[frozenset[Family], Basis]:
    """Choose a host's families.

    ============  ==========  ====================  =====================
    tagged        driver      unclassified_hosts    families
    ============  ==========  ====================  =====================
    kvm           kvm         (any value)           kvm
    vmware        says none   (any value)           vmware
    vmware        kvm         (any value)           none: a contradiction
    unreadable    kvm         (any value)           kvm
    no            kvm         reported, any         kvm
    no            says none   reported              undetermined
    no            says none   any                   every family
    no            (any)       none                  none
    ============  ==========  ====================  =====================
    """
    tagged = frozenset[Family]().union(*(tag.families for tag in tags))
    if tagged:
        families = tagged & reported if reported else tagged
        return families, Basis.AGGREGATE if families else Basis.CONTRADICTION
    if not tags and policy.unclassified_hosts == UnclassifiedHosts.NONE:
        return frozenset(), Basis.NOTHING
    if reported:
        return reported, Basis.DRIVER
    if not tags and policy.unclassified_hosts == UnclassifiedHosts.ANY:
        return hypervisor.FAMILIES, Basis.ANYTHING
    return frozenset(), Basis.UNDETERMINED


def _constraints(
    found: _Found, problems: list[Problem]
) -> tuple[Constraint, ...]:
    constraints: list[Constraint] = []
    for key in CONSTRAINT_KEYS:
        accepted: set[str] = set()
        limiting = []
        for evidence, value in found.get(key, ()):
            items = set(filter(None, map(str.strip, str(value).split(','))))
            if items:
                limiting.append(evidence)
            else:
                problems.append(
                    Problem(evidence, 'the list is empty; it limits nothing')
                )
            accepted |= items
        if accepted:
            constraints.append(
                Constraint(key, tuple(sorted(accepted)), tuple(limiting))
            )
    return tuple(constraints)


def _admitting(found: _Found, problems: list[Problem]) -> tuple[Evidence, ...]:
    return tuple(
        evidence
        for evidence, word in _words(found, ADMIT_KEY, Admit, problems)
        if word is Admit.REQUIRED
    )


def _mode(found: _Found, problems: list[Problem]) -> Mode | None:
    """Return the mode that aggregates choose; None if none does.

    Of a host in aggregates of both, the one that was set to enforce counts:
    whoever introduces the filter does so aggregate by aggregate.
    """
    modes = {word for _, word in _words(found, MODE_KEY, Mode, problems)}
    return next((mode for mode in Mode if mode in modes), None)


_Word = TypeVar('_Word', bound=enum.StrEnum)


def _words(
    found: _Found, key: str, words: type[_Word], problems: list[Problem]
) -> Iterator[tuple[Evidence, _Word]]:
    """Yield what aggregates say with one word of two."""
    for evidence, value in found.get(key, ()):
        try:
            yield evidence, words(str(value).strip().lower())
        except ValueError:
            known = ' nor '.join(words)
            problems.append(Problem(evidence, f'is neither {known}; ignored'))


def _numbers(
    found: _Found, key: str, problems: list[Problem]
) -> dict[Evidence, float]:
    numbers = {}
    for evidence, value in found.get(key, ()):
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if key == RESERVE_KEY and not 0 <= number <= 100:
            problems.append(
                Problem(evidence, 'is not a percentage from 0 to 100; ignored')
            )
        elif not math.isfinite(number):
            problems.append(Problem(evidence, 'is not a number; ignored'))
        else:
            numbers[evidence] = number
    return numbers
