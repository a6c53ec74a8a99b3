# SPDX-License-Identifier: Apache-2.0
"""What owners write for nova's names, and what they write for other ends."""

import pytest
from nova import objects

from hypervisor_affinity.core import image_meta
from hypervisor_affinity.operations import image_spelling as spelling

MEANT = {
    'hypervisor_type': """
        hv hv_type hw_hv_type hw_hypervisor hw_hypervisor_type hypervisor
        hypervisor-type hypervisorType hypervisortype hypervisor_name img_hv
        img_hypervisor img_hypervisor_type os_hypervisor os_hypervisor_type
        required_hypervisor vmware_hypervisor vmware_hypervisor_type
        """,
    'img_hv_type': 'img_hvtype IMG_HV_TYPE img_hv-type',
    'vmware_ostype': """
        guest_id guestid guestId vmware_guest vmware_guest_id vmware_guestid
        vmware_guest_os vmware_guestos vmware_guest_os_id
        vmware_guest_os_type vmware_guest_type vmware_os vmware_os_id
        vmware_os_type VMware_OStype vsphere_guest_id vsphere_ostype
        """,
    'os_distro': 'os-distro osdistro OS_DISTRO',
    'vmware_disktype': """
        vmware_disk_type vmwareDiskType vmdk_disktype vmdk_disk_type vmdk_type
        vmware_disk_provisioning vmware_provisioning vmware_vmdk_type
        vsphere_disktype
        """,
    'vmware_adaptertype': """
        vmware_adapter_type vmware-adaptertype vmware_controller
        vmware_controller_type vmware_disk_adapter vmware_disk_adaptertype
        vmware_disk_controller vmware_disk_controller_type vmware_scsi
        vmware_scsi_adapter vmware_scsi_adapter_type vmware_scsi_controller
        vmware_scsi_controller_type vmware_scsi_model vmware_scsi_type
        vmware_storage_adapter vmware_storage_controller vsphere_adaptertype
        """,
    'hw_vif_model': """
        hw_network_adapter hw_network_model hw_nic hw_nic_model hw_nic_type
        hw_vif hw_vif_type hw_vifmodel img_vif_model net_model
        network_adapter_model network_model nic_model vif_model
        vmware_network_adapter vmware_network_adapter_type vmware_nic
        vmware_nic_model vmware_nic_type vmware_vif vmware_vif_model
        vmware_vif_type
        """,
    'hw_disk_bus': """
        disk_bus disk_bus_type hw_disk_bus_model hw_disk_bus_type hw_diskbus
        img_disk_bus
        """,
    'hw_scsi_model': """
        hw_scsi hw_scsi_adapter hw_scsi_controller hw_scsi_type hw_scsimodel
        img_scsi_model scsi_model
        """,
    'vmware_linked_clone': """
        hw_linked_clone linked_clone linked_clones use_linked_clone
        use_linked_clones vmware_linkedclone vmware_linked_clones
        vmware_use_linked_clone
        """,
    'architecture': """
        arch cpu_arch cpu_architecture hw_arch hw_cpu_arch
        hw_cpu_architecture image_arch image_architecture img_arch
        img_architecture Architecture
        """,
}

# Words for other things, too -> what they may mean, and a value by which they
# do.
MAYBE = {
    'virt_type': ('hypervisor_type', 'kvm', 'hvm'),
    'virtualization_type': ('hypervisor_type', 'vmware', 'hvm'),
    'guest_os': ('vmware_ostype', 'ubuntu64Guest', 'Ubuntu 24.04'),
    'guest_os_id': ('vmware_ostype', 'ubuntu64Guest', '7'),
    'guest_os_type': ('vmware_ostype', 'windows9_64Guest', 'windows'),
    'guest_type': ('vmware_ostype', 'otherGuest', 'vm'),
    'os_id': ('vmware_ostype', 'rhel9_64Guest', 'rhel'),
    'disk_type': ('vmware_disktype', 'thin', 'ssd'),
    'provisioning': ('vmware_disktype', 'thin', 'ansible'),
    'provisioning_type': ('vmware_disktype', 'thick', 'pxe'),
    'vmware_disk': ('vmware_disktype', 'streamOptimized', 'boot.vmdk'),
    'vmware_disk_format': ('vmware_disktype', 'sparse', 'vmdk'),
    'adapter': ('vmware_adaptertype', 'lsiLogic', 'fibre'),
    'adapter_type': ('vmware_adaptertype', 'pvscsi', 'bridge'),
    'controller': ('vmware_adaptertype', 'paraVirtual', 'nginx'),
    'controller_type': ('vmware_adaptertype', 'ide', 'raid'),
    'disk_adapter': ('vmware_adaptertype', 'busLogic', 'nvme'),
    'disk_adapter_type': ('vmware_adaptertype', 'lsiLogicsas', 'nvme'),
    'disk_controller': ('vmware_adaptertype', 'lsiLogic', 'nvme'),
    'scsi_adapter': ('vmware_adaptertype', 'lsiLogic', 'none'),
    'scsi_controller': ('vmware_adaptertype', 'LSI Logic SAS', 'none'),
    'scsi_type': ('vmware_adaptertype', 'pvscsi', 'none'),
    'network_adapter': ('hw_vif_model', 'vmxnet3', 'eth0'),
    'network_adapter_type': ('hw_vif_model', 'e1000', 'bridged'),
    'nic': ('hw_vif_model', 'VirtualE1000', 'ens3'),
    'nic_type': ('hw_vif_model', 'virtio', 'public'),
}

# As clouds and tools set them, or their owners.
OTHERS = {
    'base_image_ref': 'b9f0c5a4-5b8f-4f3d-9d5c-0e1c2d3f4a5b',
    'boot_roles': 'member,reader',
    'build_date': '2026-11-02',
    'cinder_img_volume_type': 'fast',
    'cpu_model': 'host',
    'default_user': 'debian',
    'description': 'Debian 12 for ESXi',
    'disk_size': '20',
    'distribution': 'debian',
    'distro': 'debian',
    'format': 'vmdk',
    'host_arch': 'x86_64',
    'hotfix_hours': '0',
    'hw_version': '13',
    'hypervisor_version': '8.0',
    'image_build_date': '2026-11-02',
    'image_location': 'snapshot',
    'image_original_user': 'debian',
    'image_source': 'https://example.org/debian.vmdk',
    'image_state': 'available',
    'image_type': 'snapshot',
    'image_version': '3',
    'instance_uuid': '5e000000-0000-4000-8000-000000000001',
    'internal_version': '7',
    'kernel_id': 'b9f0c5a4-5b8f-4f3d-9d5c-0e1c2d3f4a5b',
    'min_cpu': '2',
    'network_type': 'vlan',
    'os_arch': 'x86_64',
    'os_architecture': 'x86_64',
    'os_edition': 'standard',
    'os_family': 'linux',
    'os_name': 'Debian',
    'os_purpose': 'generic',
    'os_release': 'bookworm',
    'os_version': '12',
    'owner_project_name': 'demo',
    'platform': 'vmware',
    'provider': 'vmware',
    'replace_frequency': 'monthly',
    'user_id': 'p70000000000000000000000000000001',
    'uuid_validity': 'last-3',
    'version': '12',
    'vmware_create_type': 'streamOptimized',
    'vmware_hw_version': 'vmx-13',
    'vmware_product': 'appliance',
    'vmware_tools': 'open-vm-tools',
    'vmware_tools_version': '12352',
    'vmware_uuid': '4211b9f0',
}


def pairs():
    return [
        (written, name)
        for name, words in MEANT.items()
        for written in words.split()
    ]


@pytest.mark.parametrize(('written', 'name'), pairs())
def test_what_is_meant(written, name):
    assert spelling.name(written) == name


def test_every_synonym_is_tried():
    known = {
        word for words in spelling._SYNONYMS.values() for word in words.split()
    }
    assert known <= {written for written, _ in pairs()} | {
        # With and without a line between the words is the same.
        'vmware_disk_adapter_type',
    }
    assert {
        word
        for words in spelling._AMBIGUOUS.values()
        for word in words.split()
    } == MAYBE.keys()


@pytest.mark.parametrize(
    'name', [written for written, _ in pairs()] + [*MAYBE, *OTHERS]
)
def test_nova_reads_none_of_them(name):
    assert not image_meta.is_known(name)
    empty = objects.ImageMetaProps.from_dict({})
    read = objects.ImageMetaProps.from_dict({name: '1'})
    assert read.obj_to_primitive() == empty.obj_to_primitive()


@pytest.mark.parametrize(
    ('written', 'name', 'value', 'other'),
    [(written, *told) for written, told in MAYBE.items()],
)
def test_a_value_tells_what_is_meant(written, name, value, other):
    assert spelling.name(written) is None
    assert spelling.similar_name(written, value) == name
    assert spelling.similar_name(written, other) is None
    assert spelling.similar_name(written, None) is None


@pytest.mark.parametrize(('written', 'value'), OTHERS.items())
def test_what_has_an_end_of_its_own(written, value):
    assert spelling.name(written) is None
    assert spelling.similar_name(written, value) is None


@pytest.mark.parametrize(
    ('written', 'name'),
    [
        ('vmware_adapter', 'vmware_adaptertype'),
        ('vmware_ostypes', 'vmware_ostype'),
        ('hypervisor_typ', 'hypervisor_type'),
        ('hw_vif_modell', 'hw_vif_model'),
    ],
)
def test_what_is_like_a_name(written, name):
    assert spelling.name(written) is None
    assert spelling.similar_name(written, None) == name


@pytest.mark.parametrize(
    ('name', 'written', 'value'),
    [
        ('hypervisor_type', 'vSphere', 'vmware'),
        ('hypervisor_type', 'QEMU', 'kvm'),
        ('hypervisor_type', 'ESX', 'vmware'),
        ('hypervisor_type', 'powervm', None),
        ('architecture', 'AMD64', 'x86_64'),
        ('architecture', 'arm64', 'aarch64'),
        ('hw_architecture', 'x86-64', 'x86_64'),
        ('architecture', 'i586', 'i686'),
        ('architecture', '64', None),
        ('os_version', '12', None),
    ],
)
def test_values(name, written, value):
    assert spelling.value(name, written) == value


def test_what_nova_api_refuses_and_what_is_right():
    own = {'hypervisor_type': 'vsphere', 'hw_vif_model': 'x', 'a': 'b'}
    assert set(spelling.refused(own)) == {'hypervisor_type', 'hw_vif_model'}
    assert spelling.respelled(own) == {'hypervisor_type': 'vmware'}


def test_types_that_hosts_report_instead():
    assert spelling.reported_instead('Ironic') == ('baremetal',)
    assert spelling.reported_instead('kvm') == ()
    assert spelling.reported_instead('xen') == ()
