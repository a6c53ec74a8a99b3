# SPDX-License-Identifier: Apache-2.0
"""Explanations of requests on clouds of any size, by the real checks."""

from collections.abc import Iterable, Mapping

import msgspec

from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.explanation import Explanation
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import kvm
from tests.cloud_of_records import vcenter

VMDK = {'disk_format': 'vmdk'}
PROJECT = '4f1c9d0be1b34f55a7d2c8f0a6d0e913'
OTHER_PROJECT = 'b0d6f3a2c85e4c0f9a4b7e1d2f3c4a5b'

# What differs from a vCenter host that is up and empty.
_DOWN = {'state': 'down'}
_DISABLED = {
    'status': 'disabled',
    'disabled_reason': 'firmware update, ticket 4711',
}
_FULL = {'memory_mb': Inventory(65536, max_unit=16384, used=65024)}
_STATES = [{}] * 5 + [_DOWN] * 2 + [_DISABLED] * 3 + [_FULL] * 6 + [{}] * 24


def of_boot(
    hosts: Iterable[Host],
    aggregates: Iterable[Aggregate] = (),
    image: Mapping[str, str] = VMDK,
    extra_specs: Mapping[str, str] | None = None,
    *,
    title: str = 'boot from image sles-15-sp6 with flavor small',
    project: str | None = None,
) -> Explanation:
    """Return what comes of a boot."""
    policy = Policy()
    flavor = msgspec.structs.replace(SMALL, extra_specs=extra_specs or {})
    demand = classify(image, flavor.extra_specs, policy)
    return explain(
        Request(title, demand, flavor, image),
        hosts,
        HostOffers(aggregates, policy),
        policy,
        project,
    )


def of_cloud(hundreds: int) -> Explanation:
    """Return what comes of a VMDK on hundreds of hosts.

    Of each hundred, 60 are KVM hosts. Of the 40 vCenter hosts, 5 are for
    another project, 2 do not report, 3 are disabled and 6 are full; 24 would
    take it.
    """
    hosts: list[Host] = []
    clusters: list[str] = []
    nodes: list[str] = []
    rented: list[str] = []
    for hundred in range(hundreds):
        for number, state in enumerate(_STATES):
            name = f'vcenter-{hundred:02}{number:02}'
            hosts.append(vcenter(name, **state))
            clusters.append(name)
            if number < 5:
                rented.append(name)
        for number in range(60):
            name = f'compute-{hundred:02}{number:02}.dc1.example.org'
            hosts.append(kvm(name))
            nodes.append(name)
    aggregates = [
        Aggregate('kvm', '', {'hypervisor_type': 'kvm'}, tuple(nodes)),
        Aggregate(
            'vmware', '', {'hypervisor_type': 'vmware'}, tuple(clusters)
        ),
        Aggregate(
            'rented', '', {'filter_tenant_id': OTHER_PROJECT}, tuple(rented)
        ),
        Aggregate('rack-7', '', {}, tuple(nodes[:40])),
    ]
    return of_boot(hosts, aggregates, project=PROJECT)
