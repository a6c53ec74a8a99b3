# SPDX-License-Identifier: Apache-2.0
"""Hardware and systems, in the words of several programs."""

import pytest

from hypervisor_affinity.core import properties
from hypervisor_affinity.image.appliance import ovf_guests
from hypervisor_affinity.image.fitting import DESCRIPTOR_ADAPTERS
from hypervisor_affinity.image.guests import GUEST_IDS
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import read

SYSTEM = '<OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"/>'


@pytest.mark.parametrize(
    ('said', 'found'),
    [
        ('lsilogic', 'lsiLogic'),
        ('lsilogicsas', 'lsiLogicsas'),
        ('VirtualSCSI', 'paraVirtual'),
        ('buslogic', 'busLogic'),
        ('virtio lsilogic', 'lsiLogic'),
        ('virtio,lsilogicsas', 'lsiLogicsas'),
        ('virtio, VirtualSCSI lsilogic', 'paraVirtual'),
        (' lsilogic\n', 'lsiLogic'),
        # As in a .vmx, in VMware's API and its clients, and in nova.
        ('pvscsi', 'paraVirtual'),
        ('paravirtual', 'paraVirtual'),
        ('VMware Paravirtual', 'paraVirtual'),
        ('ParaVirtualSCSIController', 'paraVirtual'),
        ('vmpvscsi', 'paraVirtual'),
        ('lsilogic-sas', 'lsiLogicsas'),
        ('lsisas1068', 'lsiLogicsas'),
        ('VirtualLsiLogicSAS', 'lsiLogicsas'),
        ('VirtualLsiLogicController', 'lsiLogic'),
        ('VirtualBusLogicController', 'busLogic'),
        ('virtio-scsi', None),
        ('SCSI', None),
        ('VirtualController', None),
        ('', None),
        ('virtio', None),
    ],
)
def test_adapter_type(said, found):
    assert read(OVF.replace('VirtualSCSI', said)).adapter_type == found
    assert found is None or found in properties.ADAPTER_TYPES.values()
    assert found is None or found in DESCRIPTOR_ADAPTERS


def test_novas_words_are_known():
    for word, found in properties.ADAPTER_TYPES.items():
        assert read(OVF.replace('VirtualSCSI', word)).adapter_type == found
        assert read(OVF.replace('VirtualSCSI', found)).adapter_type == found
    for word in {*properties.VIF_MODELS} - {'virtualsriovethernetcard'}:
        found = read(OVF.replace('VmxNet3', word)).vif_model
        assert found.lower() == word


def test_ide():
    ovf = OVF.replace('<rasd:Parent>3<', '<rasd:Parent>4<')
    assert read(ovf).adapter_type == 'ide'


def other_storage(said):
    return OVF.replace('>VirtualSCSI<', f'>{said}<').replace(
        '<rasd:ResourceType>6<', '<rasd:ResourceType>20<'
    )


@pytest.mark.parametrize(
    ('said', 'found'),
    [
        # VirtualBox.
        ('AHCI', 'SATA (AHCI)'),
        ('NVMe', 'NVMe (NVMe)'),
        ('VirtioSCSI', 'virtio (VirtioSCSI)'),
        # VMware.
        ('vmware.sata.ahci', 'SATA (vmware.sata.ahci)'),
        ('vmware.nvme.controller', 'NVMe (vmware.nvme.controller)'),
        ('x' * 100, 'x' * 40),
        ('', None),
    ],
)
def test_a_controller_that_nova_has_no_adapter_for(said, found):
    appliance = read(other_storage(said))
    assert appliance.adapter_type is None
    assert appliance.strange_controller == found


def test_a_scsi_controller_that_nova_has_no_adapter_for():
    appliance = read(OVF.replace('VirtualSCSI', 'dc390'))
    assert appliance.strange_controller == 'SCSI (dc390)'


def test_virtualbox_calls_sas_an_other_storage_device():
    appliance = read(other_storage('LsiLogicSas'))
    assert appliance.adapter_type == 'lsiLogicsas'
    assert appliance.strange_controller is None


def test_a_disk_at_no_controller():
    appliance = read(OVF.replace('<rasd:Parent>3</rasd:Parent>', ''))
    assert appliance.adapter_type is None
    assert appliance.strange_controller is None


def test_an_older_spelling_of_identities():
    ovf = OVF.replace('InstanceID', 'InstanceId')
    assert read(ovf).adapter_type == 'paraVirtual'


@pytest.mark.parametrize('scheme', ['/', '', 'ovf:/', 'ovf://'])
def test_spellings_of_a_disk(scheme):
    ovf = OVF.replace('ovf:/disk/', f'{scheme}disk/')
    assert read(ovf).adapter_type == 'paraVirtual'


def test_version_2():
    ovf = (
        OVF.replace('envelope/1', 'envelope/2')
        .replace('<Item>', '<StorageItem>')
        .replace('</Item>', '</StorageItem>')
    )
    assert read(ovf).adapter_type == 'paraVirtual'


@pytest.mark.parametrize(
    ('said', 'found'),
    [
        ('E1000', 'VirtualE1000'),
        ('E1000e', 'VirtualE1000e'),
        ('PCNet32', 'VirtualPCNet32'),
        ('VmxNet', 'VirtualVmxnet'),
        ('VmxNet3', 'VirtualVmxnet3'),
        ('virtio VmxNet3 E1000', 'VirtualVmxnet3'),
        ('VirtualE1000e', 'VirtualE1000e'),
        ('VirtualVmxnet3', 'VirtualVmxnet3'),
        ('VmxNet2', None),
    ],
)
def test_vif_model(said, found):
    assert read(OVF.replace('VmxNet3', said)).vif_model == found
    assert found is None or found.lower() in properties.VIF_MODELS


@pytest.mark.parametrize(
    ('section', 'found'),
    [
        (SYSTEM, 'ubuntu64Guest'),
        (SYSTEM.replace('ubuntu64Guest', 'rhel7_64guest'), 'rhel7_64Guest'),
        # Of a vSphere that is newer than the list.
        (SYSTEM.replace('ubuntu', 'ubuntu99_'), 'ubuntu99_64Guest'),
        # No guest id: the number tells.
        (SYSTEM.replace('ubuntu64Guest', 'Ubuntu'), 'ubuntu64Guest'),
        ('<OperatingSystemSection ovf:id="96"/>', 'otherLinux64Guest'),
        (
            '<OperatingSystemSection ovf:id="96" ovf:version="11"/>',
            'debian11_64Guest',
        ),
        # VirtualBox' word says more than the number that it writes.
        (
            '<OperatingSystemSection ovf:id="96"><OSType> Debian12_64 '
            '</OSType></OperatingSystemSection>',
            'debian12_64Guest',
        ),
        # The number is that of an x86.
        (
            '<OperatingSystemSection ovf:id="94"><OSType>Ubuntu_arm64'
            '</OSType></OperatingSystemSection>',
            None,
        ),
        # A word of VirtualBox' that tells no guest id.
        (
            '<OperatingSystemSection ovf:id="94"><OSType>Anything_64'
            '</OSType></OperatingSystemSection>',
            'ubuntu64Guest',
        ),
        (
            '<OperatingSystemSection ovf:id="96"><OSType/>'
            '</OperatingSystemSection>',
            'otherLinux64Guest',
        ),
        ('<OperatingSystemSection ovf:id="36"/>', None),
        ('<OperatingSystemSection ovf:id="1"/>', None),
        ('<OperatingSystemSection ovf:id="-94"/>', None),
        (f'<OperatingSystemSection ovf:id="{"9" * 5000}"/>', None),
        ('<OperatingSystemSection/>', None),
        ('<OtherSection ovf:id="94"/>', None),
    ],
    ids=range(16),
)
def test_guest_id(section, found):
    assert read(OVF.replace(SYSTEM, section)).guest_id == found


@pytest.mark.parametrize(
    ('name', 'number'),
    # As VirtualBox writes both.
    [
        ('Debian_64', 96),
        ('FreeBSD_64', 78),
        ('Linux26_64', 100),
        ('Linux_64', 101),
        ('RedHat_64', 80),
        ('Ubuntu', 93),
        ('Ubuntu_64', 94),
    ],
)
def test_two_words_for_one_system(name, number):
    found = ovf_guests.by_virtualbox(name)
    assert found in GUEST_IDS
    assert ovf_guests.by_cim(str(number), None) == found


@pytest.mark.parametrize(
    ('name', 'found'),
    [
        ('ArchLinux_64', 'otherLinux64Guest'),
        ('Fedora', 'fedoraGuest'),
        ('OpenSUSE_Leap_64', 'opensuse64Guest'),
        ('Oracle9_64', 'oracleLinux9_64Guest'),
        ('Other', 'otherGuest'),
        ('Ubuntu22_LTS_64', 'ubuntu64Guest'),
        ('Windows10', 'windows9Guest'),
        ('Windows11_64', 'windows11_64Guest'),
        ('Windows2008_64', 'winLonghorn64Guest'),
        ('Windows2022_64', 'windows2019srvNext_64Guest'),
        ('Windows81_64', 'windows8_64Guest'),
        ('WindowsVista', 'winVistaGuest'),
        ('Debian12_arm64', None),
        ('MacOS_64', None),
        ('Solaris11_64', None),
        ('', None),
    ],
)
def test_virtualbox(name, found):
    assert ovf_guests.by_virtualbox(name) == found


def test_every_number_leads_to_a_guest_id():
    found = {ovf_guests.by_cim(str(number), None) for number in range(200)}
    assert found - {None} <= GUEST_IDS
    assert ovf_guests.by_cim('116', '9') == 'windows9Server64Guest'
