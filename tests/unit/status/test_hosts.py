# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import hosts as checks
from hypervisor_affinity.status.databases import Cloud
from hypervisor_affinity.status.databases import ComputeHost
from tests.unforeseen import Unforeseen
from tests.unit.status import hosts
from tests.unit.status.hosts import offering

IN_ORDER = offering(hosts.kvm(), hosts.vcenter())


def test_a_tagged_cloud_is_in_order():
    assert list(checks.check_untagged(IN_ORDER)) == []
    assert list(checks.check_contradictory(IN_ORDER)) == []
    assert list(checks.check_preferred(IN_ORDER, Policy())) == []


@pytest.mark.parametrize(
    ('unclassified', 'report', 'consequence'),
    [
        ('reported', hosts.KVM, 'They offer what the virt driver reports'),
        ('none', hosts.KVM, 'With unclassified_hosts=none no server'),
        ('any', DriverReport('fake'), 'they offer every hypervisor'),
        ('reported', DriverReport('fake'), 'No request that needs'),
    ],
)
def test_untagged_hosts(unclassified, report, consequence):
    policy = Policy(unclassified_hosts=unclassified)
    other = hosts.aggregate('rack', hypervisor_affinity_admit='required')
    found = [
        ComputeHost(f'host-{number}', (other,), report) for number in range(9)
    ]
    (finding,) = checks.check_untagged(offering(*found, policy=policy))
    assert finding.severity is Severity.WARNING
    assert '9 hosts (host-0, host-1, host-2 and 6 more)' in finding.text
    assert consequence in finding.text


def test_a_host_that_never_reported_is_not_untagged_yet():
    silent = offering(ComputeHost('new', (), None))
    assert list(checks.check_untagged(silent)) == []


def test_an_unreadable_tag_is_a_tag():
    odd = hosts.aggregate('odd', hypervisor_type='vmwrae')
    found = offering(hosts.kvm(aggregates=[odd]))
    assert list(checks.check_untagged(found)) == []
    assert list(checks.check_contradictory(found)) == []


def test_a_host_in_the_wrong_aggregate_takes_no_server():
    wrong = hosts.TAGGED_VMWARE
    found = offering(hosts.kvm('a', [wrong]), hosts.kvm('b', [wrong]))
    (finding,) = checks.check_contradictory(found)
    assert finding.severity is Severity.ERROR
    assert 'No server at all is placed on 2 hosts (a, b)' in finding.text
    # The words are the filter's own.
    assert str(found[0].offer.problems[0]) in finding.text


def test_a_host_in_a_wrong_aggregate_beside_a_right_one():
    both = [hosts.TAGGED_KVM, hosts.TAGGED_VMWARE]
    (finding,) = checks.check_contradictory(offering(hosts.kvm('a', both)))
    assert finding.severity is Severity.WARNING
    assert 'aggregate vmware' in finding.text


def test_a_preferred_hypervisor_that_no_host_offers():
    policy = Policy(preferred_hypervisors=('kvm', 'xen', 'vmware'))
    (finding,) = checks.check_preferred(IN_ORDER, policy)
    assert finding.severity is Severity.WARNING
    assert 'names xen, which no host offers' in finding.text


def test_strict_placement_on_what_no_host_offers():
    policy = Policy(
        preferred_hypervisors=('xen', 'kvm'), flexible_placement='strict'
    )
    (finding,) = checks.check_preferred(IN_ORDER, policy)
    assert finding.severity is Severity.ERROR
    assert 'find no host' in finding.text


def test_no_host_yet():
    (finding,) = checks.check_preferred([], Policy())
    assert finding.severity is Severity.INFO


def test_evacuation():
    (finding,) = checks.check_evacuation(IN_ORDER)
    assert finding.severity is Severity.INFO
    assert '1 vCenter host (vc-1)' in finding.text
    assert list(checks.check_evacuation(offering(hosts.kvm()))) == []


@pytest.mark.parametrize(
    ('nodes', 'prefilter', 'count'),
    [(5, 'false', 0), (6, 'false', 1), (6, 'true', 0)],
)
def test_more_hosts_than_placement_returns(load, nodes, prefilter, count):
    conf = load(
        '[scheduler]\nmax_placement_results = 5\n'
        f'[hypervisor_affinity]\nplacement_prefilter = {prefilter}\n'
    )
    cloud = Cloud((), (), (), nodes, {})
    policy = our_conf.read_policy(conf)
    found = list(checks.check_placement_results(conf, policy, cloud))
    assert len(found) == count
    for finding in found:
        assert finding.severity is Severity.WARNING
        assert 'placement_prefilter = true' in finding.text


def test_a_host_that_nobody_has_foreseen():
    odd = AggregateTags('odd', Unforeseen())
    every = (hosts.kvm('kvm-1', (odd,)), hosts.kvm('kvm-2'), hosts.vcenter())
    known = offering(*every)
    assert [found.host.name for found in known] == ['kvm-2', 'vc-1']
    (finding,) = checks.check_contradictory(known, every)
    assert finding.severity is Severity.WARNING
    assert finding.text.startswith('1 host (kvm-1): cannot be judged, ')
