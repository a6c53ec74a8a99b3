# SPDX-License-Identifier: Apache-2.0
"""Where nova's scheduler treats hosts alike that differ in names only."""

from collections.abc import Iterable

from nova.conf import CONF

from hypervisor_affinity.cloud.snapshot import Flavor

# Filters and weighers that treat hosts alike that differ in their names only,
# as long as a request has no server group and no scheduler hint: those of
# nova 31 to 34 but IsolatedHostsFilter, and ours.
_BLIND_TO_NAMES = frozenset(
    {
        'AggregateImagePropertiesIsolation',
        'AggregateInstanceExtraSpecsFilter',
        'AggregateIoOpsFilter',
        'AggregateMultiTenancyIsolation',
        'AggregateNumInstancesFilter',
        'AggregateTypeAffinityFilter',
        'AllHostsFilter',
        'ComputeCapabilitiesFilter',
        'ComputeFilter',
        'DifferentHostFilter',
        'HypervisorAffinityFilter',
        'ImagePropertiesFilter',
        'IoOpsFilter',
        'JsonFilter',
        'MetricsFilter',
        'NUMATopologyFilter',
        'NumInstancesFilter',
        'PciPassthroughFilter',
        'SameHostFilter',
        'ServerGroupAffinityFilter',
        'ServerGroupAntiAffinityFilter',
        'SimpleCIDRAffinityFilter',
        'BuildFailureWeigher',
        'CPUWeigher',
        'CrossCellWeigher',
        'DiskWeigher',
        'HypervisorAffinityWeigher',
        'HypervisorVersionWeigher',
        'ImagePropertiesWeigher',
        'IoOpsWeigher',
        'MetricsWeigher',
        'NumInstancesWeigher',
        'PCIWeigher',
        'RAMWeigher',
        'ServerGroupSoftAffinityWeigher',
        'ServerGroupSoftAntiAffinityWeigher',
    }
)
_KNOWN_PACKAGES = ('nova.scheduler.', 'hypervisor_affinity.scheduler.')


def is_blind_to_names(plugins: Iterable[object]) -> bool:
    """Tell whether hosts with equal figures are treated alike.

    Of those the first is chosen then, since nova's sorting is stable.

    :param plugins: the filters and weighers at work
    """
    options = CONF.filter_scheduler
    chooses_the_first = (
        options.host_subset_size == 1
        and not options.shuffle_best_same_weighed_hosts
    )
    return chooses_the_first and all(
        type(each).__name__ in _BLIND_TO_NAMES
        and type(each).__module__.startswith(_KNOWN_PACKAGES)
        for each in plugins
    )


def names_hosts(flavor: Flavor) -> bool:
    """Tell whether an extra spec may ask for a host by its name.

    ComputeCapabilitiesFilter compares any attribute of a HostState.
    """
    return any(
        ':' not in key or key.startswith('capabilities:')
        for key in flavor.extra_specs
    )
