# SPDX-License-Identifier: Apache-2.0
"""Flavors with which no server starts, or not where they say."""

import pytest

from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import audit
from tests import cloud_of_records as records
from tests.cloud_of_records import both

OURS = 'hypervisor_affinity:hypervisor_type'
PREFERRED = 'hypervisor_affinity:preferred'
NOVAS = 'capabilities:hypervisor_type'
VCENTER = 'VMware vCenter Server'


def of(specs, **sections):
    """Return what is found of a flavor: check, reason, evidence."""
    flavor = Flavor('big', 'f-big', extra_specs=specs)
    return [
        (finding.check, finding.reason, finding.evidence)
        for finding in audit(both(flavors=[flavor], **sections), Policy())
        if finding.about.id == 'f-big'
    ]


@pytest.mark.parametrize(
    'specs',
    [
        {},
        {OURS: 'kvm'},
        {OURS: 'any', PREFERRED: 'vmware,kvm'},
        {NOVAS: VCENTER},
        {NOVAS: '<in> VMware'},
        {OURS: 'vsphere', NOVAS: VCENTER},
        {'hw:cpu_policy': 'shared', 'quota:cpu_shares': '2'},
    ],
)
def test_flavors_in_order(specs):
    assert of(specs) == []


def test_a_spelling_that_nobody_knows():
    assert of({OURS: 'vmwrae'}) == [
        (
            CloudCheck.FLAVOR_REFUSED,
            Reason.UNREADABLE_SIGN,
            f'{OURS}=vmwrae: vmwrae is not a known hypervisor; refused',
        )
    ]


def test_extra_specs_that_contradict_each_other():
    assert of({OURS: 'kvm', NOVAS: VCENTER}) == [
        (
            CloudCheck.FLAVOR_REFUSED,
            Reason.CONTRADICTORY_SIGNS,
            f'{OURS}=kvm and {NOVAS}={VCENTER} contradict each other',
        )
    ]


@pytest.mark.parametrize(
    ('key', 'value', 'consequence'),
    [
        (OURS, 'vmwrae,kvm', 'vmwrae is not a known hypervisor; KVM remains'),
        (PREFERRED, 'vmwrae', 'vmwrae is not a known hypervisor'),
        (
            'hypervisor_affinity:prefered',
            'kvm',
            f'is not a known extra spec (did you mean {PREFERRED!r}?); '
            'ignored',
        ),
    ],
)
def test_what_is_left_out(key, value, consequence):
    ((check, reason, evidence),) = of({key: value})
    assert (check, reason) == (CloudCheck.FLAVOR_UNREADABLE, '')
    assert evidence.startswith(f'{key}={value}: {consequence}')


@pytest.mark.parametrize(
    ('value', 'effect'),
    [
        ('vmware', 'matches no host'),
        ('xen', 'matches no host'),
        (f'<or> QEMU <or> {VCENTER}', f'never matches {VCENTER!r}'),
        (f's!= {VCENTER}', f'does not exclude {VCENTER!r}'),
    ],
)
def test_novas_key_against_its_words(value, effect):
    ((check, reason, evidence),) = of({NOVAS: value})
    assert (check, reason) == (CloudCheck.FLAVOR_MISLEADING, '')
    assert evidence.startswith(f'{NOVAS}={value} {effect}')


def test_what_some_host_reports_is_known():
    odd = records.kvm('odd', hypervisor_type='HyperFoo')
    assert of({NOVAS: 'HyperFoo'}, hosts=[*both().hosts(), odd]) == []


def test_a_hypervisor_that_no_host_is():
    assert of({OURS: 'hyperv'}) == [
        (
            CloudCheck.FLAVOR_WITHOUT_HOST,
            Reason.OTHER_HYPERVISOR,
            f'flavor needs Hyper-V ({OURS}=hyperv)',
        )
    ]
    assert of({OURS: 'hyperv,kvm'}) == []
