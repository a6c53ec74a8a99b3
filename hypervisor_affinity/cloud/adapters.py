# SPDX-License-Identifier: Apache-2.0
"""Between a cloud's records and the core's values: no more than is needed."""

from collections.abc import Iterable, Mapping

from hypervisor_affinity.cloud.resource_request import read_request
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import HostOffer
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.properties import FORMAT_NAMES

# Placement's resource class -> the field of a host's record.
INVENTORIES = {'VCPU': 'vcpus', 'MEMORY_MB': 'memory_mb', 'DISK_GB': 'disk_gb'}

# Amounts of resource classes.
Size = Mapping[str, int]


def read_image(image: Image | None) -> dict[str, str]:
    """Return properties and formats in one mapping; empty for no image."""
    if image is None:
        return {}
    formats = {name: getattr(image, name) for name in FORMAT_NAMES}
    return {
        **image.properties,
        **{name: value for name, value in formats.items() if value},
    }


def read_formats(found: Mapping[str, str]) -> Image:
    """Return an image of what :func:`read_image` returns."""
    properties = {k: v for k, v in found.items() if k not in FORMAT_NAMES}
    return Image(
        '',
        disk_format=found.get('disk_format'),
        container_format=found.get('container_format'),
        properties=properties,
    )


def read_size(flavor: Flavor, *, volume: bool) -> Size:
    """Return what a server takes of its host.

    Dedicated CPUs are VCPU, as nova asks for them where no host has PCPU:
    snapshots and simulated clouds have none.

    :param volume: whether the root disk is a volume, so that it takes no
        disk of the host
    """
    return read_request(flavor, {}, volume=volume, pinning=False).amounts


def read_tags(aggregates: Iterable[Aggregate]) -> list[AggregateTags]:
    """Return aggregates as the core sees them."""
    return [
        AggregateTags(aggregate.name, aggregate.metadata)
        for aggregate in aggregates
    ]


def read_host(
    host: Host, aggregates: Iterable[Aggregate], policy: Policy
) -> HostOffer:
    """Return what a host offers.

    :param aggregates: those that it is in
    """
    report = DriverReport(host.hypervisor_type, host.supported)
    return read_offer(read_tags(aggregates), report, policy)
