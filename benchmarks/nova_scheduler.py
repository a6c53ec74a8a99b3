# SPDX-License-Identifier: Apache-2.0
"""nova's own SchedulerManager beside a cloud in memory.

Only what is outside of nova-scheduler is imitated: the databases, Placement's
HTTP API (``benchmarks.placement``) and, by leaving it out, the message bus.
"""

import contextlib
import copy
import gc
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

import nova.conf
from nova import context as nova_context
from nova.objects import service
from nova.scheduler import host_manager
from nova.scheduler import manager
from nova.scheduler import request_filter
from nova.scheduler.client import report

from benchmarks import clouds
from benchmarks.placement import Placement
from hypervisor_affinity import nova_in_memory

# nova-compute writes a heartbeat every 10 seconds; the services in memory are
# as old as the benchmark.
_DOWN_AFTER = 24 * 3600

Options = Mapping[str, Mapping[str, Any]]


class Placing(NamedTuple):
    """How one request went.

    :ivar seconds: of processor time
    :ivar candidates: hosts that Placement returned
    :ivar hypervisor_type: of the host that was chosen
    """

    seconds: float
    candidates: int
    hypervisor_type: str


@contextlib.contextmanager
def options_in_force(options: Options) -> Iterator[None]:
    """Set options of nova.conf, and take them back."""
    conf = nova.conf.CONF
    changed = [
        (name, value, group)
        for group, values in options.items()
        for name, value in values.items()
    ]
    changed.append(('service_down_time', _DOWN_AFTER, None))
    for name, value, group in changed:
        conf.set_override(name, value, group)
    try:
        yield
    finally:
        for name, _, group in changed:
            conf.clear_override(name, group)


class Scheduler:
    """A SchedulerManager with the options in force when it is made.

    The same options must be in force whenever it places.
    """

    def __init__(self, cloud: clouds.Cloud):
        """Start nova-scheduler, as far as it is this class."""
        self._placement = Placement(cloud)
        self._types = {
            state.host: state.hypervisor_type for state in cloud.hosts
        }
        # Both are one for a process, and ours adds its pre-filter to the
        # list: schedulers beside one another need their own.
        self._request_filters = list(request_filter.ALL_REQUEST_FILTERS)
        self._client = report.SchedulerReportClient(self._placement)

        class HostManager(_HostManager):
            def __init__(self):
                super().__init__(cloud)

        with (
            self._at_work(),
            mock.patch.object(host_manager, 'HostManager', HostManager),
        ):
            self._manager = manager.SchedulerManager()
        # nova holds no hosts between requests, so those in memory must not
        # make the collections longer that a request causes. A scheduler that
        # nobody uses any more would stay for ever if it stayed frozen.
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def place(self, request: str) -> Placing:
        """Place one server, and tell how it went.

        :param request: one of ``clouds.REQUESTS``
        :raises nova.exception.NoValidHost: if there is no host for it
        """
        spec = clouds.request_spec(request)
        context = nova_context.RequestContext('user', 'project')
        with self._at_work():
            gc.collect()
            # Nothing here waits for anything but the processor, which may
            # have others to serve.
            began = time.thread_time()
            selections = self._manager.select_destinations(
                context,
                spec_obj=spec,
                instance_uuids=[spec.instance_uuid],
                return_objects=True,
                return_alternates=True,
            )
            seconds = time.thread_time() - began
        chosen = selections[0][0].service_host
        return Placing(
            seconds, self._placement.candidates, self._types[chosen]
        )

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        with (
            mock.patch.object(report, 'PLACEMENTCLIENT', self._client),
            mock.patch.object(
                request_filter, 'ALL_REQUEST_FILTERS', self._request_filters
            ),
            mock.patch.object(
                service,
                'get_minimum_version_all_cells',
                lambda context, binaries: service.SERVICE_VERSION,
            ),
        ):
            yield


class _HostManager(nova_in_memory.HostManager):
    """nova's, with the hosts of a cloud in place of the databases."""

    def __init__(self, cloud: clouds.Cloud):
        self._hosts = {state.uuid: state for state in cloud.hosts}
        super().__init__(cloud.aggregates)

    def get_host_states_by_uuids(
        self, context: Any, compute_uuids: Iterable[str], spec_obj: Any
    ) -> Iterator[host_manager.HostState]:
        # nova makes a HostState anew for each request, since placing a server
        # changes it; a copy costs less than that.
        return (copy.copy(self._hosts[uuid]) for uuid in compute_uuids)
