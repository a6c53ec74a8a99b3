# SPDX-License-Identifier: Apache-2.0
"""Checks of the weighers' multipliers.

A weigher's weights lie between 0 and 1 before they are multiplied
(``nova.weights.normalize``; ours sets its range), so a multiplier is the most
by which it can lift one host above another.
"""

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nova.scheduler import host_manager

from hypervisor_affinity.core import preference
from hypervisor_affinity.core.offer import MULTIPLIER_KEY
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler.weights import HypervisorAffinityWeigher
from hypervisor_affinity.status.hosts import OfferingHost
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import warning

_VERSIONS = 'HypervisorVersionWeigher'
# A host that fails to build, and a move to another cell, are worse than the
# second hypervisor.
_STRONGER = {
    'BuildFailureWeigher': 'build_failure_weight_multiplier',
    'CrossCellWeigher': 'cross_cell_move_weight_multiplier',
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Rivals:
    """The other weighers.

    :ivar multipliers: the multiplier of each, by its class's name
    :ivar lift: by how much those that should not decide the hypervisor can
        lift a host together
    """

    multipliers: Mapping[str, float]
    lift: float


def check_versions(weighers: Iterable[Any]) -> Iterator[Statement]:
    """Find out whether versions of different hypervisors are compared."""
    multiplier = _rivals(weighers).multipliers.get(_VERSIONS, 0)
    if multiplier:
        yield warning(
            '[filter_scheduler] hypervisor_version_weight_multiplier is '
            f"{multiplier:g}: it compares vCenter's versions with QEMU's. "
            'Set it to 0.'
        )


def check_multiplier(
    weighers: Sequence[Any], policy: Policy
) -> Iterator[Statement]:
    """Find out whether the order of hypervisors outweighs the rest."""
    if not _decides(weighers, policy):
        return
    ours = policy.weight_multiplier
    if ours <= 0:
        effect = 'reverses the order' if ours else 'disables it'
        yield warning(
            f'weight_multiplier is {ours:g}, which {effect}: requests that '
            'can run on any hypervisor do not try preferred_hypervisors in '
            'their order. Set it to 100, or flexible_placement = strict.'
        )
        return
    rivals = _rivals(weighers)
    step = ours / len(policy.preferred_hypervisors)
    if step <= rivals.lift:
        enough = rivals.lift * len(policy.preferred_hypervisors)
        yield warning(
            f'weight_multiplier is {ours:g}: a step in the order of '
            f'hypervisors weighs {step:g}, and the other weighers together '
            f'up to {rivals.lift:g}. They may put a request on a later '
            'hypervisor although the first has room. Set weight_multiplier '
            f'above {enough:g}.'
        )
    for name, option in _STRONGER.items():
        theirs = abs(rivals.multipliers.get(name, 0))
        if 0 < theirs <= ours:
            yield warning(
                f'weight_multiplier is {ours:g}, and [filter_scheduler] '
                f'{option} only {theirs:g}: {name} must take precedence over '
                'the order of hypervisors. Set weight_multiplier far below '
                f'{theirs:g}.'
            )


def check_overrides(
    weighers: Sequence[Any], policy: Policy, hosts: Iterable[OfferingHost]
) -> Iterator[Statement]:
    """Find hosts that aggregate metadata lift out of the order."""
    if not _decides(weighers, policy) or policy.weight_multiplier <= 0:
        return
    order = policy.preferred_hypervisors
    lift = _rivals(weighers).lift
    displaced = collections.defaultdict(set)
    for host, offer in hosts:
        if offer.weight_multiplier is not None:
            score = preference.score(offer.families, order)
            if _is_displaced(score, offer.weight_multiplier, policy, lift):
                key = offer.weight_multiplier, score
                displaced[key].add(host.name)
    for (multiplier, score), names in displaced.items():
        yield warning(
            f'The aggregate metadata {MULTIPLIER_KEY}={multiplier:g} makes '
            f'the weight of {counted("host", names)} {multiplier * score:g} '
            f'instead of {policy.weight_multiplier * score:g}: the order of '
            'hypervisors no longer decides which hosts are tried first. '
            'Remove the metadata if that is not meant.'
        )


def _decides(weighers: Iterable[Any], policy: Policy) -> bool:
    # By strict placement, only hosts of the first hypervisor are left.
    return (
        policy.flexible_placement == FlexiblePlacement.PREFER
        and bool(policy.preferred_hypervisors)
        and any(
            isinstance(weigher, HypervisorAffinityWeigher)
            for weigher in weighers
        )
    )


def _rivals(weighers: Iterable[Any]) -> _Rivals:
    # In no aggregate that overrides an option.
    host = host_manager.HostState('any', 'any', None)
    multipliers = {
        type(weigher).__name__: weigher.weight_multiplier(host)
        for weigher in weighers
        if not isinstance(weigher, HypervisorAffinityWeigher)
    }
    return _Rivals(
        multipliers,
        sum(
            abs(multiplier)
            for name, multiplier in multipliers.items()
            if name not in _STRONGER
        ),
    )


def _is_displaced(
    score: float, multiplier: float, policy: Policy, lift: float
) -> bool:
    """Tell whether an override changes a host's place among hypervisors."""
    order = policy.preferred_hypervisors
    for family in order:
        other = preference.score(frozenset({family}), order)
        ahead = multiplier * score - policy.weight_multiplier * other
        if other > score and ahead >= -lift:
            return True
        if other < score and ahead <= lift:
            return True
    return False
