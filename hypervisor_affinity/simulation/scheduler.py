# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler beside a world: its own classes, without what is around them.

nova's HostManager loads the filters and weighers that nova.conf names, and
runs them on HostStates; its SchedulerManager chooses among what they leave;
its pre-filters and ResourceRequest make the query for Placement. Not here are
the message bus, the databases, Placement's HTTP API and nova-compute: hosts
are what the world says, and a server is built before the next is asked for.
"""

import collections
import datetime
import logging
import random
import uuid
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

import nova.conf
from nova import context as nova_context
from nova import exception
from nova import objects
from nova.scheduler import host_manager
from nova.scheduler import manager
from nova.scheduler import request_filter
from nova.scheduler import utils
from oslo_config import cfg

from hypervisor_affinity import conf
from hypervisor_affinity import conf_files
from hypervisor_affinity import redaction
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.drivers import TABLES
from hypervisor_affinity.core.drivers.table import Table
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.scheduler.filters import HypervisorAffinityFilter
from hypervisor_affinity.scheduler.moves import Origin
from hypervisor_affinity.scheduler.request_filter import PlacementPrefilter
from hypervisor_affinity.simulation import scenario
from hypervisor_affinity.simulation.outcome import Refusal
from hypervisor_affinity.simulation.placement import Candidates
from hypervisor_affinity.simulation.placement import Placement
from hypervisor_affinity.simulation.placement import Query
from hypervisor_affinity.simulation.placement import aggregate_uuid
from hypervisor_affinity.simulation.placement import read_query
from hypervisor_affinity.simulation.world import Node
from hypervisor_affinity.simulation.world import World

CONF = nova.conf.CONF

# The settings that this project asks operators to make; in force where no
# nova.conf is given.
RECOMMENDED: Mapping[str, Mapping[str, Any]] = {
    'filter_scheduler': {
        'available_filters': [
            'nova.scheduler.filters.all_filters',
            'hypervisor_affinity.scheduler.all_filters',
        ],
        'enabled_filters': [
            'ComputeFilter',
            'HypervisorAffinityFilter',
            'ComputeCapabilitiesFilter',
            'ImagePropertiesFilter',
            'ServerGroupAntiAffinityFilter',
            'ServerGroupAffinityFilter',
        ],
        'weight_classes': [
            'nova.scheduler.weights.all_weighers',
            'hypervisor_affinity.scheduler.all_weighers',
        ],
        'hypervisor_version_weight_multiplier': 0.0,
    }
}

# Filters and weighers that treat hosts alike that differ in their names only,
# as long as a request has no server group and no scheduler hint: those of
# nova 31 to 34 but IsolatedHostsFilter, and ours.
_BLIND_TO_NAMES = frozenset(
    {
        'AggregateImagePropertiesIsolation',
        'AggregateInstanceExtraSpecsFilter',
        'AggregateIoOpsFilter',
        'AggregateMultiTenancyIsolation',
        'AggregateNumInstancesFilter',
        'AggregateTypeAffinityFilter',
        'AllHostsFilter',
        'ComputeCapabilitiesFilter',
        'ComputeFilter',
        'DifferentHostFilter',
        'HypervisorAffinityFilter',
        'ImagePropertiesFilter',
        'IoOpsFilter',
        'JsonFilter',
        'MetricsFilter',
        'NUMATopologyFilter',
        'NumInstancesFilter',
        'PciPassthroughFilter',
        'SameHostFilter',
        'ServerGroupAffinityFilter',
        'ServerGroupAntiAffinityFilter',
        'SimpleCIDRAffinityFilter',
        'BuildFailureWeigher',
        'CPUWeigher',
        'CrossCellWeigher',
        'DiskWeigher',
        'HypervisorAffinityWeigher',
        'HypervisorVersionWeigher',
        'ImagePropertiesWeigher',
        'IoOpsWeigher',
        'MetricsWeigher',
        'NumInstancesWeigher',
        'PCIWeigher',
        'RAMWeigher',
        'ServerGroupSoftAffinityWeigher',
        'ServerGroupSoftAntiAffinityWeigher',
    }
)
_KNOWN_PACKAGES = ('nova.scheduler.', 'hypervisor_affinity.scheduler.')

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

# Options that have others at work, and those that need data of servers which
# no snapshot holds: group, option, the value with which they do nothing.
_NOT_SIMULATED = (
    ('scheduler', 'enable_isolated_aggregate_filtering', False),
    ('scheduler', 'limit_tenants_to_placement_aggregate', False),
    ('scheduler', 'query_placement_for_routed_network_aggregates', False),
    ('filter_scheduler', 'image_props_weight_multiplier', 0.0),
)

# Of hosts whose driver leaves that open, and those of no known driver.
_ARCHITECTURES = ('i686', 'x86_64')

_CELL = str(uuid.uuid5(uuid.NAMESPACE_OID, 'cell'))

# No nova-compute writes a heartbeat: all are as old as the simulation.
_DOWN_AFTER = 365 * 24 * 3600


class Ask(NamedTuple):
    """What is asked of the scheduler for one server.

    :ivar server: its uuid
    :ivar at_once: how many servers the request is for
    :ivar runs_on: for a move, the families of the host it is on; None for a
        boot
    """

    image: Image | None
    flavor: Flavor
    volume: bool
    server: str
    at_once: int = 1
    runs_on: frozenset[Family] | None = None


class _Prepared(NamedTuple):
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
        :param options: go before the files, each before those ahead of it
        :param exact: whether nova is to look at each host for each request
        :raises SourceError: naming the option that is wrong
        """
        objects.register_all()
        random.seed(seed)
        self._world = world
        self._exact = exact
        self._placement = Placement(world)
        self._context = nova_context.get_admin_context()
        self._heard = _Heard()
        self._configure(list(files))
        self.set_options(*options)

    @property
    def notes(self) -> list[str]:
        """What the operator should know: warnings, what is not simulated."""
        return [
            *self._heard.warnings,
            *(
                f'[{group}] {option} is not simulated'
                for group, option, harmless in _NOT_SIMULATED
                if getattr(CONF[group], option, harmless) != harmless
            ),
        ]

    def set_options(self, *options: scenario.Options) -> None:
        """Change options, as with a restart of nova-scheduler.

        :raises SourceError: naming the option that is wrong
        """
        for groups in options:
            for group, values in groups.items():
                for option, value in values.items():
                    _override(group, option, value)
        # Each filter adds its own; a restart would begin without any.
        request_filter.ALL_REQUEST_FILTERS[:] = [
            each
            for each in request_filter.ALL_REQUEST_FILTERS
            if not isinstance(each, PlacementPrefilter)
        ]
        try:
            self._hosts = _HostManager(self._world)
            self.policy: Policy = conf.read_policy(CONF)
        except (exception.NovaException, ImportError, ValueError) as error:
            said = redaction.first_line(str(error))
            raise SourceError(f'nova-scheduler does not start: {said}') from (
                error
            )
        self._manager = _SchedulerManager(self._hosts)
        self._request_filters = [
            each
            for each in request_filter.ALL_REQUEST_FILTERS
            if isinstance(each, PlacementPrefilter)
            or getattr(each, '__name__', None) in _REQUEST_FILTERS
        ]
        self._is_blind = not self._exact and self._is_blind_to_names()
        self._begin_anew()

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
        except SourceError as error:
            return None, Refusal('simulation', str(error))
        found = self._placement.candidates(prepared.query)
        hosts = self._states(prepared, found)
        chosen = self._choose(prepared.spec, hosts)
        if chosen is None:
            return None, self._explain(prepared, found)
        return self._world.nodes[chosen.position], None

    def _configure(self, files: list[str]) -> None:
        conf.register_opts(CONF)
        CONF.reset()
        try:
            conf_files.read(CONF, files, project='nova')
        except conf_files.ConfError as error:
            raise SourceError(str(error)) from error
        except OSError as error:
            named = error.filename or ', '.join(files)
            raise SourceError(f'{named}: {error.strerror}') from error
        CONF.set_override('service_down_time', _DOWN_AFTER)
        CONF.set_override('track_instance_changes', False, 'filter_scheduler')
        if not files:
            for group, values in RECOMMENDED.items():
                for option, value in values.items():
                    _override(group, option, value)

    def _is_blind_to_names(self) -> bool:
        """Tell whether hosts with equal figures are treated alike.

        Of those the first is chosen then, since nova's sorting is stable.
        """
        options = CONF.filter_scheduler
        chooses_the_first = (
            options.host_subset_size == 1
            and not options.shuffle_best_same_weighed_hosts
        )
        return chooses_the_first and all(
            type(each).__name__ in _BLIND_TO_NAMES
            and type(each).__module__.startswith(_KNOWN_PACKAGES)
            for each in (*self._hosts.enabled_filters, *self._hosts.weighers)
        )

    def _begin_anew(self) -> None:
        self._edition = self._world.edition
        self._prepared: dict[tuple, _Prepared] = {}
        self._known_states: dict[int, tuple[tuple, _HostState]] = {}

    def _prepare(self, ask: Ask) -> _Prepared:
        # What nova makes of a boot is the same for the same image and flavor.
        key = (id(ask.image), id(ask.flavor), ask.volume, ask.at_once)
        if ask.runs_on is not None:
            return self._ask_placement(ask)
        if key not in self._prepared:
            self._prepared[key] = self._ask_placement(ask)
        prepared = self._prepared[key]
        prepared.spec.instance_uuid = ask.server
        return prepared

    def _ask_placement(self, ask: Ask) -> _Prepared:
        spec = _request_spec(self._context, ask)
        if ask.runs_on is not None:
            self._hosts.runs_on[ask.server] = ask.runs_on
        for each in self._request_filters:
            each(self._context, spec)
        resources = utils.resources_from_request_spec(
            self._context, spec, self._hosts
        )
        return _Prepared(ask, spec, read_query(resources.to_querystring()))

    def _states(
        self, prepared: _Prepared, found: Candidates
    ) -> list['_HostState']:
        if self._is_blind and not _names_hosts(prepared.ask.flavor):
            positions = sorted(group[0] for group in found.groups)
        else:
            positions = found.positions()
        return [self._candidate(prepared, position) for position in positions]

    def _candidate(self, prepared: _Prepared, position: int) -> '_HostState':
        state = self._state(position)
        # Filters strike out of it what they do not pass.
        state.allocation_candidates = [
            {
                'allocations': {
                    state.uuid: {'resources': dict(prepared.query.needs)}
                },
                'mappings': {'': [state.uuid]},
            }
        ]
        return state

    def _state(self, position: int) -> '_HostState':
        node = self._world.nodes[position]
        known = self._known_states.get(position)
        if known is None or known[0] is not node.kind:
            known = (node.kind, self._hosts.state(node))
            self._known_states[position] = known
        return known[1]

    def _choose(
        self, spec: Any, hosts: list['_HostState']
    ) -> '_HostState | None':
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
        # One of somebody else's, that answers anew each time.
        return Refusal('undetermined', f'no filter, when asked again{after}')


class _HostState(host_manager.HostState):
    """A host, as nova has it, with its place in the world."""

    position: int


class _HostManager(host_manager.HostManager):
    """nova's, with a world in place of the databases.

    * ``runs_on``: uuid of a server that is to move -> the families of the
      host it is on
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: dict[str, int] = {}
        self.runs_on: dict[str, frozenset[Family]] = {}
        super().__init__()

    def follow(self) -> None:
        """Learn what has changed in aggregates, as nova-api tells it."""
        for aggregate in self._world.aggregates.values():
            self.update_aggregates(self._aggregate(aggregate))

    def state(self, node: Node) -> _HostState:
        """Return a node as nova reads it from its databases."""
        compute = _compute_node(node)
        service = {
            'host': node.record.name,
            'binary': 'nova-compute',
            'disabled': node.record.status == 'disabled',
            'forced_down': node.record.state == 'down',
            'last_seen_up': datetime.datetime.now(datetime.UTC),
        }
        state = self.host_state_cls(node.record.name, node.name, _CELL)
        aggregates = self._get_aggregates_info(node.record.name)
        state.update(compute, service, aggregates, {})
        state.position = node.position
        return state

    def host_state_cls(
        self, host: str, node: str, cell: str, **kwargs: Any
    ) -> _HostState:
        return _HostState(host, node, cell)

    def refresh_cells_caches(self) -> None:
        self.cells = {}
        self.enabled_cells = []

    def _init_aggregates(self) -> None:
        self.follow()

    def _choose_host_filters(self, filter_cls_names: list[str]) -> list[Any]:
        ours = HypervisorAffinityFilter
        if (
            ours.__name__ in filter_cls_names
            and self.filter_cls_map.get(ours.__name__) is ours
        ):
            # nova would make one that asks its databases.
            self.filter_obj_map[ours.__name__] = ours(
                self._origin, self._reports_beside
            )
        return super()._choose_host_filters(filter_cls_names)

    def _reports_beside(
        self, settled: Container[str]
    ) -> dict[DriverReport, frozenset[str]]:
        found = collections.defaultdict(set)
        for node in self._world.nodes:
            record = node.record
            if record.name not in settled:
                report = DriverReport(
                    record.hypervisor_type, _guest_types(record)
                )
                found[report].add(record.name)
        return {report: frozenset(hosts) for report, hosts in found.items()}

    def _origin(self, spec: Any) -> Origin:
        return Origin(self.runs_on[spec.instance_uuid])

    def _aggregate(self, aggregate: Any) -> Any:
        number = self._ids.setdefault(aggregate.name, len(self._ids) + 1)
        return objects.Aggregate(
            id=number,
            uuid=aggregate_uuid(aggregate),
            name=aggregate.name,
            hosts=list(aggregate.hosts),
            metadata=dict(aggregate.metadata),
        )


class _SchedulerManager(manager.SchedulerManager):
    """nova's, as far as it chooses among hosts."""

    def __init__(self, hosts: _HostManager) -> None:
        # Its own would make clients for a bus and for Placement.
        self.host_manager = hosts

    def choose(self, spec: Any, hosts: list[_HostState]) -> list[_HostState]:
        """Return the hosts that will do, the chosen one first."""
        return self._get_sorted_hosts(spec, hosts, 0)


class _Heard(logging.Handler):
    """What this project's own classes log.

    * ``warnings``: each once, in order
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._texts: list[str] = []
        self._warnings: dict[str, None] = {}
        logger = logging.getLogger('hypervisor_affinity.scheduler')
        logger.handlers[:] = [self]
        logger.setLevel(logging.INFO)
        logger.propagate = False

    @property
    def warnings(self) -> list[str]:
        return list(self._warnings)

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._warnings[record.getMessage()] = None
        else:
            self._texts.append(record.getMessage())

    def forget(self) -> None:
        """Forget what was said of requests."""
        self._texts.clear()

    def of(self, server: str) -> str:
        """Return why a server got no host; '' if nobody said."""
        beginning = f'No host for server {server}: '
        for text in reversed(self._texts):
            if text.startswith(beginning):
                return text.removeprefix(beginning)
        return ''


def _override(group: str, option: str, value: Any) -> None:
    try:
        CONF.set_override(option, value, None if group == 'DEFAULT' else group)
    except (cfg.Error, ValueError, TypeError) as error:
        said = redaction.first_line(str(error))
        raise SourceError(f'option {group}.{option}: {said}') from error


def _request_spec(context: Any, ask: Ask) -> Any:
    """Return the request as nova-api and the conductor make it.

    :raises ValueError: if an image property has a value that nova refuses
    """
    spec = objects.RequestSpec.from_components(
        context,
        ask.server,
        _image_meta(ask),
        objects.Flavor(
            name=ask.flavor.name,
            flavorid=ask.flavor.id or ask.flavor.name,
            memory_mb=ask.flavor.memory_mb,
            vcpus=ask.flavor.vcpus,
            root_gb=ask.flavor.disk_gb,
            ephemeral_gb=ask.flavor.ephemeral_gb,
            swap=ask.flavor.swap_mb,
            extra_specs=dict(ask.flavor.extra_specs),
        ),
        numa_topology=None,
        pci_requests=None,
        filter_properties={'scheduler_hints': {}},
        instance_group=None,
        availability_zone=None,
        project_id='simulation',
        user_id='simulation',
    )
    spec.is_bfv = ask.volume
    spec.num_instances = ask.at_once
    spec.requested_networks = objects.NetworkRequestList(objects=[])
    if ask.runs_on is not None:
        # The conductor sets it for moves only. The host that the server is
        # to leave is disabled, so that it need not be ignored, too.
        spec.requested_destination = objects.Destination(cell=None)
    return spec


def _image_meta(ask: Ask) -> Any:
    image: dict[str, Any] = {'properties': {}}
    if ask.image is not None:
        image['properties'] = dict(ask.image.properties)
        if not ask.volume:
            image |= {
                'id': ask.image.id or None,
                'name': ask.image.name,
                'disk_format': ask.image.disk_format,
                'container_format': ask.image.container_format,
            }
    return objects.ImageMeta.from_dict(
        {name: value for name, value in image.items() if value is not None}
    )


def _table(record: Host) -> Table | None:
    """Return what is known of a host's driver; None if it is not known."""
    family = CONCLUSIVE_TYPES.get(record.hypervisor_type)
    return TABLES.get(family)


def _guest_types(record: Host) -> tuple[str, ...]:
    """Return the hypervisor types of a host's supported_instances.

    nova's APIs do not tell them, so the driver's table has to.
    """
    table = _table(record)
    return record.supported or (table.guest_types if table else ())


def _compute_node(node: Node) -> Any:
    """Return what nova-compute would have reported by now."""
    record = node.record
    table = _table(record)
    architectures = (table and table.architectures) or _ARCHITECTURES
    totals, used, ratios = {}, {}, {}
    for name in ('vcpus', 'memory_mb', 'disk_gb'):
        inventory = getattr(record, name)
        totals[name] = inventory.total if inventory else 0
        # nova's resource tracker counts as used what is reserved.
        used[name] = inventory.used + inventory.reserved if inventory else 0
        ratios[name] = inventory.allocation_ratio if inventory else 1.0
    return objects.ComputeNode(
        uuid=str(uuid.UUID(int=node.position)),
        host=record.name,
        hypervisor_hostname=node.name,
        hypervisor_type=record.hypervisor_type or '',
        hypervisor_version=record.hypervisor_version,
        supported_hv_specs=[
            objects.HVSpec(arch=arch, hv_type=hypervisor, vm_mode='hvm')
            for arch in architectures
            for hypervisor in _guest_types(record)
            if hypervisor in objects.fields.HVType.ALL
        ],
        vcpus=totals['vcpus'],
        vcpus_used=used['vcpus'],
        memory_mb=totals['memory_mb'],
        memory_mb_used=used['memory_mb'],
        free_ram_mb=totals['memory_mb'] - used['memory_mb'],
        local_gb=totals['disk_gb'],
        local_gb_used=used['disk_gb'],
        free_disk_gb=totals['disk_gb'] - used['disk_gb'],
        disk_available_least=None,
        cpu_allocation_ratio=ratios['vcpus'],
        ram_allocation_ratio=ratios['memory_mb'],
        disk_allocation_ratio=ratios['disk_gb'],
        cpu_info=None,
        host_ip=None,
        updated_at=None,
        stats={
            'num_instances': str(len(node.residents)),
            'io_workload': str(node.building),
        },
        metrics='[]',
        numa_topology=None,
        pci_device_pools=None,
    )


def _names_hosts(flavor: Flavor) -> bool:
    """Tell whether an extra spec may ask for a host by its name.

    ComputeCapabilitiesFilter compares any attribute of a HostState.
    """
    return any(
        ':' not in key or key.startswith('capabilities:')
        for key in flavor.extra_specs
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ', '.join(
        f'{count} {cause}'
        for cause, count in sorted(counts.items(), key=lambda item: -item[1])
    )
