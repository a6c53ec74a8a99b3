# SPDX-License-Identifier: Apache-2.0
"""Metrics of nova-scheduler's decisions, counted from their records.

Whoever may write to the message bus may have written anything: a label has
only values that are listed here or in the core.
"""

import collections
import enum
import itertools
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from prometheus_client.metrics_core import Metric

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import reason as reasons
from hypervisor_affinity.core.decision import Outcome
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.decisions.record import Demand
from hypervisor_affinity.decisions.record import Record
from hypervisor_affinity.exporter import families

OTHER = 'other'
"""The value of a label that this release does not know."""

BOTH = 'both'
"""The label ``mode`` of a request that had hosts of each."""

# nova's, which the scheduler's half has; see the test.
_REBUILD = 'rebuild'
_NOT_FOUND = 'not_found'

# Messages whose ids are remembered. One that was not acknowledged when the
# connection broke comes again, and not many more than wait in this process.
_REMEMBERED = 1000

_TEXTS = {
    'undetermined_requests': 'Requests of which nothing tells the hypervisor.',
    'move_look_ups_failed': 'Moves of which it could not be found out where '
    'the server comes from.',
    'unreadable_records': 'Messages without a record that this release can '
    'read.',
}

# The values of hypervisor, outcome, reason and mode.
Labels = tuple[str, str, str, str]
_Key = TypeVar('_Key')


class NotOne(enum.StrEnum):
    """The label ``hypervisor`` of what does not need just one."""

    ANY = 'any'
    """More than one would do, as the core says: it is flexible."""

    SEVERAL = 'several'
    """A server that moves, to one of several."""

    NONE = 'none'
    """It is refused by its signs, whatever hosts there are."""

    UNDETERMINED = 'undetermined'
    """A server that moves, and nothing tells which one its disk is for."""


class DecisionCounts:
    """Counts decisions, in one thread; others may ask for the figures."""

    def __init__(self, wanted: Sequence[str]) -> None:
        """Count from 0.

        :param wanted: families that requests will name. What is counted of
            them has a sample from the beginning: Prometheus does not see an
            increase from nothing to 1
        """
        self._state = threading.Lock()
        self._decisions: dict[Labels, int] = dict.fromkeys(_usual(wanted), 0)
        self._not_followed: dict[str, int] = dict.fromkeys(wanted, 0)
        self._others = dict.fromkeys(_TEXTS, 0)
        self._last_at = 0.0
        self._ids: collections.OrderedDict[str, None] = (
            collections.OrderedDict()
        )

    def count(self, record: Record) -> None:
        """Count a decision; one that has come before, not again."""
        labels = _labels(record)
        with self._state:
            if self._has_come(record.message_id):
                return
            _add(self._decisions, labels)
            if _is_order_left(record):
                _add(self._not_followed, _family(record.order[0]))
            if record.demand.undetermined:
                _add(self._others, 'undetermined_requests')
            if record.look_up == _NOT_FOUND:
                _add(self._others, 'move_look_ups_failed')
            self._last_at = record.decided_at.timestamp()

    def count_unreadable(self) -> None:
        """Count a message that has no record which can be read."""
        with self._state:
            _add(self._others, 'unreadable_records')

    def metrics(self) -> Iterator[Metric]:
        """Yield the figures."""
        with self._state:
            decisions = list(self._decisions.items())
            not_followed = [
                ((family,), n) for family, n in self._not_followed.items()
            ]
            others = list(self._others.items())
            last_at = self._last_at
        yield families.counter(
            'decisions',
            'Decisions of nova-scheduler, by the hypervisor that was needed, '
            'what became of the request, why, and the modes of its hosts.',
            ('hypervisor', 'outcome', 'reason', 'mode'),
            decisions,
        )
        yield families.counter(
            'order_not_followed',
            'Requests that could choose, and no host of the hypervisor that '
            'they want first was left, by that hypervisor.',
            ('hypervisor',),
            not_followed,
        )
        for name, count in others:
            yield families.counter(name, _TEXTS[name], (), [((), count)])
        yield families.gauge(
            'last_record_timestamp_seconds',
            'Time of the decision whose record came last, in seconds since '
            '1970; 0 for none.',
            (),
            [((), last_at)],
        )

    def _has_come(self, message_id: str | None) -> bool:
        """Tell whether it has; from now on, it has."""
        if message_id is None:
            return False
        if message_id in self._ids:
            return True
        self._ids[message_id] = None
        if len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)
        return False


def _add(counts: dict[_Key, int], key: _Key) -> None:
    counts[key] = counts.get(key, 0) + 1


def _usual(wanted: Sequence[str]) -> Iterator[Labels]:
    """Yield labels that are to be expected in any cloud."""
    of_host = set(Reason) - reasons.OF_REQUEST - {Reason.SUITABLE}
    undetermined = {Reason.UNDETERMINED_SERVER}
    for hosts, several in (
        (of_host, (NotOne.ANY, *wanted)),
        (undetermined, (NotOne.UNDETERMINED,)),
    ):
        for each, mode in itertools.product(several, Mode):
            yield each, Outcome.PASSED, Reason.SUITABLE, mode
        yield from _refusals(several, hosts)
    yield from _refusals((NotOne.NONE,), reasons.OF_REQUEST)


def _refusals(
    several: Iterable[str], why: Collection[Reason]
) -> Iterator[Labels]:
    for each, reason in itertools.product(several, sorted(why)):
        yield each, Outcome.REFUSED, reason, Mode.ENFORCE
        yield each, Outcome.WOULD_BE_REFUSED, reason, Mode.OBSERVE


def _labels(record: Record) -> Labels:
    return (
        _hypervisor(record.demand),
        _known(record.outcome, Outcome),
        _known(record.reason, Reason),
        _mode(record.modes),
    )


def _hypervisor(demand: Demand) -> str:
    left = set(demand.required or ()) - set(demand.impossible)
    if demand.required is not None and not left:
        return NotOne.NONE
    if demand.undetermined:
        return NotOne.UNDETERMINED
    if demand.flexible or demand.required is None:
        return NotOne.ANY
    if len(left) > 1:
        return NotOne.SEVERAL
    return _family(left.pop())


def _family(name: str) -> str:
    return _known(name, hypervisor.FAMILIES)


def _mode(modes: Collection[str]) -> str:
    found = set(modes)
    if found == set(Mode):
        return BOTH
    return _known(found.pop(), Mode) if len(found) == 1 else OTHER


def _known(value: str, values: Iterable[str]) -> str:
    return value if value in set(values) else OTHER


def _is_order_left(record: Record) -> bool:
    """Tell whether it runs, or would, on another than it wants first.

    Of a rebuild the host is settled, and of a server on an unknown hypervisor
    nobody chooses one.
    """
    return (
        record.outcome == Outcome.PASSED
        and record.first_left is False
        and bool(record.order)
        and record.kind != _REBUILD
        and not record.demand.undetermined
    )
