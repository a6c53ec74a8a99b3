# SPDX-License-Identifier: Apache-2.0
"""The core's tables against nova's own drivers, value by value.

On the nova at hand: .ci/run does this beside each that is supported.
"""

import pytest
from nova.objects import fields
from nova.scheduler.filters import extra_specs_ops

from hypervisor_affinity.core import capabilities
from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.offer import DriverReport
from hypervisor_affinity.core.offer import read_offer
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.verdict import judge
from tests.installed import skip_without
from tests.unit.scheduler import novas_drivers

HOSTS = {
    'kvm': DriverReport('QEMU', ('kvm', 'qemu')),
    'vmware': DriverReport('VMware vCenter Server', ('vmware',)),
}

IMAGE_FORMATS = ('iso', 'vmdk', 'qcow2')
# None: a volume that was there before the server.
FORMATS = (*IMAGE_FORMATS, None)

# Of what is a free string, what is known to mean something and what is not.
DISK_TYPES = (*drivers.vmware.DISK_TYPES, 'nvme', 'streamoptimized')
DISTROS = ('ubuntu', 'ubuntu64Guest', 'otherGuest', 'debian12_64Guest', 'x')

VALUES = [
    *(('hw_vif_model', value) for value in fields.VIFModel.ALL),
    *(('hw_vif_model', value) for value in fields.VIFModel.LEGACY_VALUES),
    *(('hw_disk_bus', value) for value in fields.DiskBus.ALL),
    *(('hw_scsi_model', value) for value in fields.SCSIModel.ALL),
    *(('scsi', value) for value in fields.SCSIModel.ALL),
    *(('scsi, sparse', value) for value in fields.SCSIModel.ALL),
    *(
        ('vmware_adaptertype', value)
        for value in (*properties.ADAPTER_TYPES.values(), 'ide')
    ),
    *(('architecture', value) for value in fields.Architecture.ALL),
    *(('vmware_disktype', value) for value in DISK_TYPES),
    *(('os_distro', value) for value in DISTROS),
    ('vmware_linked_clone', 'true'),
    ('vmware_image_version', '1'),
    ('hw_qemu_guest_agent', 'yes'),
]


@pytest.fixture(scope='module')
def reads(tmp_path_factory):
    """Whether libvirt hosts read a format."""
    skip_without('qemu-img')
    return novas_drivers.Disks(tmp_path_factory.mktemp('disks')).reads


def image_of(disk_format, name, value):
    image = {} if disk_format is None else {'disk_format': disk_format}
    if name == 'scsi':
        return {**image, 'hw_disk_bus': 'scsi', 'hw_scsi_model': value}
    if name == 'scsi, sparse':
        sparse = image_of(disk_format, 'scsi', value)
        return {**sparse, 'vmware_disktype': 'sparse'}
    return {**image, name: value}


def boots_on(image, volume, reads):
    """Return the hosts whose drivers start a server of this image."""
    answers = {
        'kvm': novas_drivers.kvm_boots(image, volume, reads),
        'vmware': novas_drivers.vsphere_boots(image, volume),
    }
    return {family for family, boots in answers.items() if boots}


def passing(image, volume, rebuild=False):
    """Return the hosts that the core calls suitable."""
    policy = Policy()
    demand = classify(image, {}, policy, volume=volume, rebuild=rebuild)
    return {
        family
        for family, report in HOSTS.items()
        if judge(demand, read_offer([], report, policy), policy).passes
    }


def is_meant_for_vmware_all_the_same(image, volume):
    """Tell of a VMDK with a guest id that vCenter refuses.

    It is a mistake of its owner, of which "image audit" tells: KVM would
    start what was made for ESXi.
    """
    return (
        image.get('disk_format') == 'vmdk'
        and 'os_distro' in image
        and image['os_distro'] not in novas_drivers.GUEST_IDS
    )


@pytest.mark.parametrize('disk_format', FORMATS)
@pytest.mark.parametrize(('name', 'value'), VALUES)
def test_a_boot(disk_format, name, value, reads):
    image = image_of(disk_format, name, value)
    volume = disk_format is None
    found = passing(image, volume)
    boots = boots_on(image, volume, reads)
    if is_meant_for_vmware_all_the_same(image, volume):
        assert found == {'vmware'}
    elif value == 'streamoptimized' and disk_format == 'vmdk':
        # Meant for the one that refuses it: its owner reads how to spell it.
        assert found == set()
    else:
        assert found <= boots
        assert bool(found) is bool(boots)


@pytest.mark.parametrize('disk_format', IMAGE_FORMATS)
@pytest.mark.parametrize(('name', 'value'), VALUES)
@pytest.mark.parametrize('family', HOSTS)
def test_a_rebuild_never_destroys_a_disk_for_nothing(
    disk_format, name, value, family, reads
):
    image = image_of(disk_format, name, value)
    # Whatever else the image is meant for: asked for by name, it may not pass
    # on a host whose driver refuses it.
    named = {**image, 'hypervisor_type': family}
    for each in (image, named):
        found = passing(each, volume=False, rebuild=True)
        assert found <= boots_on(image, False, reads)


@pytest.mark.parametrize('disk_format', novas_drivers.DISK_FORMATS)
@pytest.mark.parametrize('volume', [False, True])
def test_formats(disk_format, volume, reads):
    image = {'disk_format': disk_format}
    if disk_format == 'ova':
        image = {'disk_format': 'vmdk', 'container_format': 'ova'}
    boots = boots_on(image, volume, reads)
    assert passing(image, volume) <= boots
    for family in HOSTS:
        named = {**image, 'hypervisor_type': family}
        assert passing(named, volume) == boots & {family}


@pytest.mark.parametrize('volume', [False, True])
@pytest.mark.parametrize('disk_format', IMAGE_FORMATS)
@pytest.mark.parametrize(('name', 'value'), VALUES)
@pytest.mark.parametrize('family', HOSTS)
def test_what_names_its_hypervisor_gets_it_if_it_boots_there(
    family, name, value, disk_format, volume, reads
):
    image = image_of(disk_format, name, value)
    named = {**image, 'hypervisor_type': family}
    boots = boots_on(image, volume, reads)
    if name == 'os_distro':
        # vCenter's word on guest ids is not the filter's, where it is asked
        # for: some vSphere knows more than this one.
        boots = boots_on({'disk_format': disk_format}, volume, reads)
    assert passing(named, volume) == boots & {family}


def test_every_value_of_novas_has_an_answer_or_a_reason():
    vif = {
        value
        for value in fields.VIFModel.ALL
        for row in [drivers.TABLES['kvm'].row('hw_vif_model')]
        if not (row.takes.has(value) or row.refuses.has(value))
    }
    # For a port that is handed through, which the scheduler does not see.
    assert vif == {'sriov'}
    for name, known in (
        ('hw_disk_bus', fields.DiskBus.ALL),
        ('hw_scsi_model', fields.SCSIModel.ALL),
    ):
        row = drivers.TABLES['kvm'].row(name)
        assert all(row.takes.has(v) != row.refuses.has(v) for v in known)


def test_virt_type_qemu_takes_one_model_more():
    models = novas_drivers.vif.SUPPORTED_VIF_MODELS
    # QEMU has it on no machine type that nova starts, so the table says no.
    assert set(models['qemu']) - set(models['kvm']) == {'lan9118'}


def test_what_drivers_report():
    reported = novas_drivers.vsphere_reports()
    table = drivers.TABLES['vmware']
    assert {found[0] for found in reported} == set(table.architectures)
    assert {found[1] for found in reported} == set(table.guest_types)
    (bare_metal,) = novas_drivers.ironic_reports('x86_64')
    assert drivers.TABLES['baremetal'].guest_types == (bare_metal[1],)


def test_no_property_is_left_out_of_the_order():
    rows = {name for table in drivers.TABLES.values() for name in table.rows}
    assert rows == set(drivers.PROPERTIES)
    known = {*properties.PROPERTY_NAMES, *properties.FORMAT_NAMES}
    assert rows == known - {'img_hv_type'}


REPORTED = ('QEMU', 'VMware vCenter Server', 'ironic', '8')
REQUIREMENTS = [
    *REPORTED,
    '',
    ' ',
    'qemu',
    ' QEMU',
    '<or>',
    '<or> QEMU',
    '<or> ironic <or> QEMU',
    '<or> QEMU ironic',
    '<or> QEMU <or> VMware vCenter Server',
    '<in>',
    '<in> VMware',
    '<in> vCenter Server',
    '<all-in>',
    '<all-in> VMware Server',
    '<all-in> VMware QEMU',
    's==',
    's== QEMU',
    's== VMware vCenter Server',
    's!= QEMU',
    's!= VMware vCenter Server',
    's< R',
    's<= QEMU',
    's> QEMU',
    's>= VMware',
    '= 7',
    '== QEMU',
    '!= QEMU',
    '>= 7',
    '<= x',
]


@pytest.mark.parametrize('requirement', REQUIREMENTS)
@pytest.mark.parametrize('reported', REPORTED[:3])
def test_capabilities_match_as_nova_does(reported, requirement):
    try:
        expected = extra_specs_ops.match(reported, requirement)
    except (ValueError, IndexError):
        expected = False
    assert capabilities.matches(reported, requirement) is bool(expected)
