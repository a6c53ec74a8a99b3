# SPDX-License-Identifier: Apache-2.0
"""Whether nova's servers and vCenter's VMs are the same ones."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.vcenter.checks import Place
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding
from hypervisor_affinity.operations.vcenter.checks import judged
from hypervisor_affinity.operations.vcenter.computes import Served


@dataclasses.dataclass(frozen=True, slots=True)
class SecondLook:
    """Asks a cloud, which goes on while it is read, about one server.

    :ivar find_vm: of a vCenter's name and a server's id, the id of the
        cluster that the VM is in; '' for none, None for no such VM
    :ivar read_server: of a server's id, the server; raises Missing
    """

    find_vm: Callable[[str, str], str | None]
    read_server: Callable[[str], Server]


# Servers that have no VM yet, or need none any more; of UNKNOWN ones, nova
# cannot tell.
_MAY_LACK_A_VM = frozenset(
    {
        'BUILD',
        'DELETED',
        'ERROR',
        # The driver has no rebuild of its own: nova deletes and spawns.
        'REBUILD',
        'SHELVED_OFFLOADED',
        'UNKNOWN',
    }
)
# Servers that are between two hosts, or on their first way to one.
_ON_THE_WAY = frozenset(
    {'BUILD', 'RESIZE', 'VERIFY_RESIZE', 'REVERT_RESIZE', 'MIGRATING'}
)


class Watch:
    """Sees all servers pass, and compares them with the VMs afterwards."""

    def __init__(self, each_served: Iterable[Served]) -> None:
        """Remember the VMs of the clusters."""
        self._by_node = {each.node: each for each in each_served}
        # One may be in two vCenters, if it was copied.
        self._vms = [
            (uuid, each)
            for each in self._by_node.values()
            for uuid in each.cluster.vms
        ]
        # Of all servers, those that have a VM there, or should have one.
        self._servers: dict[str, Server] = {}

    def see(self, servers: Iterable[Server]) -> Iterator[Server]:
        """Yield the servers."""
        with_vm = {uuid for uuid, _ in self._vms}
        for server in servers:
            if server.id in with_vm or server.node in self._by_node:
                self._servers[server.id] = server
            yield server

    def findings(self, again: SecondLook | None) -> Iterator[VCenterFinding]:
        """Yield what does not fit, after all servers were seen.

        :param again: confirms what looks wrong; None where nothing but a
            snapshot is there
        :raises SourceError: if nova cannot be asked again; that a vCenter
            cannot is a finding
        """
        looks = _Looks(again, self._servers, self._vms)
        for uuid, each in self._vms:
            yield from _judged(self._check_vm(uuid, each, looks), uuid, each)
        for server in self._servers.values():
            served = self._by_node.get(server.node or '')
            # Else it was seen for its VM only.
            if served is not None:
                yield from _judged(
                    self._check_server(server, served, looks),
                    server.id,
                    served,
                )
        for name, error in looks.lost.items():
            yield Finding(VCenterCheck.VCENTER_UNREADABLE, Place(name), error)

    def _check_vm(
        self, uuid: str, each: Served, looks: '_Looks'
    ) -> Iterator[VCenterFinding]:
        if self._is_stray(self._servers.get(uuid), each):
            seen = looks.look(uuid, each)
            if (
                seen is not None
                and seen.place == each.cluster.id
                and self._is_stray(seen.server, each)
            ):
                yield _stray_vm(uuid, seen.server, each)

    def _check_server(
        self, server: Server, each: Served, looks: '_Looks'
    ) -> Iterator[VCenterFinding]:
        if not _is_astray(server, looks.place(server.id, each), each):
            return
        seen = looks.look(server.id, each)
        if seen is None or seen.server is None:
            return
        if _is_astray(seen.server, seen.place, each):
            yield _astray_server(seen.server, seen.place, each)

    def _is_stray(self, server: Server | None, each: Served) -> bool:
        """Tell whether a VM of this cluster is of no server that is there."""
        if server is None:
            return True
        if server.node == each.node or _is_on_its_way(server):
            return False
        other = self._by_node.get(server.node or '')
        # Of a server whose VM is in the wrong cluster, it is said of the
        # server.
        return other is None or other.vcenter.uuid != each.vcenter.uuid


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """What is known of a server and its VM; None for none.

    :ivar place: the id of the cluster that the VM is in; '' for none
    """

    server: Server | None
    place: str | None


class _Looks:
    """Looks at what looks wrong, once more if that can be done.

    * ``lost``: vCenters that do not answer any more, and why
    """

    def __init__(
        self,
        again: SecondLook | None,
        servers: Mapping[str, Server],
        vms: Iterable[tuple[str, Served]],
    ) -> None:
        self.lost: dict[str, str] = {}
        self._again = again
        self._servers = servers
        self._places = {
            (uuid, each.vcenter.uuid): each.cluster.id for uuid, each in vms
        }

    def place(self, uuid: str, each: Served) -> str | None:
        """Return the id of the cluster that a VM was in when it was read."""
        return self._places.get((uuid, each.vcenter.uuid))

    def look(self, uuid: str, each: Served) -> _Seen | None:
        """Return what there is now; None if vCenter does not answer."""
        if self._again is None:
            return _Seen(self._servers.get(uuid), self.place(uuid, each))
        name = each.vcenter.name
        if name in self.lost:
            return None
        try:
            place = self._again.find_vm(name, uuid)
        except SourceError as error:
            self.lost[name] = str(error)
            return None
        try:
            return _Seen(self._again.read_server(uuid), place)
        except Missing:
            return _Seen(None, place)


def _judged(
    found: Iterator[VCenterFinding], server: str, each: Served
) -> Iterator[VCenterFinding]:
    # That nova does not answer is about no single server.
    return judged(found, each.place(server), passing=(SourceError,))


def _is_on_its_way(server: Server) -> bool:
    return bool(server.task) or server.status in _ON_THE_WAY


def _is_astray(server: Server, place: str | None, each: Served) -> bool:
    """Tell whether a server of this cluster has its VM elsewhere, or none."""
    if server.node != each.node or server.task:
        return False
    if place is None:
        return server.status not in _MAY_LACK_A_VM
    return place != each.cluster.id and server.status not in _ON_THE_WAY


def _astray_server(
    server: Server, place: str | None, each: Served
) -> VCenterFinding:
    if place is None:
        return each.finding(
            VCenterCheck.SERVER_WITHOUT_VM,
            server.id,
            f'nova has it on {server.host} ({server.status})',
        )
    name = each.vcenter.cluster_names.get(place, 'no cluster')
    return each.finding(
        VCenterCheck.SERVER_IN_OTHER_CLUSTER,
        server.id,
        f'nova has it on {server.host}; its VM is in {name}',
    )


def _stray_vm(
    uuid: str, server: Server | None, each: Served
) -> VCenterFinding:
    name = f'VM {each.cluster.vms[uuid]}'
    if server is None:
        return each.finding(
            VCenterCheck.VM_WITHOUT_SERVER,
            uuid,
            f'{name}; nova has no such server',
        )
    if not server.host:
        return each.finding(
            VCenterCheck.VM_OF_SERVER_ON_NO_HOST,
            uuid,
            f'{name}; nova has the server on no host ({server.status})',
        )
    return each.finding(
        VCenterCheck.VM_OF_SERVER_ELSEWHERE,
        uuid,
        f'{name}; nova has the server on {server.host} ({server.status})',
    )
