# SPDX-License-Identifier: Apache-2.0
"""Why hosts would take a request, or not."""

import pytest

from hypervisor_affinity.cloud.adapters import flat
from hypervisor_affinity.cloud.adapters import needs
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Inventory
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Evidence
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import listed
from hypervisor_affinity.operations import requests
from hypervisor_affinity.operations.explanation import Check
from hypervisor_affinity.operations.explanation import Obstacle
from hypervisor_affinity.operations.explanation import explain
from hypervisor_affinity.operations.offers import HostOffers
from hypervisor_affinity.operations.requests import Request
from tests import case_table
from tests import case_verdicts
from tests import cloud_of_records as records
from tests.case_verdicts import policy_of
from tests.cloud_of_records import ISO
from tests.cloud_of_records import SMALL
from tests.cloud_of_records import VMDK
from tests.unforeseen import Unforeseen


def explained(hosts, image=ISO, flavor=SMALL, aggregates=(), **arguments):
    policy = Policy()
    found = flat(image)
    demand = classify(found, flavor.extra_specs, policy)
    return explain(
        Request('a request', demand, flavor, found),
        hosts,
        HostOffers(aggregates, policy),
        policy,
        **arguments,
    )


def reasons(explanation):
    return {
        answer.check: answer.reason
        for answer in explanation.hosts[0].answers
        if not answer.passes
    }


# It answers no question about a resize.
ANSWERED = [c for c in case_table.cases() if c.has == case_table.ASKED]


@pytest.mark.parametrize('case', ANSWERED, ids=str)
def test_the_case_table(case):
    for host, expected in case.expected:
        used = {'used': host.used * case_table.RAM_MB // 100}
        record = Host(
            host.name,
            hypervisor_type=host.driver['hypervisor_type'],
            supported=tuple(host.driver['supported']),
            memory_mb=Inventory(case_table.RAM_MB, **used),
            vcpus=Inventory(
                case_table.VCPUS, used=host.used * case_table.VCPUS // 100
            ),
            disk_gb=Inventory(100),
        )
        aggregates = [
            Aggregate(
                f'{host.name}-{number}', metadata=metadata, hosts=(host.name,)
            )
            for number, metadata in enumerate(host.aggregates)
        ]
        policy = policy_of(case)
        tenth = Flavor(
            'tenth',
            vcpus=case_table.VCPUS // 10,
            memory_mb=case_table.RAM_MB // 10,
        )
        found = explain(
            Request(str(case), case_verdicts.demand_of(case), tenth),
            [record],
            HostOffers(aggregates, policy),
            policy,
        )
        (answered,) = found.hosts
        assert answered.answers[0].reason == expected, host.name


def test_a_host_that_would_take_it():
    found = explained([records.kvm('kvm-1')])
    assert found.passing == 1
    assert found.hosts[0].decisive.reason is Reason.SUITABLE


@pytest.mark.parametrize(
    ('fields', 'expected'),
    [
        ({'state': 'down'}, Obstacle.SERVICE_DOWN),
        ({'status': 'disabled'}, Obstacle.SERVICE_DISABLED),
        (
            {'state': 'down', 'status': 'disabled'},
            Obstacle.SERVICE_DISABLED,
        ),
    ],
)
def test_nova_compute_has_to_be_there(fields, expected):
    found = explained([records.kvm('kvm-1', **fields)])
    assert reasons(found) == {Check.SERVICE: expected}
    assert found.passing == 0


def test_why_it_is_disabled():
    host = records.vcenter(
        'vc-1',
        status='disabled',
        disabled_reason='set by vmwareapi host_state',
    )
    (found,) = explained([host], VMDK).hosts
    assert listed(found.decisive.evidence) == (
        'nova-compute disabled=set by vmwareapi host_state'
    )


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
    assert reasons(found) == ({Check.ROOM: expected} if expected else {})


def test_a_shortage_says_of_what_and_how_much():
    host = records.vcenter('vc-1', vcpus=Inventory(32, max_unit=8, used=30))
    large = Flavor('large', vcpus=9, memory_mb=1024, disk_gb=2001)
    (found,) = explained([host], VMDK, large).hosts
    assert [fact.text for fact in found.decisive.evidence] == [
        'vcpus: 9 asked, 2 of 32 free, 8 at most for one server',
        'disk_gb: 2001 asked, 2000 of 2000 free',
    ]


@pytest.mark.parametrize(
    ('volume', 'expected'), [(False, 10 + 5 + 2), (True, 5 + 2)]
)
def test_disk_as_nova_asks_placement_for_it(volume, expected):
    flavor = Flavor('f', disk_gb=10, ephemeral_gb=5, swap_mb=1025)
    assert needs(flavor, volume=volume)['DISK_GB'] == expected


@pytest.mark.parametrize(
    ('metadata', 'passes'),
    [
        ({}, True),
        ({'filter_tenant_id': 'p1'}, True),
        ({'filter_tenant_id': 'p2'}, False),
        ({'filter_tenant_id': 'p2, p1'}, True),
        ({'filter_tenant_id': 'p2', 'filter_tenant_id3': 'p1'}, True),
    ],
)
def test_hosts_for_other_projects(metadata, passes):
    aggregates = [Aggregate('a', metadata=metadata, hosts=('kvm-1',))]
    hosts = [records.kvm('kvm-1')]
    found = explained(hosts, aggregates=aggregates, project='p1')
    assert reasons(found) == (
        {} if passes else {Check.PROJECT: Obstacle.OTHER_PROJECTS}
    )
    assert reasons(explained(hosts, aggregates=aggregates)) == {}


def test_what_is_kept_for_others_is_not_free():
    aggregates = [
        Aggregate(
            'vmware',
            metadata={
                'hypervisor_type': 'vmware',
                'hypervisor_affinity_reserve': '50',
            },
            hosts=('vc-1',),
        )
    ]
    half = Inventory(65536, max_unit=16384, used=32768)
    hosts = [records.vcenter('vc-1', memory_mb=half)]
    assert reasons(explained(hosts, ISO, aggregates=aggregates)) == {
        Check.HYPERVISOR: Reason.RESERVED
    }
    assert reasons(explained(hosts, VMDK, aggregates=aggregates)) == {}


def an_image(**properties):
    return Image('i', disk_format='iso', properties=properties)


def a_flavor(**extra_specs):
    return Flavor('f', memory_mb=1024, extra_specs=extra_specs)


def facts(explanation):
    """Return the evidence of the checks that fail, of the first host."""
    return [
        str(fact)
        for answer in explanation.hosts[0].answers
        for fact in answer.evidence
        if not answer.passes
    ]


def doubts(explanation):
    return list(map(str, explanation.hosts[0].undetermined))


DIFFERS = {Check.IMAGE_PROPERTIES: Obstacle.IMAGE_PROPERTIES_DIFFER}
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


DIFFER = {Check.CAPABILITIES: Obstacle.CAPABILITIES_DIFFER}
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
        answer = next(a for a in host.answers if a.check is Check.CAPABILITIES)
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


def test_a_server_on_the_wrong_hypervisor_cannot_move():
    image = an_image(hypervisor_type='vmware')
    server = records.server('a', image, 'kvm-1')
    policy = Policy()
    found = explain(
        requests.move(server, None, frozenset({'kvm'}), policy),
        [records.kvm('kvm-1'), records.kvm('kvm-2'), records.vcenter('vc-1')],
        HostOffers((), policy),
        policy,
    )
    assert [found.decisive.reason for found in found.hosts] == [
        Obstacle.IMAGE_PROPERTIES_DIFFER,
        Obstacle.IMAGE_PROPERTIES_DIFFER,
        Reason.OTHER_HYPERVISOR,
    ]


@pytest.mark.parametrize(
    ('frozen', 'expected'),
    [
        ({}, []),
        (None, ['server image properties: whether the driver supports them']),
    ],
)
def test_a_server_whose_image_properties_nobody_tells(frozen, expected):
    server = records.server('a', None, 'kvm-1', image_properties=frozen)
    policy = Policy()
    found = explain(
        requests.move(server, None, frozenset({'kvm'}), policy),
        [records.kvm('kvm-2')],
        HostOffers((), policy),
        policy,
    )
    assert doubts(found) == expected


def rebuilt(host, image, flavor=SMALL):
    policy = Policy()
    server = records.server('a', ISO, host.name, flavor=flavor)
    return explain(
        requests.rebuild(server, image, policy),
        [host],
        HostOffers((), policy),
        policy,
    )


def test_a_rebuild_asks_the_driver_for_the_new_image():
    host = records.kvm('kvm-1', supported=('qemu',))
    assert reasons(rebuilt(host, an_image(hypervisor_type='qemu'))) == {}
    assert reasons(rebuilt(host, an_image(hypervisor_type='kvm'))) == DIFFERS


TRAIT = 'trait:HW_CPU_X86_AVX512F'
MISSING = {Check.TRAITS: Obstacle.TRAIT_MISSING}
FORBIDDEN = {Check.TRAITS: Obstacle.TRAIT_FORBIDDEN}


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
    found.pop(Check.SERVICE, None)
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


def test_those_that_pass_for_sure_come_first():
    hosts = [
        records.kvm('kvm-1'),
        records.kvm('kvm-2'),
        records.kvm('kvm-3', supported=('kvm', 'qemu')),
        records.kvm('kvm-4', supported=('qemu',)),
    ]
    found = explained(hosts, an_image(hypervisor_type='kvm'))
    assert (found.passing, found.uncertain) == (3, 2)
    assert [
        (group.answer.reason, len(group.hosts), len(group.undetermined))
        for group in found.groups()
    ] == [
        (Reason.SUITABLE, 1, 0),
        (Reason.SUITABLE, 2, 1),
        (Obstacle.IMAGE_PROPERTIES_DIFFER, 1, 0),
    ]


def test_of_a_host_that_fails_nothing_need_be_known():
    host = records.kvm('kvm-1', state='down')
    found = explained([host], an_image(hypervisor_type='kvm'))
    assert (found.passing, found.uncertain, doubts(found)) == (0, 0, [])


def test_groups_show_what_passes_first_then_the_largest():
    hosts = [
        records.vcenter('vc-1', state='down'),
        records.kvm('kvm-1'),
        records.kvm('kvm-2'),
        records.vcenter('vc-2'),
    ]
    groups = explained(hosts, VMDK).groups()
    assert [
        (group.answer.reason, [found.host.name for found in group.hosts])
        for group in groups
    ] == [
        (Reason.SUITABLE, ['vc-2']),
        (Reason.OTHER_HYPERVISOR, ['kvm-1', 'kvm-2']),
        (Obstacle.SERVICE_DOWN, ['vc-1']),
    ]


def test_what_cannot_be_judged_does_not_hide_other_hosts():
    hosts = [records.kvm('kvm-1'), records.kvm('kvm-2')]
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-1',))
    found = explained(hosts, aggregates=[odd], project='blue')
    assert (found.passing, found.not_judged) == (1, 1)
    assert reasons(found) == {
        Check.HYPERVISOR: Obstacle.NOT_JUDGED,
        Check.PROJECT: Obstacle.NOT_JUDGED,
    }
    # A page has as many columns for each host.
    assert len({len(host.answers) for host in found.hosts}) == 1


def test_what_fails_anyhow_need_not_be_judged():
    host = records.kvm('kvm-1', state='down')
    odd = Aggregate('odd', 'a-odd', Unforeseen(), ('kvm-1',))
    found = explained([host], aggregates=[odd])
    assert (found.passing, found.not_judged) == (0, 0)
