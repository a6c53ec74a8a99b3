# SPDX-License-Identifier: Apache-2.0
import pytest

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from testbed.embedded_cloud import EmbeddedCloud
# isort: on

from hypervisor_affinity import conf
from testbed import example_conf


@pytest.fixture
def start_cloud():
    """Start a cloud as the example nova.conf has it.

    Options on top as {group: {name: value}}.
    """
    clouds = []

    def start(options=None, **arguments):
        merged = {'filter_scheduler': example_conf.filter_scheduler()}
        for group, values in (options or {}).items():
            merged.setdefault(group, {}).update(values)
        cloud = EmbeddedCloud(
            merged, register_options=[conf.register_opts], **arguments
        )
        cloud.start()
        clouds.append(cloud)
        return cloud

    yield start
    for cloud in clouds:
        cloud.stop()


@pytest.fixture
def two_of_each(start_cloud):
    """A cloud of two KVM hosts and two vCenter hosts, in tagged aggregates."""
    cloud = start_cloud()
    for number in (1, 2):
        cloud.add_kvm_host(f'kvm-{number}')
        cloud.add_vcenter_host(f'vc-{number}')
    cloud.kvm = cloud.aggregates.create(
        'kvm', hosts=['kvm-1', 'kvm-2'], metadata={'hypervisor_type': 'kvm'}
    )
    cloud.vmware = cloud.aggregates.create(
        'vmware',
        hosts=['vc-1', 'vc-2'],
        metadata={'hypervisor_type': 'vmware'},
    )
    return cloud
