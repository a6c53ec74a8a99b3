# SPDX-License-Identifier: Apache-2.0
"""Checks of servers on vCenter hosts."""

import collections
from collections.abc import Iterable, Iterator

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.status.databases import EMULATION
from hypervisor_affinity.status.databases import EmulatedServer
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import warning


def check_emulated(servers: Iterable[EmulatedServer]) -> Iterator[Statement]:
    """Find servers that run on another architecture than their image is for.

    Of nova's drivers, libvirt's alone reads the property.

    :param servers: those of vCenter hosts
    """
    row = drivers.TABLES[hypervisor.VMWARE].row(EMULATION)
    foreign = collections.defaultdict(set)
    for server in servers:
        found = properties.normalize({EMULATION: server.architecture})
        if EMULATION not in found:
            continue
        value = str(found[EMULATION])
        if row.fails_in(value, found, False):
            foreign[value].add(server.id)
    for value, ids in sorted(foreign.items()):
        yield warning(
            f'{counted("server", ids)} on vCenter hosts: the image says '
            f'{written(EMULATION, value)}, which the vSphere driver does not '
            'read: it has started an x86 machine. Boot a new server instead: '
            'HypervisorAffinityFilter keeps such an image from VMware unless '
            'the image or the flavor asks for VMware. If the system is for '
            'x86, remove the property from the image.'
        )
