# SPDX-License-Identifier: Apache-2.0
"""Many boots at the same time, and what became of each."""

import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Iterable

from openstack import connection
from openstack import exceptions
from openstack.compute.v2.server import Server

from testbed.processes import polling
from testbed.processes import samples
from testbed.processes.cloud import Cloud
from testbed.processes.nova import RPC_TIMEOUT

# {image of the samples: aggregate that it has to be in; None for any}
SIDES = {'qcow2': 'kvm', 'vmdk': 'vmware', 'iso': None}
_THREADS = 8
# The first with servers that have no network.
_MICROVERSION = '2.37'
# Longer than anything waits for the answer of who has died.
_QUIET = 1.5 * RPC_TIMEOUT
_FINAL = ('ACTIVE', 'ERROR')


@dataclasses.dataclass(slots=True)
class Boot:
    """A server that was asked for.

    * ``image``: name of it
    * ``id``: of the server; None if nova-api took no request
    * ``error``: what nova-api said then
    * ``server``: as it was seen last
    """

    image: str
    id: str | None = None
    error: str | None = None
    server: Server | None = None

    @property
    def status(self) -> str | None:
        """Return nova's status; None if there is no server."""
        return self.server.status if self.server else None


class Boots:
    """Boots of one cloud, as an ordinary user; a context manager.

    In the end all servers are deleted.
    """

    def __init__(self, cloud: Cloud) -> None:
        """Boot nothing.

        :param cloud: which has the samples
        """
        self._cloud = cloud
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS)
        self._own = threading.local()
        self._images = {
            image: cloud.admin.image.find_image(image).id for image in SIDES
        }
        self._flavor = cloud.admin.compute.find_flavor('small').id
        self._aggregates = {
            aggregate.name: aggregate.hosts
            for aggregate in cloud.admin.compute.aggregates()
        }
        self._futures: list[concurrent.futures.Future] = []
        self._lost: set[str] = set()
        self.all: list[Boot] = []

    def __enter__(self) -> 'Boots':
        """Do nothing yet."""
        return self

    def __exit__(self, kind, error, traceback) -> None:
        """Delete all servers."""
        self.delete()
        self._threads.shutdown()

    def begin(self, images: Iterable[str]) -> list[Boot]:
        """Have servers asked for, in other threads, and return them."""
        begun = [Boot(image) for image in images]
        self.all += begun
        self._futures += [
            self._threads.submit(self._ask, boot) for boot in begun
        ]
        return begun

    def wait_for_accepted(self, count: int) -> None:
        """Wait until nova-api took so many requests."""
        polling.until(
            lambda: sum(boot.id is not None for boot in self.all) >= count,
            f'{count} accepted requests',
        )

    def wait_for_answers(self) -> None:
        """Wait until nova-api answered all requests."""
        done = concurrent.futures.wait(self._futures, polling.TIMEOUT)
        if done.not_done:
            raise TimeoutError(
                f'{len(done.not_done)} requests without an answer'
            )
        for future in self._futures:
            future.result()
        self._futures.clear()

    def are_answered(self) -> bool:
        """Tell whether nova-api answered all requests."""
        return all(future.done() for future in self._futures)

    def look(self) -> list[Boot]:
        """Look at all servers, and return those that are not final."""
        seen = {
            server.id: server
            for server in self._cloud.admin.compute.servers(all_projects=True)
        }
        for boot in self.all:
            boot.server = seen.get(boot.id)
        return [
            boot for boot in self.all if boot.id and boot.status not in _FINAL
        ]

    def settle(self) -> list[Boot]:
        """Wait until all servers are ACTIVE or ERROR, or nothing happens.

        Return those with which nothing happens: who had the request is dead.
        They are not waited for again.
        """
        self.wait_for_answers()
        began, last = time.monotonic(), None

        def look_again() -> bool:
            nonlocal began, last
            waiting = [
                boot for boot in self.look() if boot.id not in self._lost
            ]
            state = [(boot.id, boot.server.task_state) for boot in waiting]
            if state != last:
                began, last = time.monotonic(), state
            return not waiting or time.monotonic() - began > _QUIET

        polling.until(look_again, 'the servers')
        lost = self.look()
        self._lost.update(boot.id for boot in lost if boot.id)
        return lost

    def with_status(self, status: str) -> list[Boot]:
        """Return those that were seen with a status last."""
        return [boot for boot in self.all if boot.status == status]

    def misplaced(self) -> list[str]:
        """Say which servers are on a hypervisor that is not for them."""
        return [
            f'{boot.image} {boot.id} is on {host}'
            for boot in self.all
            if (host := boot.server and boot.server.compute_host)
            and (side := SIDES[boot.image])
            and host not in self._aggregates[side]
        ]

    def delete(self) -> None:
        """Delete all servers, and wait until they are gone."""
        self.wait_for_answers()
        compute = self._cloud.admin.compute
        waiting = [boot.id for boot in self.all if boot.id]
        list(
            self._threads.map(
                lambda server: compute.delete_server(server), waiting
            )
        )

        def are_gone() -> bool:
            there = {
                server.id for server in compute.servers(all_projects=True)
            }
            return not there & set(waiting)

        polling.until(are_gone, 'the end of servers')
        self.all.clear()

    def _ask(self, boot: Boot) -> None:
        try:
            server = self._connect().compute.create_server(
                name=f'boot-{boot.image}',
                image_id=self._images[boot.image],
                flavor_id=self._flavor,
                networks='none',
            )
        except exceptions.SDKException as error:
            boot.error = str(error)
        else:
            boot.id = server.id

    def _connect(self) -> connection.Connection:
        """Return the connection of this thread."""
        if not hasattr(self._own, 'connection'):
            made = self._cloud.connect(samples.USER)
            made.compute.default_microversion = _MICROVERSION
            self._own.connection = made
        return self._own.connection
