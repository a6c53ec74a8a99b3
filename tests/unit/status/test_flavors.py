# SPDX-License-Identifier: Apache-2.0
import pytest
from nova import exception
from nova import objects
from nova.virt.vmwareapi import vmops
from oslo_utils import uuidutils

from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import flavors
from hypervisor_affinity.status.databases import ComputeHost
from hypervisor_affinity.status.databases import FlavorSpecs
from tests.unforeseen import SECRET
from tests.unforeseen import Unforeseen
from tests.unit.status import hosts

OURS = 'hypervisor_affinity:hypervisor_type'
KEYS = ('capabilities:hypervisor_type', 'hypervisor_type')
VCENTER = 'VMware vCenter Server'
HOSTS = (hosts.kvm(), hosts.vcenter())
WITHOUT = '[filter_scheduler]\nenabled_filters = ComputeFilter\n'


def of(conf, specs, others=HOSTS):
    named = [FlavorSpecs(name, specs, 1024) for name in ('a', 'b')]
    findings = list(flavors.check(conf, Policy(), named, others))
    for finding in findings:
        assert finding.text.startswith('2 flavors (a, b): ')
    return findings


def found(conf, value, key=KEYS[0], others=HOSTS):
    return of(conf, {key: value}, others)


@pytest.mark.parametrize('text', ['', WITHOUT])
@pytest.mark.parametrize('key', KEYS)
@pytest.mark.parametrize(
    ('value', 'effect'),
    [
        ('QEMU', None),
        ('s== QEMU', None),
        (VCENTER, None),
        ('<in> VMware', None),
        ('<or> QEMU <or> ironic', None),
        ('s!= QEMU', None),
        # Known to the filter, so that it keeps all hosts from the request.
        ('xen', 'matches no host'),
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
def test_values_that_some_driver_reports(load, text, key, value, effect):
    # The filter reads them, whatever filter of nova's does.
    findings = found(load(text), value, key)
    failures = [f for f in findings if f.severity is not Severity.INFO]
    assert len(failures) == (effect is not None)
    for finding in failures:
        assert finding.severity is Severity.ERROR
        assert f'{key}={value}' in finding.text
        assert effect in finding.text
    remarks = [f for f in findings if f.severity is Severity.INFO]
    assert len(remarks) == (effect is None and text == WITHOUT)
    for finding in remarks:
        assert f'{key}={value} counts although' in finding.text


@pytest.mark.parametrize('key', KEYS)
@pytest.mark.parametrize(
    'value',
    [
        's== VMware vCenter Server',
        'vmware',
        's== kvm',
        '<or>',
        '>= 5',
        '',
    ],
)
def test_values_that_no_driver_reports(load, key, value):
    (finding,) = found(load(), value, key)
    assert finding.severity is Severity.ERROR
    assert f'{key}={value} matches no host' in finding.text
    (finding,) = found(load(WITHOUT), value, key)
    assert finding.severity is Severity.WARNING
    assert f'{key}={value} has no effect' in finding.text


def test_what_some_host_reports_is_known(load):
    report = DriverReport('HyperFoo', ())
    other = ComputeHost('odd', (), report)
    (finding,) = found(load(), 'HyperFoo')
    assert finding.severity is Severity.ERROR
    assert found(load(), 'HyperFoo', others=(*HOSTS, other)) == []


@pytest.mark.parametrize('text', ['', WITHOUT])
@pytest.mark.parametrize(
    'specs',
    [
        {OURS: 'kvm', KEYS[0]: VCENTER},
        {OURS: 'kvm,baremetal', KEYS[1]: VCENTER},
        {KEYS[0]: 'QEMU', KEYS[1]: VCENTER},
    ],
)
def test_specs_that_contradict_each_other(load, text, specs):
    *remarks, finding = of(load(text), specs)
    assert {remark.severity for remark in remarks} <= {Severity.INFO}
    assert finding.severity is Severity.ERROR
    named = ' and '.join(f'{key}={value}' for key, value in specs.items())
    assert f'{named} contradict each other' in finding.text


@pytest.mark.parametrize(
    'specs',
    [
        {OURS: 'vsphere', KEYS[0]: VCENTER},
        {OURS: 'kvm,vmware', KEYS[0]: VCENTER},
        {OURS: 'any', KEYS[0]: VCENTER},
        {OURS: 'vmware', KEYS[0]: 's!= QEMU', KEYS[1]: VCENTER},
        {'hypervisor_affinity:preferred': 'kvm', KEYS[0]: VCENTER},
    ],
)
def test_specs_that_agree(load, specs):
    assert of(load(), specs) == []


@pytest.mark.parametrize(
    ('key', 'value', 'code', 'words'),
    [
        (OURS, 'vmwrae', Severity.ERROR, 'get no host'),
        (OURS, '', Severity.ERROR, 'get no host'),
        (OURS, 'vmwrae,kvm', Severity.WARNING, 'KVM remains'),
        (
            'hypervisor_affinity:preferred',
            'vmwrae',
            Severity.WARNING,
            'the order',
        ),
        (
            'hypervisor_affinity:prefered',
            'kvm',
            Severity.WARNING,
            "did you mean 'hypervisor_affinity:preferred'",
        ),
    ],
)
def test_specs_of_ours_that_cannot_be_read(load, key, value, code, words):
    (finding,) = of(load(), {key: value, 'hw:cpu_policy': 'shared'})
    assert finding.severity is code
    assert f'{key}={value}' in finding.text
    assert words in finding.text
    # It is no contradiction as well.
    *_, finding = of(load(), {key: value, KEYS[0]: 'QEMU'})
    assert finding.severity is code
    assert 'contradict' not in finding.text


def memory(*named, others=HOSTS):
    return list(flavors.check_memory(Policy(), named, hosts.offering(*others)))


def test_a_ram_that_the_vsphere_driver_refuses():
    (finding,) = memory(
        FlavorSpecs('odd', {}, 2050),
        FlavorSpecs('either', {OURS: 'kvm,vmware'}, 1),
        FlavorSpecs('even', {}, 2052),
    )
    assert finding.severity is Severity.WARNING
    assert '2 flavors (either, odd): the RAM is not a multiple' in finding.text
    assert 'ends in ERROR' in finding.text


@pytest.mark.parametrize(
    'specs', [{OURS: 'esxi'}, {KEYS[0]: VCENTER}, {KEYS[1]: '<in> VMware'}]
)
def test_a_flavor_of_which_no_server_starts(specs):
    (finding,) = memory(FlavorSpecs('odd', specs, 2050))
    assert finding.severity is Severity.ERROR
    assert '1 flavor (odd)' in finding.text
    assert memory(FlavorSpecs('even', specs, 2048)) == []


@pytest.mark.parametrize(
    'specs',
    [
        {OURS: 'kvm'},
        {OURS: 'kvm,baremetal'},
        {KEYS[0]: 'QEMU'},
        # No server of it goes anywhere.
        {OURS: 'vmwrae'},
        {OURS: 'vmware', KEYS[0]: 'QEMU'},
    ],
)
def test_a_flavor_that_never_comes_to_vmware(specs):
    assert memory(FlavorSpecs('odd', specs, 2050)) == []


def test_without_vcenter_hosts_any_ram_will_do():
    odd = FlavorSpecs('odd', {}, 2050)
    assert memory(odd, others=[hosts.kvm()]) == []
    assert len(memory(odd, others=[hosts.vcenter()])) == 1


@pytest.mark.parametrize('memory_mb', [1, 2, 3, 4, 512, 1022, 2049, 2052])
def test_novas_driver_refuses_the_same(memory_mb):
    instance = objects.Instance(
        uuid=uuidutils.generate_uuid(),
        flavor=objects.Flavor(memory_mb=memory_mb),
    )
    refused = memory(FlavorSpecs('any', {}, memory_mb)) != []
    try:
        # It reads nothing of itself.
        vmops.VMwareVMOps.prepare_for_spawn(None, instance)
    except exception.InstanceUnacceptable:
        assert refused
    else:
        assert not refused


def test_a_flavor_that_nobody_has_foreseen(load):
    named = [
        FlavorSpecs('odd', Unforeseen(), 1025),
        FlavorSpecs('wrong', {KEYS[0]: 'xen'}, 1025),
    ]
    odd, wrong = flavors.check(load(), Policy(), named, HOSTS)
    assert odd.severity == Severity.WARNING
    assert odd.text.startswith('Flavor odd cannot be judged: unexpected ')
    assert SECRET not in odd.text
    assert wrong.text.startswith('1 flavor (wrong): ')
    named[1] = FlavorSpecs('wrong', {}, 1025)
    offering = hosts.offering(*HOSTS)
    odd, wrong = flavors.check_memory(Policy(), named, offering)
    assert odd.text.startswith('Flavor odd cannot be judged: ')
    assert wrong.text.startswith('1 flavor (wrong): ')
