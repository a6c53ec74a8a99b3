# SPDX-License-Identifier: Apache-2.0
"""Finding the host that a server is on."""

from collections.abc import Iterable

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Server


class Homes:
    """The hosts of a cloud, by what servers know of them."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        """Remember the hosts."""
        self._hosts: dict[tuple[str, str], Host] = {}
        self._by_name: dict[str, Host] = {}
        for host in hosts:
            self._hosts[host.name, host.node] = host
            self._by_name[host.name] = host

    def find(self, server: Server) -> Host | None:
        """Return a server's host; None if it is on none that is there."""
        if server.host is None:
            return None
        # A server's node is unknown until it runs.
        node = server.node or ''
        exact = self._hosts.get((server.host, node))
        return exact or self._by_name.get(server.host)
