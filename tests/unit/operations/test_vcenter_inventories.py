# SPDX-License-Identifier: Apache-2.0
"""What Placement has of a cluster, and what it should have."""

import pytest

from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from tests.vcenter_records import DISK
from tests.vcenter_records import GIB
from tests.vcenter_records import MEMORY
from tests.vcenter_records import THREADS
from tests.vcenter_records import cloud
from tests.vcenter_records import cluster
from tests.vcenter_records import conf
from tests.vcenter_records import datastore
from tests.vcenter_records import found
from tests.vcenter_records import hosts
from tests.vcenter_records import nova
from tests.vcenter_records import vcenter

MINE = 'production'
DIFFERS = [(VCenterCheck.INVENTORY_DIFFERS, MINE, 'vc-1')]
MAX_UNIT = [(VCenterCheck.NO_HOST_HAS_MAX_UNIT, MINE, 'vc-1')]
# A tenth of each host, and a little more.
_USED = [
    {'memory_used_mb': MEMORY // 10 + 2},
    {'memory_used_mb': MEMORY // 10 + 1},
    {'memory_used_mb': MEMORY // 10 + 3},
]


def with_nova(**fields):
    return cloud(hosts=[nova(**fields)])


def with_cluster(*inventories, **fields):
    """Return a cloud with another cluster.

    :param inventories: what Placement has of it, as fields of the host
    """
    host = nova(**{k: v for one in inventories for k, v in one.items()})
    return cloud(hosts=[host], vcenters=[vcenter(cluster(**fields))])


def memory(total, most=MEMORY):
    return {'memory_mb': Inventory(total, max_unit=most)}


CASES = {
    'in order': (cloud(), []),
    'fewer threads': (
        with_nova(vcpus=Inventory(2 * THREADS, max_unit=THREADS)),
        DIFFERS,
    ),
    'another largest host by threads': (
        with_nova(vcpus=Inventory(3 * THREADS, max_unit=64)),
        DIFFERS,
    ),
    'less memory': (with_nova(**memory(3 * MEMORY - 1)), DIFFERS),
    'another largest host by memory': (
        with_nova(**memory(3 * MEMORY, MEMORY - 1)),
        DIFFERS,
    ),
    'no largest host known': (with_nova(**memory(3 * MEMORY, None)), []),
    'less disk': (with_nova(disk_gb=Inventory(DISK - 1)), DIFFERS),
    # It changes with each disk that is written.
    'another largest disk': (
        with_nova(disk_gb=Inventory(DISK, max_unit=1)),
        [],
    ),
    **{
        f'Placement has no {field}': (with_nova(**{field: None}), DIFFERS)
        for field in ('vcpus', 'memory_mb', 'disk_gb')
    },
    'reserved and allocated is no difference': (
        with_nova(
            memory_mb=Inventory(3 * MEMORY, 512, 1.5, MEMORY, 3 * MEMORY)
        ),
        [],
    ),
    'a part of a GiB more': (
        with_cluster(datastores=(datastore(capacity=(DISK + 1) * GIB - 1),)),
        [],
    ),
    'a whole GiB more': (
        with_cluster(datastores=(datastore(capacity=(DISK + 1) * GIB),)),
        DIFFERS,
    ),
    'a datastore that is not selected': (
        cloud(
            vcenters=[
                vcenter(
                    cluster(datastores=(datastore(), datastore('other'))),
                    computes=(conf(datastore_regex='shared'),),
                )
            ]
        ),
        [],
    ),
    'a datastore that is selected': (
        with_cluster(datastores=(datastore(), datastore('other'))),
        DIFFERS,
    ),
    'a datastore in maintenance': (
        with_cluster(
            datastores=(
                datastore(),
                datastore('other', maintenance='inMaintenance'),
            )
        ),
        [(VCenterCheck.DATASTORE_UNAVAILABLE, MINE, 'other')],
    ),
    'a datastore of another type': (
        with_cluster(datastores=(datastore(), datastore('o', type='VVOL'))),
        [],
    ),
    # nova reports what is left of it; Placement still has the whole.
    'a host in maintenance': (
        with_cluster(hosts=hosts({'maintenance': True})),
        [(VCenterCheck.HOST_IN_MAINTENANCE, MINE, 'esxi-3'), *DIFFERS],
    ),
    'a host in maintenance, and reported': (
        with_cluster(
            {'vcpus': Inventory(2 * THREADS, max_unit=THREADS)},
            memory(2 * MEMORY),
            hosts=hosts({'maintenance': True}),
        ),
        [(VCenterCheck.HOST_IN_MAINTENANCE, MINE, 'esxi-3')],
    ),
    # The driver has nothing then that it could report.
    'no usable host': (
        with_cluster(hosts=()),
        [(VCenterCheck.NO_USABLE_HOST, MINE, '')],
    ),
    'nearly as much free as one server may take': (
        with_cluster(
            hosts=hosts(_USED[0], {'memory_used_mb': MEMORY // 10}, _USED[2])
        ),
        [],
    ),
    'no host with so much free': (
        with_cluster(hosts=hosts(*_USED)),
        MAX_UNIT,
    ),
    'Placement gives less to one server': (
        with_cluster(memory(3 * MEMORY, MEMORY - 10), hosts=hosts(*_USED)),
        DIFFERS,
    ),
    'only a host in maintenance has so much free': (
        with_cluster(
            {'vcpus': Inventory(2 * THREADS, max_unit=THREADS)},
            memory(2 * MEMORY),
            hosts=hosts(*_USED[:2], {'maintenance': True}),
        ),
        [(VCenterCheck.HOST_IN_MAINTENANCE, MINE, 'esxi-3'), *MAX_UNIT],
    ),
}


@pytest.mark.parametrize(
    ('source', 'expected'), CASES.values(), ids=CASES.keys()
)
def test_inventories(source, expected):
    assert found(source) == expected


@pytest.mark.parametrize(
    ('source', 'evidence'),
    [
        (
            with_nova(
                vcpus=None,
                memory_mb=Inventory(1, max_unit=MEMORY),
                disk_gb=Inventory(2),
            ),
            'VCPU: Placement has none, vCenter 96; '
            'MEMORY_MB: Placement has 1, vCenter 196608; '
            'DISK_GB: Placement has 2, vCenter 2000',
        ),
        (
            with_cluster(hosts=hosts(*_USED)),
            'max_unit is 65536 MiB; esxi-2, the freest host, has 58982 MiB',
        ),
    ],
)
def test_evidence(source, evidence):
    (finding,) = health.check(source, Policy(), None)
    assert finding.evidence == evidence
