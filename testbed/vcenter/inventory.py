# SPDX-License-Identifier: Apache-2.0
"""What a vCenter is to have.

All of it is of ordinary dataclasses, to be changed before the vCenter starts.
Words such as ``'poweredOn'`` are those of vSphere's API.
"""

import dataclasses
import uuid
from collections.abc import Iterable
from typing import Any

GIB = 1024**3


def make_uuid(name: str) -> str:
    """Return a UUID, for the same name always the same."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


@dataclasses.dataclass(slots=True)
class Hardware:
    """What a host has; ``cpu_mhz`` is that of one core."""

    memory_bytes: int = 512 * GIB
    cpu_mhz: int = 2500
    cpu_cores: int = 64
    cpu_threads: int = 128


@dataclasses.dataclass(slots=True)
class Usage:
    """What a host uses, as its quickStats say.

    Where one is 0, vCenter says 0, the simulator nothing.
    """

    memory_mib: int = 65_536
    cpu_mhz: int = 10_000


@dataclasses.dataclass(slots=True)
class Host:
    """An ESXi host.

    * ``hardware``, ``usage``: None if vCenter knows none
    * ``connection``: ``connected``, ``disconnected`` or ``notResponding``
    * ``power``: ``poweredOn``, ``poweredOff``, ``standBy`` or ``unknown``
    * ``services``: {service: the VMkernel adapters that serve it}; every
      adapter in it could serve all services; None if vCenter knows none
    * ``networks``: names of those that it sees
    """

    name: str
    hardware: Hardware | None = dataclasses.field(default_factory=Hardware)
    usage: Usage | None = dataclasses.field(default_factory=Usage)
    connection: str = 'connected'
    power: str = 'poweredOn'
    maintenance: bool = False
    services: dict[str, list[str]] | None = dataclasses.field(
        default_factory=lambda: {'management': ['vmk0'], 'vmotion': ['vmk1']}
    )
    networks: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Cluster:
    """A cluster of hosts, whose names no other cluster has.

    * ``moid``: such as ``domain-c8``; None for one that is free
    * ``drs``: ``off``, ``manual``, ``partiallyAutomated`` or
      ``fullyAutomated``
    """

    name: str
    moid: str | None = None
    drs: str = 'fullyAutomated'
    ha: bool = True
    hosts: list[Host] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Mount:
    """How a host has a datastore.

    * ``host``: its name
    * ``access_mode``: ``readWrite`` or ``readOnly``
    """

    host: str
    mounted: bool = True
    accessible: bool = True
    access_mode: str = 'readWrite'


@dataclasses.dataclass(slots=True)
class Datastore:
    """A datastore; hosts of several clusters may mount it.

    * ``type``: ``VMFS``, ``NFS``, ``NFS41``, ``vsan``, ``VVOL`` or ``OTHER``
    * ``maintenance``: ``normal``, ``enteringMaintenance`` or
      ``inMaintenance``
    """

    name: str
    type: str = 'VMFS'
    capacity_bytes: int = 10_000 * GIB
    free_bytes: int = 4000 * GIB
    accessible: bool = True
    maintenance: str = 'normal'
    mounts: list[Mount] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Network:
    """A network.

    * ``kind``: ``opaque`` and ``nsx_portgroup`` are the two shapes that NSX
      gives to a segment; ``portgroup``, of a distributed switch, and
      ``standard`` are not of NSX
    * ``switch_id``: of the logical switch, if it is of NSX
    """

    name: str
    kind: str = 'opaque'
    switch_id: str = ''

    def __post_init__(self) -> None:
        self.switch_id = self.switch_id or make_uuid(self.name)


@dataclasses.dataclass(slots=True)
class VM:
    """A virtual machine.

    * ``instance_uuid``: of nova's VMs the server's id; '' for one made of the
      name
    * ``host``, ``datastore``: their names
    * ``power``: ``poweredOn``, ``poweredOff`` or ``suspended``
    * ``template``: whether it is one; that is powered off
    * ``is_novas``: whether nova marked it as its own
    """

    name: str
    host: str
    datastore: str
    instance_uuid: str = ''
    memory_mib: int = 4096
    power: str = 'poweredOn'
    template: bool = False
    is_novas: bool = True

    def __post_init__(self) -> None:
        self.instance_uuid = self.instance_uuid or make_uuid(self.name)


@dataclasses.dataclass(slots=True)
class Inventory:
    """All that a vCenter has.

    * ``instance_uuid``: its own, by which two of them differ
    * ``version``: of vSphere 7 or newer, such as ``7.0.3``
    * ``page_size``: objects that it puts into one answer, even if the client
      allows more; None for no limit
    """

    instance_uuid: str = make_uuid('vcenter')
    version: str = '8.0.3'
    page_size: int | None = None
    clusters: list[Cluster] = dataclasses.field(default_factory=list)
    datastores: list[Datastore] = dataclasses.field(default_factory=list)
    networks: list[Network] = dataclasses.field(default_factory=list)
    vms: list[VM] = dataclasses.field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as the program reads it: the same names, in JSON."""
        document = dataclasses.asdict(self)
        taken = {cluster.moid for cluster in self.clusters}
        # Cluster, host, cluster, as vCenter counts.
        number = 8
        for cluster in document['clusters']:
            while cluster['moid'] is None:
                moid = f'domain-c{number}'
                number += 1000
                if moid not in taken:
                    cluster['moid'] = moid
        return document


def cluster(name: str, hosts: int = 4, **fields: Any) -> Cluster:
    """Return a cluster of equal hosts.

    :param fields: of ``Cluster``
    """
    return Cluster(
        name,
        hosts=[
            Host(f'{name}-esxi-{number:02}.example.org')
            for number in range(1, hosts + 1)
        ],
        **fields,
    )


def datastore(name: str, hosts: Iterable[Host], **fields: Any) -> Datastore:
    """Return a datastore that these hosts mount.

    :param fields: of ``Datastore``
    """
    return Datastore(
        name, mounts=[Mount(host.name) for host in hosts], **fields
    )


def vms(
    cluster: Cluster, datastore: Datastore, count: int, **fields: Any
) -> list[VM]:
    """Return virtual machines of equal size, in turn on each host.

    :param fields: of ``VM``
    """
    return [
        VM(
            f'{cluster.name}-vm-{number:04}',
            cluster.hosts[number % len(cluster.hosts)].name,
            datastore.name,
            **fields,
        )
        for number in range(count)
    ]
