# SPDX-License-Identifier: Apache-2.0
import itertools

import pytest

from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import Basis
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy

KVM = DriverReport('QEMU', ('kvm', 'qemu'))
SILENT = DriverReport(None)


def offer(*metadata, report=SILENT, **options):
    tags = [AggregateTags(f'a{n}', m) for n, m in enumerate(metadata)]
    return read_offer(tags, report, Policy(**options))


@pytest.mark.parametrize(
    ('hypervisor_type', 'supported', 'families'),
    [
        ('QEMU', ('kvm', 'qemu'), {'kvm'}),
        ('QEMU', (), {'kvm'}),
        ('VMware vCenter Server', ('vmware',), {'vmware'}),
        ('VMware ESXi', ('fake', 'hyperfoo'), {'vmware'}),
        ('ironic', ('baremetal',), {'baremetal'}),
        # libvirt's word for the connection, and nova's for the guests.
        ('Parallels', ('vz',), {'vz'}),
        ('LXC', ('lxc',), {'lxc'}),
        ('Hybrid 3', ('kvm', 'lxc'), {'kvm', 'lxc'}),
        ('Xen', (), {'xen'}),
        ('fake', ('fake',), set()),
        ('HyperFoo 9', ('hyperfoo',), set()),
        (None, (), set()),
    ],
)
def test_what_a_driver_reports(hypervisor_type, supported, families):
    report = DriverReport(hypervisor_type, supported)
    assert offer(report=report).families == families


def test_aggregates_order_never_matters():
    metadata = [
        {'hypervisor_type': 'kvm', 'hypervisor_affinity_reserve': '10'},
        {'hypervisor_type': 'vmware', 'hypervisor_affinity_admit': 'required'},
        {'hypervisor_affinity_reserve': '20', 'vmware_disktype': 'thin'},
        {'hypervisor_affinity_weight_multiplier': '3'},
        {'hypervisor_affinity_weight_multiplier': '-2'},
    ]
    for order in itertools.permutations(metadata):
        found = offer(*order)
        assert found.families == {'kvm', 'vmware'}
        assert found.reserve == 20
        (admitting,) = found.admitting
        assert admitting.text == 'hypervisor_affinity_admit=required'
        assert found.weight_multiplier == -2
        (limit,) = found.constraints
        assert (limit.key, limit.accepted) == ('vmware_disktype', ('thin',))
        assert [e.text for e in limit.evidence] == ['vmware_disktype=thin']
        assert [e.text for e in found.reserving] == [
            'hypervisor_affinity_reserve=20'
        ]


@pytest.mark.parametrize('value', ['x', '', 'nan', '-1', '101', [1]])
def test_a_reserve_that_is_no_percentage(value):
    found = offer({'hypervisor_affinity_reserve': value})
    assert found.reserve == 0
    (problem,) = found.problems
    assert str(problem).startswith('aggregate a0: hypervisor_affinity_reserve')


@pytest.mark.parametrize('value', ['0', '100', ' 7.5 '])
def test_a_reserve_that_is_one(value):
    found = offer({'hypervisor_affinity_reserve': value})
    assert found.reserve == float(value)
    assert found.problems == ()


@pytest.mark.parametrize(
    ('metadata', 'report', 'cited'),
    [
        ({'hypervisor_type': 'kvm'}, KVM, ['QEMU']),
        # Where the driver says nothing, the metadata is all that counts.
        ({'hypervisor_type': 'kvm'}, SILENT, []),
        ({}, SILENT, ['None']),
        ({}, KVM, ['QEMU']),
    ],
)
def test_the_report_is_cited_where_it_counts(metadata, report, cited):
    found = offer(metadata, report=report).evidence
    assert [e.value for e in found if e.place == 'driver'] == cited


def test_a_disk_is_for_what_the_driver_reports_first():
    tag = {'hypervisor_type': 'kvm,vmware'}
    assert offer(tag, report=KVM).underneath == {'kvm'}
    assert offer(tag).underneath == {'kvm', 'vmware'}
    wrong = offer({'hypervisor_type': 'vmware'}, report=KVM)
    assert (wrong.families, wrong.underneath) == (set(), {'kvm'})
    assert offer().underneath == set()


@pytest.mark.parametrize('value', ['x', '', 'nan', 'inf'])
def test_a_multiplier_that_is_no_number(value):
    found = offer({'hypervisor_affinity_weight_multiplier': value})
    assert found.weight_multiplier is None
    (problem,) = found.problems
    assert 'is not a number' in str(problem)


def test_a_problem_names_aggregate_key_and_value():
    (problem,) = offer({'hypervisor_type': 'vmwrae'}).problems
    assert str(problem) == (
        'aggregate a0: hypervisor_type=vmwrae: '
        'vmwrae is not a known hypervisor'
    )


def test_each_contradicting_aggregate_is_named():
    found = offer(
        {'hypervisor_type': 'vmware'},
        {'hypervisor_type': 'kvm'},
        {'hypervisor_type': 'ironic'},
        report=KVM,
    )
    assert found.basis is Basis.AGGREGATE
    assert found.families == {'kvm'}
    named = [problem.evidence.place for problem in found.problems]
    assert named == ['aggregate a0', 'aggregate a2']
