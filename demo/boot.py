# SPDX-License-Identifier: Apache-2.0
"""Boot the reference case with one scheduler, as a process of its own.

``python -m demo.boot KEY`` writes lines of JSON: numbers while servers
settle, then the result.
"""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from testbed.embedded_cloud import EmbeddedCloud
# isort: on

from demo.reference_case import ESXI_HYPERVISORS
from demo.reference_case import KINDS
from demo.reference_case import KVM_HOSTS
from demo.reference_case import NOWHERE
from demo.reference_case import SCHEDULERS
from demo.reference_case import Kind
from demo.reference_case import Result
from demo.reference_case import Scheduler
from hypervisor_affinity import conf


def run(
    scheduler: Scheduler,
    kinds: Sequence[Kind] = KINDS,
    progress: Callable[[int], Any] = lambda done: None,
) -> Result:
    """Boot the reference case.

    :param kinds: the servers
    :param progress: called with the number of servers that are settled
    """
    with EmbeddedCloud(
        scheduler.options, register_options=[conf.register_opts]
    ) as cloud:
        _add_hosts(cloud, scheduler.key)
        flavor = cloud.flavors.create('medium', vcpus=2, memory_mb=4096)
        placed: dict[str, dict[str, int]] = {}
        done = 0
        for kind in kinds:
            counts = placed.setdefault(kind.title, {})
            for server in _boot(cloud, kind, flavor, progress, done):
                where = server.hypervisor if server.active else NOWHERE
                counts[where] = counts.get(where, 0) + 1
            done += kind.count
            progress(done)
        wrong = cloud.images.create(
            'wrong', 'qcow2', properties={'hypervisor_type': 'vmware'}
        )
        cloud.logs.clear()
        server = cloud.boot(wrong, flavor=flavor)
        fault = server.fault or (
            f'(no fault: the server is {server.status} on {server.hypervisor})'
        )
        log = cloud.logs.messages('hypervisor_affinity')
    return Result(placed, fault, log[0] if log else None)


def _add_hosts(cloud: EmbeddedCloud, key: str) -> None:
    kvm = [f'kvm-{number}' for number in range(1, KVM_HOSTS + 1)]
    for name in kvm:
        cloud.add_kvm_host(name, vcpus=64, memory_mb=256 * 1024)
    cloud.add_vcenter_host('vcenter-1', esxi_hosts=ESXI_HYPERVISORS)
    cloud.aggregates.create('kvm', hosts=kvm, metadata={key: 'kvm,qemu'})
    cloud.aggregates.create(
        'vmware', hosts=['vcenter-1'], metadata={key: 'vmware'}
    )


def _boot(cloud, kind: Kind, flavor, progress, done: int) -> list:
    if kind.disk_format is None:
        ids = []
        for _ in range(kind.count):
            volume = cloud.volumes.create(
                image_metadata=kind.properties or None
            )
            ids += cloud.servers.submit(volume=volume, flavor=flavor)
        return cloud.servers.wait(
            ids, progress=lambda spawned: progress(done + spawned)
        )
    image = cloud.images.create(
        kind.title,
        kind.disk_format,
        kind.container_format,
        properties=kind.properties,
    )
    return cloud.boot_many(
        image,
        count=kind.count,
        flavor=flavor,
        progress=lambda spawned: progress(done + spawned),
    )


def main() -> None:
    """Boot, and tell the parent process."""

    def tell(line: Any) -> None:
        print(json.dumps(line), flush=True)

    result = run(SCHEDULERS[sys.argv[1]], progress=tell)
    tell(dataclasses.asdict(result))


if __name__ == '__main__':
    main()
