# SPDX-License-Identifier: Apache-2.0
"""The Placement pre-filter.

nova's scheduler runs the functions of
``nova.scheduler.request_filter.ALL_REQUEST_FILTERS`` before it asks Placement
for allocation candidates. It has no setting for more of them, so ours is
appended to the list.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Container, Mapping
from typing import Any

import os_traits
from nova import exception
from nova.scheduler import host_manager
from nova.scheduler import request_filter
from oslo_log import log as logging

from hypervisor_affinity.core import explanation
from hypervisor_affinity.core.decision import refuse
from hypervisor_affinity.core.narrowing import Fleet
from hypervisor_affinity.core.narrowing import Narrowing
from hypervisor_affinity.core.narrowing import Offers
from hypervisor_affinity.core.narrowing import Unsettled
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import reports
from hypervisor_affinity.scheduler.decision_notifier import DecisionNotifier
from hypervisor_affinity.scheduler.notices import Notices
from hypervisor_affinity.scheduler.requests import Request
from hypervisor_affinity.scheduler.requests import RequestReader

LOG = logging.getLogger(__name__)

# Each takes 37 characters of the query's URL, of which web servers accept
# about 8,000 by default.
MOST_AGGREGATES = 100

# nova.virt.libvirt reports it for kvm and qemu whatever is configured
# (``_get_vif_model_traits``), nova.virt.vmwareapi never.
VIRTIO = os_traits.COMPUTE_NET_VIF_MODEL_VIRTIO

# nova's own words, where the user is not to be told ours.
_NOT_TOLD = 'There are not enough hosts available.'


# From the names of the hosts that do not matter to what the drivers of all
# others report -> the names of their hosts.
ReadReports = Callable[[Container[str]], Mapping[DriverReport, frozenset[str]]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    aggregates: tuple[Any, ...]
    policy: Policy
    fleet: Fleet
    offers: Offers = ()


class PlacementPrefilter:
    """Has Placement leave out hosts that the filter would not pass.

    Called by nova once for each request but a rebuild, by any thread.
    """

    def __init__(
        self,
        requests: RequestReader,
        notices: Notices,
        notifier: DecisionNotifier,
        read_reports: ReadReports | None = None,
    ):
        """Find the host manager at work.

        :param read_reports: what to ask of hosts whose aggregates do not tell
            their hypervisor; None for nova's databases
        """
        self._read_reports = read_reports
        self._requests = requests
        self._notices = notices
        self._notifier = notifier
        self._host_manager = _host_manager_at_work()
        self._is_installed = False
        self._known: _Known | None = None

    def install(self) -> None:
        """Have nova call this object, in place of one that was built before.

        Whether the option says so is asked for each request, so that a
        reload counts at once.
        """
        installed = getattr(request_filter, 'ALL_REQUEST_FILTERS', None)
        if self._host_manager is None or not isinstance(installed, list):
            return
        installed[:] = [
            *(o for o in installed if not isinstance(o, PlacementPrefilter)),
            self,
        ]
        self._is_installed = True

    def report_if_idle(self, policy: Policy) -> None:
        """Log once if the option is on and nova does not call this object."""
        if policy.placement_prefilter and not self._is_installed:
            self._notices.report(
                'placement_prefilter has no effect: this nova builds or '
                'calls its request filters in another way. Only the filter '
                'decides'
            )

    def __call__(self, context: Any, request_spec: Any) -> bool:
        """Narrow the request.

        :returns: whether it did, as nova's own pre-filters tell
        :raises nova.exception.NoValidHost: with the reason, if no host at all
            can pass
        """
        try:
            return self._narrow(request_spec)
        except exception.NoValidHost:
            raise
        except Exception as error:
            self._notices.report('Placement is asked for all hosts', error)
            return False

    def _narrow(self, request_spec: Any) -> bool:
        policy = self._requests.policy()
        if not policy.placement_prefilter:
            return False
        manager = self._host_manager
        if manager is None or adapters.has_its_host(request_spec):
            return False
        request = self._requests.read(request_spec, policy)
        known = self._know(manager, policy)
        narrowing = known.fleet.narrow(
            request.demand,
            adapters.read_required(request_spec),
            adapters.read_forbidden(request_spec),
        )
        rejections = narrowing.rejections
        if narrowing.undecided:
            rejections = self._decide(
                known, request, rejections, narrowing.undecided
            )
        if rejections:
            if policy.decision_notifications:
                decision = refuse(request.demand, policy, rejections)
                self._notifier.send(request, decision)
            _refuse(request, rejections)
        return _apply(request, narrowing)

    def _decide(
        self,
        known: _Known,
        request: Request,
        rejections: Mapping[Reason, Verdict],
        undecided: Unsettled,
    ) -> Mapping[Reason, Verdict]:
        """Say whether the hosts that may do leave a request any.

        One that would have done the last time is reason enough to go on.
        Nobody tells of new ones, so before a request is refused all are asked
        for again.

        :param rejections: of the others, which aggregates have settled
        :param undecided: the hosts that may do
        :returns: one verdict for each reason; empty if one might do
        """
        fleet = known.fleet
        judge = functools.partial(
            fleet.judge_unsettled, request.demand, undecided
        )
        if judge(known.offers) is None:
            return {}
        read_reports = self._read_reports or reports.read
        try:
            offers = fleet.read(read_reports(fleet.settled_hosts))
        except Exception as error:
            self._notices.report(
                'Cannot read the hypervisors that hosts without '
                'hypervisor_type metadata report. If Placement finds no '
                'host, the user is not told why',
                error,
            )
            return {}
        self._known = dataclasses.replace(known, offers=offers)
        found = judge(offers)
        return {} if found is None else {**rejections, **found}

    def _know(self, manager: Any, policy: Policy) -> _Known:
        """Return what is known under this policy of all hosts by now."""
        # nova replaces an aggregate that changes, so the same objects are
        # the same aggregates.
        aggregates = tuple(manager.aggs_by_id.values())
        known = self._known
        if (
            known is None
            or known.policy != policy
            or len(known.aggregates) != len(aggregates)
            or any(
                old is not new
                for old, new in zip(known.aggregates, aggregates, strict=True)
            )
        ):
            fleet = Fleet(adapters.read_aggregates(aggregates), policy)
            known = self._known = _Known(aggregates, policy, fleet)
        return known


def _host_manager_at_work() -> host_manager.HostManager | None:
    """Return the host manager whose constructor calls; None if none does.

    It builds the filters and tells them nothing of itself, yet nobody else
    knows the aggregates of all hosts: asking the database for them would
    cost every request more than the pre-filter saves.
    """
    frame = inspect.currentframe()
    while frame is not None:
        caller = frame.f_locals.get('self')
        if isinstance(caller, host_manager.HostManager):
            return caller
        frame = frame.f_back
    return None


def _refuse(request: Request, rejections: Mapping[Reason, Verdict]) -> None:
    LOG.info(
        'No host for server %s: %s; Placement is not asked, because every '
        'host is rejected: %s',
        request.server,
        explanation.demand_text(request.demand),
        ', '.join(rejections),
    )
    # No server of the request has a place yet, so that it may end here for
    # any number of them.
    reason = _NOT_TOLD
    if request.policy.tell_user:
        reason = explanation.user_text(request.demand, rejections)
    raise exception.NoValidHost(reason=reason)


def _apply(request: Request, narrowing: Narrowing) -> bool:
    left_out = []
    if narrowing.aggregates:
        uuids = narrowing.aggregates[:MOST_AGGREGATES]
        adapters.forbid_aggregates(request.spec, uuids)
        left_out.append(f'host aggregates ({len(uuids)})')
    if narrowing.virtio:
        request.spec.root_forbidden.add(VIRTIO)
        left_out.append('hosts with virtio devices')
    if left_out:
        LOG.info(
            'Placement leaves out %s for server %s: %s',
            ' and '.join(left_out),
            request.server,
            explanation.demand_text(request.demand),
        )
    return bool(left_out)
