# SPDX-License-Identifier: Apache-2.0
"""Checks of the compute services of vCenter hosts."""

from collections.abc import Callable, Iterator, Sequence

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.hosts import OfferingHost
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import warning


def _is_silent(host: ComputeHost) -> bool:
    return not host.is_up and not host.forced_down


def _is_disabled_by_driver(host: ComputeHost) -> bool:
    return host.disabled_reason == hypervisor.DISABLED_BY_VSPHERE_DRIVER


def _is_forced_down(host: ComputeHost) -> bool:
    return host.forced_down


_States: tuple[tuple[Callable[[ComputeHost], bool], str], ...] = (
    (
        _is_disabled_by_driver,
        'The virt driver has disabled nova-compute of {hosts}: it could not '
        'reach vCenter. A restart of nova-compute does not undo that: when '
        'vCenter answers again, run openstack compute service set --enable '
        'HOST nova-compute.',
    ),
    (
        _is_silent,
        'nova-compute of {hosts} is down: nothing is heard of it. Look at '
        'its log, and start it again.',
    ),
    (
        _is_forced_down,
        'nova-compute of {hosts} is forced down. When the host is in order '
        'again, run openstack compute service set --up HOST nova-compute.',
    ),
)


def check(hosts: Sequence[OfferingHost]) -> Iterator[Statement]:
    """Find services of vCenter hosts that keep servers from being placed.

    One that somebody has disabled is somebody's wish.
    """
    vcenters = [found.host for found in hosts if found.runs_vmware]
    if vcenters and not any(map(_takes_servers, vcenters)):
        names = {host.name for host in vcenters}
        yield failure(
            'A request that needs VMware finds no host: nova-compute of '
            f'{counted("vCenter host", names)} is down or disabled. Bring one '
            'up or enable it; openstack compute service list shows which '
            'state they are in.'
        )
    for applies, text in _States:
        names = {host.name for host in vcenters if applies(host)}
        if names:
            yield warning(text.format(hosts=counted('vCenter host', names)))


def _takes_servers(host: ComputeHost) -> bool:
    return host.is_up and host.disabled_reason is None
