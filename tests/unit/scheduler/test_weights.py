# SPDX-License-Identifier: Apache-2.0
import pytest
from nova.scheduler import weights as nova_weights

from hypervisor_affinity.scheduler import weights
from tests.unit.scheduler import nova_objects as build

ISO = {'disk_format': 'iso'}


def states(**metadata):
    return [
        build.host_state('kvm'),
        build.host_state('vc', 'VMware vCenter Server', ('vmware',)),
        build.host_state('bm', 'ironic', ('baremetal',)),
        build.host_state(
            'vc-special',
            'VMware vCenter Server',
            ('vmware',),
            aggregates=[build.aggregate(1, metadata)],
        ),
    ]


def weigh(spec, hosts):
    """Return the hosts as nova's handler sorts them, with their weights."""
    handler = nova_weights.HostWeightHandler()
    weigher = weights.HypervisorAffinityWeigher()
    weighed = handler.get_weighed_objects([weigher], hosts, spec)
    return {host.obj.host: host.weight for host in weighed}


@pytest.fixture(autouse=True)
def _options(options):
    pass


def test_the_order_decides_in_steps():
    assert weigh(build.request_spec(ISO), states()) == {
        'kvm': 100.0,
        'vc': 50.0,
        'vc-special': 50.0,
        'bm': 0.0,
    }


def test_what_cannot_boot_the_image_does_not_stretch_the_order():
    found = weigh(build.request_spec({'disk_format': 'qcow2'}), states())
    assert found == {'kvm': 100.0, 'vc': 0.0, 'vc-special': 0.0, 'bm': 0.0}


def test_a_flavor_turns_the_order():
    spec = build.request_spec(ISO, {'hypervisor_affinity:preferred': 'vmware'})
    found = weigh(spec, states())
    assert found['vc'] == 100.0
    assert found['kvm'] == 50.0


def test_a_hosts_weight_does_not_depend_on_the_other_candidates():
    hosts = states()
    assert weigh(build.request_spec(ISO), hosts[1:3]) == {
        'vc': 50.0,
        'bm': 0.0,
    }


def test_options(options):
    options(preferred_hypervisors=['ironic', 'esxi'], weight_multiplier=-3.0)
    assert weigh(build.request_spec(ISO), states()) == {
        'kvm': 0.0,
        'vc': -1.5,
        'vc-special': -1.5,
        'bm': -3.0,
    }


def test_an_aggregate_overrides_the_multiplier():
    key = 'hypervisor_affinity_weight_multiplier'
    found = weigh(build.request_spec(ISO), states(**{key: '7'}))
    assert found['vc-special'] == 3.5
    assert found['vc'] == 50.0


def test_a_single_host_as_nova_may_ask():
    weigher = weights.HypervisorAffinityWeigher()
    host = build.host_state('kvm')
    assert weigher._weigh_object(host, build.request_spec(ISO)) == 100.0
