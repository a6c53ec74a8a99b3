# SPDX-License-Identifier: Apache-2.0
"""What a nova-compute on a vCenter needs: options, and a cluster."""

import os
import pathlib

from testbed.processes import nova_conf
from testbed.vcenter import inventory

DRIVER = 'vmwareapi.VMwareVCDriver'

# Names a directory with an oslo_vmware that has the patch for native threads.
PATCHED = 'HYPERVISOR_AFFINITY_OSLO_VMWARE'

# Of a distributed switch, for all ports of servers.
PORT_GROUP = 'servers'

# How the names of its hosts begin, for who knows nothing else of them.
_PREFIX = 'vc-'
_ESXI_HOSTS = 4
_CORES = 16
_MEMORY_BYTES = 64 * inventory.GIB
_DISK_BYTES = 2000 * inventory.GIB
# The driver fails on a host that says nothing, which is what it has for 0.
_USED_MIB = 1024


def is_host(name: str) -> bool:
    """Tell whether a host of nova-compute has a vCenter, by its name."""
    return name.startswith(_PREFIX)


def nova_options(
    host: str,
    port: int,
    user: str,
    password: str,
    ca_file: pathlib.Path,
    cluster: str,
) -> nova_conf.Options:
    """Return what nova.conf has for the driver.

    :param host: where vCenter is, as its certificate names it
    :param ca_file: what that certificate is verified by
    :param cluster: its name
    """
    return {
        'DEFAULT': {
            'compute_driver': DRIVER,
            # Without the patch, the driver's SOAP client, suds, mixes up the
            # answers to requests of several native threads.
            'concurrency_backend': (
                'threading' if os.environ.get(PATCHED) else 'eventlet'
            ),
        },
        'vmware': {
            'host_ip': host,
            'host_port': port,
            'host_username': user,
            'host_password': password,
            'ca_file': ca_file,
            'cluster_name': cluster,
            # One for a vCenter that is away, one for a session that is gone.
            # Before each it sleeps 10 seconds longer; by default 10 times.
            'api_retry_count': 2,
            # In seconds: ten a second are nothing to a simulated one.
            'task_poll_interval': 0.1,
        },
    }


def environment() -> dict[str, str]:
    """Return what nova-compute has in its environment beside the usual."""
    path = os.environ.get(PATCHED)
    return {'PYTHONPATH': path} if path else {}


def cluster_inventory(cluster: str) -> inventory.Inventory:
    """Return a vCenter with one cluster, which has no virtual machines.

    It has 256 GiB in all, and no server can be larger than 64.

    :param cluster: its name
    """
    made = inventory.cluster(cluster, _ESXI_HOSTS)
    for host in made.hosts:
        host.hardware = inventory.Hardware(
            memory_bytes=_MEMORY_BYTES,
            cpu_cores=_CORES,
            # The driver counts threads.
            cpu_threads=_CORES,
        )
        host.usage = inventory.Usage(memory_mib=_USED_MIB)
        host.networks.append(PORT_GROUP)
    return inventory.Inventory(
        clusters=[made],
        datastores=[
            inventory.datastore(
                f'{cluster}-vmfs',
                made.hosts,
                capacity_bytes=_DISK_BYTES,
                free_bytes=_DISK_BYTES,
            )
        ],
        networks=[inventory.Network(PORT_GROUP, 'portgroup')],
    )
