# SPDX-License-Identifier: Apache-2.0
"""The snapshot of a cloud: what is kept of it, and in which shape.

One document, in JSON or YAML. Values are checked strictly: a string is no
number, and a name that is not listed here is an error. What the APIs tell
beyond this is left out, above all whatever may hold a password: metadata and
user data of servers, values of image properties that nova would drop.
"""

from typing import Annotated, Any, Literal

import msgspec

VERSION = 1
FORMAT = 'hypervisor-affinity-snapshot'

# Kernel arguments; appliances have got their passwords that way.
SECRET_PROPERTIES = frozenset({'os_command_line'})

_Count = Annotated[int, msgspec.Meta(ge=0)]
_Ratio = Annotated[float, msgspec.Meta(gt=0)]


class Record(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An element of a document; what is at its default is not written."""


class Inventory(Record, frozen=True):
    """One resource class of a host, as Placement keeps it.

    :ivar max_unit: the most that one server may take of it; None for all.
        Of a vCenter cluster it is the size of its largest ESXi host.
    :ivar used: by all allocations
    """

    total: _Count
    reserved: _Count = 0
    allocation_ratio: _Ratio = 1.0
    max_unit: _Count | None = None
    used: _Count = 0

    @property
    def limit(self) -> float:
        """How much can be allocated in all."""
        return (self.total - self.reserved) * self.allocation_ratio

    def has_room(self, amount: int) -> bool:
        """Tell whether one server more may take so much.

        As ``placement.objects.allocation_candidate`` does.
        """
        return self.fits(amount) and self.used + amount <= self.limit

    def fits(self, amount: int) -> bool:
        """Tell whether one server could take so much if all were free."""
        most = self.limit if self.max_unit is None else self.max_unit
        return amount <= min(most, self.limit)


class Host(Record, frozen=True):
    """A compute node with its nova-compute.

    :ivar name: of the compute service
    :ivar node: ``hypervisor_hostname``; '' for the same as the name
    :ivar hypervisor_type: as the driver reports it; None if it has not yet
    :ivar hypervisor_version: as nova's number, 8002000 for 8.2.0
    :ivar supported: the hypervisor types of ``supported_instances``; nova's
        API does not tell them
    :ivar traits: of its resource provider
    :ivar vcpus, memory_mb, disk_gb: None if Placement knows none
    """

    name: str
    node: str = ''
    hypervisor_type: str | None = None
    hypervisor_version: _Count = 0
    supported: tuple[str, ...] = ()
    state: Literal['up', 'down'] = 'up'
    status: Literal['enabled', 'disabled'] = 'enabled'
    disabled_reason: str | None = None
    traits: tuple[str, ...] = ()
    vcpus: Inventory | None = None
    memory_mb: Inventory | None = None
    disk_gb: Inventory | None = None


class Aggregate(Record, frozen=True):
    """A host aggregate.

    :ivar hosts: names of compute services
    """

    name: str
    uuid: str = ''
    metadata: dict[str, str] = {}
    hosts: tuple[str, ...] = ()


class Flavor(Record, frozen=True):
    """A flavor; of a server, its own copy.

    :ivar id: '' where nova does not tell it, as for a server's own copy
    :ivar disk_gb: of the root disk
    """

    name: str
    id: str = ''
    vcpus: _Count = 1
    memory_mb: _Count = 0
    disk_gb: _Count = 0
    ephemeral_gb: _Count = 0
    swap_mb: _Count = 0
    extra_specs: dict[str, str] = {}


class Image(Record, frozen=True):
    """An image of Glance.

    :ivar properties: Glance's raw names; only those that nova knows
    :ivar dropped: names of the others, which nova drops
    """

    name: str
    id: str = ''
    status: str = 'active'
    disk_format: str | None = None
    container_format: str | None = None
    properties: dict[str, str] = {}
    dropped: tuple[str, ...] = ()


class Server(Record, frozen=True):
    """A server.

    :ivar host: of the compute service it is on; None for none
    :ivar node: ``hypervisor_hostname``; None for none
    :ivar image: id; None if it boots from a volume
    :ivar volume: whether it boots from a volume
    :ivar image_properties: those that nova froze into the server at its boot
        or, if it boots from a volume, those of the volume's image; None where
        they cannot be known
    :ivar fault: nova's message, if it has one
    """

    id: str
    flavor: Flavor
    name: str = ''
    project: str = ''
    status: str = 'ACTIVE'
    host: str | None = None
    node: str | None = None
    image: str | None = None
    volume: bool = False
    image_properties: dict[str, str] | None = None
    fault: str | None = None


class Snapshot(Record, frozen=True):
    """The whole document.

    :ivar taken_at: in UTC, as ISO 8601
    :ivar source: the cloud's authentication URL, or what else it came from
    """

    format: Literal['hypervisor-affinity-snapshot']
    version: Literal[1]
    taken_at: str = ''
    source: str = ''
    hosts: tuple[Host, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    servers: tuple[Server, ...] = ()


# In the order in which they are written: what servers refer to comes first.
SECTIONS: dict[str, type] = {
    'hosts': Host,
    'aggregates': Aggregate,
    'flavors': Flavor,
    'images': Image,
    'servers': Server,
}


def schema() -> dict[str, Any]:
    """Return the document's JSON Schema."""
    return msgspec.json.schema(Snapshot)
