# SPDX-License-Identifier: Apache-2.0
"""The ``[hypervisor_affinity_fake_compute]`` options of nova.conf."""

import dataclasses

from oslo_config import cfg

from hypervisor_affinity import option_values

GROUP = 'hypervisor_affinity_fake_compute'

_OPTIONS: list[cfg.Opt] = [
    cfg.IntOpt(
        'vcpus',
        default=16,
        min=1,
        help="""
Number of vCPUs of the host, or of each ESXi host of a cluster.
""",
    ),
    cfg.IntOpt(
        'memory_mb',
        default=64 * 1024,
        min=1,
        help="""
Memory in MiB of the host, or of each ESXi host of a cluster.

nova keeps ``[DEFAULT] reserved_host_memory_mb`` of the total for the
hypervisor.
""",
    ),
    cfg.IntOpt(
        'disk_gb',
        default=1000,
        min=1,
        help="""
Disk in GiB of the host, or of all datastores of a cluster together.
""",
    ),
    cfg.IntOpt(
        'esxi_hosts',
        default=4,
        min=1,
        help="""
Number of ESXi hosts in a vCenter cluster.

nova sees the cluster as a single host with the vCPUs and the memory of all of
them, but no server can be larger than one of them.

Only ``hypervisor_affinity_fake.VCenterDriver`` uses it.
""",
    ),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """The options, by their names."""

    vcpus: int
    memory_mb: int
    disk_gb: int
    esxi_hosts: int


def read_size(conf: cfg.ConfigOpts) -> Size:
    """Return the options' values.

    :raises ValueError: naming option, value and place, if one is wrong
    """
    return Size(
        **{
            option.name: option_values.read(conf, option, GROUP)
            for option in _OPTIONS
        }
    )


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_opts(_OPTIONS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return {group: options} as oslo.config's generators want it."""
    return [(GROUP, _OPTIONS)]
