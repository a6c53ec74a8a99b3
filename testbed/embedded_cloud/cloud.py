# SPDX-License-Identifier: Apache-2.0
"""The embedded cloud itself; see the package's docstring for an example."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from oslo_config import cfg

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.fake_compute.drivers import Capacity
from testbed.embedded_cloud.actions import Actions
from testbed.embedded_cloud.aggregates import Aggregates
from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.control_plane import ControlPlane
from testbed.embedded_cloud.control_plane import Options
from testbed.embedded_cloud.flavors import Flavors
from testbed.embedded_cloud.hosts import Host
from testbed.embedded_cloud.hosts import Hosts
from testbed.embedded_cloud.images import Images
from testbed.embedded_cloud.logs import LogCapture
from testbed.embedded_cloud.marks import Mark
from testbed.embedded_cloud.results import Server
from testbed.embedded_cloud.servers import Servers
from testbed.embedded_cloud.volumes import Volumes

LOG = logging.getLogger(__name__)


class EmbeddedCloud:
    """nova's API, conductor, scheduler and computes, and a Placement.

    A context manager. One process can have many clouds, one after another,
    but not two at a time: nova keeps its configuration in globals.

    * ``options``: overrides of nova.conf as {group: {option: value}}, with
      ``DEFAULT`` for the group without a name. Values have their Python
      type; ``available_filters`` is a list, like ``enabled_filters``.
    * ``register_options``: functions that take a ConfigOpts and register
      options on it; called before ``options`` are set.
    * ``cells``: number of cells, beside cell0.
    * ``randomize_candidates``: whether Placement shuffles its candidates.
    * ``refuse_foreign_images``: whether a hypervisor fails to spawn an
      image that the real driver refuses. Without it every server stays where
      the scheduler put it.
    * ``log_levels``: {logger: level} to keep in ``logs``; None keeps
      nova.scheduler, nova.filters and hypervisor_affinity from INFO on.
      Everything else is kept from WARNING on.

    Inside the ``with`` block: ``hosts``, ``aggregates``, ``images``,
    ``volumes``, ``flavors``, ``servers``, ``actions``, ``logs``, and
    ``user_api`` and ``admin_api`` for what these do not cover.
    """

    _running: ClassVar['EmbeddedCloud | None'] = None

    logs: LogCapture
    hosts: Hosts
    aggregates: Aggregates
    images: Images
    volumes: Volumes
    flavors: Flavors
    servers: Servers
    actions: Actions
    user_api: ComputeApi
    admin_api: ComputeApi

    def __init__(
        self,
        options: Options | None = None,
        *,
        register_options: Iterable[Callable[[cfg.ConfigOpts], Any]] = (),
        cells: int = 1,
        randomize_candidates: bool = False,
        refuse_foreign_images: bool = False,
        log_levels: Mapping[str, int | str] | None = None,
    ) -> None:
        self._control_plane = ControlPlane(
            options or {}, register_options, cells, randomize_candidates
        )
        self._refuse_foreign_images = refuse_foreign_images
        self.logs = LogCapture(log_levels)

    def __enter__(self) -> 'EmbeddedCloud':
        self.start()
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            self.stop()
        except Exception:
            if error is None:
                raise
            # The error that ended the block is the one to be seen.
            LOG.exception('while stopping the embedded cloud')

    def start(self) -> None:
        """Start the services, as ``with`` does.

        Raises RuntimeError if another cloud runs, ValueError for a wrong
        option, EmbeddedCloudUnavailable if nova is not complete, and
        whatever makes nova's own services refuse to start.
        """
        if EmbeddedCloud._running is not None:
            raise RuntimeError('another embedded cloud runs in this process')
        EmbeddedCloud._running = self
        self.logs.install()
        try:
            self._control_plane.assemble()
        except BaseException:
            self._dismantle()
            raise
        self._open()

    def stop(self) -> None:
        """Stop the services and remove all traces, as leaving ``with`` does.

        ``logs`` and results stay readable. Raises an ExceptionGroup of what
        went wrong. Does nothing for a cloud that does not run.
        """
        if EmbeddedCloud._running is not self:
            return
        errors = self._dismantle()
        if errors:
            raise ExceptionGroup('stopping the embedded cloud', errors)

    def _dismantle(self) -> list[Exception]:
        try:
            return self._control_plane.dismantle()
        finally:
            self.logs.remove()
            EmbeddedCloud._running = None

    def _open(self) -> None:
        plane = self._control_plane
        self.user_api = ComputeApi(plane.compute_api.api)
        self.admin_api = ComputeApi(plane.compute_api.admin_api)
        self.hosts = Hosts(plane, self.admin_api, self._refuse_foreign_images)
        self.aggregates = Aggregates(self.admin_api, plane)
        self.images = Images(plane.glance)
        self.volumes = Volumes(plane.cinder)
        self.flavors = Flavors(self.admin_api)
        self.servers = Servers(
            self.user_api, self.admin_api, self.hosts, self.flavors
        )
        self.actions = Actions(self.user_api, self.admin_api, self.servers)
        plane.cinder.when_reimaged(self._tell_reimaged)

    def _tell_reimaged(self, volume_id: str, server_id: str) -> None:
        """Send the event by which Cinder ends a rebuild's wait."""
        self.admin_api.post(
            '/os-server-external-events',
            {
                'events': [
                    {
                        'name': 'volume-reimaged',
                        'server_uuid': server_id,
                        'tag': volume_id,
                        'status': 'completed',
                    }
                ]
            },
        )

    def set_options(self, options: Options) -> None:
        """Change options while the services run, as a reload does."""
        self._control_plane.change_options(options)

    def mark(self) -> Mark:
        """Return a mark, whose ``restore`` brings the cloud back to now.

        That takes a tenth of what another cloud would. Raises RuntimeError
        if there are servers, or hosts that failed.
        """
        return Mark(self._control_plane, self.hosts, self.flavors, self.logs)

    def add_kvm_host(
        self,
        name: str,
        *,
        vcpus: int = 64,
        memory_mb: int = 512 * 1024,
        disk_gb: int = 10_000,
        cell: int = 1,
    ) -> Host:
        """Add a libvirt/KVM compute node of that size (MiB, GiB)."""
        return self.hosts.add(
            name, faces.KVM, Capacity(vcpus, memory_mb, disk_gb), cell=cell
        )

    def add_vcenter_host(
        self,
        name: str,
        *,
        esxi_hosts: int = 20,
        vcpus_each: int = 64,
        memory_mb_each: int = 512 * 1024,
        disk_gb: int = 200_000,
        cell: int = 1,
    ) -> Host:
        """Add a vCenter cluster: one nova host for ``esxi_hosts`` ESXi ones.

        The total is their sum (MiB, and GiB of all datastores); no server
        can be larger than one ESXi host.
        """
        capacity = Capacity.of_cluster(
            esxi_hosts, vcpus_each, memory_mb_each, disk_gb
        )
        return self.hosts.add(name, faces.VCENTER, capacity, cell=cell)

    def add_host(
        self,
        name: str,
        face: faces.HypervisorFace,
        *,
        vcpus: int = 64,
        memory_mb: int = 512 * 1024,
        disk_gb: int = 10_000,
        cell: int = 1,
    ) -> Host:
        """Add a compute host with any face of module ``faces``."""
        return self.hosts.add(
            name, face, Capacity(vcpus, memory_mb, disk_gb), cell=cell
        )

    def boot(self, *args, **kwargs) -> Server:
        """Short for ``servers.boot``."""
        return self.servers.boot(*args, **kwargs)

    def boot_many(self, *args, **kwargs) -> list[Server]:
        """Short for ``servers.boot_many``."""
        return self.servers.boot_many(*args, **kwargs)
