# SPDX-License-Identifier: Apache-2.0
"""The scheduler filter."""

import collections
from collections.abc import Iterable
from typing import Any

from nova import exception
from nova.scheduler import filters
from oslo_log import log as logging

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.core.verdict import judge
from hypervisor_affinity.core.verdict import judge_room
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import request_filter
from hypervisor_affinity.scheduler.notices import Notices
from hypervisor_affinity.scheduler.per_offer import once_per_offer
from hypervisor_affinity.scheduler.request_filter import PlacementPrefilter
from hypervisor_affinity.scheduler.requests import ReadOrigin
from hypervisor_affinity.scheduler.requests import Request
from hypervisor_affinity.scheduler.requests import RequestReader

LOG = logging.getLogger(__name__)


class HypervisorAffinityFilter(filters.BaseHostFilter):
    """Passes the hosts whose hypervisor can run the request.

    What a request needs is read from its image and flavor, what a host
    offers from its aggregates and its virt driver. See
    :func:`hypervisor_affinity.core.verdict.judge`, which decides.

    nova keeps one object of this class for all threads of a process: it
    holds no state of a request. It runs for every instance of a
    multi-create, since each takes its share of what a reserve leaves.
    """

    # Whether a host can boot the new image is a question of policy, as for
    # nova's ImagePropertiesFilter.
    RUN_ON_REBUILD = True

    def __init__(
        self,
        origin: ReadOrigin | None = None,
        read_reports: request_filter.ReadReports | None = None,
    ) -> None:
        """Read the options.

        :param origin: what to ask of a move; None, as nova calls it, for
            nova's databases
        :param read_reports: what to ask of hosts whose aggregates do not tell
            their hypervisor; None likewise
        :raises ValueError: if one is wrong: nova-scheduler must not start
        """
        super().__init__()
        self._notices = Notices()
        self._requests = RequestReader(self._notices, origin)
        self._prefilter = PlacementPrefilter(
            self._requests, self._notices, read_reports
        )
        self._prefilter.install()
        self._prefilter.report_if_idle(self._requests.policy())

    def filter_all(
        self, filter_obj_list: Iterable[Any], spec_obj: Any
    ) -> list[Any]:
        """Return the hosts that can run the request.

        :param filter_obj_list: ``HostState`` objects
        :param spec_obj: the ``RequestSpec``
        :raises nova.exception.NoValidHost: with the reason for the user, if
            no host is left for a request for one server; nothing else is
            raised, whatever goes wrong
        """
        try:
            return self._pass(list(filter_obj_list), spec_obj)
        except exception.NoValidHost:
            raise
        except Exception as error:
            self._notices.report('A request gets no host', error)
            return []

    def _pass(self, hosts: list[Any], spec_obj: Any) -> list[Any]:
        request = self._requests.read(spec_obj)
        self._prefilter.report_if_idle(request.policy)
        verdicts = self._judge_all(hosts, request)
        suitable = Reason.SUITABLE
        passing = [
            host
            for host, verdict in zip(hosts, verdicts, strict=True)
            if verdict.reason is suitable
        ]
        try:
            if LOG.isEnabledFor(logging.DEBUG):
                _log_each(hosts, verdicts, request)
            if hosts and not passing:
                _explain(verdicts, request)
        except exception.NoValidHost:
            raise
        except Exception as error:
            self._notices.report('An answer cannot be explained', error)
        return passing

    def host_passes(self, host_state: Any, filter_properties: Any) -> bool:
        """Tell whether one host can run the request; explains nothing."""
        try:
            request = self._requests.read(filter_properties)
            (verdict,) = self._judge_all([host_state], request)
            return verdict.passes
        except Exception as error:
            self._notices.report('A request gets no host', error)
            return False

    def _judge_all(self, hosts: list[Any], request: Request) -> list[Verdict]:
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
        return verdicts

    def _judge(self, request: Request, host_state: Any) -> Verdict:
        try:
            offer = adapters.read_host(host_state, request.policy)
            if offer.problems:
                name = _name(host_state)
                self._notices.warn(offer.problems, 'host', name)
            return judge(request.demand, offer, request.policy)
        except Exception as error:
            return self._unreadable(host_state, error)

    def _judge_room(
        self, request: Request, verdict: Verdict, host_state: Any
    ) -> Verdict:
        try:
            room = adapters.read_room(host_state, request.asked)
            return judge_room(verdict, room)
        except Exception as error:
            return self._unreadable(host_state, error)

    def _unreadable(self, host_state: Any, error: Exception) -> Verdict:
        self._notices.report(f'Host {_name(host_state)} gets no server', error)
        return Verdict(Reason.UNREADABLE_HOST)


def _name(host_state: Any) -> str:
    """Return a host's name, whatever reading it raises."""
    try:
        return str(host_state.host)
    except Exception:
        return '(unreadable)'


def _log_each(
    hosts: list[Any], verdicts: list[Verdict], request: Request
) -> None:
    for host_state, verdict in zip(hosts, verdicts, strict=True):
        LOG.debug(
            'Host %s for server %s: %s (%s)',
            _name(host_state),
            request.server,
            verdict.reason,
            listed(verdict.evidence),
        )


def _explain(verdicts: list[Verdict], request: Request) -> None:
    counts = collections.Counter(verdict.reason for verdict in verdicts)
    samples = {verdict.reason: verdict for verdict in verdicts}
    LOG.info(
        'No host for server %s: %s',
        request.server,
        explanation.operator_text(
            request.demand, dict(counts.most_common()), samples
        ),
    )
    # Raised later in a request for several servers, it would leave the
    # allocations behind that were claimed for the first ones.
    if request.policy.tell_user and request.is_single:
        raise exception.NoValidHost(
            reason=explanation.user_text(request.demand, samples)
        )
