# SPDX-License-Identifier: Apache-2.0
"""Operate servers by nova's driver for vCenter, several at the same time.

Each server has a thread, which takes it from its boot to its end. Meanwhile
another reads what the driver reports, as nova-compute does now and then.

    operate.py PACE SERVERS IMAGE ARGUMENTS-OF-NOVA-COMPUTE

``PACE`` is ``as-is``, or from when on threads are interrupted often: ``start``
or ``booted``, when all servers were booted. ``IMAGE`` is a file, a
streamOptimized VMDK. Only Glance is not real.

Writes as JSON ``versions``, {distribution: version}; ``is_eventlet``;
``operations``, {operation: {``passed``, ``failed``: numbers, ``errors``:
texts}}; and ``left``, the number of its servers that vCenter has at the end.
What a server does not reach is in neither number.
"""

import concurrency  # isort: split

import collections
import gc
import importlib.metadata
import json
import pathlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import yielding
from nova import config
from nova import context
from nova import objects
from nova.compute import power_state
from nova.compute import provider_tree
from nova.objects.flavor import Flavor
from nova.objects.image_meta import ImageMeta
from nova.objects.instance import Instance
from nova.virt import driver
from nova.virt import virtapi
from oslo_utils import uuidutils

_IMAGE = uuidutils.generate_uuid()
_SNAPSHOT = uuidutils.generate_uuid()
_DISTRIBUTIONS = (
    'nova',
    'oslo.vmware',
    'oslo.service',
    'suds-community',
    'urllib3',
)
_OFF = power_state.SHUTDOWN
_RUNNING = power_state.RUNNING
_SUSPENDED = power_state.SUSPENDED
# So that a run of thousands of failures can be read.
_LONGEST_ERROR = 160


class _Glance:
    """What the driver calls of nova's client of Glance."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def get(self, context, image_id, **_) -> dict[str, Any]:
        return {'id': image_id, 'name': 'tiny', 'size': len(self._content)}

    def download(self, context, image_id, **_) -> list[bytes]:
        return [self._content]

    def update(self, context, image_id, image, data=None, **_) -> None:
        while data.read(65_536):
            pass


class _Outcomes:
    """Counts what came of operations, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors = collections.defaultdict(collections.Counter)
        self._passed = collections.Counter()

    def note(self, operation: str, error: str | None) -> None:
        with self._lock:
            if error is None:
                self._passed[operation] += 1
            else:
                self._errors[operation][error[:_LONGEST_ERROR]] += 1

    def try_(self, operation: str, call: Callable[[], object]) -> bool:
        """Call it, note what came of it, and tell whether it passed.

        :param call: raises an exception if it fails
        """
        error = None
        try:
            call()
        except Exception as raised:
            error = f'{type(raised).__name__}: {raised}'
        self.note(operation, error)
        return error is None

    def document(self) -> dict[str, Any]:
        return {
            name: {
                'passed': self._passed[name],
                'failed': self._errors[name].total(),
                'errors': sorted(self._errors[name]),
            }
            for name in {**self._passed, **self._errors}
        }


class _Operating:
    """A driver that is operated by many."""

    def __init__(
        self, loaded: driver.ComputeDriver, count: int, pace: str
    ) -> None:
        self._driver = loaded
        self._context = context.get_admin_context()
        self._image = ImageMeta.from_dict(
            {
                'id': _IMAGE,
                'disk_format': 'vmdk',
                'container_format': 'bare',
                'properties': {'hw_disk_type': 'streamOptimized'},
            }
        )
        self._servers = [_server(number) for number in range(1, count + 1)]
        self._others = set()
        self._pace = pace
        self._booted = threading.Barrier(
            count, yielding.begin if pace == 'booted' else None
        )
        self._is_over = threading.Event()
        self.outcomes = _Outcomes()

    def run(self) -> None:
        if not self.outcomes.try_(
            'init_host', lambda: self._driver.init_host('')
        ):
            return
        (self._node,) = self._driver.get_available_nodes()
        # So far nothing is simultaneous.
        self._others = set(self._driver.list_instance_uuids())
        if self._pace == 'start':
            yielding.begin()
        reader = threading.Thread(target=self._read_until_over)
        reader.start()
        threads = [
            threading.Thread(target=self._live, args=(server,))
            for server in self._servers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._is_over.set()
        reader.join()

    def _read_until_over(self) -> None:
        while True:
            self.outcomes.try_('get_available_resource', self._read_resource)
            self.outcomes.try_('update_provider_tree', self._update_tree)
            self.outcomes.try_('list_instance_uuids', self._list)
            if self._is_over.wait(0.1):
                return

    def _read_resource(self) -> None:
        found = self._driver.get_available_resource(self._node)
        _expect((found['vcpus'], found['memory_mb']), (64, 4 * 65_536))
        _expect(found['hypervisor_hostname'], self._node)

    def _update_tree(self) -> None:
        tree = provider_tree.ProviderTree()
        tree.new_root(self._node, uuidutils.generate_uuid())
        self._driver.update_provider_tree(tree, self._node)
        inventory = tree.data(self._node).inventory
        found = {name: part['max_unit'] for name, part in inventory.items()}
        _expect(found, {'VCPU': 16, 'MEMORY_MB': 65_536, 'DISK_GB': 2000})

    def _list(self) -> None:
        own = {server.uuid for server in self._servers}
        found = set(self._driver.list_instance_uuids())
        _expect(found - own, self._others)

    def left(self) -> int:
        """Return how many of its servers there are."""
        return len(set(self._driver.list_instance_uuids()) - self._others)

    def _live(self, server: Instance) -> None:
        """Take a server from its boot to its end, which always comes."""
        boot, *rest = self._life(server)
        is_alive = self._step(server, *boot)
        self._booted.wait()
        for step in rest:
            is_alive = is_alive and self._step(server, *step)
        self.outcomes.try_(
            'destroy',
            lambda: self._driver.destroy(self._context, server, []),
        )

    def _step(
        self,
        server: Instance,
        name: str,
        operate: Callable[[], object],
        state: int,
    ) -> bool:
        """Do something with a server; tell whether it is as it should be."""

        def step() -> None:
            operate()
            found = self._driver.get_info(server, use_cache=False)
            _expect(found.state, state)

        return self.outcomes.try_(name, step)

    def _life(
        self, server: Instance
    ) -> list[tuple[str, Callable[[], object], int]]:
        """Return what to do with a server, and its power state after that."""
        take = self._driver
        now = self._context
        return [
            (
                'spawn',
                lambda: take.spawn(now, server, self._image, [], '', {}, []),
                _RUNNING,
            ),
            ('power_off', lambda: take.power_off(server), _OFF),
            ('power_on', lambda: take.power_on(now, server, []), _RUNNING),
            (
                'reboot',
                lambda: take.reboot(now, server, [], 'HARD'),
                _RUNNING,
            ),
            ('suspend', lambda: take.suspend(now, server), _SUSPENDED),
            ('resume', lambda: take.resume(now, server, []), _RUNNING),
            (
                'snapshot',
                lambda: take.snapshot(
                    now, server, _SNAPSHOT, lambda **_: None
                ),
                _RUNNING,
            ),
        ]


def _expect(found: object, wanted: object) -> None:
    """Fail unless they are equal.

    :raises ValueError: they are not
    """
    if found != wanted:
        raise ValueError(f'{found}, not {wanted}')


def _server(number: int) -> Instance:
    """Return a server as nova-compute has it when it boots it."""
    return Instance(
        id=number,
        uuid=uuidutils.generate_uuid(),
        project_id='project',
        user_id='user',
        display_name=f'server-{number}',
        image_ref=_IMAGE,
        memory_mb=128,
        vcpus=1,
        config_drive='',
        vm_state=None,
        task_state=None,
        host='',
        # One without it is not destroyed.
        node='any',
        system_metadata={},
        flavor=Flavor(
            name='small',
            memory_mb=128,
            vcpus=1,
            root_gb=1,
            ephemeral_gb=0,
            swap=0,
            extra_specs={},
        ),
    )


def main() -> None:
    pace, count, image = sys.argv[1:4]
    # A fifth of the work: suds makes much that stays.
    gc.disable()
    config.parse_args([sys.argv[0], *sys.argv[4:]], configure_db=False)
    objects.register_all()
    loaded = driver.load_compute_driver(virtapi.VirtAPI())
    gc.freeze()
    gc.enable()
    # It takes options when it is imported.
    from nova.virt.vmwareapi import images

    images.IMAGE_API = _Glance(pathlib.Path(image).read_bytes())
    operating = _Operating(loaded, int(count), pace)
    operating.run()
    json.dump(
        {
            'versions': {
                name: importlib.metadata.version(name)
                for name in _DISTRIBUTIONS
            },
            'is_eventlet': concurrency.IS_EVENTLET,
            'operations': operating.outcomes.document(),
            'left': operating.left(),
        },
        sys.stdout,
    )


if __name__ == '__main__':
    main()
