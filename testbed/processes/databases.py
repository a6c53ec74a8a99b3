# SPDX-License-Identifier: Apache-2.0
"""nova's databases as SQLite files."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Mapping

from testbed.processes import nova_conf
from testbed.processes import polling
from testbed.processes import programs

KVM_HOST = 'kvm-1'
VMWARE_HOST = 'vc-1'
KVM_AGGREGATE = 'kvm'

# Enough for all that the tests ever place: nothing frees it again.
_ROOM = {
    'vcpus': {'total': 10_000},
    'memory_mb': {'total': 10_000_000},
    'disk_gb': {'total': 100_000},
}
# nova-scheduler asks for the second of nova's own ones.
_TRAITS = ['COMPUTE_NODE', 'OWNER_NOVA']

# What nova's libvirt and vSphere drivers report, and the aggregates that
# operators make of such hosts.
_CLOUD = {
    'hosts': [
        {
            'name': KVM_HOST,
            'hypervisor_type': 'QEMU',
            'supported': ['kvm', 'qemu'],
            'traits': [
                *_TRAITS,
                'COMPUTE_IMAGE_TYPE_QCOW2',
                'COMPUTE_NET_VIF_MODEL_VIRTIO',
            ],
            **_ROOM,
        },
        {
            'name': VMWARE_HOST,
            'hypervisor_type': 'VMware vCenter Server',
            'supported': ['vmware'],
            'traits': [*_TRAITS, 'COMPUTE_IMAGE_TYPE_VMDK'],
            **_ROOM,
        },
    ],
    'aggregates': [
        {
            'name': KVM_AGGREGATE,
            'metadata': {'hypervisor_type': 'kvm'},
            'hosts': [KVM_HOST],
        },
        {
            'name': 'vmware',
            'metadata': {'hypervisor_type': 'vmware'},
            'hosts': [VMWARE_HOST],
        },
    ],
}


class Databases:
    """The API database, cell0, and cell1 that is to hold the hosts."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Make them."""
        self._folder = folder
        self.options: nova_conf.Options = {
            'api_database': {'connection': f'sqlite:///{folder}/api.db'},
            'database': {'connection': f'sqlite:///{folder}/cell1.db'},
        }
        _run(
            sys.executable,
            programs.MAKE_DATABASES,
            f'sqlite:///{folder}/cell0.db',
            self._conf(),
        )

    def add_hosts(self, placement: nova_conf.Options) -> None:
        """Add a KVM host and a vCenter host, also to Placement."""
        fill(self._conf(placement), _CLOUD)

    def _conf(self, options: nova_conf.Options | None = None) -> str:
        path = self._folder / 'manage.conf'
        nova_conf.write(path, self.options, options or {})
        return f'--config-file={path}'


def fill(conf: str, document: Mapping[str, list]) -> None:
    """Fill nova's databases and Placement.

    :param conf: the argument that names nova's configuration
    :param document: in the shape of a snapshot, as the program tells
    """
    _run(
        sys.executable,
        programs.FILL_DATABASES,
        conf,
        stdin=json.dumps(document),
    )


def _run(*command: str | pathlib.Path, stdin: str = '') -> None:
    ended = subprocess.run(
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=polling.TIMEOUT,
    )
    assert ended.returncode == 0, f'{command}:\n{ended.stdout}'
