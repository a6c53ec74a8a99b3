# SPDX-License-Identifier: Apache-2.0
"""Reading a request once for all who are asked about it."""

import enum
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import nova.conf
from oslo_log import log as logging

from hypervisor_affinity.core.demand import UNREADABLE
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.policy import Mode
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.policy_source import PolicySource
from hypervisor_affinity.scheduler import adapters
from hypervisor_affinity.scheduler import demands
from hypervisor_affinity.scheduler import moves
from hypervisor_affinity.scheduler.adapters import NO_SIZE
from hypervisor_affinity.scheduler.adapters import Size
from hypervisor_affinity.scheduler.moves import Origin
from hypervisor_affinity.scheduler.notices import Notices
from hypervisor_affinity.scheduler.notices import described

LOG = logging.getLogger(__name__)

# From a move's RequestSpec to where the server comes from.
ReadOrigin = Callable[[Any], Origin]

_UNKNOWN = Origin(frozenset())


class Kind(enum.StrEnum):
    """What a request is for."""

    BOOT = 'boot'
    MOVE = 'move'
    REBUILD = 'rebuild'
    UNREADABLE = 'unreadable'


class Request(NamedTuple):
    """A request as it is judged.

    :ivar spec: the ``RequestSpec``
    :ivar server: the server's uuid, for messages
    :ivar is_single: whether it is for one server
    :ivar has: what the server takes already
    :ivar project: its id, for records; None if it is not known
    :ivar kind: likewise
    :ivar origin: where a server comes from that moves; None for no move
    """

    spec: Any
    policy: Policy
    demand: Demand
    server: str = '(unreadable)'
    is_single: bool = False
    has: Size = NO_SIZE
    project: str | None = None
    kind: Kind = Kind.UNREADABLE
    origin: Origin | None = None

    @property
    def asked(self) -> Size:
        """What it takes of a host, as far as it does not take it already."""
        return adapters.read_size(self.spec.flavor).beyond(self.has)


class RequestReader:
    """Reads requests under the options of the moment.

    Shared by the filter and the pre-filter of a process, so that what they
    both complain of is logged once, and a move looked up once.
    """

    def __init__(self, notices: Notices, origin: ReadOrigin | None = None):
        """Read the options.

        :param origin: what to ask of a move; None for nova's databases
        :raises ValueError: if one is wrong: nova-scheduler must not start
        """
        self._policies = PolicySource(nova.conf.CONF)
        self._notices = notices
        self._ask = origin
        # Of the moves at work: nova makes a RequestSpec for each.
        self._origins: weakref.WeakKeyDictionary[Any, Origin] = (
            weakref.WeakKeyDictionary()
        )

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
            request = self._read(request_spec, policy)
            self._notices.warn(
                request.demand.problems, 'server', request.server
            )
        except Exception as error:
            becomes = 'gets no host'
            if policy.mode is Mode.OBSERVE:
                becomes = 'cannot be judged'
            self._notices.report(f'A request {becomes}', error)
            return Request(request_spec, policy, UNREADABLE)
        return request

    def _read(self, request_spec: Any, policy: Policy) -> Request:
        kind, origin = _kind(request_spec), None
        families, has = None, NO_SIZE
        grows = False
        if kind is Kind.MOVE:
            origin = self._look_up(request_spec, policy.mode)
            families, before = origin
            asked = adapters.read_size(request_spec.flavor)
            # One whose host is gone comes as one that boots does.
            has = NO_SIZE if families is None else before or asked
            grows = any(more > 0 for more in asked.beyond(has))
        return Request(
            spec=request_spec,
            policy=policy,
            demand=demands.read_demand(request_spec, policy, families, grows),
            server=adapters.read_server(request_spec),
            is_single=adapters.is_single(request_spec),
            has=has,
            project=adapters.read_project(request_spec),
            kind=kind,
            origin=origin,
        )

    def _look_up(self, request_spec: Any, mode: Mode) -> Origin:
        if request_spec not in self._origins:
            self._origins[request_spec] = _origin(
                request_spec, self._ask or moves.origin, mode
            )
        return self._origins[request_spec]


def _kind(request_spec: Any) -> Kind:
    if adapters.is_rebuild(request_spec):
        return Kind.REBUILD
    return Kind.MOVE if adapters.is_move(request_spec) else Kind.BOOT


def _origin(request_spec: Any, ask: ReadOrigin, mode: Mode) -> Origin:
    server = adapters.read_server(request_spec)
    cause = 'neither its virt driver nor its aggregates name it'
    try:
        found = ask(request_spec)
    except Exception as error:
        found, cause = _UNKNOWN, described(error)
    if found.families is None:
        LOG.warning(
            'The host on which server %s ran before it was shelved no longer '
            'exists; only its image %s where it is unshelved',
            server,
            'decides' if mode is Mode.ENFORCE else 'would decide',
        )
    elif not found.families:
        LOG.warning(
            'The hypervisor of server %s is not known (%s); it %s move to a '
            'host whose hypervisor is known',
            server,
            cause,
            'cannot' if mode is Mode.ENFORCE else 'could not',
        )
    return found
