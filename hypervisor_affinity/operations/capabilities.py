# SPDX-License-Identifier: Apache-2.0
"""What nova's ``ComputeCapabilitiesFilter`` makes of a flavor on a host.

The filter compares extra specs with the attributes that nova-scheduler has of
a host, by ``nova.scheduler.filters.extra_specs_ops.match``. Of these, a
snapshot has the type and the version of the hypervisor.
"""

import operator
from collections.abc import Callable, Mapping

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.operations.image_properties import Comparison
from hypervisor_affinity.operations.image_properties import whether

_SCOPE = 'capabilities:'
# The filter makes capabilities:cpu_info:maxphysaddr:bits of it.
_ADDRESS_BITS = 'hw:maxphysaddr_bits'

# What nova.scheduler.host_manager.HostState has for the filter to find. Any
# other key without a colon it leaves alone, unless the driver of a host has
# it among its statistics, which no API tells.
_ATTRIBUTES = frozenset(
    {
        'aggregates',
        'allocation_candidates',
        'cell_uuid',
        'consume_from_request',
        'cpu_allocation_ratio',
        'cpu_info',
        'disk_allocation_ratio',
        'disk_mb_used',
        'failed_builds',
        'free_disk_mb',
        'free_ram_mb',
        'host',
        'host_ip',
        'hypervisor_hostname',
        'hypervisor_type',
        'hypervisor_version',
        'instances',
        'limits',
        'metrics',
        'nodename',
        'num_instances',
        'num_io_ops',
        'numa_topology',
        'pci_stats',
        'ram_allocation_ratio',
        'service',
        'stats',
        'supported_instances',
        'total_usable_disk_gb',
        'total_usable_ram_mb',
        'update',
        'updated',
        'uuid',
        'vcpus_total',
        'vcpus_used',
    }
)

# nova.scheduler.filters.extra_specs_ops.op_methods, those for numbers
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    '=': operator.ge,
    '==': operator.eq,
    '!=': operator.ne,
    '>=': operator.ge,
    '<=': operator.le,
}


def compare(extra_specs: Mapping[str, str], host: Host) -> Comparison:
    """Compare as the filter does.

    :param extra_specs: of the flavor
    """
    differences: list[Evidence] = []
    undetermined: list[Evidence] = []
    for key, requirement in extra_specs.items():
        name = _attribute(key)
        if name is None:
            continue
        asked = Evidence('flavor', key, requirement)
        if name == 'hypervisor_type' and host.hypervisor_type:
            reported = host.hypervisor_type
            meets = capabilities.matches(reported, requirement)
        elif name == 'hypervisor_version' and host.hypervisor_version:
            reported = str(host.hypervisor_version)
            meets = _matches(reported, requirement)
        else:
            undetermined.append(whether(asked, 'the host has this'))
            continue
        if not meets:
            differences += (
                asked,
                Evidence('driver', name, str(reported)),
            )
    return Comparison(
        tuple(dict.fromkeys(differences)),
        () if differences else tuple(undetermined),
    )


def _attribute(key: str) -> str | None:
    """Return what the filter looks for; None if it leaves the key alone."""
    if key == _ADDRESS_BITS:
        return key
    if key.startswith(_SCOPE):
        return key.removeprefix(_SCOPE)
    return key if key in _ATTRIBUTES else None


def _matches(reported: str, requirement: str) -> bool:
    """Tell whether a number is what a flavor asks for.

    Where nova's own function would raise, nothing matches.
    """
    words = str(requirement).split()
    if not words or words[0] not in _OPERATORS:
        return capabilities.matches(reported, requirement)
    try:
        return _OPERATORS[words[0]](float(reported), float(words[1]))
    except (IndexError, ValueError):
        return False
