# SPDX-License-Identifier: Apache-2.0
"""What an image and a flavor ask of virt drivers."""

import pytest

from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.operations.explanation import HostCheck
from hypervisor_affinity.operations.explanation import Obstacle
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.unit.operations.explained import DIFFERS
from tests.unit.operations.explained import a_flavor
from tests.unit.operations.explained import an_image
from tests.unit.operations.explained import doubts
from tests.unit.operations.explained import explained
from tests.unit.operations.explained import facts
from tests.unit.operations.explained import reasons
from tests.unit.operations.explained import rebuilt

IRONIC = Host(
    'node-1',
    hypervisor_type='ironic',
    vcpus=Inventory(1),
    memory_mb=Inventory(1024),
    disk_gb=Inventory(100),
)


def test_no_host_is_of_type_ironic():
    found = explained([IRONIC], an_image(hypervisor_type='ironic'))
    assert found.passing == 0
    assert reasons(found) == DIFFERS
    assert facts(found) == [
        'image hypervisor_type=ironic',
        'driver supports at most baremetal',
    ]


@pytest.mark.parametrize(
    ('supported', 'expected', 'unknown'),
    [
        (('kvm', 'qemu'), {}, []),
        (('qemu',), DIFFERS, []),
        (
            (),
            {},
            ['image img_hv_type=KVM: whether the driver supports kvm'],
        ),
    ],
)
def test_kvm_where_qemu_may_be_all_there_is(supported, expected, unknown):
    host = records.kvm('kvm-1', supported=supported)
    found = explained([host], an_image(img_hv_type='KVM'))
    assert reasons(found) == expected
    assert doubts(found) == unknown
    assert found.uncertain == len(unknown)
    if expected:
        assert facts(found) == [
            'image img_hv_type=KVM',
            'driver supports qemu',
        ]


@pytest.mark.parametrize(
    ('properties', 'expected', 'unknown'),
    [
        ({'hw_architecture': 'amd64'}, [], []),
        (
            {'hw_architecture': 'i386'},
            [],
            ['image hw_architecture=i386: whether the driver supports i686'],
        ),
        ({'vm_mode': 'hv'}, [], []),
        (
            {'hw_vm_mode': 'xen'},
            ['image hw_vm_mode=xen', 'driver supports hvm'],
            [],
        ),
        (
            {'hypervisor_type': 'qemu', 'hypervisor_version_requires': '>9'},
            [
                'image hypervisor_version_requires=>9',
                'driver hypervisor_version=8002000',
            ],
            [],
        ),
        # Without any of the three, nova's filter looks at nothing.
        ({'hypervisor_version_requires': '>9'}, [], []),
        ({'hw_maxphysaddr_bits': '52'}, [], []),
        (
            {'vm_mode': 'hvm', 'hw_maxphysaddr_bits': '52'},
            [],
            ['image hw_maxphysaddr_bits=52: whether its CPU has as many'],
        ),
    ],
    ids=str,
)
def test_what_else_an_image_asks_of_a_driver(properties, expected, unknown):
    host = records.kvm(
        'kvm-1', supported=('kvm', 'qemu'), traits=('HW_ARCH_X86_64',)
    )
    found = explained([host], an_image(**properties))
    assert (facts(found), doubts(found)) == (expected, unknown)


def test_an_architecture_that_no_host_of_a_driver_has():
    image = an_image(hypervisor_type='vmware', hw_architecture='aarch64')
    (host,) = explained([records.vcenter('vc-1')], image).hosts
    assert host.answers[1].evidence == (
        Evidence('image', 'hw_architecture', 'aarch64'),
        Evidence('driver', 'supports i686, x86_64'),
    )


@pytest.mark.parametrize('hypervisor_type', [None, 'fake'])
def test_a_host_of_which_nothing_is_known(hypervisor_type):
    host = records.kvm('h', hypervisor_type=hypervisor_type)
    image = an_image(vm_mode='xen', hw_architecture='x86_64')
    assert len(doubts(explained([host], image))) == 2


@pytest.mark.parametrize(
    ('supported', 'expected'),
    [
        ((), 'supports at most kvm, qemu'),
        (('kvm', 'qemu'), 'supports kvm, qemu'),
    ],
)
def test_what_a_driver_supports_is_told_as_far_as_it_is_known(
    supported, expected
):
    image = an_image(hypervisor_type='vmware')
    host = records.kvm('kvm-1', supported=supported)
    (found,) = explained([host], image).hosts
    assert found.answers[1].evidence[-1] == Evidence('driver', expected)


DIFFER = {HostCheck.CAPABILITIES: Obstacle.CAPABILITIES_DIFFER}

KVM_HOST = records.kvm('kvm-1')

VC_HOST = records.vcenter('vc-1')


@pytest.mark.parametrize(
    ('key', 'value', 'kvm', 'vcenter'),
    [
        ('capabilities:hypervisor_type', 'QEMU', True, False),
        ('capabilities:hypervisor_type', 's!= QEMU', False, True),
        # nova's operator takes one word, and so matches no vCenter.
        (
            'capabilities:hypervisor_type',
            's== VMware vCenter Server',
            False,
            False,
        ),
        ('capabilities:hypervisor_type', 'qemu', False, False),
        ('hypervisor_type', 'QEMU', True, False),
        ('capabilities:hypervisor_version', '>= 9000000', False, False),
        ('capabilities:hypervisor_version', '>= 8000003', True, True),
        ('hypervisor_version', '<= 8000003', False, True),
        # Neither is for this filter.
        ('hw:hypervisor_type', 'qemu', True, True),
        ('hypervisor_kind', 'qemu', True, True),
    ],
)
def test_what_a_flavor_asks_of_capabilities(key, value, kvm, vcenter):
    found = explained([KVM_HOST, VC_HOST], flavor=a_flavor(**{key: value}))
    for host, expected in zip(found.hosts, (kvm, vcenter), strict=True):
        answer = next(
            a for a in host.answers if a.check is HostCheck.CAPABILITIES
        )
        assert answer.passes is expected, host.host.name
        assert answer.undetermined == ()


def test_which_capability_differs():
    flavor = a_flavor(**{'capabilities:hypervisor_version': '>= 9000000'})
    found = explained([KVM_HOST], flavor=flavor)
    assert reasons(found) == DIFFER
    assert facts(found) == [
        'flavor capabilities:hypervisor_version=>= 9000000',
        'driver hypervisor_version=8002000',
    ]


@pytest.mark.parametrize(
    ('extra_specs', 'fields', 'expected'),
    [
        (
            {'capabilities:cpu_info:arch': 'x86_64'},
            {},
            [
                'flavor capabilities:cpu_info:arch=x86_64: '
                'whether the host has this'
            ],
        ),
        (
            {'free_ram_mb': '>= 1024'},
            {},
            ['flavor free_ram_mb=>= 1024: whether the host has this'],
        ),
        (
            {'hw:maxphysaddr_bits': '42'},
            {},
            ['flavor hw:maxphysaddr_bits=42: whether the host has this'],
        ),
        (
            {'capabilities:hypervisor_version': '>= 9000000'},
            {'hypervisor_version': 0},
            [
                'flavor capabilities:hypervisor_version=>= 9000000: '
                'whether the host has this'
            ],
        ),
    ],
    ids=str,
)
def test_capabilities_that_nobody_tells(extra_specs, fields, expected):
    host = records.kvm('kvm-1', **fields)
    found = explained([host], flavor=a_flavor(**extra_specs))
    assert (reasons(found), doubts(found)) == ({}, expected)


def test_a_rebuild_asks_for_no_capabilities():
    flavor = a_flavor(**{'capabilities:hypervisor_version': '>= 9000000'})
    assert reasons(rebuilt(KVM_HOST, ISO, flavor)) == {}


def test_a_rebuild_asks_the_driver_for_the_new_image():
    host = records.kvm('kvm-1', supported=('qemu',))
    assert reasons(rebuilt(host, an_image(hypervisor_type='qemu'))) == {}
    assert reasons(rebuilt(host, an_image(hypervisor_type='kvm'))) == DIFFERS
