# SPDX-License-Identifier: Apache-2.0
import pytest
from oslo_upgradecheck.upgradecheck import Code

from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.status import flavors
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.databases import FlavorSpecs
from tests.unit.status import hosts

KEYS = ('capabilities:hypervisor_type', 'hypervisor_type')
HOSTS = (hosts.kvm(), hosts.vcenter())


def found(conf, value, key=KEYS[0], others=HOSTS):
    named = [FlavorSpecs(name, {key: value}) for name in ('a', 'b')]
    return list(flavors.check(conf, named, others))


@pytest.mark.parametrize('key', KEYS)
@pytest.mark.parametrize(
    ('value', 'effect'),
    [
        ('QEMU', None),
        ('s== QEMU', None),
        ('VMware vCenter Server', None),
        ('<in> VMware', None),
        ('<or> QEMU <or> ironic', None),
        ('s!= QEMU', None),
        ('s== VMware vCenter Server', 'matches no host'),
        ('vmware', 'matches no host'),
        ('s== kvm', 'matches no host'),
        ('<or>', 'matches no host'),
        ('>= 5', 'matches no host'),
        ('', 'matches no host'),
        (
            '<or> QEMU <or> VMware vCenter Server',
            "never matches 'VMware vCenter Server'",
        ),
        (
            's!= VMware vCenter Server',
            "does not exclude 'VMware vCenter Server'",
        ),
    ],
)
def test_values(load, key, value, effect):
    findings = found(load(), value, key)
    assert len(findings) == (effect is not None)
    for finding in findings:
        assert finding.code is Code.FAILURE
        assert '2 flavors (a, b)' in finding.text
        assert f'{key}={value}' in finding.text
        assert effect in finding.text


def test_what_some_host_reports_is_known(load):
    report = DriverReport('HyperFoo', ())
    other = ComputeHost('odd', (), report)
    assert len(found(load(), 'HyperFoo')) == 1
    assert found(load(), 'HyperFoo', others=(*HOSTS, other)) == []


def test_without_the_filter_nothing_reads_it(load):
    conf = load('[filter_scheduler]\nenabled_filters = ComputeFilter\n')
    assert found(conf, 's== kvm') == []
