# SPDX-License-Identifier: Apache-2.0
"""The scheduler filter."""

from collections.abc import Iterable
from typing import Any

from nova import exception
from nova.scheduler import filters
from oslo_log import log as logging

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.decision import decide
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.scheduler import observation
from hypervisor_affinity.scheduler import request_filter
from hypervisor_affinity.scheduler.decision_notifier import DecisionNotifier
from hypervisor_affinity.scheduler.judging import HostJudge
from hypervisor_affinity.scheduler.judging import Judgement
from hypervisor_affinity.scheduler.judging import name_of
from hypervisor_affinity.scheduler.notices import Notices
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
        self._judge = HostJudge(self._notices)
        self._notifier = DecisionNotifier(self._notices)
        self._prefilter = PlacementPrefilter(
            self._requests, self._notices, self._notifier, read_reports
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
        :returns: in mode observe, those that cannot run it as well
        """
        hosts: list[Any] = []
        try:
            hosts.extend(filter_obj_list)
            return self._pass(hosts, spec_obj)
        except exception.NoValidHost:
            raise
        except Exception as error:
            return hosts if self._gives_way(error) else []

    def _pass(self, hosts: list[Any], spec_obj: Any) -> list[Any]:
        request = self._requests.read(spec_obj)
        self._prefilter.report_if_idle(request.policy)
        judgement = self._judge.judge_all(hosts, request)
        passing = judgement.passing
        try:
            if LOG.isEnabledFor(logging.DEBUG):
                _log_each(judgement, request)
            if hosts:
                self._tell(judgement, len(passing), request)
            if hosts and not passing:
                _explain(judgement, request)
        except exception.NoValidHost:
            raise
        except Exception as error:
            self._notices.report('An answer cannot be explained', error)
        return passing

    def host_passes(self, host_state: Any, filter_properties: Any) -> bool:
        """Tell whether one host can run the request; explains nothing."""
        try:
            request = self._requests.read(filter_properties)
            judgement = self._judge.judge_all([host_state], request)
            return bool(judgement.passing)
        except Exception as error:
            return self._gives_way(error)

    def _gives_way(self, error: Exception) -> bool:
        """Report what went wrong; return whether hosts pass all the same."""
        if self._requests.policy().mode is Mode.OBSERVE:
            self._notices.report('A request cannot be judged', error)
            return True
        self._notices.report('A request gets no host', error)
        return False

    def _tell(
        self, judgement: Judgement, passed: int, request: Request
    ) -> None:
        is_recorded = request.policy.decision_notifications
        if not (is_recorded or judgement.is_observed):
            return
        found = observation.keep(request, judgement)
        if judgement.is_observed:
            observation.report_refusal(found)
        if is_recorded and not found.is_repeated:
            self._notifier.send(
                request,
                decide(
                    request.demand,
                    request.policy,
                    judgement.distinct,
                    judgement.counts(),
                    passed,
                ),
            )


def _log_each(judgement: Judgement, request: Request) -> None:
    pairs = zip(judgement.hosts, judgement.verdicts, strict=True)
    for host_state, verdict in pairs:
        LOG.debug(
            'Host %s for server %s: %s (%s)',
            name_of(host_state),
            request.server,
            verdict.reason,
            listed(verdict.evidence),
        )


def _explain(judgement: Judgement, request: Request) -> None:
    samples = judgement.samples
    LOG.info(
        'No host for server %s: %s',
        request.server,
        explanation.operator_text(request.demand, judgement.counts(), samples),
    )
    # Raised later in a request for several servers, it would leave the
    # allocations behind that were claimed for the first ones.
    if request.policy.tell_user and request.is_single:
        raise exception.NoValidHost(
            reason=explanation.user_text(request.demand, samples)
        )
