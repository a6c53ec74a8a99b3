# SPDX-License-Identifier: Apache-2.0
"""nova's databases as SQLite files."""

import json
import pathlib
import subprocess
import sys

from tests.processes import nova_conf
from tests.processes import polling
from tests.processes import programs
from tests.processes.supervisor import BIN

KVM_HOST = 'kvm-1'
VMWARE_HOST = 'vc-1'
KVM_AGGREGATE = 'kvm'

# What nova's libvirt and vSphere drivers report, and the aggregates that
# operators make of such hosts.
_HOSTS = [
    {
        'name': KVM_HOST,
        'hypervisor_type': 'QEMU',
        'supported': [['x86_64', 'kvm', 'hvm'], ['x86_64', 'qemu', 'hvm']],
        'traits': ['COMPUTE_IMAGE_TYPE_QCOW2', 'COMPUTE_NET_VIF_MODEL_VIRTIO'],
        'aggregate': KVM_AGGREGATE,
        'metadata': {'hypervisor_type': 'kvm'},
    },
    {
        'name': VMWARE_HOST,
        'hypervisor_type': 'VMware vCenter Server',
        'supported': [['x86_64', 'vmware', 'hvm']],
        'traits': ['COMPUTE_IMAGE_TYPE_VMDK'],
        'aggregate': 'vmware',
        'metadata': {'hypervisor_type': 'vmware'},
    },
]


class Databases:
    """The API database, cell0, and cell1 that is to hold the hosts."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Make them."""
        self._folder = folder
        self.options: nova_conf.Options = {
            'api_database': {'connection': f'sqlite:///{folder}/api.db'},
            'database': {'connection': f'sqlite:///{folder}/cell1.db'},
        }
        manage = [BIN / 'nova-manage', self._conf()]
        cell0 = f'--database_connection=sqlite:///{folder}/cell0.db'
        # Never opened: nova-scheduler sends nothing to a cell.
        no_broker = '--transport-url=fake:/'
        _run(*manage, 'api_db', 'sync')
        _run(*manage, 'cell_v2', 'map_cell0', cell0)
        _run(*manage, 'db', 'sync')
        _run(*manage, 'cell_v2', 'create_cell', '--name=cell1', no_broker)

    def add_hosts(self, placement: nova_conf.Options) -> None:
        """Add a KVM host and a vCenter host, also to Placement."""
        _run(
            sys.executable,
            programs.FILL_DATABASES,
            self._conf(placement),
            stdin=json.dumps(_HOSTS),
        )

    def _conf(self, options: nova_conf.Options | None = None) -> str:
        path = self._folder / 'manage.conf'
        nova_conf.write(path, self.options, options or {})
        return f'--config-file={path}'


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
