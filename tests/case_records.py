# SPDX-License-Identifier: Apache-2.0
"""Hosts of the case table, as records of a snapshot."""

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from tests import case_table


def record_of(host: case_table.Host) -> Host:
    """Return a host of the table as a compute node."""
    return Host(
        host.name,
        hypervisor_type=host.driver['hypervisor_type'],
        supported=tuple(host.driver['supported']),
        memory_mb=Inventory(
            case_table.RAM_MB, used=host.used * case_table.RAM_MB // 100
        ),
        vcpus=Inventory(
            case_table.VCPUS, used=host.used * case_table.VCPUS // 100
        ),
        disk_gb=Inventory(100),
    )


def aggregates_of(host: case_table.Host) -> list[Aggregate]:
    """Return the aggregates that a host of the table is in."""
    return [
        Aggregate(
            f'{host.name}-{number}', metadata=metadata, hosts=(host.name,)
        )
        for number, metadata in enumerate(host.aggregates)
    ]
