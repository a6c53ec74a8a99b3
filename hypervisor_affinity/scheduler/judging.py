# SPDX-License-Identifier: Apache-2.0
"""Judging all hosts of a request, each distinct offer once."""

import collections
from collections.abc import Mapping, Sequence
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


class Judgement(NamedTuple):
    """What became of each host.

    :ivar hosts: ``HostState`` objects
    :ivar verdicts: in the order of the hosts
    :ivar distinct: the verdicts, each object once
    """

    hosts: Sequence[Any]
    verdicts: Sequence[Verdict]
    distinct: Sequence[Verdict]

    @property
    def passing(self) -> list[Any]:
        """The hosts that the request gets."""
        suitable = Reason.SUITABLE
        return [
            host
            for host, verdict in zip(self.hosts, self.verdicts, strict=True)
            # As Verdict.withholds, in as few steps as it goes.
            if verdict.reason is suitable or not verdict.enforced
        ]

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

    def tally(self) -> list[tuple[Verdict, int]]:
        """Return each distinct verdict and its number of hosts, most first."""
        # A verdict's own hash would be worked out for every host.
        counts = collections.Counter(map(id, self.verdicts))
        by_id = {id(verdict): verdict for verdict in self.distinct}
        return [(by_id[key], n) for key, n in counts.most_common()]

    def counts(self) -> dict[Reason, int]:
        """Return the number of hosts for each reason, most first."""
        counts: collections.Counter[Reason] = collections.Counter()
        for verdict, count in self.tally():
            counts[verdict.reason] += count
        return dict(counts.most_common())


class HostJudge:
    """Judges hosts; whatever goes wrong with one ends in its verdict."""

    def __init__(self, notices: Notices):
        self._notices = notices

    def judge_all(self, hosts: Sequence[Any], request: Request) -> Judgement:
        """Judge all hosts of a request.

        :param hosts: ``HostState`` objects
        """
        distinct: list[Verdict] = []

        def judge_host(host_state: Any) -> Verdict:
            distinct.append(self._judge(request, host_state))
            return distinct[-1]

        verdicts = list(once_per_offer(judge_host, hosts))
        if any(verdict.reserve for verdict in distinct):
            verdicts = [
                self._judge_room(request, verdict, host_state)
                if verdict.reserve
                else verdict
                for host_state, verdict in zip(hosts, verdicts, strict=True)
            ]
            distinct = list({id(each): each for each in verdicts}.values())
        return Judgement(hosts, verdicts, distinct)

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
