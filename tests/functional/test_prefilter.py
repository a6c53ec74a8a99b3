# SPDX-License-Identifier: Apache-2.0
"""The Placement pre-filter, with a real Placement that shuffles its answers.

Placement returns fewer candidates than there are hosts, as it does in a cloud
of thousands. Without the pre-filter, each of these requests would fail now
and then: 7 in 10 times for one host of ten and three candidates.
"""

import pytest

from tests.embedded_cloud import faces

KVM = 'QEMU'
VCENTER = 'VMware vCenter Server'
TIMES = 12


@pytest.fixture
def start(start_cloud):
    """Start a cloud in which Placement returns 3 candidates of many."""

    def start(options=None, **arguments):
        merged = {
            'scheduler': {'max_placement_results': 3},
            'hypervisor_affinity': {
                'placement_prefilter': True,
                **(options or {}),
            },
        }
        return start_cloud(merged, randomize_candidates=True, **arguments)

    return start


def crowd(cloud, kvm, vcenters, tag=True):
    """Add hosts, and put each kind into its aggregate."""
    names = {'kvm': [], 'vmware': []}
    for number in range(kvm):
        names['kvm'].append(f'kvm-{number}')
        cloud.add_kvm_host(f'kvm-{number}')
    for number in range(vcenters):
        names['vmware'].append(f'vc-{number}')
        cloud.add_vcenter_host(f'vc-{number}')
    if tag:
        for family, hosts in names.items():
            cloud.aggregates.create(
                family, hosts=hosts, metadata={'hypervisor_type': family}
            )


def boot_often(cloud, image, **request):
    return [cloud.boot(image, **request) for _ in range(TIMES)]


def hypervisors(servers):
    return [server.hypervisor for server in servers]


@pytest.mark.parametrize('tag', [True, False], ids=['tagged', 'untagged'])
def test_the_one_vcenter_host_is_always_found(start, tag):
    cloud = start()
    crowd(cloud, kvm=9, vcenters=1, tag=tag)
    vmdk = cloud.images.create('vmdk', 'vmdk')
    assert hypervisors(boot_often(cloud, vmdk)) == [VCENTER] * TIMES


def test_without_it_the_one_vcenter_host_is_missed(start):
    # What the other tests of this module are worth.
    cloud = start({'placement_prefilter': False})
    crowd(cloud, kvm=9, vcenters=1)
    vmdk = cloud.images.create('vmdk', 'vmdk')
    found = hypervisors(boot_often(cloud, vmdk))
    assert None in found
