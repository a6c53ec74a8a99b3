# SPDX-License-Identifier: Apache-2.0
"""The records of a snapshot, made of the services' answers."""

import dataclasses
import datetime
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import UNSET
from msgspec import UnsetType

from hypervisor_affinity.cloud import answer_shapes as shapes
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.glance_images import custom_properties
from hypervisor_affinity.cloud.glance_images import read_attributes
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core import image_meta
from hypervisor_affinity.core.printable import cited

FLAVOR_SPECS = 'os_compute_api:os-flavor-extra-specs:index'
_EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)
_SERVER_HOSTS = 'os_compute_api:os-extended-server-attributes'
_SERVER_SPECS = 'os_compute_api:servers:show:flavor-extra-specs'


@dataclasses.dataclass(frozen=True, slots=True)
class BootVolume:
    """What is kept of a bootable volume.

    * ``properties``: of the image it was made from
    * ``devices``: where servers see it, ``/dev/vda``
    """

    properties: dict[str, str]
    devices: frozenset[str]


FindVolume = Callable[[str], BootVolume | None]


def host(
    found: shapes.Hypervisor,
    service: shapes.Service | None,
    inventories: Mapping[str, shapes.Inventory],
    usages: Mapping[str, int],
    traits: Iterable[str],
) -> Host:
    """Return a compute node.

    :param service: the nova-compute; None if nova does not list it
    :param inventories, usages: by resource class
    """
    held = functools.partial(_inventory, inventories, usages)
    return Host(
        name=found.service.host,
        node=found.hypervisor_hostname,
        hypervisor_type=found.hypervisor_type,
        hypervisor_version=found.hypervisor_version,
        state=found.state,
        status=found.status,
        disabled_reason=found.service.disabled_reason,
        last_seen=_in_utc(service.updated_at) if service else '',
        traits=tuple(sorted(traits)),
        vcpus=held('VCPU'),
        memory_mb=held('MEMORY_MB'),
        disk_gb=held('DISK_GB'),
    )


def host_without_node(service: shapes.Service) -> Host:
    """Return a nova-compute that has no compute node."""
    return Host(
        name=service.host,
        state=service.state,
        status=service.status,
        disabled_reason=service.disabled_reason,
        last_seen=_in_utc(service.updated_at),
    )


def aggregate(found: shapes.Aggregate) -> Aggregate:
    """Return a host aggregate."""
    return Aggregate(
        name=found.name,
        uuid=found.uuid,
        metadata=found.metadata,
        hosts=tuple(found.hosts),
    )


def flavor(found: shapes.Flavor) -> Flavor:
    """Return a flavor.

    :raises SourceError: if nova does not show its extra specs
    """
    return Flavor(
        name=found.name,
        id=found.id,
        vcpus=found.vcpus,
        memory_mb=found.ram,
        disk_gb=found.disk,
        ephemeral_gb=found.ephemeral,
        swap_mb=found.swap or 0,
        extra_specs=_shown_specs(found.extra_specs, FLAVOR_SPECS),
    )


def _shown_specs(
    extra_specs: dict[str, str] | UnsetType, rule: str
) -> dict[str, str]:
    """Return extra specs.

    :raises SourceError: if nova left them out, which it does without a word
    """
    if extra_specs is UNSET:
        raise SourceError(
            'nova does not show the extra specs of flavors; the policy rule '
            f'{rule} must allow it'
        )
    return extra_specs


def _in_utc(time: str | None) -> str:
    # nova writes no zone, and parts of a second that nobody needs.
    known = f'{(time or "").partition(".")[0]}+00:00'
    try:
        datetime.datetime.fromisoformat(known)
    except ValueError:
        return ''
    return known


def _inventory(
    inventories: Mapping[str, shapes.Inventory],
    usages: Mapping[str, int],
    resource_class: str,
) -> Inventory | None:
    found = inventories.get(resource_class)
    if found is None:
        return None
    return Inventory(
        total=found.total,
        reserved=found.reserved,
        allocation_ratio=found.allocation_ratio,
        max_unit=found.max_unit,
        used=usages.get(resource_class, 0),
    )


def image(found: shapes.GlanceImage) -> Image:
    """Return an image; of its properties, those that nova knows."""
    custom = custom_properties(found)
    given = read_attributes(found)
    return Image(
        name=given.name or '',
        id=given.id,
        status=given.status,
        disk_format=given.disk_format,
        container_format=given.container_format,
        properties=_known(custom),
        dropped=tuple(
            sorted(name for name in custom if not image_meta.is_known(name))
        ),
    )


def _known(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties that nova knows and that hold no secret."""
    return {
        name: str(value)
        for name, value in properties.items()
        if image_meta.is_known(name) and name not in snapshot.SECRET_PROPERTIES
    }


def boot_volume(found: shapes.Volume) -> BootVolume:
    """Return what a server that boots from a volume is judged by."""
    # Without formats: Cinder wrote the disk, and nova sees those of the image
    # only if it had Cinder do so for this very server.
    properties = _known(found.volume_image_metadata)
    return BootVolume(
        properties=dict(sorted(properties.items())),
        devices=frozenset(
            attachment.device
            for attachment in found.attachments
            if attachment.device
        ),
    )


def server(found: shapes.Server, find_volume: FindVolume) -> Server:
    """Return a server.

    :raises SourceError: if nova does not tell where it is
    """
    if found.host is UNSET:
        if found.status == 'UNKNOWN':
            raise SourceError(
                f'nova has no data about server {cited(found.id)}: its cell '
                'is down'
            )
        raise SourceError(
            'nova does not show the hosts of servers; the policy rule '
            f'{_SERVER_HOSTS} must allow it'
        )
    properties: dict[str, str] | None = None
    if not found.image:
        properties = _root_properties(found, find_volume)
    elif found.image.properties is not UNSET:
        properties = _known(found.image.properties)
    flavor = found.flavor
    return Server(
        id=found.id,
        flavor=Flavor(
            name=flavor.original_name,
            vcpus=flavor.vcpus,
            memory_mb=flavor.ram,
            disk_gb=flavor.disk,
            ephemeral_gb=flavor.ephemeral,
            swap_mb=flavor.swap,
            extra_specs=_shown_specs(flavor.extra_specs, _SERVER_SPECS),
        ),
        name=found.name or '',
        project=found.tenant_id,
        status=found.status,
        host=found.host,
        node=found.node,
        image=found.image.id if found.image else None,
        volume=not found.image,
        image_properties=properties,
        fault=found.fault.message if found.fault else None,
        task=found.task or '',
    )


def changed_at(found: shapes.Server) -> datetime.datetime | None:
    """Return when a server changed last; None if nova does not tell."""
    try:
        time = datetime.datetime.fromisoformat(found.updated or '')
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.UTC)
    return time if time > _EPOCH else None


def _root_properties(
    server: shapes.Server, find_volume: FindVolume
) -> dict[str, str] | None:
    """Return the properties of the image that the root volume was made from.

    nova tells which volumes a server has, not which it boots from: it is the
    bootable one that the server has as its root device or, of a server
    without attachments, a shelved one, the only bootable one.

    :returns: None if several might be it
    """
    bootable = [
        volume
        for attached in server.volumes
        if (volume := find_volume(attached.id))
    ]
    on_root = [
        volume for volume in bootable if server.root_device in volume.devices
    ]
    candidates = on_root or bootable
    return candidates[0].properties if len(candidates) == 1 else None
