# SPDX-License-Identifier: Apache-2.0
"""Booting servers and reading what became of them."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.flavors import Flavors
from testbed.embedded_cloud.hosts import Hosts
from testbed.embedded_cloud.results import ApiError
from testbed.embedded_cloud.results import CloudTimeout
from testbed.embedded_cloud.results import Flavor
from testbed.embedded_cloud.results import Image
from testbed.embedded_cloud.results import Server
from testbed.embedded_cloud.results import Volume

Progress = Callable[[int], object]

# Up to so many servers one request each is cheaper than listing all.
_FEW = 4
# Seconds between looks at the drivers, which cost nothing, and the bounds
# of the pause between questions to the API, which cost a lot.
_LOOK = 0.01
_FIRST_QUESTION = 0.15
_LONGEST_PAUSE = 2.0
_PAGE = 1000


class Servers:
    """``cloud.servers``.

    Requests are an ordinary user's, without any admin role, except where
    only an admin may ask: for a host.
    """

    def __init__(
        self,
        user: ComputeApi,
        admin: ComputeApi,
        hosts: Hosts,
        flavors: Flavors,
    ) -> None:
        self._user = user
        self._admin = admin
        self._hosts = hosts
        self._flavors = flavors

    def boot(
        self, image: Image | None = None, *, timeout: float = 60.0, **request
    ) -> Server:
        """Boot one server and wait for it; arguments as ``submit``.

        A server that fails is returned as well, with its fault; ApiError is
        raised only if the API refuses the request.
        """
        return self.wait(self.submit(image, **request), timeout)[0]

    def boot_many(
        self,
        image: Image | None = None,
        *,
        count: int,
        timeout: float = 600.0,
        progress: Progress | None = None,
        **request,
    ) -> list[Server]:
        """Boot ``count`` servers in one request and wait for all."""
        ids = self.submit(image, count=count, **request)
        return self.wait(ids, timeout, progress)

    def submit(
        self,
        image: Image | None = None,
        *,
        volume: Volume | None = None,
        to_volume: bool = False,
        flavor: Flavor | None = None,
        name: str = 'server',
        count: int = 1,
        min_count: int | None = None,
        availability_zone: str | None = None,
        hints: Mapping[str, object] | None = None,
        host: str | None = None,
        node: str | None = None,
        forced_host: str | None = None,
    ) -> list[str]:
        """Request servers and return their ids without waiting.

        * ``image``: boots from it; with ``to_volume`` from a new volume
          that nova makes from it at boot.
        * ``volume``: boots from it instead; one server per volume.
        * ``flavor``: None is the cloud's default one.
        * ``count``, ``min_count``: a multi-create; ``min_count`` None is
          ``count``.
        * ``hints``: scheduler hints, e.g. ``{"group": group_id}``.
        * ``host``, ``node``: requested by an admin (API 2.74); filters run.
        * ``forced_host``: an admin's ``<zone>:<host>``; no filter runs. The
          zone is ``availability_zone`` or nova's default one.

        Raises ApiError when the API refuses.
        """
        server = {
            'name': name,
            'flavorRef': (flavor or self._flavors.default()).id,
            # Neither ports nor a call to Neutron.
            'networks': 'none',
            **_boot_source(image, volume, to_volume),
            **_destination(availability_zone, host, node, forced_host),
        }
        body = {'server': server}
        if hints:
            body['os:scheduler_hints'] = dict(hints)
        api = self._admin if host or node or forced_host else self._user
        if count == 1 and min_count is None:
            return [api.post('/servers', body)['server']['id']]
        server['max_count'] = count
        server['min_count'] = count if min_count is None else min_count
        server['return_reservation_id'] = True
        reservation = api.post('/servers', body)['reservation_id']
        return self._ids_of(reservation)

    def _ids_of(self, reservation_id: str) -> list[str]:
        """Return the ids of a multi-create in the order of its names."""
        found = self._list(f'reservation_id={reservation_id}')
        found.sort(key=lambda s: s['OS-EXT-SRV-ATTR:launch_index'])
        return [server['id'] for server in found]

    def wait(
        self,
        ids: Sequence[str],
        timeout: float = 600.0,
        progress: Progress | None = None,
    ) -> list[Server]:
        """Wait until no server builds any more; return them in that order.

        ``progress``: called with the number of servers that run so far.
        Raises CloudTimeout after ``timeout`` seconds.
        """
        if not ids:
            return []
        deadline = time.monotonic() + timeout
        watched = ids[-1]
        pause = _FIRST_QUESTION
        while True:
            self._let_spawn(ids, min(pause, timeout), progress)
            if not self._builds(watched):
                servers = self.read(ids)
                unfinished = [s.id for s in servers if _unfinished(s)]
                if not unfinished:
                    if progress is not None:
                        progress(sum(server.active for server in servers))
                    return servers
                watched = unfinished[-1]
            if time.monotonic() > deadline:
                raise CloudTimeout(
                    f'server {watched} is still in BUILD after {timeout:g} s'
                )
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _let_spawn(self, ids, seconds: float, progress) -> None:
        """Let the services work until all have spawned or time is up."""
        end = time.monotonic() + seconds
        while True:
            time.sleep(_LOOK)
            spawned = len(self._hosts.spawned().intersection(ids))
            if progress is not None:
                progress(spawned)
            if spawned == len(ids):
                # nova-compute has yet to write that they are ACTIVE.
                time.sleep(_LOOK)
                return
            if time.monotonic() > end:
                return

    def _builds(self, server_id: str) -> bool:
        try:
            server = self._user.get(f'/servers/{server_id}')['server']
        except ApiError as error:
            # Between build request and cell the API knows of neither.
            if error.status == 404:
                return True
            raise
        return server['status'] == 'BUILD'

    def read(self, ids: Sequence[str]) -> list[Server]:
        """Return the servers as they are now, in the order of ``ids``."""
        if len(ids) <= _FEW:
            return [self.get(server_id) for server_id in ids]
        wanted = set(ids)
        found = {
            server['id']: self._from_api(server)
            for server in self._list()
            if server['id'] in wanted
        }
        return [found[server_id] for server_id in ids]

    def get(self, server: Server | str) -> Server:
        """Return the server as it is now; ApiError 404 if it is gone."""
        server_id = server if isinstance(server, str) else server.id
        return self._from_api(
            self._admin.get(f'/servers/{server_id}')['server']
        )

    def all(self) -> list[Server]:
        """Return all servers."""
        return [self._from_api(server) for server in self._list()]

    def changed_since(self, time: str, *, deleted: bool = False) -> list[str]:
        """Return the ids of servers whose rows were written since then.

        :param time: ISO 8601, in UTC
        :param deleted: whether to list deleted ones, instead of the others
        """
        query = f'changes-since={time}&deleted={str(deleted).lower()}'
        return [server['id'] for server in self._list(query)]

    def _list(self, query: str = '') -> list[dict]:
        servers: list[dict] = []
        while True:
            marker = f'&marker={servers[-1]["id"]}' if servers else ''
            page = self._admin.get(
                f'/servers/detail?all_tenants=1&limit={_PAGE}&{query}{marker}'
            )['servers']
            servers += page
            if len(page) < _PAGE:
                return servers

    def _from_api(self, server: dict) -> Server:
        host = server.get('OS-EXT-SRV-ATTR:host')
        return Server(
            id=server['id'],
            name=server['name'],
            status=server['status'],
            host=host,
            node=server.get('OS-EXT-SRV-ATTR:hypervisor_hostname'),
            hypervisor=self._hosts.hypervisor_type(host),
            fault=self._fault(server),
            availability_zone=server.get('OS-EXT-AZ:availability_zone'),
        )

    def _fault(self, server: dict) -> str | None:
        if server['status'] != 'ERROR':
            return None
        # Asked again as the user: an admin may be told more.
        seen = self._user.get(f'/servers/{server["id"]}')['server']
        return seen.get('fault', {}).get('message')

    def delete(self, servers: Iterable[Server], timeout: float = 60.0) -> None:
        """Delete the servers and wait until they are gone."""
        ids = [server.id for server in servers]
        for server_id in ids:
            self._user.delete(f'/servers/{server_id}')
        deadline = time.monotonic() + timeout
        for server_id in ids:
            while self._exists(server_id):
                if time.monotonic() > deadline:
                    raise CloudTimeout(f'server {server_id} is still there')
                time.sleep(_FIRST_QUESTION)

    def _exists(self, server_id: str) -> bool:
        try:
            self._user.get(f'/servers/{server_id}')
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def create_group(self, name: str, policy: str) -> str:
        """Create a server group; return its id, for ``hints``.

        ``policy``: ``affinity``, ``anti-affinity`` or a ``soft-`` one.
        """
        answer = self._user.post(
            '/os-server-groups',
            {'server_group': {'name': name, 'policy': policy}},
        )
        return answer['server_group']['id']


def _boot_source(
    image: Image | None, volume: Volume | None, to_volume: bool
) -> dict:
    """Return the part of a boot request that says where to boot from."""
    if (image is None) == (volume is None):
        raise ValueError('boot from an image or from a volume')
    if volume is not None:
        source = {'uuid': volume.id, 'source_type': 'volume'}
    elif to_volume:
        source = {'uuid': image.id, 'source_type': 'image', 'volume_size': 1}
    else:
        return {'imageRef': image.id}
    return {
        'block_device_mapping_v2': [
            {'boot_index': 0, 'destination_type': 'volume', **source}
        ]
    }


def _destination(
    zone: str | None,
    host: str | None,
    node: str | None,
    forced_host: str | None,
) -> dict[str, str]:
    """Return the part of a boot request that says where to boot."""
    if forced_host is not None:
        zone = f'{zone or "nova"}:{forced_host}'
    asked = {
        'availability_zone': zone,
        'host': host,
        'hypervisor_hostname': node,
    }
    return {key: value for key, value in asked.items() if value is not None}


def _unfinished(server: Server) -> bool:
    # nova sets ERROR before it records the fault.
    return server.status == 'BUILD' or (
        server.status == 'ERROR' and server.fault is None
    )
