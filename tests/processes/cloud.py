# SPDX-License-Identifier: Apache-2.0
"""A whole cloud: Keystone, Placement, Glance, Neutron, Cinder and nova."""

import pathlib
import tempfile

from tests.processes import keystone
from tests.processes import nova_conf
from tests.processes import polling
from tests.processes import ports
from tests.processes.api_service import ApiService
from tests.processes.broker import Broker
from tests.processes.cinder import Cinder
from tests.processes.compute import HOSTS
from tests.processes.glance import Glance
from tests.processes.keystone import Keystone
from tests.processes.mariadb import MariaDb
from tests.processes.neutron import Neutron
from tests.processes.nova import DATABASES as NOVAS_DATABASES
from tests.processes.nova import Nova
from tests.processes.placement_service import PlacementService
from tests.processes.scheduler import Mode
from tests.processes.scheduler import Scheduler
from tests.processes.site import WholeSite
from tests.processes.supervisor import Supervisor

# nova 34 opens its connection to Placement before it forks: workers that ask
# at the same time read each other's answers.
_WORKERS = 1
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


class Cloud:
    """All of it, on loopback, with its state in one folder.

    A context manager: what it started ends with it, the folder stays.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        """Start nothing.

        :param folder: an empty one
        """
        self.folder = folder
        self._programs = Supervisor(folder)
        self.site: WholeSite
        self.scheduler: Scheduler

    def __enter__(self) -> 'Cloud':
        """Start it, and wait until servers can be booted."""
        try:
            self._start()
        except BaseException:
            self._programs.stop()
            raise
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Stop it."""
        self._programs.stop()

    def restart_scheduler(self, **ours: object) -> None:
        """Have nova-scheduler run with other options.

        Not by SIGHUP: with native threads, workers would get the aggregates
        that were there when it was started.

        :param ours: [hypervisor_affinity]
        """
        self.scheduler.stop()
        self._start_scheduler({'hypervisor_affinity': ours})
        self.scheduler.wait()

    def _start(self) -> None:
        self.site = self._make_site()
        identity = Keystone(self.site)
        nova = self._nova = Nova(self.site)
        others = [
            PlacementService(self.site),
            Glance(self.site),
            Neutron(self.site),
            Cinder(self.site),
        ]
        self._fill_databases(identity, [*others, nova])
        self.site.broker.wait()
        for service in others:
            service.start()
        self._programs.run('nova-cells', *nova.map_cells())
        # All parts of nova but its API end at once if Placement is not there.
        for service in others:
            service.wait()
        nova.start()
        self._start_scheduler({})
        self._programs.at_end(lambda: self.scheduler.kill())
        for host in HOSTS:
            host.start(nova)
        nova.wait()
        self._add_hosts(nova)
        self._wait_for_volumes()
        self._warm_neutron()
        self.scheduler.wait()

    def _make_site(self) -> WholeSite:
        broker = Broker(self._make_folder('rabbitmq'))
        self._programs.at_end(broker.stop)
        mariadb = MariaDb(
            self._make_folder('mariadb'), self._programs, _DATABASES
        )
        names = ['keystone', *_CATALOG]
        numbers = ports.free(len(names))
        return WholeSite(
            folder=self.folder,
            programs=self._programs,
            mariadb=mariadb,
            broker=broker,
            ports=dict(zip(names, numbers, strict=True)),
        )

    def _make_folder(self, name: str) -> pathlib.Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _fill_databases(
        self, identity: Keystone, others: list[ApiService]
    ) -> None:
        """Fill all at once; serve and fill Keystone as soon as it can."""
        self.site.mariadb.wait()

        def begin(service):
            return [
                self._programs.start(name, command)
                for name, command in service.syncs().items()
            ]

        first = begin(identity)
        rest = [child for service in others for child in begin(service)]
        for child in first:
            self._programs.finish(child)
        self._programs.run('keystone-bootstrap', identity.bootstrap())
        identity.start()
        identity.wait()
        self._register()
        for child in rest:
            self._programs.finish(child)

    def _register(self) -> None:
        keystone.register(
            keystone.connect(self.site.auth_url),
            {
                name: (kind, self.site.url(name) + path)
                for name, (kind, path) in _CATALOG.items()
            },
        )
        # A token has the catalog of when it was made.
        self.admin = keystone.connect(self.site.auth_url)

    def _start_scheduler(self, options: nova_conf.Options) -> None:
        folder = pathlib.Path(
            tempfile.mkdtemp(prefix='nova-scheduler-', dir=self.folder)
        )
        self.scheduler = Scheduler(
            folder,
            Mode.THREADING,
            _WORKERS,
            nova_conf.merge(self._nova.options(), options),
        )

    def _add_hosts(self, nova: Nova) -> None:
        """Wait for the computes, and put them into aggregates."""
        compute = self.admin.compute

        def are_up() -> bool:
            self._programs.check()
            up = [
                service.host
                for service in compute.services(binary='nova-compute')
                if service.state == 'up'
            ]
            return len(up) == len(HOSTS)

        polling.until(are_up, f'the computes; see {self._programs.logs}')
        self._programs.run('nova-discover-hosts', nova.discover_hosts())
        aggregates = {}
        for host in HOSTS:
            name = host.aggregate
            if name not in aggregates:
                aggregates[name] = compute.create_aggregate(name=name)
                compute.set_aggregate_metadata(
                    aggregates[name], {'hypervisor_type': name}
                )
            compute.add_host_to_aggregate(aggregates[name], host.name)

    def _wait_for_volumes(self) -> None:
        def are_up() -> bool:
            self._programs.check()
            services = self.admin.block_storage.services()
            return {
                service.binary for service in services if service.state == 'up'
            } >= {'cinder-scheduler', 'cinder-volume'}

        polling.until(are_up, f'Cinder; see {self._programs.logs}')

    def _warm_neutron(self) -> None:
        """Ask for ports, one request at a time.

        If the first requests come at the same time, neutron answers some of
        them with 500: it completes its classes at the first one.
        """
        network = self.admin.network
        list(network.networks())
        list(network.ports())
