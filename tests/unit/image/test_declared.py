# SPDX-License-Identifier: Apache-2.0
"""An image in Glance is judged by what Glance says of it, as nova does."""

import pathlib

import pytest
from nova import context
from nova.objects.image_meta import ImageMeta
from nova.virt.vmwareapi import constants
from nova.virt.vmwareapi import images
from oslo_utils import uuidutils

from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.fitting import Wishes
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.image.inspection import inspect_image
from testbed import boot_disks
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.installed import skip_without
from tests.unit.image import ovas
from tests.unit.image.test_probe import HEADS

CONTENTS = (
    'streamOptimized.vmdk',
    'monolithicSparse.vmdk',
    'monolithicFlat-flat.vmdk',
    'disk.qcow2',
    'disk.raw',
    'disk.iso',
    # May be written to a stick.
    'hybrid.iso',
    'partitioned.raw',
)
# {property: value} of the disk type; {} for no word.
DISK_TYPES = [{}] + [
    {'vmware_disktype': value}
    for value in ('streamOptimized', 'sparse', 'thin', 'streamoptimized')
]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    disk_files.every_kind(folder)
    (folder / 'disk.iso').write_bytes(boot_disks.disk('iso'))
    hybrid, partitioned = HEADS['hybrid iso'], HEADS['partitioned']
    (folder / 'hybrid.iso').write_bytes(hybrid)
    (folder / 'partitioned.raw').write_bytes(partitioned)
    return folder


def image(path: pathlib.Path, disk_format, container='bare', **properties):
    with FileContent(path) as content:
        return inspect_image(
            content, Declared(disk_format, container, properties)
        )


def vmware_image(disk):
    """Return nova's own view of an image."""
    declared = disk.declared
    meta = ImageMeta.from_dict(
        {
            'id': uuidutils.generate_uuid(),
            'disk_format': declared.disk_format,
            'container_format': declared.container_format,
            'properties': dict(declared.properties),
        }
    )
    return images.VMwareImage.from_image(
        context.get_admin_context(), 'image', meta
    )


@pytest.fixture(autouse=True)
def no_location(monkeypatch):
    """As if Glance told none."""
    monkeypatch.setattr(images, 'get_vsphere_location', lambda *_: None)


@pytest.mark.parametrize('content', CONTENTS)
@pytest.mark.parametrize(
    'said', ['raw', 'qcow2', 'vmdk', 'iso', 'ami', 'aki', 'ari', 'vdi', 'vhdx']
)
def test_nova_on_kvm(folder, content, said):
    disk = image(folder / content, said)
    answer = acceptance.by_kvm(disk)
    assert answer.accepts is nova_accepts(folder / content, said), answer


@pytest.mark.parametrize('properties', DISK_TYPES)
@pytest.mark.parametrize('content', CONTENTS)
def test_the_driver_takes_the_disk_type_for_the_contents(
    folder, content, properties
):
    disk = image(folder / content, 'vmdk', **properties)
    read = vmware_image(disk)
    fits = {
        constants.DISK_TYPE_STREAM_OPTIMIZED: content.startswith('stream'),
        constants.DISK_TYPE_SPARSE: content.startswith('monolithicSparse'),
    }
    if read.disk_type in constants.SUPPORTED_FLAT_VARIANTS:
        expected = content.endswith(('-flat.vmdk', '.raw'))
    else:
        expected = fits.get(read.disk_type, False)
    answer = acceptance.by_vsphere(disk)
    assert answer.accepts is expected, answer


def test_the_default_is_the_drivers():
    assert acceptance.DEFAULT_DISK_TYPE == constants.DEFAULT_DISK_TYPE


def test_a_flat_disk_boots_though_glance_would_refuse_it_today(folder):
    flat = folder / 'monolithicFlat-flat.vmdk'
    disk = image(flat, 'vmdk', vmware_disktype='preallocated')
    assert acceptance.by_vsphere(disk) == (
        True,
        'the driver accepts it as disk type preallocated',
    )
    assert acceptance.by_glance(disk) == (
        True,
        'it has it, but would refuse it today: it is detected as raw, not '
        'vmdk',
    )
    assert not acceptance.by_kvm(disk).accepts
    assert fit(disk, Wishes()).properties == {
        'hypervisor_type': 'vmware',
        'vmware_disktype': 'preallocated',
    }


def test_a_disk_type_that_is_missing_is_named(folder):
    disk = image(folder / 'streamOptimized.vmdk', 'vmdk')
    assert acceptance.by_vsphere(disk) == (
        False,
        'without vmware_disktype the driver takes it for disk type '
        'preallocated, but it is streamOptimized; set '
        'vmware_disktype=streamOptimized',
    )
    properties = fit(disk, Wishes()).properties
    assert properties['vmware_disktype'] == 'streamOptimized'


def test_an_iso_that_is_none(folder):
    answer = acceptance.by_vsphere(image(folder / 'disk.qcow2', 'iso'))
    assert answer == (False, 'its content is qcow2')


def test_an_ova_that_is_none(folder):
    disk = image(folder / 'streamOptimized.vmdk', 'vmdk', container='ova')
    assert acceptance.by_vsphere(disk) == (
        False,
        'its content is not an OVA: not a tar archive',
    )
    assert not acceptance.by_kvm(disk).accepts


def test_an_archive_that_is_said_to_be_a_disk(tmp_path, folder):
    disk = (folder / 'streamOptimized.vmdk').read_bytes()
    archive = disk_files.archive(
        tmp_path / 'x.ova', {'x.ovf': ovas.OVF.encode(), 'web-1.vmdk': disk}
    )
    assert image(archive, 'vmdk', container='ova').appliance
    with pytest.raises(DiskError, match='its container_format is bare'):
        image(archive, 'vmdk')
