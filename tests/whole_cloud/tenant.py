# SPDX-License-Identifier: Apache-2.0
"""A user of the whole cloud, with images, volumes, flavors and servers."""

import concurrent.futures
import contextlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from openstack import connection

from testbed import boot_disks
from testbed.processes import keystone
from testbed.processes import networks
from testbed.processes import polling
from testbed.processes import samples
from testbed.processes.cloud import Cloud
from testbed.processes.site import ADMIN

NO_HOST = 'No valid host was found. '
PREFERRED = 'hypervisor_affinity:preferred'

# The last in which extra specs that hypervisor-affinity refuses are stored.
_MICROVERSION = '2.85'
_THREADS = 6


class Seen(NamedTuple):
    """A server, once nova is done with it.

    * ``fault``: what its user reads
    * ``host``: where it is, which only an administrator sees
    * ``side``: aggregate of that host: ``kvm`` or ``vmware``
    * ``image``: id of it; None for a server from a volume
    """

    id: str
    status: str
    fault: str | None
    host: str | None
    side: str | None
    image: str | None


class Tenant:
    """A context manager, which in the end deletes what was created.

    * ``user``, ``admin``: connections of the user, and of an administrator
    * ``real_hosts``: those with nova's own driver
    """

    def __init__(self, cloud: Cloud, name: str = samples.USER) -> None:
        """Create nothing yet but the user.

        :param name: of the user and of the project
        """
        if name != ADMIN:
            keystone.ensure_user(cloud.admin.identity, name)
        self.user = _connect(cloud, name)
        self.admin = _connect(cloud)
        self._name = f'server-{uuid.uuid4()}'
        self.real_hosts = {host.name for host in cloud.hosts if host.is_real}
        self._side_of = {host.name: host.aggregate for host in cloud.hosts}
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS)
        self._images: list[str] = []
        self._volumes: list[str] = []
        self._flavors: list[str] = []
        self._networks: list[str] = []
        self._servers: list[str] = []

    def __enter__(self) -> 'Tenant':
        """Do nothing yet."""
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Delete everything."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._threads.shutdown)
            for network in self._networks:
                stack.callback(self.admin.network.delete_network, network)
            for flavor in self._flavors:
                stack.callback(self.admin.compute.delete_flavor, flavor)
            for image in self._images:
                stack.callback(self.user.image.delete_image, image)
            stack.callback(self.clear)

    def clear(self) -> None:
        """Delete servers and volumes."""
        self.at_once(self.user.compute.delete_server, self._servers)
        polling.until(lambda: not self._has_servers(), 'the end of servers')
        self._servers.clear()
        while self._volumes:
            self.user.block_storage.delete_volume(self._volumes.pop())

    def at_once(self, function: Callable, arguments: Iterable) -> list:
        """Return what a function returns for each argument, in threads."""
        return list(self._threads.map(function, arguments))

    def image(
        self,
        disk_format: str,
        container_format: str = 'bare',
        label: str | None = None,
        **properties: str,
    ) -> str:
        """Upload a small disk that boots; return the image's id.

        :param label: that its guest writes; None for the format
        """
        is_sparse = properties.get('vmware_disktype') == 'sparse'
        content = boot_disks.disk(
            disk_format,
            label,
            subformat='monolithicSparse' if is_sparse else None,
        )
        image = self.user.image.upload_image(
            name=disk_format,
            disk_format=disk_format,
            container_format=container_format,
            data=content,
            **properties,
        ).id
        self._images.append(image)
        return image

    def keep(self, image: str) -> None:
        """Have an image deleted in the end that nova has made."""
        self._images.append(image)

    def volume(self, image: str | None = None, **properties: str) -> str:
        """Return the id of a new volume.

        :param properties: that it has as if from an image
        """
        storage = self.user.block_storage
        volume = storage.create_volume(name=self._name, size=1, image_id=image)
        self._volumes.append(volume.id)
        storage.wait_for_status(volume, 'available', wait=polling.TIMEOUT)
        if not image:
            storage.set_volume_bootable_status(volume, True)
        if properties:
            storage.set_volume_image_metadata(volume, **properties)
        return volume.id

    def flavor(
        self,
        extra_specs: dict[str, str] | None = None,
        ram: int = 128,
        disk: int = 1,
    ) -> str:
        """Return the id of a new flavor.

        :param ram: in MiB
        :param disk: in GiB
        """
        compute = self.admin.compute
        flavor = compute.create_flavor(
            # No two may have the same name.
            name=f'flavor-{uuid.uuid4()}',
            ram=ram,
            vcpus=1,
            disk=disk,
        )
        self._flavors.append(flavor.id)
        if extra_specs:
            compute.create_flavor_extra_specs(flavor, extra_specs)
        return flavor.id

    def network(self) -> str:
        """Return the id of a new network, from which servers get ports."""
        return networks.create(
            self.user.network, self._name, self._networks.append
        )

    def begin(
        self, flavor: str, network: str | None = None, **request: Any
    ) -> str:
        """Ask for a server; return its id.

        :param network: that it has a port of
        """
        server = self.user.compute.create_server(
            name=self._name,
            flavor_id=flavor,
            networks=[{'uuid': network}] if network else 'none',
            **request,
        )
        self._servers.append(server.id)
        return server.id

    def boot(self, flavor: str, **request: Any) -> Seen:
        """Boot one server."""
        (seen,) = self.boot_all([{'flavor': flavor, **request}])
        return seen

    def boot_all(self, requests: Iterable[dict[str, Any]]) -> list[Seen]:
        """Boot servers at the same time; return them in the same order."""
        servers = self.at_once(lambda request: self.begin(**request), requests)
        polling.until(lambda: not self._has_servers(status='BUILD'), 'servers')
        return self._look_at(servers)

    def settled(self, servers: Iterable[str], status: str) -> list[Seen]:
        """Wait until what was begun with servers is done.

        :param status: that they get
        """
        wanted = list(servers)
        for server in wanted:
            polling.until(
                lambda server=server: self._is_settled(server, status),
                f'server {server} being {status}',
            )
        return self._look_at(wanted)

    def console(self, server: str) -> str:
        """Return what a server's guest has written on its serial port."""
        return self.user.compute.get_server_console_output(server)['output']

    def wait_for_line(self, server: str, line: str, count: int = 1) -> None:
        """Wait until a server's guest has written a line so often.

        :raises TimeoutError: it does not
        """
        polling.until(
            lambda: self.console(server).count(line) >= count,
            f'server {server} writing {line!r} {count} times',
        )

    def _is_settled(self, server: str, status: str) -> bool:
        shown = self.user.compute.get_server(server)
        return (shown.status, shown.task_state) == (status, None)

    def _has_servers(self, **query: str) -> bool:
        # As little as can be: who waits asks often, and of many.
        found = self.user.compute.servers(
            details=False, name=self._name, limit=1, **query
        )
        return next(found, None) is not None

    def _look_at(self, servers: Iterable[str]) -> list[Seen]:
        shown = {
            server.id: server
            for server in self.user.compute.servers(name=self._name)
        }
        hosts = {
            server.id: server.compute_host
            for server in self.admin.compute.servers(
                all_projects=True, name=self._name
            )
        }
        return [self._seen(shown[server], hosts[server]) for server in servers]

    def _seen(self, server: Any, host: str | None) -> Seen:
        return Seen(
            server.id,
            server.status,
            server.fault and server.fault['message'],
            host,
            host and self._side_of[host],
            server.image and server.image['id'],
        )


@contextlib.contextmanager
def disabled(cloud: Cloud, *hosts: str) -> Iterator[None]:
    """Let nova-compute of some hosts take no new servers."""
    compute = _connect(cloud).compute
    services = [
        service
        for service in compute.services(binary='nova-compute')
        if service.host in hosts and service.status == 'enabled'
    ]
    with contextlib.ExitStack() as stack:
        for service in services:
            stack.callback(compute.enable_service, service)
            compute.disable_service(service)
        yield


def forget_failed_builds(cloud: Cloud) -> None:
    """Have each host build a server well.

    nova sends servers anywhere else from a host whose last build failed, be
    it since somebody else's test crashed: that counts more than our order.
    """
    with Tenant(cloud, ADMIN) as admin:
        flavor = admin.flavor()
        images = {
            'kvm': admin.image('qcow2'),
            'vmware': admin.image('vmdk', vmware_disktype='streamOptimized'),
        }
        admin.boot_all(
            {
                'flavor': flavor,
                'image_id': images[host.aggregate],
                'host': host.name,
            }
            for host in cloud.hosts
        )


def _connect(cloud: Cloud, user: str = ADMIN) -> connection.Connection:
    made = cloud.connect(user)
    made.compute.default_microversion = _MICROVERSION
    return made
