# SPDX-License-Identifier: Apache-2.0
"""The shapes of answers of nova, Placement, Glance and Cinder.

Each has what the records are made of; what else an answer holds is not
decoded.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET
from msgspec import UnsetType

from hypervisor_affinity.cloud.snapshot import Amount
from hypervisor_affinity.cloud.snapshot import Count
from hypervisor_affinity.cloud.snapshot import Ratio


class Service(msgspec.Struct):
    """A service of nova's, of ``GET /os-services``."""

    host: str
    state: Literal['up', 'down']
    status: Literal['enabled', 'disabled']
    disabled_reason: str | None = None
    # The last heartbeat, in UTC: nova.servicegroup.api.get_updated_time.
    updated_at: str | None = None


class HypervisorService(msgspec.Struct):
    """The nova-compute of a hypervisor."""

    host: str
    disabled_reason: str | None = None


class Hypervisor(msgspec.Struct):
    """A compute node, of ``GET /os-hypervisors/detail``."""

    id: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: Count
    state: Literal['up', 'down']
    status: Literal['enabled', 'disabled']
    service: HypervisorService


class Inventory(msgspec.Struct):
    """How much there is of a resource class, as Placement has it."""

    total: Amount
    reserved: Amount
    allocation_ratio: Ratio
    max_unit: Amount


class Aggregate(msgspec.Struct):
    """A host aggregate."""

    name: str
    uuid: str
    metadata: dict[str, str]
    hosts: list[str]


class Flavor(msgspec.Struct):
    """A flavor."""

    id: str
    name: str
    vcpus: Amount
    ram: Amount
    disk: Amount
    ephemeral: Amount = msgspec.field(name='OS-FLV-EXT-DATA:ephemeral')
    # '' for none.
    swap: Amount | Literal['']
    extra_specs: dict[str, str] | UnsetType = UNSET


class ServerFlavor(msgspec.Struct):
    """The flavor of a server, as it was when the server was booted."""

    original_name: str
    vcpus: Amount
    ram: Amount
    disk: Amount
    ephemeral: Amount
    swap: Amount
    extra_specs: dict[str, str] | UnsetType = UNSET


class ServerImage(msgspec.Struct):
    """The image of a server."""

    id: str
    properties: dict[str, str] | UnsetType = UNSET


class Id(msgspec.Struct):
    """A volume of a server."""

    id: str


class Fault(msgspec.Struct):
    """Why a server is in status ERROR."""

    message: str


class Project(msgspec.Struct):
    """A project of Keystone."""

    id: str
    name: str


class Server(msgspec.Struct):
    """A server, as an administrator reads it."""

    id: str
    status: str
    tenant_id: str
    flavor: ServerFlavor
    # '' for none: it boots from a volume.
    image: ServerImage | Literal['']
    name: str | None = None
    # The last time that something was written to its row, in UTC.
    updated: str | None = None
    fault: Fault | None = None
    host: str | UnsetType | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:host', default=UNSET
    )
    node: str | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:hypervisor_hostname', default=None
    )
    task: str | None = msgspec.field(
        name='OS-EXT-STS:task_state', default=None
    )
    root_device: str | None = msgspec.field(
        name='OS-EXT-SRV-ATTR:root_device_name', default=None
    )
    volumes: list[Id] = msgspec.field(
        name='os-extended-volumes:volumes_attached', default_factory=list
    )


# With the image's properties beside Glance's own attributes.
GlanceImage = dict[str, Any]


class Attachment(msgspec.Struct):
    """Where a volume is attached."""

    device: str | None = None


class Volume(msgspec.Struct):
    """A volume, of Cinder."""

    id: str
    bootable: str
    attachments: list[Attachment] = []
    volume_image_metadata: dict[str, str] = {}
