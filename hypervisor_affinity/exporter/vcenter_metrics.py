# SPDX-License-Identifier: Apache-2.0
"""Metrics of vCenters, their clusters, and what is wrong with these."""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.metrics_core import Metric

from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.exporter import families
from hypervisor_affinity.operations.vcenter import clusters
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding
from hypervisor_affinity.operations.vcenter.computes import Served

_MIB = 2**20
_LABELS = ('vcenter', 'cluster')
_DRS_LEVELS = ('off', 'manual', 'partially_automated', 'fully_automated')


def metrics(
    vcenters: Sequence[VCenter], each_served: Sequence[Served]
) -> Iterator[Metric]:
    """Yield metrics of vCenters and of the clusters that nova uses.

    There is a sample for each cluster, and for each state that something in
    it may have; none for a single ESXi host, datastore or VM.
    """
    yield families.info(
        'vcenter',
        'A vCenter that was read.',
        [
            {'vcenter': vcenter.name, 'version': vcenter.version}
            for vcenter in vcenters
            if not vcenter.error
        ],
    )
    yield from _state_metrics(each_served)
    for name, text, amount in _AMOUNTS:
        yield families.gauge(
            name,
            text,
            _LABELS,
            ((_labels(each), amount(each)) for each in each_served),
        )


def _state_metrics(each_served: Sequence[Served]) -> Iterator[Metric]:
    """Yield metrics with a label for what state something is in."""
    yield families.gauge(
        'cluster_drs',
        'Automation level of DRS: 1 for the level that is set.',
        (*_LABELS, 'level'),
        (
            ((*_labels(each), level), each.cluster.drs == level)
            for each in each_served
            for level in _DRS_LEVELS
        ),
    )
    yield families.gauge(
        'cluster_hosts',
        'ESXi hosts of a cluster by their state.',
        (*_LABELS, 'state'),
        (
            ((*_labels(each), state), count)
            for each in each_served
            for state, count in _states(each.cluster.hosts).items()
        ),
    )
    yield families.gauge(
        'cluster_vms',
        'VMs of a cluster by owner: created by nova, or other.',
        (*_LABELS, 'owner'),
        (
            ((*_labels(each), owner), count)
            for each in each_served
            for owner, count in (
                ('nova', len(each.cluster.vms)),
                ('other', each.cluster.other_vms),
            )
        ),
    )


def findings(
    found: Iterable[VCenterFinding], vcenters: Sequence[str]
) -> Metric:
    """Return a metric of findings, with all checks of each vCenter.

    :param found: what concerns nova alone is counted for vCenter ''
    """
    counts = collections.Counter((f.about.vcenter, f.check) for f in found)
    return families.gauge(
        'vcenter_findings',
        'Findings of vcenter check, by check.',
        ('vcenter', 'check', 'severity'),
        (
            (
                (name, check.value, check.severity.name.lower()),
                counts[name, check],
            )
            for name in ('', *vcenters)
            for check in VCenterCheck
        ),
    )


def _labels(each: Served) -> tuple[str, str]:
    return each.vcenter.name, each.cluster.name


def _states(hosts: Iterable[EsxiHost]) -> dict[str, int]:
    states = dict.fromkeys(clusters.HOST_STATES, 0)
    for host in hosts:
        states[clusters.state(host)] += 1
    return states


def _usable(each: Served) -> list[EsxiHost]:
    return clusters.usable(each.cluster.hosts)


def _datastores(each: Served, field: str) -> int:
    return sum(
        getattr(datastore, field)
        for datastore in clusters.for_nova(each.cluster, each.computes)
        if clusters.is_available(datastore)
    )


_AMOUNTS: tuple[tuple[str, str, Callable[[Served], float]], ...] = (
    (
        'cluster_ha_enabled',
        'Whether vSphere HA is enabled.',
        lambda each: each.cluster.ha,
    ),
    (
        'cluster_memory_bytes',
        'Memory of the ESXi hosts that take servers.',
        lambda each: sum(h.memory_mb for h in _usable(each)) * _MIB,
    ),
    (
        'cluster_memory_used_bytes',
        'Memory in use on the ESXi hosts that take servers.',
        lambda each: sum(h.memory_used_mb for h in _usable(each)) * _MIB,
    ),
    (
        'cluster_largest_host_memory_bytes',
        'Memory of the largest ESXi host: the most that Placement gives to '
        'one server.',
        lambda each: (
            max((h.memory_mb for h in _usable(each)), default=0) * _MIB
        ),
    ),
    (
        'cluster_freest_host_memory_bytes',
        'Free memory of the ESXi host that has the most.',
        lambda each: (
            max((h.memory_free_mb for h in _usable(each)), default=0) * _MIB
        ),
    ),
    (
        'cluster_datastore_bytes',
        'Capacity of the datastores that nova may use.',
        lambda each: _datastores(each, 'capacity'),
    ),
    (
        'cluster_datastore_free_bytes',
        'Free space on the datastores that nova may use.',
        lambda each: _datastores(each, 'free'),
    ),
)
