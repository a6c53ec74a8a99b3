# SPDX-License-Identifier: Apache-2.0
"""Reading a request once for all who are asked about it."""

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import nova.conf
from oslo_log import log as logging

from hypervisor_affinity.conf import PolicySource
from hypervisor_affinity.core.demand import UNREADABLE
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler.notices import Notices

LOG = logging.getLogger(__name__)

# From a move's RequestSpec to the families of the host under the server.
LookUp = Callable[[Any], frozenset[str]]


class Request(NamedTuple):
    """A request as it is judged.

    :ivar spec: the ``RequestSpec``
    :ivar server: the server's uuid, for messages
    :ivar is_single: whether it is for one server
    """

    spec: Any
    policy: Policy
    demand: Demand
    server: str = '(unreadable)'
    is_single: bool = False


class RequestReader:
    """Reads requests under the options of the moment.

    Shared by the filter and the pre-filter of a process, so that what they
    both complain of is logged once, and a move looked up once.
    """

    def __init__(self, notices: Notices, runs_on: LookUp | None = None):
        """Read the options.

        :param runs_on: what to ask of a move; None for nova's databases
        :raises ValueError: if one is wrong: nova-scheduler must not start
        """
        self._policies = PolicySource(nova.conf.CONF)
        self._notices = notices
        self._ask = runs_on
        # Of the moves at work: nova makes a RequestSpec for each.
        self._runs_on: weakref.WeakKeyDictionary[
            Any, frozenset[str] | None
        ] = weakref.WeakKeyDictionary()

    def policy(self) -> Policy:
        """Return the Policy of the moment."""
        return self._policies.current()

    def read(self, request_spec: Any, policy: Policy | None = None) -> Request:
        """Return a request; never raises.

        One that cannot be read is logged and asks for what no host offers.

        :param policy: what the caller has begun with; None for the Policy of
            the moment
        """
        policy = policy or self.policy()
        try:
            request = Request(
                spec=request_spec,
                policy=policy,
                demand=adapters.classify_request(
                    request_spec, policy, self._look_up(request_spec)
                ),
                server=adapters.read_server(request_spec),
                is_single=adapters.is_single(request_spec),
            )
        except Exception as error:
            self._notices.report(f'A request gets no host: {error!r}', error)
            return Request(request_spec, policy, UNREADABLE)
        self._notices.warn(request.demand.problems, 'server', request.server)
        return request

    def _look_up(self, request_spec: Any) -> frozenset[str] | None:
        if not adapters.is_move(request_spec):
            return None
        if request_spec not in self._runs_on:
            self._runs_on[request_spec] = _runs_on(
                request_spec, self._ask or moves.runs_on
            )
        return self._runs_on[request_spec]


def _runs_on(request_spec: Any, ask: LookUp) -> frozenset[str] | None:
    try:
        families = ask(request_spec)
    except Exception as error:
        families = None
        cause = f'{type(error).__name__}: {error}'
    else:
        cause = 'neither its virt driver nor its aggregates tell'
    if not families:
        LOG.warning(
            'The hypervisor under server %s cannot be found out (%s); its '
            'image alone decides where it moves to',
            adapters.read_server(request_spec),
            cause,
        )
    return families
