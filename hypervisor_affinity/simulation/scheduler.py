# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler beside a world: its own classes, without what is around them.

nova's HostManager loads the filters and weighers that nova.conf names, and
runs them on HostStates; its SchedulerManager chooses among what they leave;
its pre-filters and ResourceRequest make the query for Placement. Not here are
the message bus, the databases, Placement's HTTP API and nova-compute: hosts
are what the world says, and a server is built before the next is asked for.
"""

import dataclasses
import random
from collections.abc import Iterable, Mapping
from typing import Any

from nova import context as nova_context
from nova import exception
from nova import objects
from nova.conf import CONF
from nova.scheduler import manager
from nova.scheduler import request_filter
from nova.scheduler import utils

from hypervisor_affinity import conf
from hypervisor_affinity import redaction
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler.request_filter import PlacementPrefilter
from hypervisor_affinity.simulation import configuration
from hypervisor_affinity.simulation import likeness
from hypervisor_affinity.simulation import nova_objects
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.hosts import HostManager
from hypervisor_affinity.simulation.hosts import HostState
from hypervisor_affinity.simulation.listening import Heard
from hypervisor_affinity.simulation.nova_objects import Ask
from hypervisor_affinity.simulation.outcome import Refusal
from hypervisor_affinity.simulation.placement import Candidates
from hypervisor_affinity.simulation.placement import Placement
from hypervisor_affinity.simulation.placement_query import Query
from hypervisor_affinity.simulation.placement_query import QueryError
from hypervisor_affinity.simulation.placement_query import read_query
from hypervisor_affinity.simulation.scenario import ScenarioError
from hypervisor_affinity.simulation.world import Node
from hypervisor_affinity.simulation.world import World

# Of nova's pre-filters, those that ask nobody else.
_REQUEST_FILTERS = frozenset(
    {
        'accelerators_filter',
        'compute_status_filter',
        'ephemeral_encryption_filter',
        'packed_virtqueue_filter',
        'require_image_type_support',
        'tpm_secret_security_filter',
        'transform_image_metadata',
        'virtio_sound_filter',
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Prepared:
    # Kept, so that no other image or flavor gets the identity of this one's.
    ask: Ask
    spec: Any
    query: Query


class Scheduler:
    """nova-scheduler beside a world.

    Made once in a process, since nova's configuration is one for a process.

    :ivar policy: of the options in force
    """

    def __init__(
        self,
        world: World,
        files: Iterable[str],
        *options: scenario.Options,
        exact: bool = False,
        seed: int = 0,
    ) -> None:
        """Start.

        :param files: nova.conf; none for the recommended settings
        :param options: override the files, each those ahead of it
        :param exact: whether nova is to look at each host for each request
        :raises ScenarioError: naming the option that is wrong
        """
        objects.register_all()
        random.seed(seed)
        self._world = world
        self._exact = exact
        self._placement = Placement(world)
        self._context = nova_context.get_admin_context()
        self._heard = Heard()
        configuration.read_files(files)
        self.set_options(*options)

    @property
    def notes(self) -> list[str]:
        """What the operator should know: warnings, what is not simulated."""
        return [
            *self._heard.warnings,
            *configuration.ignored(),
        ]

    def set_options(self, *options: scenario.Options) -> None:
        """Change options, as with a restart of nova-scheduler.

        :raises ScenarioError: naming the option that is wrong
        """
        for groups in options:
            configuration.set_options(groups)
        # Each filter adds its own; a restart would begin without any.
        request_filter.ALL_REQUEST_FILTERS[:] = [
            each
            for each in request_filter.ALL_REQUEST_FILTERS
            if not isinstance(each, PlacementPrefilter)
        ]
        try:
            self._hosts = HostManager(self._world)
            self.policy: Policy = conf.read_policy(CONF)
        except (exception.NovaException, ImportError, ValueError) as error:
            said = redaction.first_line(str(error))
            raise ScenarioError(
                f'nova-scheduler does not start: {said}'
            ) from error
        self._manager = _SchedulerManager(self._hosts)
        self._request_filters = [
            each
            for each in request_filter.ALL_REQUEST_FILTERS
            if isinstance(each, PlacementPrefilter)
            or getattr(each, '__name__', None) in _REQUEST_FILTERS
        ]
        self._is_blind = not self._exact and likeness.is_blind_to_names(
            (*self._hosts.enabled_filters, *self._hosts.weighers)
        )
        self._begin_anew()

    @property
    def weighers(self) -> list[Any]:
        """nova's objects, in the order in which it asks them."""
        return self._hosts.weighers

    def states(self) -> list[HostState]:
        """Return all nodes as nova has them, in the order of the world."""
        return list(map(self._hosts.state, self._world.nodes))

    def spec(self, ask: Ask) -> Any:
        """Return the RequestSpec of a request.

        :raises ScenarioError: if nova-api would refuse it
        """
        try:
            return nova_objects.request_spec(self._context, ask)
        except (exception.Invalid, ValueError) as error:
            said = redaction.first_line(str(error))
            raise ScenarioError(f'nova-api refuses it: {said}') from error

    def place(self, ask: Ask) -> tuple[Node | None, Refusal | None]:
        """Ask for a host for one server; it is not put there.

        :returns: the node, or why there is none
        """
        if self._edition != self._world.edition:
            self._hosts.follow()
            self._begin_anew()
        self._heard.forget()
        try:
            prepared = self._prepare(ask)
        except (exception.NoValidHost, exception.RequestFilterFailed) as error:
            reason = self._heard.of(ask.server) or error.format_message()
            told = error.format_message()
            return None, Refusal('pre-filter', reason, told)
        except (exception.Invalid, ValueError) as error:
            # nova-api answers 400; the scheduler never sees it.
            return None, Refusal('nova-api', str(error))
        except QueryError as error:
            return None, Refusal('simulation', str(error))
        found = self._placement.candidates(prepared.query)
        hosts = self._states(prepared, found)
        chosen = self._choose(prepared.spec, hosts)
        if chosen is None:
            return None, self._explain(prepared, found)
        return self._world.nodes[chosen.position], None

    def _begin_anew(self) -> None:
        self._edition = self._world.edition
        self._prepared: dict[tuple, _Prepared] = {}
        self._known_states: dict[int, tuple[tuple, HostState]] = {}

    def _prepare(self, ask: Ask) -> _Prepared:
        # What nova makes of a boot is the same for the same image and flavor.
        key = (id(ask.image), id(ask.flavor), ask.volume, ask.at_once)
        if ask.underneath is not None:
            return self._ask_placement(ask)
        if key not in self._prepared:
            self._prepared[key] = self._ask_placement(ask)
        prepared = self._prepared[key]
        prepared.spec.instance_uuid = ask.server
        return prepared

    def _ask_placement(self, ask: Ask) -> _Prepared:
        spec = nova_objects.request_spec(self._context, ask)
        if ask.underneath is not None:
            self._hosts.underneath[ask.server] = ask.underneath
        for each in self._request_filters:
            each(self._context, spec)
        resources = utils.resources_from_request_spec(
            self._context, spec, self._hosts
        )
        return _Prepared(ask, spec, read_query(resources.to_querystring()))

    def _states(
        self, prepared: _Prepared, found: Candidates
    ) -> list[HostState]:
        if self._is_blind and not likeness.names_hosts(prepared.ask.flavor):
            positions = sorted(group[0] for group in found.groups)
        else:
            positions = found.positions()
        return [self._candidate(prepared, position) for position in positions]

    def _candidate(self, prepared: _Prepared, position: int) -> HostState:
        state = self._state(position)
        # Filters strike out of it what they do not pass.
        state.allocation_candidates = [
            {
                'allocations': {
                    state.uuid: {'resources': dict(prepared.query.resources)}
                },
                'mappings': {'': [state.uuid]},
            }
        ]
        return state

    def _state(self, position: int) -> HostState:
        node = self._world.nodes[position]
        known = self._known_states.get(position)
        if known is None or known[0] is not node.kind:
            known = (node.kind, self._hosts.state(node))
            self._known_states[position] = known
        return known[1]

    def _choose(self, spec: Any, hosts: list[HostState]) -> HostState | None:
        if not hosts:
            return None
        try:
            return next(iter(self._manager.choose(spec, hosts)), None)
        except exception.NoValidHost:
            return None

    def _explain(self, prepared: _Prepared, found: Candidates) -> Refusal:
        """Find out who refused, and why, with all hosts instead of groups."""
        left_out = _counted(found.left_out)
        hosts = [
            self._candidate(prepared, position)
            for position in found.positions()
        ]
        if not hosts:
            return Refusal('Placement', left_out)
        after = f'; Placement left out: {left_out}' if left_out else ''
        for each in self._hosts.enabled_filters:
            self._heard.forget()
            asked, told = len(hosts), ''
            try:
                hosts = self._hosts.filter_handler.get_filtered_objects(
                    [each], hosts, prepared.spec
                )
            except exception.NoValidHost as error:
                hosts, told = [], error.format_message()
            if not hosts:
                reason = self._heard.of(prepared.spec.instance_uuid)
                reason = reason or f'hosts rejected: {asked}'
                return Refusal(type(each).__name__, reason + after, told)
        # One of somebody else's, that answers again each time.
        return Refusal(
            'undetermined',
            f'no filter rejected all hosts when asked again{after}',
        )


class _SchedulerManager(manager.SchedulerManager):
    """nova's, as far as it chooses among hosts."""

    def __init__(self, hosts: HostManager) -> None:
        # Its own would make clients for a bus and for Placement.
        self.host_manager = hosts

    def choose(self, spec: Any, hosts: list[HostState]) -> list[HostState]:
        """Return the hosts that will do, the chosen one first."""
        return self._get_sorted_hosts(spec, hosts, 0)


def _counted(counts: Mapping[str, int]) -> str:
    return ', '.join(
        f'{count} {cause}'
        for cause, count in sorted(counts.items(), key=lambda item: -item[1])
    )
