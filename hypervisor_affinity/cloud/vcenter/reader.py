# SPDX-License-Identifier: Apache-2.0
"""What a vCenter says of its clusters, as records.

Read by its PropertyCollector: all clusters with one call, then of each one
its hosts with their VMs and networks, and its datastores, with another. What
the user may not read, or what an inaccessible VM does not tell, is missing
there without an error.
"""

import collections
import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from pyVmomi import vim
from pyVmomi import vmodl

from hypervisor_affinity.cloud.snapshot import Cluster
from hypervisor_affinity.cloud.snapshot import Datastore
from hypervisor_affinity.cloud.snapshot import EsxiHost
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.printable import cited

# nova.virt.vmwareapi.constants.EXTENSION_KEY: what VMs are marked with.
NOVAS_MARK = 'org.openstack.compute'
# Objects in one answer; the rest follows in others.
_PAGE = 1000

_Drs = Literal['off', 'manual', 'partially_automated', 'fully_automated']
_DRS: dict[str, _Drs] = {
    'manual': 'manual',
    'partiallyAutomated': 'partially_automated',
    'fullyAutomated': 'fully_automated',
}
_NSX_BACKING = 'nsx'

_collector = vmodl.query.PropertyCollector

_CLUSTER = (
    'name',
    'configurationEx',
)
_HOST = (
    'name',
    'runtime.connectionState',
    'runtime.powerState',
    'runtime.inMaintenanceMode',
    'summary.hardware',
    'summary.quickStats',
    'config.virtualNicManagerInfo.netConfig',
    'network',
)
_VM = (
    'name',
    'config.instanceUuid',
    'config.managedBy',
    'summary.config.memorySizeMB',
    'runtime.powerState',
)
_DATASTORE = ('summary', 'host')

# vim.ServiceInstanceContent. pyVmomi declares that each of its managers may be
# missing, which none is of a vCenter.
Content = Any

# The names of an object's properties -> their values.
_Properties = Mapping[str, Any]
# A reading: managed object -> its properties.
_Objects = Mapping[Any, _Properties]


def read_vcenter(content: Content, known: VCenter) -> VCenter:
    """Return a vCenter with the clusters that nova-computes name.

    :param known: what is known of it before it is asked; if one of its
        nova-computes names no cluster, all clusters are read
    :raises SourceError: if an answer has what no record can hold
    :raises Exception: whatever pyVmomi raises
    """
    named = {compute.cluster for compute in known.computes}
    wanted, others = [], {}
    for cluster, properties in _clusters(content).items():
        if '' in named or properties['name'] in named:
            inside = _inside(content, cluster)
            wanted.append(_cluster(cluster, properties, inside))
        else:
            others[cluster._moId] = properties['name']
    return _checked(
        msgspec.structs.replace(
            known,
            uuid=content.about.instanceUuid,
            version=content.about.version,
            clusters=tuple(sorted(wanted, key=lambda cluster: cluster.name)),
            other_clusters=others,
        )
    )


def _checked(found: VCenter) -> VCenter:
    """Return a record, whose types and ranges nothing has checked yet.

    :raises SourceError: if it is none that a snapshot could have
    """
    try:
        return msgspec.convert(msgspec.to_builtins(found), VCenter)
    except msgspec.ValidationError as error:
        raise SourceError(
            f'{found.name}: not a valid answer of vCenter '
            f'({cited(str(error))}); look for a proxy between here and there'
        ) from error


def find_vm(content: Content, uuid: str) -> str | None:
    """Return the id of the cluster that a VM is in.

    :param uuid: ``config.instanceUuid``
    :returns: '' if it is in none; None if there is no such VM
    """
    try:
        vm = content.searchIndex.FindByUuid(None, uuid, True, True)
        host = vm and vm.runtime.host
        owner = host and host.parent
    except vmodl.fault.ManagedObjectNotFound:
        # It went while it was looked at.
        return None
    if vm is None:
        return None
    if isinstance(owner, vim.ClusterComputeResource):
        return owner._moId
    return ''


def _clusters(content: Content) -> _Objects:
    view = content.viewManager.CreateContainerView(
        content.rootFolder, [vim.ClusterComputeResource], True
    )
    try:
        return _retrieve(
            content,
            view,
            [_step(vim.view.ContainerView, 'view')],
            {vim.ClusterComputeResource: _CLUSTER},
        )
    finally:
        # It may be gone with the session.
        with contextlib.suppress(vmodl.MethodFault):
            view.Destroy()


def _inside(content: Content, cluster: Any) -> _Objects:
    """Return a cluster's hosts, VMs, datastores and networks."""
    return _retrieve(
        content,
        cluster,
        [
            _step(
                vim.ComputeResource,
                'host',
                _step(vim.HostSystem, 'vm'),
                _step(vim.HostSystem, 'network'),
            ),
            _step(vim.ComputeResource, 'datastore'),
        ],
        {
            vim.HostSystem: _HOST,
            vim.VirtualMachine: _VM,
            vim.Datastore: _DATASTORE,
            vim.OpaqueNetwork: ('name', 'summary'),
            vim.dvs.DistributedVirtualPortgroup: ('name', 'config'),
        },
    )


def _cluster(
    cluster: Any, properties: _Properties, inside: _Objects
) -> Cluster:
    of_kind = _by_kind(inside)
    hosts = of_kind[vim.HostSystem]
    nsx = _nsx_networks(of_kind)
    names = {host: values.get('name', '') for host, values in hosts.items()}
    vms = of_kind[vim.VirtualMachine].values()
    novas = list(filter(_is_novas, vms))
    configuration = properties.get('configurationEx')
    return Cluster(
        id=cluster._moId,
        name=properties['name'],
        drs=_drs(configuration),
        ha=bool(configuration and configuration.dasConfig.enabled),
        hosts=tuple(
            sorted(
                (_host(values, nsx) for values in hosts.values()),
                key=lambda host: host.name,
            )
        ),
        datastores=tuple(
            sorted(
                (
                    _datastore(values, names)
                    for values in of_kind[vim.Datastore].values()
                    if 'summary' in values
                ),
                key=lambda datastore: datastore.name,
            )
        ),
        vms={vm['config.instanceUuid']: vm.get('name', '') for vm in novas},
        other_vms=len(vms) - len(novas),
        running_memory_mb=sum(
            vm.get('summary.config.memorySizeMB', 0)
            for vm in vms
            if vm.get('runtime.powerState') == 'poweredOn'
        ),
    )


def _drs(configuration: Any) -> _Drs:
    drs = configuration and configuration.drsConfig
    if not drs or not drs.enabled:
        return 'off'
    # What is not said is at vSphere's default.
    return _DRS[drs.defaultVmBehavior or 'fullyAutomated']


def _host(values: _Properties, nsx: Mapping[Any, str]) -> EsxiHost:
    hardware = values.get('summary.hardware')
    usage = values.get('summary.quickStats')
    # Of pyVmomi's own kinds of strings and numbers none can be written. What
    # these may be is checked with the whole record.
    connection: Any = str(
        values.get('runtime.connectionState', 'disconnected')
    )
    power: Any = str(values.get('runtime.powerState', 'unknown'))
    return EsxiHost(
        name=values.get('name', ''),
        connection=connection,
        power=power,
        maintenance=bool(values.get('runtime.inMaintenanceMode')),
        memory_mb=hardware.memorySize // 2**20 if hardware else 0,
        memory_used_mb=(usage and usage.overallMemoryUsage) or 0,
        threads=int(hardware.numCpuThreads) if hardware else 0,
        cpu_mhz=hardware.cpuMhz * hardware.numCpuCores if hardware else 0,
        cpu_used_mhz=(usage and usage.overallCpuUsage) or 0,
        adapters=_adapters(
            values.get('config.virtualNicManagerInfo.netConfig', ())
        ),
        nsx_networks=tuple(
            sorted(
                nsx[network]
                for network in values.get('network', ())
                if network in nsx
            )
        ),
    )


def _adapters(configs: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """Return {adapter: its services}, also where it has none."""
    services: dict[str, set[str]] = collections.defaultdict(set)
    for config in configs:
        devices = {nic.key: nic.device for nic in config.candidateVnic or ()}
        for device in devices.values():
            services[device] |= set()
        for key in config.selectedVnic or ():
            # Of one that is no candidate, the key ends with its name:
            # management.key-vim.host.VirtualNic-vmk0.
            device = devices.get(key) or key.rpartition('-')[2]
            services[device].add(config.nicType)
    return {name: tuple(sorted(services[name])) for name in sorted(services)}


def _datastore(values: _Properties, names: Mapping[Any, str]) -> Datastore:
    summary = values['summary']
    return Datastore(
        name=summary.name,
        type=summary.type,
        capacity=int(summary.capacity),
        free=int(summary.freeSpace),
        accessible=summary.accessible,
        maintenance=summary.maintenanceMode or 'normal',
        hosts=tuple(
            sorted(
                names[mount.key]
                for mount in values.get('host', ())
                if mount.key in names and _reaches(mount.mountInfo)
            )
        ),
    )


def _reaches(mount: Any) -> bool:
    # None, from old hosts, for what goes without saying.
    return mount.mounted is not False and mount.accessible is not False


def _nsx_networks(of_kind: Mapping[type, _Objects]) -> dict[Any, str]:
    """Return {network: its name} of those that NSX provides.

    NSX-T made opaque networks on a switch of its own; on a distributed switch
    of vSphere 7 or newer it makes port groups.
    """
    opaque = {
        network: values
        for network, values in of_kind[vim.OpaqueNetwork].items()
        if getattr(values.get('summary'), 'opaqueNetworkType', '').startswith(
            _NSX_BACKING
        )
    }
    portgroups = {
        network: values
        for network, values in of_kind[
            vim.dvs.DistributedVirtualPortgroup
        ].items()
        if getattr(values.get('config'), 'backingType', '') == _NSX_BACKING
    }
    return {
        network: values['name']
        for network, values in (opaque | portgroups).items()
    }


def _is_novas(vm: _Properties) -> bool:
    mark = vm.get('config.managedBy')
    return (
        mark is not None
        and mark.extensionKey == NOVAS_MARK
        and 'config.instanceUuid' in vm
    )


def _by_kind(found: _Objects) -> Mapping[type, dict[Any, _Properties]]:
    kinds: dict[type, dict[Any, _Properties]] = collections.defaultdict(dict)
    for thing, values in found.items():
        kinds[type(thing)][thing] = values
    return kinds


def _step(kind: type, path: str, *following: Any) -> Any:
    """Return how to go from objects of a kind to those a property names."""
    return _collector.TraversalSpec(
        type=kind, path=path, skip=False, selectSet=list(following)
    )


def _retrieve(
    content: Content,
    start: Any,
    steps: list[Any],
    paths: Mapping[type, Collection[str]],
) -> _Objects:
    """Return the objects of some kinds, and those of their properties.

    :param start: where the steps begin; itself left out
    """
    wanted = _collector.FilterSpec(
        objectSet=[
            _collector.ObjectSpec(obj=start, skip=True, selectSet=steps)
        ],
        propSet=[
            _collector.PropertySpec(type=kind, pathSet=list(names), all=False)
            for kind, names in paths.items()
        ],
    )
    return {
        found.obj: {value.name: value.val for value in found.propSet}
        for found in _pages(content.propertyCollector, wanted)
    }


def _pages(collector: Any, wanted: Any) -> Iterator[Any]:
    page = collector.RetrievePropertiesEx(
        [wanted], _collector.RetrieveOptions(maxObjects=_PAGE)
    )
    # None for no objects at all.
    while page:
        yield from page.objects
        if not page.token:
            return
        page = collector.ContinueRetrievePropertiesEx(page.token)
