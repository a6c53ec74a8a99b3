# SPDX-License-Identifier: Apache-2.0
"""``explain`` says of nova's own checks what nova says.

Without nova, it knows of ``ImagePropertiesFilter``, of
``ComputeCapabilitiesFilter`` and of what nova asks Placement for by heart:
here nova's own code is the judge.
"""

import itertools

import pytest
from nova import objects
from nova.scheduler import utils
from nova.scheduler.filters import compute_capabilities_filter
from nova.scheduler.filters import image_props_filter

from hypervisor_affinity.cloud.resource_request import read_request
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.operations import capabilities
from hypervisor_affinity.operations.image_properties import compare
from tests.unit.scheduler import nova_objects

VCENTER = 'VMware vCenter Server'

# What hosts report -> what else, where that is not told, they might report.
REPORTS = {
    ('QEMU', ('kvm', 'qemu')): (),
    ('QEMU', ('qemu',)): (),
    ('QEMU', ()): (('kvm', 'qemu'), ('qemu',)),
    (VCENTER, ('vmware',)): (),
    (VCENTER, ()): (('vmware',),),
    ('VMware ESXi', ()): (('vmware',),),
    ('ironic', ('baremetal',)): (),
    ('ironic', ()): (('baremetal',),),
    ('xen', ('xen',)): (),
    ('lxd', ()): (('lxc',), ('lxd',)),
    (None, ()): (('kvm', 'qemu'), ('vmware',)),
}

TYPES = (None, 'XAPI', *objects.fields.HVType.ALL)
ARCHITECTURES = (None, 'x86_64', 'AMD64', 'i686', 'aarch64')
MODES = (None, 'hvm', 'hv', 'pv', 'uml')
VERSIONS = (None, '>=8.0', '<8.0.1', '>=7.0,!=8.2.0')


def images(*, types=TYPES, architectures=ARCHITECTURES):
    for kind, architecture, mode, version in itertools.product(
        types, architectures, MODES, VERSIONS
    ):
        image = {
            'hypervisor_type': kind,
            'hw_architecture': architecture,
            'vm_mode': mode,
            'hypervisor_version_requires': version,
        }
        yield {name: value for name, value in image.items() if value}


def novas_answer(image, hypervisor_type, supported):
    state = nova_objects.host_state('h', hypervisor_type or '', supported)
    spec = nova_objects.request_spec(image)
    return image_props_filter.ImagePropertiesFilter().host_passes(state, spec)


@pytest.mark.parametrize(
    ('report', 'possible'), REPORTS.items(), ids=lambda value: str(value)
)
def test_it_says_what_novas_filter_says(report, possible):
    hypervisor_type, supported = report
    host = Host('h', '', hypervisor_type, 8002000, supported)
    for image in images():
        found = compare(image, host)
        answers = {
            novas_answer(image, hypervisor_type, words)
            for words in possible or (supported,)
        }
        if found.differences:
            assert answers == {False}, image
        elif not found.undetermined:
            assert answers == {True}, image


def test_what_is_told_is_known():
    for report in (
        ('QEMU', ('kvm', 'qemu')),
        (VCENTER, ()),
        (VCENTER, ('vmware',)),
    ):
        host = Host('h', '', report[0], 8002000, report[1])
        for image in images(architectures=(None,)):
            assert compare(image, host).undetermined == (), image


def test_both_answers_are_given_for_sure():
    host = Host('h', '', 'QEMU', 8002000, ('kvm', 'qemu'))
    found = [compare(image, host) for image in images()]
    assert sum(bool(f.differences) for f in found) > 100
    assert sum(not (f.differences or f.undetermined) for f in found) > 10


REQUIREMENTS = (
    *('', 'QEMU', 'qemu', VCENTER, '8002000', '8002000.0', 'x'),
    *('<or> QEMU <or> VMware', '<or>', '<or> 8002000', '<in> 800', '<in>'),
    *('<all-in> VMware Server', '<all-in>', '<all-in> 8 2'),
    *(
        f'{operation} {value}'.strip()
        for operation, value in itertools.product(
            ('=', '==', '!=', '>=', '<=', '>', 's==', 's!=', 's<', 's>='),
            ('', '8002000', '9000000', '8e6 or more', 'QEMU', VCENTER, 'nan'),
        )
    ),
)


def novas_capabilities(extra_specs, hypervisor_type):
    state = nova_objects.host_state('h', hypervisor_type)
    spec = nova_objects.request_spec({}, extra_specs)
    capabilities_filter = compute_capabilities_filter.ComputeCapabilitiesFilter
    try:
        return capabilities_filter().host_passes(state, spec)
    except (IndexError, ValueError):
        # Then nova chooses no host at all.
        return False


@pytest.mark.parametrize('hypervisor_type', ['QEMU', VCENTER, 'ironic'])
@pytest.mark.parametrize(
    'key',
    [
        'capabilities:hypervisor_type',
        'capabilities:hypervisor_version',
        'hypervisor_type',
        'hypervisor_version',
        'hw:hypervisor_type',
        'hypervisor_kind',
    ],
)
def test_it_says_what_novas_filter_says_of_capabilities(key, hypervisor_type):
    host = Host('h', '', hypervisor_type, 8002000)
    for requirement in REQUIREMENTS:
        specs = {key: requirement}
        found = capabilities.compare(specs, host)
        assert found.undetermined == ()
        nova = novas_capabilities(specs, hypervisor_type)
        assert (not found.differences) is nova, requirement


def test_novas_attributes_of_a_host_are_not_told():
    host = Host('h', '', 'QEMU', 8002000)
    state = nova_objects.host_state('h')
    public = {name for name in dir(state) if not name.startswith('_')}
    for name in public - {'hypervisor_type', 'hypervisor_version'}:
        assert capabilities.compare({name: 'x'}, host).undetermined, name
    # nova makes a capability of it.
    specs = {'hw:maxphysaddr_bits': '42'}
    assert novas_capabilities(specs, 'QEMU') is False
    assert capabilities.compare(specs, host).undetermined


def test_nova_asks_for_no_capabilities_at_a_rebuild():
    nova = compute_capabilities_filter.ComputeCapabilitiesFilter
    assert nova.RUN_ON_REBUILD is False


def asked_by_nova(flavor, image, volume):
    spec = objects.RequestSpec(
        image=nova_objects.image_meta(image),
        is_bfv=volume,
        flavor=nova_objects.flavor(flavor),
        requested_resources=[],
    )
    return utils.ResourceRequest.from_request_spec(spec)


PINNED = {'hw:cpu_policy': 'dedicated'}
MIXED = {'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1-3'}
REALTIME = {
    'hw:cpu_policy': 'mixed',
    'hw:cpu_realtime': 'yes',
    'hw:cpu_realtime_mask': '^0',
}


@pytest.mark.parametrize('volume', [False, True])
@pytest.mark.parametrize(
    ('extra_specs', 'image'),
    [
        ({}, {}),
        ({'resources:VGPU': '1', 'resources:CUSTOM_GOLD': '3'}, {}),
        ({'resources:VCPU': '0', 'resources:MEMORY_MB': '0'}, {}),
        ({'resources:DISK_GB': '7', 'resources:PCPU': '2'}, {}),
        ({'resources:VGPU': 'one'}, {}),
        ({'resources1:VCPU': '2', 'resources_X:VGPU': '1'}, {}),
        ({'trait:HW_CPU_X86_AVX512F': 'required'}, {}),
        ({'trait:CUSTOM_A': 'forbidden', 'trait:CUSTOM_B': 'maybe'}, {}),
        ({'trait1:CUSTOM_A': 'required'}, {'trait:CUSTOM_B': 'required'}),
        ({'trait:CUSTOM_A': 'required'}, {'trait:CUSTOM_A': 'required'}),
        ({}, {'trait:CUSTOM_B': 'forbidden'}),
        (PINNED, {}),
        ({}, {'hw_cpu_policy': 'dedicated'}),
        (PINNED | {'hw:emulator_threads_policy': 'isolate'}, {}),
        ({'hw:cpu_policy': 'shared'}, {}),
        (MIXED, {}),
        (MIXED | {'hw:cpu_dedicated_mask': '^1'}, {}),
        (MIXED | {'hw:cpu_dedicated_mask': '0-3,^2'}, {}),
        (MIXED | {'hw:cpu_thread_policy': 'isolate'}, {}),
        (MIXED | {'hw:emulator_threads_policy': 'isolate'}, {}),
        (MIXED, {'hw_cpu_thread_policy': 'require'}),
        (REALTIME, {}),
        (REALTIME, {'hw_cpu_realtime_mask': '^0-1'}),
    ],
    ids=str,
)
def test_placement_is_asked_for_what_nova_asks_for(extra_specs, image, volume):
    flavor = Flavor('f', '', 4, 512, 20, 7, 1025, extra_specs)
    found = read_request(flavor, image, volume=volume)
    nova = asked_by_nova(flavor, image, volume)
    group = nova.get_request_group(None)
    assert found.amounts == group.resources
    assert set(found.required) == group.required_traits
    assert set(found.forbidden) == group.forbidden_traits
    assert bool(found.suffixed_amounts or found.suffixed_traits) == bool(
        nova.get_num_of_suffixed_groups()
    )
    assert found.further == ()


def test_without_dedicated_cpus_nova_asks_for_others():
    flavor = Flavor('f', '', 4, 512, 0, extra_specs=PINNED)
    found = read_request(flavor, {}, volume=False, pinning=False)
    assert found.amounts == {'VCPU': 4, 'MEMORY_MB': 512}


@pytest.mark.parametrize(
    ('extra_specs', 'image'),
    [
        ({'hw:maxphysaddr_mode': 'passthrough'}, {}),
        ({'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb'}, {}),
        ({}, {'hw_tpm_version': '2.0'}),
        ({'os:secure_boot': 'required'}, {}),
        ({}, {'os_secure_boot': 'required'}),
        ({'hw:pci_numa_affinity_policy': 'socket'}, {}),
        ({'hw:pmem': '6GB'}, {}),
        ({}, {'hw_firmware_stateless': 'yes', 'hw_firmware_type': 'uefi'}),
        (
            {'hw:mem_encryption': 'yes'},
            {'hw_firmware_type': 'uefi', 'hw_machine_type': 'q35'},
        ),
    ],
    ids=str,
)
def test_what_nova_makes_traits_of_besides_is_told(extra_specs, image):
    flavor = Flavor('f', extra_specs=extra_specs)
    found = read_request(flavor, image, volume=False)
    group = asked_by_nova(flavor, image, False).get_request_group(None)
    assert group.required_traits or group.resources != found.amounts
    assert found.further


@pytest.mark.parametrize(
    ('extra_specs', 'image'),
    [
        ({'os:secure_boot': 'disabled'}, {}),
        ({'hw:pci_numa_affinity_policy': 'legacy'}, {}),
        ({'hw:mem_encryption': 'False'}, {}),
        ({}, {'hw_firmware_stateless': 'false'}),
    ],
    ids=str,
)
def test_what_nova_makes_nothing_of_is_not_told(extra_specs, image):
    flavor = Flavor('f', memory_mb=1, disk_gb=1, extra_specs=extra_specs)
    found = read_request(flavor, image, volume=False)
    group = asked_by_nova(flavor, image, False).get_request_group(None)
    assert (group.required_traits, group.resources) == (set(), found.amounts)
    assert found.further == ()


@pytest.mark.parametrize(
    'mask',
    ['0-99999999999', '0-9,4096', '1' * 5000, '^' + '1' * 5000, '0-' * 5000],
    ids=lambda mask: mask[:12],
)
def test_a_mask_of_more_cpus_than_any_machine_has_is_not_counted(mask):
    """nova-api refuses such a request, after it has counted."""
    specs = {'hw:cpu_policy': 'mixed', 'hw:cpu_realtime': 'yes'}
    flavor = Flavor('f', vcpus=4, extra_specs=specs)
    image = {'hw_cpu_realtime_mask': mask}
    found = read_request(flavor, image, volume=False)
    assert found.amounts['VCPU'] == 4
    assert 'PCPU' not in found.amounts


@pytest.mark.parametrize('name', ['resources:VGPU', 'resources:VCPU'])
def test_an_amount_of_any_length_is_more_than_there_is(name):
    flavor = Flavor('f', extra_specs={name: '9' * 5000})
    found = read_request(flavor, {}, volume=False)
    assert found.amounts[name.removeprefix('resources:')] >= 10**18
    flavor = Flavor('f', extra_specs={name: '0' * 5000 + '7'})
    found = read_request(flavor, {}, volume=False)
    assert found.amounts[name.removeprefix('resources:')] == 7
    flavor = Flavor('f', extra_specs={'resources1:VGPU': '9' * 5000})
    assert read_request(flavor, {}, volume=False).suffixed_amounts
