# SPDX-License-Identifier: Apache-2.0
"""What becomes of a port on a host of either hypervisor."""

import types

import pytest

pytest.importorskip('neutron_lib', reason='the extra `cloud` is missing')

from testbed.processes import port_binding
from testbed.processes import taps
from testbed.processes import vsphere
from testbed.processes.port_binding import PortBinding

PORT = 'c0ffee00-5a17-4d2b-9c3e-5f0d8a7b6c21'


@pytest.fixture
def bind(tmp_path, monkeypatch):
    """Return a function that returns how a port is bound, if it is."""
    # Neutron's options cannot be registered beside nova's.
    conf = types.SimpleNamespace(state_path=str(tmp_path))
    monkeypatch.setattr(port_binding, 'cfg', types.SimpleNamespace(CONF=conf))

    def bind(host, vnic_type='normal'):
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

    return bind


def notes(folder):
    return [path.name for path in folder.rglob('*') if path.is_file()]


def test_kvm_gets_a_device_which_is_noted(bind, tmp_path):
    assert bind('kvm-1') == [('segment', 'tap', {}, 'ACTIVE')]
    assert notes(tmp_path) == [taps.device(PORT)]
    gone = types.SimpleNamespace(current={'id': PORT})
    PortBinding().delete_port_postcommit(gone)
    assert notes(tmp_path) == []


def test_vsphere_gets_the_port_group_of_its_cluster(bind, tmp_path):
    details = {'dvs_port_group_name': vsphere.PORT_GROUP}
    assert bind('vc-1') == [('segment', 'dvs', details, 'ACTIVE')]
    assert notes(tmp_path) == []
    inventory = vsphere.cluster_inventory('cluster-1')
    names = {network.name for network in inventory.networks}
    (cluster,) = inventory.clusters
    assert all(set(host.networks) == names for host in cluster.hosts)
    assert vsphere.PORT_GROUP in names


@pytest.mark.parametrize('host', ['kvm-1', 'vc-1'])
def test_who_hands_a_port_through_to_the_guest_is_not_here(bind, host):
    assert bind(host, 'direct') == []
