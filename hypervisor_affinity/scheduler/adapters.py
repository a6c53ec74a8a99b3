# SPDX-License-Identifier: Apache-2.0
"""Between nova's objects and the core's values: no more than is needed.

Sources: ``nova.objects.RequestSpec``, ``ImageMeta``, ``Flavor``,
``Aggregate`` and ``nova.scheduler.host_manager.HostState``. Reading an unset
field of an object raises, so every field is asked for first.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from nova import objects

from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.narrowing import HostAggregate
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import FORMAT_NAMES
from hypervisor_affinity.core.properties import PROPERTY_NAMES
from hypervisor_affinity.core.properties import as_owners_write
from hypervisor_affinity.core.verdict import Room

_REBUILD = ['rebuild']


class Size(NamedTuple):
    """What a server takes of a host.

    :ivar memory_mb: RAM in MiB
    """

    memory_mb: int
    vcpus: int

    def beyond(self, other: 'Size') -> 'Size':
        """Return what it takes more than another; less is negative."""
        return Size(self.memory_mb - other.memory_mb, self.vcpus - other.vcpus)


class Circumstances(NamedTuple):
    """All that a request's demand is made from; see :func:`classify`."""

    image: dict[str, object]
    extra_specs: dict[str, str]
    policy: Policy
    volume: bool
    underneath: frozenset[Family] | None
    grows: bool
    rebuild: bool

    def classify(self) -> Demand:
        """Turn them into a demand."""
        return classify(
            self.image,
            self.extra_specs,
            self.policy,
            volume=self.volume,
            underneath=self.underneath,
            grows=self.grows,
            rebuild=self.rebuild,
        )


NO_SIZE = Size(0, 0)


def read_image(request_spec: Any) -> dict[str, object]:
    """Return the image properties and formats that are set.

    Empty for a server booted from a volume that knows no image.

    :returns: by the names that an image's owner most likely has set
    """
    image = _field(request_spec, 'image')
    if not image:
        return {}
    found = {
        name: getattr(image, name) for name in FORMAT_NAMES if name in image
    }
    properties = _field(image, 'properties')
    if properties:
        for name in PROPERTY_NAMES:
            if name in properties:
                found[name] = getattr(properties, name)
    return as_owners_write(found)


def read_extra_specs(request_spec: Any) -> dict[str, str]:
    """Return the flavor's extra specs; empty if they are not loaded."""
    flavor = _field(request_spec, 'flavor')
    return (_field(flavor, 'extra_specs') if flavor else None) or {}


def read_server(request_spec: Any) -> str:
    """Return the server's uuid, for messages."""
    return _field(request_spec, 'instance_uuid') or '(none yet)'


def read_project(request_spec: Any) -> str | None:
    """Return the id of the server's project; None if it is not known."""
    project: str | None = _field(request_spec, 'project_id')
    return project


def is_rebuild(request_spec: Any) -> bool:
    """Tell whether the server stays on its host and gets another image.

    As ``nova.scheduler.utils.request_is_rebuild``, but for a hint that is no
    rebuild's. Before CVE-2026-46448 was fixed in nova-api, users could give
    it to a boot, and nova keeps hints for all moves to come. For a rebuild
    ``nova.compute.api.API.rebuild`` forces the host as well, which no user
    can, and which nova undoes before a move
    (``RequestSpec.reset_forced_destinations``).
    """
    hints = _field(request_spec, 'scheduler_hints') or {}
    return hints.get('_nova_check_type') == _REBUILD and bool(
        _field(request_spec, 'force_hosts')
    )


def is_move(request_spec: Any) -> bool:
    """Tell whether a server is to leave its host, or come back from none."""
    return _has_server(request_spec) and not is_rebuild(request_spec)


def is_single(request_spec: Any) -> bool:
    """Tell whether the request is for one server.

    ``num_instances`` is that of the first boot, for ever.
    """
    count = _field(request_spec, 'num_instances')
    return count in (None, 1) or _has_server(request_spec)


def has_its_host(request_spec: Any) -> bool:
    """Tell whether an administrator has named the host.

    The filters still judge a requested host; a forced one they never see.
    """
    destination = _field(request_spec, 'requested_destination')
    return bool(
        _field(request_spec, 'force_hosts')
        or _field(request_spec, 'force_nodes')
        or (destination and _field(destination, 'host'))
    )


def _has_server(request_spec: Any) -> bool:
    # The conductor sets the destination's cell for every server that exists
    # (to None for a cold migration to a named host of any cell), and never
    # for a boot.
    destination = _field(request_spec, 'requested_destination')
    return bool(destination) and 'cell' in destination


def read_circumstances(
    request_spec: Any,
    policy: Policy,
    underneath: frozenset[Family] | None = None,
    grows: bool = False,
) -> Circumstances:
    """Return what decides on a request's hypervisor, as it is now.

    :param underneath: for a move, the families that the server's disk is for
    :param grows: for a move, whether the flavor takes more than before
    """
    return Circumstances(
        read_image(request_spec),
        # The flavor's own may change.
        dict(read_extra_specs(request_spec)),
        policy,
        bool(_field(request_spec, 'is_bfv')),
        underneath,
        grows,
        is_rebuild(request_spec),
    )


def read_tags(aggregates: Iterable[Any]) -> list[AggregateTags]:
    """Return aggregates, loaded whole as nova-scheduler holds them."""
    return [
        AggregateTags(aggregate.name, aggregate.metadata)
        for aggregate in aggregates
    ]


def read_report(
    hypervisor_type: str | None,
    supported_instances: Iterable[Sequence[str]] | None,
) -> DriverReport:
    """Return a driver's report as the core sees it.

    :param supported_instances: triples of architecture, hypervisor type and
        mode, or None, as ``HostState`` holds them
    """
    return DriverReport(
        hypervisor_type,
        tuple([triple[1] for triple in supported_instances or ()]),
    )


def read_node(node: Any) -> DriverReport:
    """Return the report in a ``ComputeNode``.

    The field is not set where the driver reports no guest types; made into
    triples as ``nova.scheduler.host_manager.HostState`` makes them.
    """
    specs = _field(node, 'supported_hv_specs') or ()
    return read_report(node.hypervisor_type, [s.to_list() for s in specs])


def read_host(host_state: Any, policy: Policy) -> HostOffer:
    """Return what a host offers."""
    return read_offer(
        read_tags(host_state.aggregates),
        read_report(
            host_state.hypervisor_type, host_state.supported_instances
        ),
        policy,
    )


def read_size(flavor: Any) -> Size:
    """Return what a ``Flavor`` takes."""
    return Size(flavor.memory_mb, flavor.vcpus)


def read_room(host_state: Any, asked: Size) -> Room:
    """Return a host's figures of the moment beside what is asked of it.

    A ratio that the compute service has not reported yet counts as 1.
    """
    return Room(
        ram_limit=host_state.total_usable_ram_mb
        * (host_state.ram_allocation_ratio or 1),
        ram_used=host_state.total_usable_ram_mb - host_state.free_ram_mb,
        ram_asked=asked.memory_mb,
        vcpus_limit=host_state.vcpus_total
        * (host_state.cpu_allocation_ratio or 1),
        vcpus_used=host_state.vcpus_used,
        vcpus_asked=asked.vcpus,
    )


def read_aggregates(aggregates: Iterable[Any]) -> list[HostAggregate]:
    """Return aggregates with their hosts."""
    return [
        HostAggregate(aggregate.uuid, tags, aggregate.hosts)
        for aggregate, tags in zip(
            aggregates, read_tags(aggregates), strict=True
        )
    ]


def read_required(request_spec: Any) -> list[frozenset[str]]:
    """Return the sets of aggregates of each of which a host must be in one.

    nova's own pre-filters put them there, for an availability zone and for a
    tenant's isolation: uuids joined by commas.
    """
    destination = _field(request_spec, 'requested_destination')
    joined = (_field(destination, 'aggregates') if destination else None) or ()
    return [frozenset(uuids.split(',')) for uuids in joined]


def read_forbidden(request_spec: Any) -> frozenset[str]:
    """Return the uuids of the aggregates in which a host must not be."""
    destination = _field(request_spec, 'requested_destination')
    if not destination:
        return frozenset()
    return frozenset(_field(destination, 'forbidden_aggregates') or ())


def forbid_aggregates(request_spec: Any, uuids: Iterable[str]) -> None:
    """Keep Placement from returning the hosts of these aggregates."""
    if not _field(request_spec, 'requested_destination'):
        request_spec.requested_destination = objects.Destination()
    destination = request_spec.requested_destination
    destination.append_forbidden_aggregates(set(uuids))


def _field(thing: Any, name: str) -> Any:
    """Return a field of a nova object; None if it is unset."""
    return getattr(thing, name) if name in thing else None
