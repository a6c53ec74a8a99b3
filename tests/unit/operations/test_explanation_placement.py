# SPDX-License-Identifier: Apache-2.0
"""What Placement would say of a host."""

import pytest

from hypervisor_affinity.cloud.adapters import read_size
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import HostCheck
from hypervisor_affinity.operations.explanation import Obstacle
from tests import cloud_of_records as records
from tests.cloud_of_records import VMDK
from tests.unit.operations.explained import a_flavor
from tests.unit.operations.explained import an_image
from tests.unit.operations.explained import doubts
from tests.unit.operations.explained import explained
from tests.unit.operations.explained import facts
from tests.unit.operations.explained import reasons
from tests.unit.operations.explained import rebuilt


@pytest.mark.parametrize(
    ('inventory', 'expected'),
    [
        (Inventory(1024), None),
        (Inventory(1023), Obstacle.TOO_LARGE),
        (Inventory(2048, used=1024), None),
        (Inventory(2048, used=1025), Obstacle.NO_ROOM),
        (Inventory(2048, reserved=1024), None),
        (Inventory(2048, reserved=1025), Obstacle.TOO_LARGE),
        (Inventory(512, allocation_ratio=2.0), None),
        (Inventory(65536, max_unit=1023), Obstacle.TOO_LARGE),
        (Inventory(65536, max_unit=1024), None),
        (None, Obstacle.NO_INVENTORY),
    ],
)
def test_room_by_placements_arithmetic(inventory, expected):
    found = explained([records.kvm('kvm-1', memory_mb=inventory)])
    assert reasons(found) == ({HostCheck.ROOM: expected} if expected else {})


def test_a_shortage_says_of_what_and_how_much():
    host = records.vcenter('vc-1', vcpus=Inventory(32, max_unit=8, used=30))
    large = Flavor('large', vcpus=9, memory_mb=1024, disk_gb=2001)
    (found,) = explained([host], VMDK, large).hosts
    assert [fact.text for fact in found.decisive.evidence] == [
        'vCPUs: 9 asked, 2 of 32 free, 8 at most for one server',
        'disk: 2,001 GiB asked, 2,000 of 2,000 GiB free',
    ]


@pytest.mark.parametrize(
    ('volume', 'expected'), [(False, 10 + 5 + 2), (True, 5 + 2)]
)
def test_disk_as_nova_asks_placement_for_it(volume, expected):
    flavor = Flavor('f', disk_gb=10, ephemeral_gb=5, swap_mb=1025)
    assert read_size(flavor, volume=volume)['DISK_GB'] == expected


TRAIT = 'trait:HW_CPU_X86_AVX512F'

MISSING = {HostCheck.TRAITS: Obstacle.TRAIT_MISSING}

FORBIDDEN = {HostCheck.TRAITS: Obstacle.TRAIT_FORBIDDEN}


@pytest.mark.parametrize(
    ('extra_specs', 'properties', 'having', 'lacking'),
    [
        ({TRAIT: 'required'}, {}, {}, MISSING),
        ({}, {TRAIT: 'required'}, {}, MISSING),
        ({TRAIT: 'forbidden'}, {}, FORBIDDEN, {}),
        ({TRAIT: 'forbidden'}, {TRAIT: 'required'}, FORBIDDEN, MISSING),
        # nova reads neither.
        ({}, {TRAIT: 'forbidden'}, {}, {}),
        ({TRAIT: 'preferred'}, {}, {}, {}),
        # Of the compute node, whoever else takes part.
        ({TRAIT: 'required', 'resources:VGPU': '1'}, {}, {}, MISSING),
    ],
    ids=str,
)
def test_traits(extra_specs, properties, having, lacking):
    arguments = an_image(**properties), a_flavor(**extra_specs)
    has = records.kvm('kvm-1', traits=('HW_CPU_X86_AVX512F',))
    lacks = records.kvm('kvm-1', traits=('HW_CPU_X86_AVX2',))
    assert reasons(explained([has], *arguments)) == having
    assert reasons(explained([lacks], *arguments)) == lacking


def test_which_trait_it_is():
    host = records.kvm('kvm-1', traits=('CUSTOM_OLD',))
    flavor = a_flavor(**{TRAIT: 'required', 'trait:CUSTOM_OLD': 'forbidden'})
    assert facts(explained([host], flavor=flavor)) == [
        f'flavor {TRAIT}=required',
        'Placement without HW_CPU_X86_AVX512F',
        'flavor trait:CUSTOM_OLD=forbidden',
        'Placement with CUSTOM_OLD',
    ]


def test_a_record_without_traits():
    flavor = a_flavor(**{TRAIT: 'required', 'trait:CUSTOM_OLD': 'forbidden'})
    found = explained([records.kvm('kvm-1')], flavor=flavor)
    assert found.passing == 1
    assert doubts(found) == [
        f'flavor {TRAIT}=required: whether the host has this trait',
        'flavor trait:CUSTOM_OLD=forbidden: whether the host has this trait',
    ]
    # Of those of which nothing is asked, nothing need be known.
    assert doubts(explained([records.kvm('kvm-1')])) == []


@pytest.mark.parametrize(
    ('status', 'expected'), [('enabled', FORBIDDEN), ('disabled', {})]
)
def test_a_host_that_placement_has_for_disabled(status, expected):
    host = records.kvm(
        'kvm-1', status=status, traits=('COMPUTE_STATUS_DISABLED',)
    )
    found = reasons(explained([host]))
    found.pop(HostCheck.SERVICE, None)
    assert found == expected


@pytest.mark.parametrize(
    ('extra_specs', 'expected'),
    [
        (
            {'resources:VGPU': '2'},
            ['flavor resources:VGPU=2: whether there is room for 2 VGPU'],
        ),
        (
            {'hw:cpu_policy': 'dedicated'},
            [
                'flavor hw:cpu_policy=dedicated: '
                'whether there is room for 1 PCPU'
            ],
        ),
        (
            {'resources1:VGPU': '1'},
            ['flavor resources1:VGPU=1: whether there is room for this'],
        ),
        (
            {'trait1:CUSTOM_GOLD': 'required'},
            [
                'flavor trait1:CUSTOM_GOLD=required: '
                'whether the host meets this'
            ],
        ),
        (
            {'resources:CUSTOM_GPU': '1', 'trait:CUSTOM_GOLD': 'required'},
            [
                'flavor trait:CUSTOM_GOLD=required: '
                'whether the host has this trait',
                'flavor resources:CUSTOM_GPU=1: '
                'whether there is room for 1 CUSTOM_GPU',
            ],
        ),
        (
            {'hw:tpm_version': '2.0'},
            ['flavor hw:tpm_version=2.0: whether the host meets this'],
        ),
        ({'resources:CUSTOM_GPU': '0', 'resources:VCPU': '1'}, []),
    ],
    ids=str,
)
def test_what_placement_knows_and_no_snapshot(extra_specs, expected):
    host = records.kvm('kvm-1', traits=('HW_CPU_X86_AVX2',))
    found = explained([host], flavor=a_flavor(**extra_specs))
    assert found.passing == 1
    assert doubts(found) == expected


def test_dedicated_cpus_that_the_image_asks_for():
    found = explained(
        [records.kvm('kvm-1', vcpus=None)],
        an_image(hw_cpu_policy='dedicated'),
    )
    assert doubts(found) == [
        'image hw_cpu_policy=dedicated: whether there is room for 1 PCPU'
    ]


@pytest.mark.parametrize(
    ('extra_specs', 'properties', 'expected'),
    [
        ({}, {'trait:CUSTOM_GOLD': 'required'}, {}),
        ({}, {TRAIT: 'required'}, MISSING),
        ({TRAIT: 'required'}, {TRAIT: 'required'}, MISSING),
        # Placement was asked at the boot.
        ({TRAIT: 'required'}, {}, {}),
        ({'trait:CUSTOM_GOLD': 'forbidden'}, {}, {}),
        (
            {'trait:CUSTOM_GOLD': 'forbidden'},
            {'trait:CUSTOM_GOLD': 'required'},
            FORBIDDEN,
        ),
        (
            {'trait2:CUSTOM_GOLD': 'forbidden'},
            {'trait:CUSTOM_GOLD': 'required'},
            FORBIDDEN,
        ),
    ],
    ids=str,
)
def test_traits_of_a_rebuild(extra_specs, properties, expected):
    host = records.kvm('kvm-1', traits=('CUSTOM_GOLD',))
    found = rebuilt(host, an_image(**properties), a_flavor(**extra_specs))
    assert reasons(found) == expected
    assert doubts(found) == []


def test_a_rebuild_whose_server_has_more_than_the_compute_node():
    host = records.kvm('kvm-1', traits=('CUSTOM_GOLD',))
    image = an_image(**{'trait:CUSTOM_GPU': 'required'})
    assert reasons(rebuilt(host, image)) == MISSING
    found = rebuilt(host, image, a_flavor(**{'resources1:VGPU': '1'}))
    assert doubts(found) == [
        'image trait:CUSTOM_GPU=required: whether the host has this trait'
    ]


def test_traits_of_the_image_that_a_server_booted_from():
    image = an_image(**{TRAIT: 'required'})
    # nova does not show these among what it froze.
    server = records.server('a', image, 'kvm-1', image_properties={})
    assert requests.at_boot(server, image)[TRAIT] == 'required'
