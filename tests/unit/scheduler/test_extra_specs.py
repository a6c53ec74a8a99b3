# SPDX-License-Identifier: Apache-2.0
"""The validators by themselves; the functional tests ask nova-api."""

import pytest
from nova import exception

from hypervisor_affinity.scheduler import extra_specs

TYPE = 'hypervisor_affinity:hypervisor_type'
PREFERRED = 'hypervisor_affinity:preferred'


def validate(name, value):
    validators = {v.name: v for v in extra_specs.register()}
    validators[name].validate(name, value)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        (TYPE, 'vmware'),
        (TYPE, 'ESXi, kvm'),
        (TYPE, 'any'),
        (TYPE, ' Any '),
        (PREFERRED, 'vmware,kvm'),
    ],
)
def test_right(name, value):
    validate(name, value)


@pytest.mark.parametrize(
    ('name', 'value', 'complaint'),
    [
        (TYPE, 'vmwrae', 'vmwrae is not a known hypervisor'),
        (TYPE, 'kvm,vmwrae', 'vmwrae is not a known hypervisor'),
        (TYPE, 'kvm,any', 'any is not a known hypervisor'),
        (TYPE, 'a,b', 'a, b are not known hypervisors'),
        (TYPE, '', 'the list is empty'),
        (PREFERRED, 'any', 'any is not a known hypervisor'),
        (PREFERRED, ' , ', 'the list is empty'),
    ],
)
def test_wrong(name, value, complaint):
    with pytest.raises(exception.ValidationError) as raised:
        validate(name, value)
    assert name in str(raised.value)
    assert f"': {complaint}. " in str(raised.value)


def test_descriptions_are_there():
    for validator in extra_specs.register():
        assert len(validator.description) > 40
