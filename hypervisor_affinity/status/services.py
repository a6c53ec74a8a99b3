# SPDX-License-Identifier: Apache-2.0
"""Checks of the compute services of vCenter hosts."""

from collections.abc import Iterator, Sequence

from hypervisor_affinity.operations.compute_service import Trouble
from hypervisor_affinity.status.hosts import OfferingHost
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import warning

_TEXTS = {
    Trouble.DISABLED_BY_DRIVER: (
        'The virt driver has disabled nova-compute of {hosts}: it could not '
        'reach vCenter. A restart of nova-compute does not undo that: when '
        'vCenter answers again, run openstack compute service set --enable '
        'HOST nova-compute.'
    ),
    Trouble.DOWN: (
        'nova-compute of {hosts} is down: it does not report. Look at its '
        'log, and start it again.'
    ),
    Trouble.FORCED_DOWN: (
        'nova-compute of {hosts} is forced down. When the host works again, '
        'run openstack compute service set --up HOST nova-compute.'
    ),
}


def check(hosts: Sequence[OfferingHost]) -> Iterator[Statement]:
    """Find services of vCenter hosts that keep servers from being placed.

    One that somebody has disabled is somebody's wish.
    """
    vcenters = [found.host for found in hosts if found.runs_vmware]
    if vcenters and all(host.service.troubles for host in vcenters):
        names = {host.name for host in vcenters}
        yield failure(
            'A request that needs VMware finds no host: nova-compute of '
            f'{counted("vCenter host", names)} is down or disabled. Bring one '
            'up or enable it; openstack compute service list shows which '
            'state they are in.'
        )
    for trouble, text in _TEXTS.items():
        names = {h.name for h in vcenters if trouble in h.service.troubles}
        if names:
            yield warning(text.format(hosts=counted('vCenter host', names)))
