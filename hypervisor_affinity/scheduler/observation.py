# SPDX-License-Identifier: Apache-2.0
"""What the filter found of a request, for the weigher that comes after it.

Whether a server would have gone to another host shows only where nova weighs
those that have passed all filters.
"""

import math
import operator
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from oslo_log import log as logging

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.scheduler.judging import Judgement
from hypervisor_affinity.scheduler.judging import name_of
from hypervisor_affinity.scheduler.requests import Request

LOG = logging.getLogger(__name__)


class Observation(NamedTuple):
    """What the filter found for one server.

    :ivar is_repeated: whether it found it before. For several servers of one
        request, nova filters and weighs once more for the last, to choose
        alternates (``SchedulerManager._get_alternate_hosts``).
    """

    server: str
    demand: Demand
    judgement: Judgement
    is_repeated: bool


# For as long as nova keeps the RequestSpec, which belongs to one thread.
_LATEST: weakref.WeakKeyDictionary[Any, Observation] = (
    weakref.WeakKeyDictionary()
)


def keep(request: Request, judgement: Judgement) -> Observation:
    """Keep what the filter found."""
    before = _LATEST.get(request.spec)
    found = _LATEST[request.spec] = Observation(
        request.server,
        request.demand,
        judgement,
        before is not None and before.server == request.server,
    )
    return found


def report_refusal(found: Observation) -> None:
    """Log that a server would be refused, if it would."""
    judgement = found.judgement
    if not found.is_repeated and judgement.would_refuse:
        LOG.info(
            'Mode observe: server %s would be refused: %s',
            found.server,
            explanation.operator_text(
                found.demand, judgement.counts(), judgement.samples
            ),
        )


def weigh_again(
    request_spec: Any, weighed: Sequence[Any], weigh: Callable[[Any], float]
) -> list[float] | None:
    """Return weights by the filter's own look-ups of what hosts offer.

    :param weighed: ``WeighedHost`` objects
    :param weigh: weighs a ``HostState`` by its offer
    :returns: None where the filter did not judge just these hosts
    """
    found = _LATEST.get(request_spec)
    if found is None or len(weighed) != len(found.judgement.hosts):
        return None
    weights = list(map(weigh, found.judgement.examples))
    return list(map(weights.__getitem__, found.judgement.offers))


def report_other_host(
    request_spec: Any,
    weighed: Sequence[Any],
    given: Sequence[float],
    enforced: Sequence[float],
) -> None:
    """Log that a server would go to another host, if it would.

    :param weighed: ``WeighedHost`` objects, with the weights of the weighers
        that came before
    :param given: what the weigher gives to each
    :param enforced: what it would give to each in mode enforce
    """
    found = _LATEST.get(request_spec)
    if found is None or found.is_repeated or found.judgement.would_refuse:
        return
    before = list(map(operator.attrgetter('weight'), weighed))
    numbers = _numbers(found.judgement, weighed)
    verdicts = found.judgement.distinct
    now = _highest(_sums(before, given) if any(given) else before)
    winner = verdicts[numbers[now]]
    if winner.passes and enforced[now] == max(enforced):
        return
    totals = _sums(before, enforced)
    then = _highest(totals)
    if not verdicts[numbers[then]].passes:
        passes = [verdict.passes for verdict in verdicts]
        totals = [
            total if passes[number] else -math.inf
            for total, number in zip(totals, numbers, strict=True)
        ]
        then = _highest(totals)
    if totals[then] == -math.inf:
        LOG.info(
            'Mode observe: server %s would be refused: %s; other filters '
            'leave no host that can run it',
            found.server,
            printable(explanation.demand_text(found.demand)),
        )
    elif not winner.passes or totals[then] > totals[now]:
        LOG.info(
            'Mode observe: server %s would go to another host: %s; host %s '
            'is weighed highest (%s), and %s would be',
            found.server,
            printable(explanation.demand_text(found.demand)),
            name_of(weighed[now].obj),
            winner.reason,
            name_of(weighed[then].obj),
        )


def _sums(some: Sequence[float], more: Sequence[float]) -> list[float]:
    return list(map(operator.add, some, more))


def _highest(weights: list[float]) -> int:
    """Return the place of the highest weight, the first of equal ones."""
    return weights.index(max(weights))


def _numbers(judgement: Judgement, weighed: Sequence[Any]) -> Sequence[int]:
    """Return the verdicts' numbers, in the order of the hosts weighed."""
    if len(weighed) == len(judgement.hosts):
        return judgement.numbers
    # Filters that come later have left some out.
    pairs = zip(judgement.hosts, judgement.numbers, strict=True)
    by_id = {id(host): number for host, number in pairs}
    return [by_id[id(each.obj)] for each in weighed]
