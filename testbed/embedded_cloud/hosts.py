# SPDX-License-Identifier: Apache-2.0
"""Compute hosts: real nova-compute services with drivers that have faces."""

import dataclasses
import uuid
from collections.abc import Callable
from unittest import mock

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.fake_compute.drivers import Capacity
from hypervisor_affinity.fake_compute.drivers import FaceDriver
from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.control_plane import ControlPlane

# One vCenter serves all clusters of a cloud; its id ends their node names.
_VCENTER_UUID = str(uuid.uuid5(uuid.NAMESPACE_DNS, 'vcenter.example.org'))
_FIRST_CLUSTER = 7


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A compute host; ``node`` is its hypervisor_hostname."""

    name: str
    node: str
    face: faces.HypervisorFace
    cell: int


class Hosts:
    """``cloud.hosts``; a host is named by its name."""

    def __init__(
        self,
        control_plane: ControlPlane,
        admin: ComputeApi,
        refuse_foreign_images: bool,
    ) -> None:
        self._control_plane = control_plane
        self._admin = admin
        self._refuse_foreign_images = refuse_foreign_images
        self._hosts: dict[str, Host] = {}
        self._loaders: dict[str, Callable[..., FaceDriver]] = {}
        self._drivers: dict[str, FaceDriver] = {}
        self._services: dict[str, object] = {}
        self._failed: set[str] = set()
        self._clusters = 0

    def add(
        self,
        name: str,
        face: faces.HypervisorFace,
        capacity: Capacity,
        *,
        cell: int = 1,
        node: str | None = None,
    ) -> Host:
        """Start a compute service that wears ``face``.

        ``cell``: number of its cell, from 1. ``node``: its
        hypervisor_hostname; None is as the driver names it:
        ``domain-cN.<uuid>`` for vCenter, else the host's name.
        """
        if name in self._hosts:
            raise ValueError(f'there is already a host {name}')
        if node is None:
            node = self._usual_node(name, face)

        def load_driver(virtapi, compute_driver=None):
            self._drivers[name] = FaceDriver(
                virtapi, face, capacity, node, self._refuse_foreign_images
            )
            return self._drivers[name]

        self._start(name, cell, load_driver)
        self._loaders[name] = load_driver
        self._hosts[name] = Host(name, node, face, cell)
        return self._hosts[name]

    def _usual_node(self, name: str, face: faces.HypervisorFace) -> str:
        if face is not faces.VCENTER:
            return name
        number = _FIRST_CLUSTER + self._clusters
        self._clusters += 1
        return f'domain-c{number}.{_VCENTER_UUID}'

    def _start(self, name: str, cell: int, load_driver) -> None:
        # nova loads drivers by a class name only; the host's own driver,
        # with its size and face, comes in here instead.
        with mock.patch('nova.virt.driver.load_compute_driver', load_driver):
            self._services[name] = self._control_plane.start_service(
                'compute', host=name, cell_name=f'cell{cell}'
            )
        self._failed.discard(name)

    def get(self, name: str) -> Host:
        """Return the host; KeyError when there is none of that name."""
        return self._hosts[name]

    def names(self) -> list[str]:
        """Return the names of all hosts in the order of their making."""
        return list(self._hosts)

    def disable(self, name: str, reason: str = 'by the test') -> None:
        """Disable its compute service; servers on it run on."""
        self._put_service(
            name, {'status': 'disabled', 'disabled_reason': reason}
        )

    def enable(self, name: str) -> None:
        """Enable its compute service again."""
        self._put_service(name, {'status': 'enabled'})

    def fail(self, name: str) -> None:
        """Stop nova-compute and tell nova that the host is down.

        Its servers can then be evacuated.
        """
        self.stop(name)
        self._put_service(name, {'forced_down': True})

    def stop(self, name: str) -> None:
        """Stop nova-compute, if it runs, and tell nobody."""
        if name not in self._failed:
            self._services[name].stop()
            self._failed.add(name)

    def start_empty(self, name: str) -> None:
        """Start nova-compute again, on a hypervisor that holds nothing."""
        self._start(name, self._hosts[name].cell, self._loaders[name])

    def are_idle(self) -> bool:
        """Whether all work and no hypervisor holds a server."""
        return not any(map(self.is_in_use, self._hosts))

    def recover(self, name: str) -> None:
        """Start nova-compute again on a host that had failed.

        The hypervisor kept its servers; nova-compute destroys those that
        were evacuated meanwhile.
        """
        driver = self._drivers[name]
        # In this order: nova takes no host for up whose evacuated servers
        # have not been cleaned away by its own nova-compute.
        self._start(
            name, self._hosts[name].cell, lambda *args, **kwargs: driver
        )
        self._put_service(name, {'forced_down': False})

    def _put_service(self, name: str, body: dict) -> None:
        services = self._admin.get(
            f'/os-services?binary=nova-compute&host={name}'
        )['services']
        self._admin.put(f'/os-services/{services[0]["id"]}', body)

    def spawned(self) -> set[str]:
        """Return the ids of all servers that some hypervisor holds."""
        return {
            server_id
            for driver in self._drivers.values()
            for server_id in driver.list_instance_uuids()
        }

    def is_in_use(self, name: str) -> bool:
        """Whether a host has failed, or its hypervisor holds a server."""
        return name in self._failed or bool(self._drivers[name].instances)

    def guest(self, name: str, server_id: str) -> object:
        """Return what a host holds of a server: made anew by each spawn.

        :returns: None if it holds nothing
        """
        return self._drivers[name].instances.get(server_id)

    def hypervisor_type(self, name: str | None) -> str | None:
        """Return what the host's driver reports; None for no host."""
        host = self._hosts.get(name)
        return None if host is None else host.face.hypervisor_type
