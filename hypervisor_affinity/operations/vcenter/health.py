# SPDX-License-Identifier: Apache-2.0
"""All checks of vCenters."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Command
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter import computes
from hypervisor_affinity.operations.vcenter.checks import Place
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding
from hypervisor_affinity.operations.vcenter.checks import judged
from hypervisor_affinity.operations.vcenter.computes import Served
from hypervisor_affinity.operations.vcenter.servers import SecondLook
from hypervisor_affinity.operations.vcenter.servers import Watch


class Records(Protocol):
    """What is read here of a cloud: any ``Source`` has it, and more."""

    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes."""

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters behind the clusters."""

    def servers(self) -> Iterator[Server]:
        """Yield the servers, at least those of vCenter hosts."""


def _drop(servers: Iterator[Server]) -> None:
    """Read servers to their end, for nothing else."""
    for _ in servers:
        pass


def check(
    source: Records,
    policy: Policy,
    again: SecondLook | None,
    consume: Callable[[Iterator[Server]], None] = _drop,
    *,
    with_services: bool = True,
) -> Iterator[VCenterFinding]:
    """Yield all findings: of vCenters, clusters, nova-computes, servers.

    :param again: asks the cloud about servers that look wrong; None where
        nothing but a snapshot is there
    :param consume: takes all servers, for what else there is to do with them
    :param with_services: whether to look at the nova-computes' states, too;
        False where somebody else tells of these
    :raises SourceError: if nova cannot be read; that a vCenter cannot is a
        finding
    """
    vcenters = list(source.vcenters())
    hosts = list(source.hosts())
    each_served = computes.served(vcenters, hosts)
    yield from _check_vcenters(vcenters, each_served)
    aggregates = list(source.aggregates())
    offers = HostOffers(aggregates, policy)
    for host in hosts:
        yield from judged(_check_offer(host, offers), Place(subject=host.name))
    novas = _vmware_hosts(hosts, offers)
    if with_services:
        yield from computes.check_services(novas, each_served)
    yield from computes.check_aggregates(hosts, aggregates, policy)
    yield from _check_computes(vcenters, novas, each_served)
    watch = Watch(each_served)
    consume(watch.see(source.servers()))
    yield from watch.findings(again)


def _check_vcenters(
    vcenters: Sequence[VCenter], each_served: Iterable[Served]
) -> Iterator[VCenterFinding]:
    """Find what vCenters and the files that name them tell by themselves."""
    for vcenter in vcenters:
        yield from judged(_check_vcenter(vcenter), Place(vcenter.name))
    for each in each_served:
        yield from judged(
            clusters.check(each.vcenter, each.cluster, each.computes),
            each.place(),
        )


def _check_vcenter(vcenter: VCenter) -> Iterator[VCenterFinding]:
    if not vcenter.verified:
        yield Finding(
            VCenterCheck.TLS_UNVERIFIED, Place(vcenter.name), 'insecure is set'
        )
    for compute in vcenter.computes:
        if compute.open_to_all:
            yield Finding(
                VCenterCheck.PASSWORD_OPEN,
                Place(vcenter.name, subject=compute.file),
                'every user of the machine can read the file',
                commands=(
                    Command(('chmod', 'o-rwx'), arguments=(compute.file,)),
                ),
            )
    if vcenter.error:
        yield Finding(
            VCenterCheck.VCENTER_UNREADABLE, Place(vcenter.name), vcenter.error
        )
    else:
        yield from computes.check_names(vcenter)


def _check_computes(
    vcenters: Sequence[VCenter],
    hosts: Iterable[Host],
    each_served: Sequence[Served],
) -> Iterator[VCenterFinding]:
    """Find what nova's compute nodes and inventories contradict.

    :param hosts: those that run VMware
    """
    yield from computes.check_nodes(
        [host for host in hosts if host.node], vcenters
    )
    for each in each_served:
        for check in (computes.check_computes, computes.check_inventory):
            yield from judged(check(each), each.place())


def _check_offer(host: Host, offers: HostOffers) -> Iterator[VCenterFinding]:
    """Find nothing; who cannot tell what a host offers is to say so."""
    offers.offer(host)
    yield from ()


def _vmware_hosts(hosts: Iterable[Host], offers: HostOffers) -> list[Host]:
    """Return the hosts that run VMware, by their driver or their tag."""
    return [
        host
        for host in offers.readable(hosts)
        if offers.offer(host).underneath == {hypervisor.VMWARE}
    ]
