# SPDX-License-Identifier: Apache-2.0
"""The snapshot of a cloud: what is kept of it, and in which shape.

One document, in JSON or YAML. Values are checked strictly: a string is no
number, and a name that is not listed here is an error. What the APIs tell
beyond this is left out, above all whatever may hold a password: metadata and
user data of servers, values of image properties that nova would drop, users of
vCenters.
"""

from typing import Annotated, Any, Literal

import msgspec

VERSION = 1
FORMAT = 'hypervisor-affinity-snapshot'

# Kernel arguments; appliances have got their passwords that way.
SECRET_PROPERTIES = frozenset({'os_command_line'})

# What databases hold.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
# Of a resource class, and its allocation ratio: placement.db.constants.
Amount = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Ratio = Annotated[float, msgspec.Meta(gt=0, le=3.40282e38)]


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

    total: Amount
    reserved: Amount = 0
    allocation_ratio: Ratio = 1.0
    max_unit: Amount | None = None
    used: Count = 0

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
    :ivar last_seen: when nova heard of its nova-compute last, in UTC, as ISO
        8601; '' if that is not known
    :ivar traits: of its resource provider
    :ivar vcpus, memory_mb, disk_gb: None if Placement knows none
    """

    name: str
    node: str = ''
    hypervisor_type: str | None = None
    hypervisor_version: Count = 0
    supported: tuple[str, ...] = ()
    state: Literal['up', 'down'] = 'up'
    status: Literal['enabled', 'disabled'] = 'enabled'
    disabled_reason: str | None = None
    last_seen: str = ''
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
    vcpus: Amount = 1
    memory_mb: Amount = 0
    disk_gb: Amount = 0
    ephemeral_gb: Amount = 0
    swap_mb: Amount = 0
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
    :ivar task: what nova is doing with it at the moment; '' for nothing
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
    task: str = ''


class EsxiHost(Record, frozen=True):
    """An ESXi host of a cluster.

    :ivar connection, power: in vSphere's words, ``HostSystem.runtime``
    :ivar memory_mb, threads, cpu_mhz: what it has
    :ivar memory_used_mb, cpu_used_mhz: of the moment
    :ivar adapters: its VMkernel adapters, each with the services that it is
        chosen for, such as ``management`` and ``vmotion``; iSCSI and NFS are
        no such services
    :ivar nsx_networks: names of the networks there that NSX provides
    """

    name: str
    connection: Literal['connected', 'disconnected', 'notResponding'] = (
        'connected'
    )
    power: Literal['poweredOn', 'poweredOff', 'standBy', 'unknown'] = (
        'poweredOn'
    )
    maintenance: bool = False
    memory_mb: Count = 0
    memory_used_mb: Count = 0
    threads: Count = 0
    cpu_mhz: Count = 0
    cpu_used_mhz: Count = 0
    adapters: dict[str, tuple[str, ...]] = {}
    nsx_networks: tuple[str, ...] = ()

    @property
    def takes_servers(self) -> bool:
        """Whether nova counts it.

        As ``nova.virt.vmwareapi.vm_util.get_stats_from_cluster`` does.
        """
        return self.connection == 'connected' and not self.maintenance

    @property
    def memory_free_mb(self) -> int:
        """Memory that nothing uses at the moment."""
        return max(self.memory_mb - self.memory_used_mb, 0)


class Datastore(Record, frozen=True):
    """A datastore, as the hosts of one cluster see it.

    :ivar type: in vSphere's words, ``VMFS``, ``NFS``, ``vsan``
    :ivar capacity, free: in bytes
    :ivar maintenance: ``normal`` if it is not in maintenance
    :ivar hosts: of the cluster, those that mount it and reach it
    """

    name: str
    type: str = 'VMFS'
    capacity: Count = 0
    free: Count = 0
    accessible: bool = True
    maintenance: str = 'normal'
    hosts: tuple[str, ...] = ()


class Cluster(Record, frozen=True):
    """A cluster of a vCenter, which is one large host for nova.

    :ivar id: of the managed object, ``domain-c7``
    :ivar drs: how far DRS acts by itself
    :ivar ha: whether it starts VMs of a failed host again
    :ivar vms: of those that nova made, by their id, which is the server's:
        the VM's name
    :ivar other_vms: how many there are that nova did not make
    :ivar running_memory_mb: of all VMs that are switched on, as configured
    """

    id: str
    name: str
    drs: Literal['off', 'manual', 'partially_automated', 'fully_automated'] = (
        'fully_automated'
    )
    ha: bool = True
    hosts: tuple[EsxiHost, ...] = ()
    datastores: tuple[Datastore, ...] = ()
    vms: dict[str, str] = {}
    other_vms: Count = 0
    running_memory_mb: Count = 0


class ComputeConf(Record, frozen=True):
    """What a ``nova.conf`` says of a nova-compute.

    :ivar file: its path
    :ivar host: ``[DEFAULT] host``; '' if it is not set
    :ivar cluster: ``cluster_name``; '' for none
    :ivar datastore_regex: None for all datastores
    :ivar open_to_all: whether every user of the machine may read the file,
        which has vCenter's password
    """

    file: str
    host: str = ''
    cluster: str = ''
    datastore_regex: str | None = None
    open_to_all: bool = False


class VCenter(Record, frozen=True):
    """A vCenter.

    :ivar name: its address, with the port if that is not 443
    :ivar uuid: ``about.instanceUuid``, which ends the node names of its
        clusters; '' if it could not be read
    :ivar error: why it could not be read; '' if it was
    :ivar verified: whether its certificate was verified
    :ivar clusters: those that a ``nova.conf`` names; all, if one names none
    :ivar other_clusters: the others, by their id: the name
    """

    name: str
    uuid: str = ''
    version: str = ''
    error: str = ''
    verified: bool = True
    computes: tuple[ComputeConf, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    other_clusters: dict[str, str] = {}

    @property
    def cluster_names(self) -> dict[str, str]:
        """All clusters: by their id, the name."""
        named = {cluster.id: cluster.name for cluster in self.clusters}
        return named | self.other_clusters

    def node(self, cluster_id: str) -> str:
        """Return the name of the compute node that a cluster is.

        As ``nova.virt.vmwareapi.driver`` makes it.
        """
        return f'{cluster_id}.{self.uuid}'


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
    vcenters: tuple[VCenter, ...] = ()
    servers: tuple[Server, ...] = ()


# In the order in which they are written: what servers refer to comes first.
SECTIONS: dict[str, type] = {
    'hosts': Host,
    'aggregates': Aggregate,
    'flavors': Flavor,
    'images': Image,
    'vcenters': VCenter,
    'servers': Server,
}


def schema() -> dict[str, Any]:
    """Return the document's JSON Schema."""
    return msgspec.json.schema(Snapshot)
