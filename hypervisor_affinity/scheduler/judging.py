# SPDX-License-Identifier: Apache-2.0
"""Judging all hosts of a request, each distinct offer once."""

import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler.notices import Notices
from hypervisor_affinity.scheduler.per_offer import once_per_offer
from hypervisor_affinity.scheduler.requests import Request

# As many numbers as a byte can have.
_BYTE = 256


class Judgement(NamedTuple):
    """What became of each host.

    Hosts are told apart by numbers, which are counted and looked up in fewer
    steps than verdicts.

    :ivar hosts: ``HostState`` objects
    :ivar distinct: the verdicts, each object once
    :ivar numbers: for each host, the place of its verdict in ``distinct``
    :ivar examples: a host of each distinct offer
    :ivar offers: for each host, the place of its offer in ``examples``
    """

    hosts: Sequence[Any]
    distinct: Sequence[Verdict]
    numbers: Sequence[int]
    examples: Sequence[Any]
    offers: Sequence[int]

    @property
    def passing(self) -> list[Any]:
        """The hosts that the request gets."""
        passes = [not verdict.withholds for verdict in self.distinct]
        if all(passes):
            return list(self.hosts)
        each = map(passes.__getitem__, self.numbers)
        return list(itertools.compress(self.hosts, each))

    @property
    def verdicts(self) -> Iterator[Verdict]:
        """The verdicts in the order of the hosts."""
        return map(self.distinct.__getitem__, self.numbers)

    @property
    def is_observed(self) -> bool:
        """Whether any host is in mode observe."""
        return not all(verdict.enforced for verdict in self.distinct)

    @property
    def would_refuse(self) -> bool:
        """Whether no host can run the request, withheld or not."""
        return not any(verdict.passes for verdict in self.distinct)

    @property
    def samples(self) -> Mapping[Reason, Verdict]:
        """One verdict for each reason."""
        return {verdict.reason: verdict for verdict in self.distinct}

    def counts(self) -> dict[Reason, int]:
        """Return the number of hosts for each reason, most first."""
        reasons = list(self.samples)
        places = [reasons.index(verdict.reason) for verdict in self.distinct]
        counted: collections.Counter[int] = collections.Counter()
        if len(places) <= _BYTE:
            # Many times as fast as to count them one by one.
            column = bytes(self.numbers).translate(bytes(places).ljust(_BYTE))
            for place in range(len(reasons)):
                counted[place] = column.count(place)
        else:
            counted.update(map(places.__getitem__, self.numbers))
        return {reasons[place]: n for place, n in counted.most_common()}


class HostJudge:
    """Judges hosts; whatever goes wrong with one ends in its verdict."""

    def __init__(self, notices: Notices):
        self._notices = notices

    def judge_all(self, hosts: Sequence[Any], request: Request) -> Judgement:
        """Judge all hosts of a request.

        :param hosts: ``HostState`` objects
        """
        distinct: list[Verdict] = []
        examples: list[Any] = []

        def judge_host(host_state: Any) -> int:
            distinct.append(self._judge(request, host_state))
            examples.append(host_state)
            return len(examples) - 1

        offers = list(once_per_offer(judge_host, hosts))
        judgement = Judgement(hosts, distinct, offers, examples, offers)
        if any(verdict.reserve for verdict in distinct):
            return self._judge_rooms(request, judgement)
        return judgement

    def _judge_rooms(
        self, request: Request, judgement: Judgement
    ) -> Judgement:
        verdicts = [
            self._judge_room(request, verdict, host_state)
            if verdict.reserve
            else verdict
            for host_state, verdict in zip(
                judgement.hosts, judgement.verdicts, strict=True
            )
        ]
        distinct = list({id(each): each for each in verdicts}.values())
        places = {id(each): number for number, each in enumerate(distinct)}
        numbers = [places[id(each)] for each in verdicts]
        return judgement._replace(distinct=distinct, numbers=numbers)

    def _judge(self, request: Request, host_state: Any) -> Verdict:
        try:
            offer = adapters.read_host(host_state, request.policy)
            if offer.problems:
                name = name_of(host_state)
                self._notices.warn(offer.problems, 'host', name)
            return judge(request.demand, offer, request.policy)
        except Exception as error:
            return self._unreadable(request, host_state, error)

    def _judge_room(
        self, request: Request, verdict: Verdict, host_state: Any
    ) -> Verdict:
        try:
            room = adapters.read_room(host_state, request.asked)
            return judge_room(verdict, room)
        except Exception as error:
            return self._unreadable(request, host_state, error)

    def _unreadable(
        self, request: Request, host_state: Any, error: Exception
    ) -> Verdict:
        enforced = request.policy.mode is Mode.ENFORCE
        becomes = 'gets no server' if enforced else 'cannot be judged'
        self._notices.report(f'Host {name_of(host_state)} {becomes}', error)
        return Verdict(Reason.UNREADABLE_HOST, enforced=enforced)


def name_of(host_state: Any) -> str:
    """Return a host's name, whatever reading it raises."""
    try:
        return str(host_state.host)
    except Exception:
        return '(unreadable)'
