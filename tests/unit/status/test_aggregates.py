# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core.offer import AggregateTags
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.findings import Severity
from hypervisor_affinity.status import aggregates
from tests.unforeseen import Unforeseen
from tests.unit.status.hosts import TAGGED_KVM
from tests.unit.status.hosts import TAGGED_VMWARE
from tests.unit.status.hosts import aggregate

ISOLATED = (
    '[filter_scheduler]\n'
    'enabled_filters = ComputeFilter,AggregateImagePropertiesIsolation\n'
)


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('hypervisor_type', 'vmwrae'),
        ('hypervisor_type', 'kvm,vmwrae'),
        ('hypervisor_affinity_admit', 'sometimes'),
        ('hypervisor_affinity_reserve', '120'),
        ('hypervisor_affinity_weight_multiplier', 'much'),
        ('vmware_adaptertype', ','),
        ('hypervisor_affinity_reserv', '20'),
    ],
)
def test_metadata_that_cannot_be_read(key, value):
    wrong = aggregate('a1', **{key: value})
    (finding,) = aggregates.check_metadata([TAGGED_KVM, wrong], Policy())
    assert finding.severity is Severity.WARNING
    assert f'aggregate a1: {key}={value}' in finding.text


def test_metadata_that_nobody_has_foreseen():
    odd = AggregateTags('odd', Unforeseen())
    wrong = aggregate('a1', hypervisor_type='vmwrae')
    first, second = aggregates.check_metadata([odd, wrong], Policy())
    assert first.severity is Severity.WARNING
    assert first.text.startswith('Aggregate odd cannot be judged: unexpected ')
    assert 'aggregate a1: ' in second.text


def isolation(conf, *found):
    return list(aggregates.check_isolation(conf, found))


def test_isolation_by_a_key_that_nova_does_not_know(load):
    conf = load(ISOLATED)
    (finding,) = isolation(conf, TAGGED_KVM, TAGGED_VMWARE)
    assert finding.severity is Severity.WARNING
    assert '2 aggregates (kvm, vmware)' in finding.text
    assert isolation(load(), TAGGED_KVM) == []
    namespace = 'aggregate_image_properties_isolation_namespace = other\n'
    assert isolation(load(ISOLATED + namespace), TAGGED_KVM) == []


@pytest.mark.parametrize(
    ('value', 'refused'),
    [
        ('vmware', None),
        ('kvm,qemu', None),
        ('kvm, qemu', None),
        ('vmware,kvm,qemu', None),
        ('kvm', 'qemu'),
        ('VMware', 'vmware'),
        ('esxi', 'vmware'),
    ],
)
def test_isolation_compares_to_the_letter(load, value, refused):
    found = isolation(load(ISOLATED), aggregate('a1', img_hv_type=value))
    assert len(found) == (refused is not None)
    for finding in found:
        assert finding.severity is Severity.ERROR
        assert f'hypervisor_type is {refused}.' in finding.text
