# SPDX-License-Identifier: Apache-2.0
"""What a cluster should be, for nova to have it as one host."""

import re
from collections.abc import Iterable, Iterator, Sequence

from hypervisor_affinity.cloud.snapshot import Cluster
from hypervisor_affinity.cloud.snapshot import ComputeConf
from hypervisor_affinity.cloud.snapshot import Datastore
from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.vcenter.checks import Place
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding

# nova.virt.vmwareapi.ds_util.ALL_SUPPORTED_DS_TYPES.
DATASTORE_TYPES = frozenset({'VMFS', 'NFS', 'NFS41', 'vsan'})
_MANAGEMENT = 'management'
_VMOTION = 'vmotion'

HOST_STATES = (
    'connected',
    'maintenance',
    'standby',
    'disconnected',
    'not_responding',
)
_CONNECTIONS = {
    'disconnected': 'disconnected',
    'notResponding': 'not_responding',
}
_STATES = {
    'maintenance': VCenterCheck.HOST_IN_MAINTENANCE,
    'standby': VCenterCheck.HOST_IN_STANDBY,
    'disconnected': VCenterCheck.HOST_DISCONNECTED,
    'not_responding': VCenterCheck.HOST_DISCONNECTED,
}
_DRS = {
    'off': VCenterCheck.DRS_OFF,
    'manual': VCenterCheck.DRS_MANUAL,
    'partially_automated': VCenterCheck.DRS_PARTIALLY_AUTOMATED,
}

# What was found: the check, the subject, the evidence.
_Found = Iterator[tuple[VCenterCheck, str, str]]


def check(
    vcenter: VCenter, cluster: Cluster, computes: Sequence[ComputeConf]
) -> Iterator[VCenterFinding]:
    """Find what is wrong with a cluster.

    :param computes: what is known of the nova-computes that serve it
    """
    for found in (
        _check_automation(cluster),
        _check_hosts(cluster.hosts),
        _check_capacity(cluster),
        _check_datastores(cluster, computes),
        _check_networks(cluster.hosts),
    ):
        for kind, subject, evidence in found:
            place = Place(vcenter.name, cluster.name, subject)
            yield Finding(kind, place, evidence)


def for_nova(
    cluster: Cluster, computes: Sequence[ComputeConf]
) -> list[Datastore]:
    """Return the datastores that nova may use while nothing is wrong."""
    return [
        datastore
        for datastore in cluster.datastores
        if datastore.type in DATASTORE_TYPES
        and any(_selects(conf, datastore) for conf in computes)
    ]


def is_available(datastore: Datastore) -> bool:
    """Tell whether nova may use it now.

    As ``nova.virt.vmwareapi.ds_util._is_datastore_valid`` does.
    """
    return datastore.accessible and datastore.maintenance == 'normal'


def usable(hosts: Iterable[EsxiHost]) -> list[EsxiHost]:
    """Return the hosts that nova counts."""
    return [host for host in hosts if host.takes_servers]


def connected(hosts: Iterable[EsxiHost]) -> list[EsxiHost]:
    """Return the hosts of which it is known what they have now."""
    return [host for host in hosts if host.connection == 'connected']


def state(host: EsxiHost) -> str:
    """Return one of :data:`HOST_STATES`."""
    if host.power == 'standBy':
        return 'standby'
    if host.connection != 'connected':
        return _CONNECTIONS[host.connection]
    return 'maintenance' if host.maintenance else 'connected'


def _selects(conf: ComputeConf, datastore: Datastore) -> bool:
    regex = conf.datastore_regex
    try:
        return regex is None or re.match(regex, datastore.name) is not None
    except (OverflowError, RecursionError, re.error):
        # Nor does nova-compute start with it.
        return False


def _check_automation(cluster: Cluster) -> _Found:
    if cluster.drs in _DRS:
        words = cluster.drs.replace('_', ' ')
        yield _DRS[cluster.drs], '', f'DRS is {words}'
    if not cluster.ha:
        yield VCenterCheck.HA_OFF, '', 'vSphere HA is disabled'


def _check_hosts(hosts: Sequence[EsxiHost]) -> _Found:
    if not usable(hosts):
        yield (
            VCenterCheck.NO_USABLE_HOST,
            '',
            f'{len(hosts)} hosts, none of them connected and not in '
            'maintenance',
        )
    for host in hosts:
        found = state(host)
        if found in _STATES:
            yield (
                _STATES[found],
                host.name,
                f'connection {host.connection}, power {host.power}, '
                f'maintenance {"on" if host.maintenance else "off"}',
            )


def _check_capacity(cluster: Cluster) -> _Found:
    hosts = usable(cluster.hosts)
    if len(hosts) == 1:
        yield (
            VCenterCheck.CAPACITY_BELOW_N_PLUS_1,
            '',
            f'{hosts[0].name} is the only host that takes servers',
        )
    elif hosts:
        yield from _check_amount(
            'MiB of memory',
            cluster.running_memory_mb,
            [host.memory_mb for host in hosts],
        )
        yield from _check_amount(
            'MHz of CPU',
            sum(host.cpu_used_mhz for host in hosts),
            [host.cpu_mhz for host in hosts],
        )


def _check_amount(unit: str, needed: int, amounts: list[int]) -> _Found:
    rest = sum(amounts) - max(amounts)
    if needed > rest:
        yield (
            VCenterCheck.CAPACITY_BELOW_N_PLUS_1,
            '',
            f'VMs take {needed} {unit}; without its largest host the cluster '
            f'has {rest}',
        )


def _check_datastores(
    cluster: Cluster, computes: Sequence[ComputeConf]
) -> _Found:
    selected = for_nova(cluster, computes)
    if not any(map(is_available, selected)):
        names = ', '.join(d.name for d in cluster.datastores) or 'none at all'
        wanted = ', '.join(
            repr(conf.datastore_regex)
            for conf in computes
            if conf.datastore_regex is not None
        )
        evidence = f'datastores: {names}'
        yield (
            VCenterCheck.NO_DATASTORE,
            '',
            f'{evidence}; datastore_regex: {wanted}' if wanted else evidence,
        )
    hosts = {host.name for host in connected(cluster.hosts)}
    for datastore in selected:
        if not is_available(datastore):
            state = (
                f'maintenance: {datastore.maintenance}'
                if datastore.accessible
                else 'no host reaches it'
            )
            yield VCenterCheck.DATASTORE_UNAVAILABLE, datastore.name, state
        elif missing := sorted(hosts - set(datastore.hosts)):
            yield (
                VCenterCheck.DATASTORE_NOT_SHARED,
                datastore.name,
                f'not on {_named(missing)}, of {len(hosts)} hosts',
            )


def _check_networks(hosts: Sequence[EsxiHost]) -> _Found:
    known = connected(hosts)
    everywhere = frozenset().union(*(host.nsx_networks for host in known))
    for host in known:
        # None at all: they could not be read.
        if host.adapters:
            yield from _check_adapters(host, is_alone=len(hosts) == 1)
        if missing := sorted(everywhere - set(host.nsx_networks)):
            yield (
                VCenterCheck.NSX_UNEVEN,
                host.name,
                f'it lacks {_named(missing)}',
            )


def _check_adapters(host: EsxiHost, *, is_alone: bool) -> _Found:
    adapters = ', '.join(
        f'{name} ({" ".join(services) or "no service"})'
        for name, services in host.adapters.items()
    )
    each = host.adapters.values()
    if not is_alone and not any(_VMOTION in services for services in each):
        yield VCenterCheck.VMOTION_MISSING, host.name, adapters
    if all(_MANAGEMENT in services for services in each):
        yield VCenterCheck.STORAGE_NETWORK_SHARED, host.name, adapters


def _named(names: Sequence[str]) -> str:
    shown = ', '.join(names[:3])
    return shown if len(names) <= 3 else f'{shown} and {len(names) - 3} more'
