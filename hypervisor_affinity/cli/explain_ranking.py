# SPDX-License-Identifier: Apache-2.0
"""Which of the hosts that ``explain`` finds would win, and why."""

import dataclasses
from collections.abc import Iterable, Iterator

from cliff import columns

from hypervisor_affinity.cloud.adapters import read_formats
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import preference
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.explanation import Explanation
from hypervisor_affinity.operations.explanation import ranking
from hypervisor_affinity.operations.explanation.ranking import Place
from hypervisor_affinity.operations.explanation.ranking import Ranking
from hypervisor_affinity.operations.explanation.ranking import Share
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from hypervisor_affinity.simulation import processes
from hypervisor_affinity.simulation import weighing
from hypervisor_affinity.simulation.scenario import ScenarioError

# Hosts named in a line.
_NAMED = 3
_DIGITS = 4


class Shares(columns.FormattableColumn):
    """What each weigher gives a host."""

    def human_readable(self) -> str:
        """Return those that count, the largest first, and the unknown."""
        return ', '.join(words(self._value))

    def machine_readable(self) -> dict[str, float | None]:
        """Return all; None for what is not known."""
        return {
            share.weigher: None if share.added is None else _number(share)
            for share in self._value
        }


def ranked(
    found: Explanation,
    request: Request,
    aggregates: Iterable[Aggregate],
    offers: HostOffers,
    policy: Policy,
    files: Iterable[str],
) -> Explanation:
    """Return an explanation with the order of the hosts that pass.

    :param files: nova.conf
    """
    passing = tuple(each.host for each in found.hosts if each.passes)
    if not passing or found.demand.rebuild:
        return found
    if len(passing) == 1:
        return dataclasses.replace(found, ranking=ranking.only(*passing))
    try:
        if not processes.has_nova():
            raise ScenarioError('nova is not installed here')
        order = weighing.ask(
            weighing.Question(
                passing,
                tuple(aggregates),
                request.flavor,
                None if request.image is None else read_formats(request.image),
                request.volume,
                # Of a move, nova wants to know only that it is one.
                None if request.origin is None else frozenset(),
                tuple(files),
            )
        )
    except ScenarioError as error:
        order = Ranking(
            ranking.by_hypervisor(request, passing, offers, policy),
            f'by {ranking.OURS} alone',
            (f"nova's weighers: {error}",),
        )
    return dataclasses.replace(found, ranking=order)


def headlines(found: Explanation, policy: Policy) -> list[str]:
    """Say which host would win, and why."""
    if found.ranking is None:
        return []
    first, second = _best(found)
    lines = []
    for words, hosts in (('Would win', first), ('Next', second)):
        if hosts:
            lines.append(f'{words}: {_named(hosts)}')
            if hosts[0][1].shares:
                lines.append(f'  {_reckoned(hosts[0][1])}')
    order = preference.order(found.demand, policy)
    if order:
        families = ', '.join(hypervisor.title([each]) for each in order)
        lines.append(f'Order of hypervisors: {families}')
    lines.append(f'Weights: {found.ranking.settings}')
    lines += (f'  {note}' for note in found.ranking.notes)
    if found.ranking.not_known:
        lines.append('Not known and not counted:')
        lines += (f'  {each}' for each in found.ranking.not_known)
    return lines


def cells(place: Place | None) -> tuple:
    """Return rank, weight and shares; None and nothing for no place."""
    if place is None:
        return None, None, Shares(())
    return place.rank, round(place.weight, _DIGITS), Shares(place.shares)


def words(shares: Iterable[Share]) -> Iterator[str]:
    """Yield the shares that count, the largest first, and the unknown."""
    for share in sorted(shares, key=lambda s: (s.added is None, -_size(s))):
        if share.added is None:
            yield f'{share.weigher} ?'
        elif share.added:
            yield f'{share.weigher} {_shown(share.added)}'


_Standing = list[tuple[str, Place]]


def _best(found: Explanation) -> tuple[_Standing, _Standing]:
    """Return the hosts that come first, and those after them."""
    places = sorted(
        (
            (each.host.name, place)
            for each in found.hosts
            if (place := found.place(each))
        ),
        key=lambda pair: pair[1].rank,
    )
    ranks = sorted({place.rank for _, place in places})
    first, second = (
        [pair for pair in places if pair[1].rank == rank]
        for rank in (*ranks, None)[:2]
    )
    return first, second


def _named(hosts: _Standing) -> str:
    names = [name for name, _ in hosts[:_NAMED]]
    if len(hosts) > _NAMED:
        names.append(f'{len(hosts) - _NAMED} more')
    text = ', '.join(names)
    return text if len(hosts) == 1 else f'one of {text} (the same weight)'


def _reckoned(place: Place) -> str:
    shares = ', '.join(words(s for s in place.shares if s.added is not None))
    text = f'weight {_shown(place.weight)}'
    return f'{text}: {shares}' if shares else text


def _shown(number: float) -> str:
    return f'{number:.{_DIGITS}f}'.rstrip('0').rstrip('.')


def _size(share: Share) -> float:
    return abs(share.added or 0)


def _number(share: Share) -> float:
    return round(share.added or 0, _DIGITS)
