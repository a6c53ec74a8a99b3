# SPDX-License-Identifier: Apache-2.0
"""Whether nova's servers and vCenter's VMs are the same ones."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.operations.vcenter.computes import Served
from hypervisor_affinity.operations.vcenter.findings import Check
from hypervisor_affinity.operations.vcenter.findings import Finding


class SecondLook(NamedTuple):
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
    {'BUILD', 'ERROR', 'DELETED', 'SHELVED_OFFLOADED', 'UNKNOWN'}
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

    def findings(self, again: SecondLook | None) -> Iterator[Finding]:
        """Yield what does not fit, after all servers were seen.

        :param again: confirms what looks wrong; None where nothing but a
            snapshot is there
        :raises SourceError: if it cannot
        """
        for uuid, each in self._vms:
            server = self._servers.get(uuid)
            if _is_stray(server, each):
                if again is not None:
                    server = _read(uuid, again)
                    place = again.find_vm(each.vcenter.name, uuid)
                    if place != each.cluster.id:
                        continue
                if _is_stray(server, each):
                    yield _of_vm(uuid, server, each)
        for server in self._servers.values():
            each = self._by_node.get(server.node)
            if each is not None and server.id not in each.cluster.vms:
                yield from self._of_server(server, each, again)

    def _of_server(
        self, server: Server, each: Served, again: SecondLook | None
    ) -> Iterator[Finding]:
        if again is None:
            place = next(
                (
                    other.cluster.id
                    for uuid, other in self._vms
                    if uuid == server.id and other.vcenter is each.vcenter
                ),
                None,
            )
            now = server
        else:
            place = again.find_vm(each.vcenter.name, server.id)
            now = _read(server.id, again)
        if now is None or now.node != each.node or place == each.cluster.id:
            return
        if place is None and now.status not in _MAY_LACK_A_VM:
            yield each.finding(
                Check.SERVER_WITHOUT_VM,
                now.id,
                f'nova has it on {now.host} ({now.status})',
            )
        elif place is not None and now.status not in _ON_THE_WAY:
            yield each.finding(
                Check.SERVER_IN_OTHER_CLUSTER,
                now.id,
                f'nova has it on {now.host}; its VM is in '
                f'{_name(each.vcenter, place)}',
            )


def _read(uuid: str, again: SecondLook) -> Server | None:
    try:
        return again.read_server(uuid)
    except Missing:
        return None


def _is_stray(server: Server | None, each: Served) -> bool:
    """Tell whether a VM of this cluster should not be there."""
    return server is None or (
        server.node != each.node and server.status not in _ON_THE_WAY
    )


def _of_vm(uuid: str, server: Server | None, each: Served) -> Finding:
    name = f'VM {each.cluster.vms[uuid]}'
    if server is None:
        return each.finding(
            Check.VM_WITHOUT_SERVER, uuid, f'{name}; nova has no such server'
        )
    place = f'on {server.host}' if server.host else 'on no host'
    return each.finding(
        Check.VM_OF_SERVER_ELSEWHERE,
        uuid,
        f'{name}; nova has the server {place} ({server.status})',
    )


def _name(vcenter: VCenter, cluster_id: str) -> str:
    names = {cluster.id: cluster.name for cluster in vcenter.clusters}
    names |= vcenter.other_clusters
    return names.get(cluster_id, 'no cluster')
