# SPDX-License-Identifier: Apache-2.0
"""Whether each cluster has its nova-compute, and this knows the cluster."""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence

from hypervisor_affinity.cloud import adapters
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Cluster
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import commands
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.compute_service import Trouble
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter.checks import Place
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding
from hypervisor_affinity.operations.vcenter.checks import judged

_GIB = 2**30
# ESXi itself takes some of a host's memory, also where nothing runs.
_NEARLY = 0.9


@dataclasses.dataclass(frozen=True, slots=True)
class Served:
    """A cluster that nova has to do with.

    :ivar hosts: the compute nodes that say they are it
    :ivar computes: the files that name it, or name no cluster of its vCenter
    """

    vcenter: VCenter
    cluster: Cluster
    hosts: tuple[Host, ...]
    computes: tuple[ComputeConf, ...]

    @property
    def node(self) -> str:
        """The name of the compute node that it is."""
        return self.vcenter.node(self.cluster.id)

    def place(self, subject: str = '') -> Place:
        """Return where it is, or where something in it is."""
        return Place(self.vcenter.name, self.cluster.name, subject)

    def finding(
        self, check: VCenterCheck, subject: str, evidence: str
    ) -> VCenterFinding:
        """Return a finding about it."""
        return Finding(check, self.place(subject), evidence)


def served(vcenters: Iterable[VCenter], hosts: Iterable[Host]) -> list[Served]:
    """Return the clusters that a file names, or a compute node is.

    A vCenter that files call by several names has each cluster once.
    """
    hosts = list(hosts)
    found: dict[str, Served] = {}
    for vcenter in vcenters:
        for cluster in vcenter.clusters:
            node = vcenter.node(cluster.id)
            nodes = tuple(host for host in hosts if host.node == node)
            named = tuple(
                c for c in vcenter.computes if c.cluster == cluster.name
            )
            if not (nodes or named):
                continue
            unnamed = tuple(c for c in vcenter.computes if not c.cluster)
            each = Served(vcenter, cluster, nodes, named or unnamed)
            if node in found:
                known = found[node]
                each = dataclasses.replace(
                    known, computes=known.computes + each.computes
                )
            found[node] = each
    return list(found.values())


def check_computes(each: Served) -> Iterator[VCenterFinding]:
    """Find a cluster with no nova-compute, or with several."""
    names = sorted(
        {host.name for host in each.hosts}
        | {conf.host for conf in each.computes if conf.host and conf.cluster}
    )
    if not each.hosts:
        files = ', '.join(conf.file for conf in each.computes)
        yield each.finding(
            VCenterCheck.CLUSTER_NOT_SERVED,
            '',
            f'{files} names it, and there is no compute node {each.node}',
        )
    if len(names) > 1:
        yield each.finding(
            VCenterCheck.CLUSTER_SERVED_TWICE, '', f'by {", ".join(names)}'
        )


def check_services(
    hosts: Iterable[Host], each_served: Iterable[Served]
) -> Iterator[VCenterFinding]:
    """Find services of clusters that keep servers from being placed.

    :param hosts: those that run VMware
    """
    places = {
        host: each.place(host)
        for each in each_served
        for host in (host.name for host in each.hosts)
    }
    # A service may have several compute nodes.
    for host in {host.name: host for host in hosts}.values():
        place = places.get(host.name) or Place(subject=host.name)
        yield from judged(_check_service(host, place), place)


def _check_service(host: Host, place: Place) -> Iterator[VCenterFinding]:
    troubles = ComputeService.from_record(host).troubles
    if Trouble.DOWN in troubles:
        heard = host.last_seen or 'never, or long ago'
        yield Finding(
            VCenterCheck.COMPUTE_DOWN,
            place,
            f'last heard: {heard}',
            commands=(commands.set_compute(host.name, '--up'),),
        )
    reason = host.disabled_reason or 'no reason given'
    enable = (commands.set_compute(host.name, '--enable'),)
    if Trouble.DISABLED_BY_DRIVER in troubles:
        check = VCenterCheck.COMPUTE_DISABLED_BY_DRIVER
        yield Finding(check, place, reason, commands=enable)
    elif Trouble.DISABLED in troubles:
        check = VCenterCheck.COMPUTE_DISABLED
        yield Finding(check, place, reason, commands=enable)


def check_aggregates(
    hosts: Iterable[Host], aggregates: Iterable[Aggregate], policy: Policy
) -> Iterator[VCenterFinding]:
    """Find hosts of VMware's aggregates that no nova-compute stands for.

    :param hosts: all, whatever they run
    """
    nodes = {h.name for h in hosts if h.node or h.hypervisor_type}
    for aggregate in aggregates:
        yield from judged(
            _check_aggregate(aggregate, nodes, policy),
            Place(subject=f'aggregate {aggregate.name}'),
        )


def _check_aggregate(
    aggregate: Aggregate, nodes: Collection[str], policy: Policy
) -> Iterator[VCenterFinding]:
    offer = read_offer(
        adapters.read_tags([aggregate]), DriverReport(None), policy
    )
    if offer.families != {hypervisor.VMWARE}:
        return
    for name in sorted(set(aggregate.hosts).difference(nodes)):
        yield Finding(
            VCenterCheck.CLUSTER_NOT_SERVED,
            Place(subject=name),
            f'aggregate {aggregate.name} has it, and no nova-compute of '
            'this name has reported a compute node',
        )


def check_nodes(
    hosts: Iterable[Host], vcenters: Sequence[VCenter]
) -> Iterator[VCenterFinding]:
    """Find compute nodes whose cluster is gone, or was not looked at.

    :param hosts: those that run VMware
    """
    # Files may call one vCenter by several names.
    known: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for vcenter in vcenters:
        if vcenter.uuid:
            known[vcenter.uuid].update(vcenter.cluster_names)
    names = {vcenter.uuid: vcenter.name for vcenter in vcenters}
    for host in hosts:
        cluster_id, _, uuid = host.node.partition('.')
        if uuid not in known:
            yield Finding(
                VCenterCheck.COMPUTE_NOT_CHECKED,
                Place(subject=host.name),
                f'node {host.node or "(none)"}',
            )
        elif cluster_id not in known[uuid]:
            yield Finding(
                VCenterCheck.CLUSTER_NOT_FOUND,
                Place(names[uuid], subject=host.name),
                f'its node is {host.node}; vCenter shows no {cluster_id}',
            )


def check_names(vcenter: VCenter) -> Iterator[VCenterFinding]:
    """Find names of clusters that vCenter does not have."""
    known = {cluster.name for cluster in vcenter.clusters}
    for conf in vcenter.computes:
        if conf.cluster and conf.cluster not in known:
            others = sorted(vcenter.cluster_names.values())
            yield Finding(
                VCenterCheck.CLUSTER_NOT_FOUND,
                Place(vcenter.name, conf.cluster, conf.host),
                f'{conf.file} names it; vCenter shows: '
                f'{", ".join(others) or "no cluster"}',
            )


def check_inventory(each: Served) -> Iterator[VCenterFinding]:
    """Find figures that Placement has otherwise than vCenter."""
    usable = clusters.usable(each.cluster.hosts)
    if not usable:
        return
    memory = [host.memory_mb for host in usable]
    threads = [host.threads for host in usable]
    disk = sum(
        datastore.capacity
        for datastore in clusters.for_nova(each.cluster, each.computes)
        if clusters.is_available(datastore)
    )
    freest = max(usable, key=lambda host: host.memory_free_mb)
    for host in each.hosts:
        differences = [
            *_differences('VCPU', host.vcpus, sum(threads), max(threads)),
            *_differences(
                'MEMORY_MB', host.memory_mb, sum(memory), max(memory)
            ),
            # Its max_unit changes with whatever is written there.
            *_differences('DISK_GB', host.disk_gb, disk // _GIB, None),
        ]
        if differences:
            yield each.finding(
                VCenterCheck.INVENTORY_DIFFERS,
                host.name,
                '; '.join(differences),
            )
        most = host.memory_mb and host.memory_mb.max_unit
        if most and freest.memory_free_mb < most * _NEARLY:
            yield each.finding(
                VCenterCheck.NO_HOST_HAS_MAX_UNIT,
                host.name,
                f'max_unit is {most} MiB; {freest.name}, the freest host, '
                f'has {freest.memory_free_mb} MiB',
            )


def _differences(
    resource: str, kept: Inventory | None, total: int, most: int | None
) -> Iterator[str]:
    if kept is None:
        yield f'{resource}: Placement has none, vCenter {total}'
        return
    if kept.total != total:
        yield f'{resource}: Placement has {kept.total}, vCenter {total}'
    if most is not None and kept.max_unit not in (None, most):
        yield (
            f'{resource} of the largest host: Placement has {kept.max_unit}, '
            f'vCenter {most}'
        )
