# SPDX-License-Identifier: Apache-2.0
"""What becomes of a port on a host of either hypervisor."""

import types

import pytest

pytest.importorskip('neutron_lib', reason='the extra `cloud` is missing')

from testbed.processes import vsphere
from testbed.processes.port_binding import PortBinding

PORT = 'c0ffee00-5a17-4d2b-9c3e-5f0d8a7b6c21'


def bind(host, vnic_type='normal'):
    """Return how a port is bound, if it is."""
    bound = []
    PortBinding().bind_port(
        types.SimpleNamespace(
            current={'id': PORT, 'binding:vnic_type': vnic_type},
            host=host,
            segments_to_bind=[{'id': 'segment'}],
            set_binding=lambda *binding: bound.append(binding),
        )
    )
    return bound


def test_kvm_gets_a_device():
    assert bind('kvm-1') == [('segment', 'vrouter', {}, 'ACTIVE')]


def test_vsphere_gets_the_port_group_of_its_cluster():
    details = {'dvs_port_group_name': vsphere.PORT_GROUP}
    assert bind('vc-1') == [('segment', 'dvs', details, 'ACTIVE')]
    inventory = vsphere.cluster_inventory('cluster-1')
    names = {network.name for network in inventory.networks}
    (cluster,) = inventory.clusters
    assert all(set(host.networks) == names for host in cluster.hosts)
    assert vsphere.PORT_GROUP in names


@pytest.mark.parametrize('host', ['kvm-1', 'vc-1'])
def test_who_hands_a_port_through_to_the_guest_is_not_here(host):
    assert bind(host, 'direct') == []
