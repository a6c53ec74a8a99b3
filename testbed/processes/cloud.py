# SPDX-License-Identifier: Apache-2.0
"""A whole cloud: Keystone, Placement, Glance, Neutron, Cinder and nova."""

import contextlib
import errno
import functools
import http
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from openstack import connection
from openstack import exceptions

from testbed.processes import broker
from testbed.processes import control
from testbed.processes import directory
from testbed.processes import guard
from testbed.processes import guests
from testbed.processes import keystone
from testbed.processes import mariadb
from testbed.processes import nova_conf
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes import running
from testbed.processes import vcenter
from testbed.processes.api_service import ApiService
from testbed.processes.broker import Broker
from testbed.processes.cinder import Cinder
from testbed.processes.client import Client
from testbed.processes.compute import Host
from testbed.processes.glance import Glance
from testbed.processes.keystone import Keystone
from testbed.processes.mariadb import MariaDb
from testbed.processes.neutron import Neutron
from testbed.processes.nova import DATABASES as NOVAS_DATABASES
from testbed.processes.nova import Nova
from testbed.processes.nova_service import NovaService
from testbed.processes.placement_service import PlacementService
from testbed.processes.program import Program
from testbed.processes.site import WholeSite
from testbed.processes.supervisor import CHECKOUT
from testbed.processes.supervisor import Supervisor
from testbed.processes.vcenter import VCenter

# {service: (type, path of its URL)}
_CATALOG = {
    'placement': ('placement', ''),
    'glance': ('image', ''),
    'neutron': ('network', ''),
    'cinder': ('block-storage', '/v3'),
    'nova': ('compute', '/v2.1'),
}
_DATABASES = (
    'keystone',
    'placement',
    'glance',
    'neutron',
    'cinder',
    *NOVAS_DATABASES,
)
_PORTS = (
    mariadb.NAME,
    *broker.PORTS,
    'keystone',
    *_CATALOG,
    vcenter.NAME,
)
# The other programs need these to end well.
ENDED_LAST = (mariadb.NAME, *broker.PORTS)

# nova-manage's exit code where there was something to free.
_FREED = 4

# Why a compute service is disabled, as nova's driver puts it.
_NO_VCENTER = 'set by vmwareapi host_state'


class Cloud:
    """All of it, on loopback, with its state in one folder.

    * ``hosts``: of nova-compute
    * ``site``: where things are
    * ``programs``: by their names
    * ``admin``: the administrator's connection, once it is up
    """

    def __init__(
        self,
        folder: pathlib.Path,
        hosts: Sequence[Host],
        first_port: int | None = None,
        outlives: bool = False,
        *,
        down_time: int | None = None,
        say: Callable[[str], None] = lambda step: None,
    ) -> None:
        """Write configurations, and start nothing.

        :param folder: an empty one, or one that was used before; its path
            must be absolute
        :param first_port: the first of consecutive ones; None for free ones
        :param outlives: whether it goes on when this process ends
        :param down_time: in seconds, after which a part of nova that is
            silent counts as down; None for what it was before, or suits a
            busy machine
        :param say: is told each step before it begins
        """
        self._say = say
        self.folder = folder
        self.programs = Supervisor(folder, outlives)
        self.programs.at_end(functools.partial(guests.end, folder))
        self._guard = None if outlives else self._make_guard()
        self.site = self._make_site(first_port)
        self._keystone = Keystone(self.site)
        self._others = [
            PlacementService(self.site),
            Glance(self.site),
            Neutron(self.site),
            Cinder(self.site),
        ]
        self._nova = Nova(self.site, down_time)
        self._schedulers = control.schedulers(self._nova)
        self.hosts = hosts
        self._behind_nova = [
            *control.conductors(self._nova),
            *self._schedulers,
            *(host.service(self._nova) for host in hosts),
        ]
        self.admin: connection.Connection

    def up(self) -> None:
        """Start what does not run, and wait until servers can be booted.

        :raises OSError: says what went wrong
        """
        filled = self.folder / directory.FILLED
        is_first = not filled.exists()
        self._check_ports()
        if self._guard:
            self._guard.start()
        self._say('Starting RabbitMQ and MariaDB')
        self.site.broker.start()
        self.site.mariadb.start()
        self.site.mariadb.wait()
        if self._guard:
            self._guard.wait()
        if is_first:
            self._fill_databases()
        self._say('Starting Keystone')
        self._keystone.start()
        self._keystone.wait()
        if is_first:
            self._register()
        self.admin = keystone.connect(self.site.auth_url)
        self.site.broker.wait()
        self._say('Starting Placement, Glance, Neutron and Cinder')
        self._start(self._others)
        if is_first:
            self._say('Creating the cells of nova')
            self.programs.run('nova-cells', *self._nova.map_cells())
        # All parts of nova but its API end at once if Placement is not there.
        self._wait(self._others)
        self._start_vcenter()
        self._say('Starting nova')
        self._start([self._nova, *self._behind_nova])
        self._wait([self._nova, *self._behind_nova])
        self._add_hosts()
        self._enable_hosts()
        self._say('Waiting for the volume service of Cinder')
        self._wait_for_volumes()
        self._warm_neutron()
        self.programs.check()
        filled.touch()

    def connect(self, user: str) -> connection.Connection:
        """Return a connection of a user, to the project of the same name."""
        return keystone.connect(self.site.auth_url, user)

    def hosts_of(self, aggregate: str) -> list[Host]:
        """Return the hosts that an aggregate begins with."""
        return [host for host in self.hosts if host.aggregate == aggregate]

    def kill(self) -> None:
        """End all at once."""
        self.programs.kill()

    def restart_schedulers(
        self, changes: nova_conf.Options | None = None
    ) -> None:
        """Have both nova-schedulers run with other options.

        Not by SIGHUP: with native threads, workers would get the aggregates
        that were there when it was started.

        :param changes: of those that they began with; None for none
        """
        for scheduler in self._schedulers:
            scheduler.restart(changes or {})
        self._wait(self._schedulers)

    def scheduler_client(self, folder: pathlib.Path) -> Client:
        """Return who asks the schedulers as nova's other parts do.

        :param folder: its own
        """
        return Client(folder, self._nova.options())

    @contextlib.contextmanager
    def visiting(self, host: Host) -> Iterator[None]:
        """Have a host for a while that is in no aggregate and gets no server.

        Nothing may be booted meanwhile: nova knows no better.
        """
        service = host.service(self._nova)
        service.start()
        try:
            service.wait()
            yield
        finally:
            self.programs.remove(host.service_name)
            compute = self.admin.compute
            for found in compute.services(host=host.name):
                compute.delete_service(found)

    def remove_orphans(self) -> None:
        """Free what no server has in Placement.

        nova leaves it behind where a conductor dies that has just had a host
        found, or where the answer of a scheduler is lost.
        """
        command = self._nova.remove_orphans()
        child = self.programs.begin('nova-placement-audit', command)
        self.programs.finish(child, successes=(0, _FREED))

    def _make_guard(self) -> Program:
        return self.programs.add(
            'guard',
            guard.command(self.folder),
            {'PYTHONPATH': str(CHECKOUT)},
            ready_text=guard.READY,
        )

    def _make_site(self, first_port: int | None) -> WholeSite:
        numbers = ports.keep(self.folder / directory.BEGUN, _PORTS, first_port)
        return WholeSite(
            folder=self.folder,
            programs=self.programs,
            mariadb=MariaDb(
                self.folder / 'mariadb',
                self.programs,
                numbers[mariadb.NAME],
                _DATABASES,
            ),
            broker=Broker(self.folder / 'rabbitmq', self.programs, numbers),
            vcenter=VCenter(
                self.folder / vcenter.NAME,
                self.programs,
                numbers[vcenter.NAME],
            ),
            ports=numbers,
        )

    def _check_ports(self) -> None:
        taken = ports.taken(
            self.site.ports, functools.partial(running.has, self.folder)
        )
        if taken:
            raise OSError(errno.EADDRINUSE, '; '.join(taken))

    def _fill_databases(self) -> None:
        """Fill all at once."""
        ending = {
            name: self.programs.begin(name, command)
            for service in (self._keystone, *self._others, self._nova)
            for name, command in service.syncs().items()
        }
        for number, (name, child) in enumerate(ending.items(), 1):
            self._say(f'Filling databases, {number} of {len(ending)}: {name}')
            self.programs.finish(child)
        self._say('Creating an administrator in Keystone')
        self.programs.run('keystone-bootstrap', self._keystone.bootstrap())

    def _register(self) -> None:
        # A token has the catalog of when it was made.
        keystone.register(
            keystone.connect(self.site.auth_url),
            {
                name: (kind, self.site.url(name) + path)
                for name, (kind, path) in _CATALOG.items()
            },
        )

    def _start(self, services: Iterable[ApiService | NovaService]) -> None:
        for service in services:
            service.start()

    def _wait(self, services: Iterable[ApiService | NovaService]) -> None:
        for service in services:
            self._say(f'Waiting for {service.name}')
            service.wait()

    def _start_vcenter(self) -> None:
        if self.programs[vcenter.NAME].pid:
            return
        # What nova's driver remembers of it is in the one before.
        for host in self.hosts:
            if host.is_on_vcenter:
                self.programs[host.service_name].kill()
        self._say('Starting the simulated vCenter, built the first time')
        self.site.vcenter.start()
        self.site.vcenter.wait()

    def _enable_hosts(self) -> None:
        """Enable what nova's driver disabled when it lost its vCenter.

        It enables the service itself only if it is not restarted before.
        """
        compute = self.admin.compute
        for service in compute.services(binary='nova-compute'):
            if service.disabled_reason == _NO_VCENTER:
                compute.enable_service(service, service.host, service.binary)

    def _add_hosts(self) -> None:
        """Tell nova of new computes, and put them into aggregates."""
        compute = self.admin.compute
        known = {
            found.service_details['host']
            for found in compute.hypervisors(details=True)
        }
        new = [host for host in self.hosts if host.name not in known]
        if not new:
            return
        self._say('Mapping the hosts to cells')
        self.programs.run('nova-discover-hosts', self._nova.discover_hosts())
        for host in new:
            name = host.aggregate
            aggregate = compute.find_aggregate(name)
            if aggregate is None:
                aggregate = compute.create_aggregate(name=name)
                compute.set_aggregate_metadata(
                    aggregate, {'hypervisor_type': name}
                )
            compute.add_host_to_aggregate(aggregate, host.name)

    def _wait_for_volumes(self) -> None:
        storage = self.admin.block_storage

        def are_up() -> bool:
            self.programs.check()
            try:
                up = {
                    service.binary
                    for service in storage.services()
                    if service.state == 'up'
                }
                # The scheduler asks for reports once, maybe before the driver
                # is there; the next report then comes after a minute.
                return up >= {'cinder-scheduler', 'cinder-volume'} and any(
                    storage.backend_pools()
                )
            except exceptions.HttpException as error:
                # After the broker was started anew, cinder-api answers so
                # until its scheduler is connected again.
                if error.status_code != http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                return False

        polling.until(are_up, f'Cinder; see {self.programs.logs}')

    def _warm_neutron(self) -> None:
        """Ask for ports, one request at a time.

        If the first requests come at the same time, neutron answers some of
        them with 500: it completes its classes at the first one.
        """
        network = self.admin.network
        list(network.networks())
        list(network.ports())
