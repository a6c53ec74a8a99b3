# SPDX-License-Identifier: Apache-2.0
import pytest
from nova import objects
from nova.virt.vmwareapi import constants
from nova.virt.vmwareapi import images
from nova.virt.vmwareapi import vm_util

from hypervisor_affinity.core.image_meta import Fate
from hypervisor_affinity.core.image_meta import treat
from hypervisor_affinity.image import fitting
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.fitting import Wishes
from hypervisor_affinity.image.fitting import WrongWish
from hypervisor_affinity.image.fitting import fit


def disk(**fields):
    found = {
        'name': 'x.vmdk',
        'format': 'vmdk',
        'create_type': 'streamOptimized',
        'adapter_type': 'lsilogic',
        'virtual_bytes': 1024**3,
        'file_bytes': 1024**2,
        'formats': ('vmdk',),
    }
    return Disk(**{**found, **fields})


OVA = Appliance(
    'x.vmdk',
    512,
    1024,
    guest_id='rhel9_64Guest',
    adapter_type='paraVirtual',
    vif_model='VirtualVmxnet3',
)


def driver_reads(properties):
    """Return what nova's vSphere driver makes of an image."""
    image = objects.ImageMeta.from_dict(
        {
            'disk_format': 'vmdk',
            'container_format': 'bare',
            'properties': properties,
        }
    )
    return images.VMwareImage.from_image(None, None, image)


@pytest.mark.parametrize(
    ('create_type', 'disk_type'),
    [
        ('streamOptimized', constants.DISK_TYPE_STREAM_OPTIMIZED),
        ('monolithicSparse', constants.DISK_TYPE_SPARSE),
    ],
)
def test_the_driver_reads_the_disk_type(create_type, disk_type):
    found = fit(disk(create_type=create_type), Wishes())
    assert driver_reads(found.properties).disk_type == disk_type


@pytest.mark.parametrize('adapter', fitting.DESCRIPTOR_ADAPTERS)
def test_an_adapter_is_read_by_the_driver_as_it_was_asked_for(adapter):
    said = fitting.DESCRIPTOR_ADAPTERS[adapter]
    found = fit(disk(adapter_type=said), Wishes(adapter_type=adapter))
    read = driver_reads(found.properties).adapter_type
    assert read == adapter
    # And the disk says so in the words that the driver itself would use.
    assert vm_util.get_vmdk_adapter_type(read).lower() == said


@pytest.mark.parametrize(
    ('said', 'adapter'),
    [
        ('lsilogic', 'lsiLogic'),
        ('buslogic', 'busLogic'),
        ('ide', 'ide'),
        ('legacyESX', None),
        (None, None),
    ],
)
def test_without_a_wish_the_descriptor_tells_the_adapter(said, adapter):
    found = fit(disk(adapter_type=said), Wishes())
    assert found.properties.get('vmware_adaptertype') == adapter


def test_the_adapter_of_an_ova_goes_before_that_of_its_disk():
    assert fitting.adapter_type(disk(appliance=OVA)) == 'paraVirtual'


def test_all_wishes_are_followed():
    wishes = Wishes('lsiLogicsas', 'ubuntu64Guest', 'e1000')
    assert fit(disk(), wishes).properties == {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'streamOptimized',
        'vmware_adaptertype': 'lsiLogicsas',
        'vmware_ostype': 'ubuntu64Guest',
        'hw_vif_model': 'e1000',
    }


def test_nova_reads_every_property():
    wishes = Wishes('paraVirtual', 'rhel9_64Guest', 'VirtualVmxnet3')
    properties = fit(disk(), wishes).properties
    fates = {t.name: t.fate for t in treat(properties)}
    assert set(fates) == set(properties)
    assert set(fates.values()) <= {Fate.KEPT, Fate.RENAMED}


def test_only_the_owner_knows_the_guest():
    (question,) = fit(disk(), Wishes()).questions
    assert 'vmware_ostype' in question
    assert constants.DEFAULT_OS_TYPE in question
    assert not fit(disk(), Wishes(guest_id='ubuntu64Guest')).questions


def test_ide_is_asked_about_unless_it_was_asked_for():
    ide = disk(adapter_type='ide')
    guest = Wishes(guest_id='ubuntu64Guest')
    (question,) = fit(ide, guest).questions
    assert 'IDE' in question
    assert not fit(ide, guest._replace(adapter_type='ide')).questions


@pytest.mark.parametrize(
    ('wishes', 'words'),
    [
        (Wishes(adapter_type='pvscsi'), "'pvscsi' is not a vmware_adapter"),
        (Wishes(guest_id='ubuntu64guest'), 'use ubuntu64Guest'),
        (Wishes(guest_id='ubuntu'), 'is not a guest id of vSphere'),
        (Wishes(vif_model='virtio'), "no network adapter 'virtio'"),
    ],
)
def test_a_wish_that_no_disk_can_have(wishes, words):
    with pytest.raises(WrongWish) as caught:
        fit(disk(), wishes)
    assert words in str(caught.value)


def test_a_wish_that_this_disk_cannot_have():
    with pytest.raises(DiskError) as caught:
        fit(disk(), Wishes(adapter_type='ide'))
    assert 'the descriptor, which says lsilogic' in str(caught.value)
    assert str(caught.value).startswith('x.vmdk: ')


def test_a_newer_guest_id_than_we_know_is_taken():
    found = fit(disk(), Wishes(guest_id='ubuntu99_64Guest'))
    assert found.properties['vmware_ostype'] == 'ubuntu99_64Guest'


@pytest.mark.parametrize(
    'fields',
    [
        {'format': 'qcow2', 'formats': ('qcow2',), 'create_type': None},
        {'appliance': OVA},
    ],
    ids=['qcow2', 'an OVA'],
)
def test_what_cannot_run_on_esxi_gets_nothing(fields):
    found = disk(**fields)
    assert fit(found, Wishes()).properties == {}
    with pytest.raises(DiskError, match='ubuntu64Guest cannot be set'):
        fit(found, Wishes(guest_id='ubuntu64Guest'))


def test_an_iso_boots_anywhere_unless_a_guest_is_named():
    iso = disk(
        format='iso', formats=('iso',), create_type=None, adapter_type=None
    )
    assert fit(iso, Wishes()).properties == {}
    assert fit(iso, Wishes(guest_id='ubuntu64Guest')).properties == {
        'hypervisor_type': 'vmware',
        'vmware_ostype': 'ubuntu64Guest',
    }
