# SPDX-License-Identifier: Apache-2.0
"""Files of nova's configuration that name a vCenter, and what comes of it."""

import pathlib
from typing import Any

from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.vcenter import options
from hypervisor_affinity.cloud.vcenter.options import Access
from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from testbed.vcenter.simulator import VCenter


def write(path: pathlib.Path, vcenter: VCenter, **values: Any) -> str:
    """Write the file of a nova-compute, and return its path.

    :param values: of [vmware], instead of how to reach the vCenter; those
        that are None are left out
    """
    values = {
        'host_ip': vcenter.host,
        'host_port': vcenter.port,
        'host_username': vcenter.user,
        'host_password': vcenter.password,
        'ca_file': vcenter.ca_file,
        **values,
    }
    lines = [
        f'{name} = {value}'
        for name, value in values.items()
        if value is not None
    ]
    path.write_text('\n'.join(['[vmware]', *lines, '']))
    return str(path)


def access(path: pathlib.Path, vcenter: VCenter, **values: Any) -> Access:
    """Write such a file, and return what is read of it."""
    (found,) = options.read_accesses([write(path, vcenter, **values)])
    return found


def read_once(access: Access) -> snapshot.VCenter:
    """Return the record of a vCenter, and leave no session there."""
    with VCenters([access]) as vcenters:
        (record,) = vcenters.read()
    return record
