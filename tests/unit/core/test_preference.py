# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core import preference
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy

QCOW2 = {'disk_format': 'qcow2'}
ISO = {'disk_format': 'iso'}
VMDK = {'disk_format': 'vmdk'}
PREFERRED = 'hypervisor_affinity:preferred'


@pytest.mark.parametrize(
    ('image', 'extra_specs', 'order'),
    [
        (ISO, {}, ('kvm', 'vmware', 'xen')),
        (QCOW2, {}, ('kvm', 'xen')),
        (VMDK, {}, ('vmware',)),
        (ISO, {PREFERRED: 'esxi'}, ('vmware', 'kvm', 'xen')),
        (ISO, {PREFERRED: 'xen,vmware'}, ('xen', 'vmware', 'kvm')),
        (QCOW2, {PREFERRED: 'vmware'}, ('kvm', 'xen')),
        (ISO, {PREFERRED: 'foo'}, ('kvm', 'vmware', 'xen')),
    ],
)
def test_order(image, extra_specs, order):
    policy = Policy(preferred_hypervisors=('kvm', 'vmware', 'xen'))
    demand = classify(image, extra_specs, policy)
    assert preference.order(demand, policy) == order


@pytest.mark.parametrize(
    ('families', 'expected'),
    [
        ({'kvm'}, 1.0),
        ({'vmware'}, 0.5),
        ({'vmware', 'kvm'}, 1.0),
        ({'xen'}, 0.0),
        (set(), 0.0),
    ],
)
def test_score(families, expected):
    assert preference.score(frozenset(families), ('kvm', 'vmware')) == expected


def test_score_without_an_order():
    assert preference.score(frozenset({'kvm'}), ()) == 0.0


@pytest.mark.parametrize(
    ('metadata', 'multiplier'),
    [
        ({}, 7.0),
        ({'hypervisor_affinity_weight_multiplier': '0'}, 0.0),
        ({'hypervisor_affinity_weight_multiplier': '-3'}, -3.0),
        ({'hypervisor_affinity_weight_multiplier': 'many'}, 7.0),
    ],
)
def test_a_multiplier_of_an_aggregate_goes_before_the_option(
    metadata, multiplier
):
    policy = Policy(weight_multiplier=7.0)
    tags = [AggregateTags('a', {'hypervisor_type': 'esx', **metadata})]
    offer = read_offer(tags, DriverReport(None), policy)
    assert preference.multiplier(offer, policy) == multiplier
    wanted = ('kvm', 'vmware')
    assert preference.weight(offer, wanted, policy) == multiplier * 0.5
