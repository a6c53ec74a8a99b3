# SPDX-License-Identifier: Apache-2.0
"""Each answer is what the service's own code says of the same file."""

import pathlib

import pytest
from nova.virt.vmwareapi import constants
from oslo_utils.imageutils import format_inspector

from hypervisor_affinity.core.drivers import kvm
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.inspection import inspect
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.installed import skip_without


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A disk of each kind, by name."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    disk_files.every_kind(folder)
    return folder


each_kind = pytest.mark.parametrize('kind', disk_files.FILES)


def glance_accepts(path: pathlib.Path, disk_format: str) -> bool:
    """Tell what glance.location.ImageProxy.set_data would, of one file."""
    with path.open('rb') as file:
        stream = format_inspector.InspectWrapper(file)
        while stream.read(65536):
            pass
        stream.close()
    try:
        stream.format.safety_check()
        found = str(stream.format)
    except (
        format_inspector.ImageFormatError,
        format_inspector.SafetyCheckFailed,
    ):
        return False
    return found == disk_format or (found, disk_format) == ('gpt', 'raw')


@each_kind
def test_glance(folder, kind):
    disk = inspect(folder / kind)
    answer = acceptance.by_glance(disk)
    assert answer.accepts is glance_accepts(folder / kind, disk.format), answer


@each_kind
def test_nova_on_kvm(folder, kind):
    disk = inspect(folder / kind)
    answer = acceptance.by_kvm(disk)
    assert answer.accepts is nova_accepts(folder / kind, disk.format), answer


@each_kind
def test_the_vsphere_driver(folder, kind):
    disk = inspect(folder / kind)
    one_file = disk.create_type in ('streamOptimized', 'monolithicSparse')
    formats = disk.format in constants.DISK_FORMATS_ALL
    answer = acceptance.by_vsphere(disk)
    assert answer.accepts is (formats and one_file), answer


def test_disk_types_are_the_drivers():
    assert set(acceptance.DISK_TYPES.values()) == {
        constants.DISK_TYPE_SPARSE,
        constants.DISK_TYPE_STREAM_OPTIMIZED,
    }
    assert set(acceptance.DISK_TYPES.values()) == set(vmware.SPARSE_DISK_TYPES)


def disk(**fields):
    found = {
        'name': 'x',
        'format': 'raw',
        'virtual_bytes': 1024**2,
        'file_bytes': 1024**2,
        'formats': ('raw',),
    }
    return Disk(**{**found, **fields})


@pytest.mark.parametrize(
    ('fields', 'accepts', 'why'),
    [
        ({}, True, 'its content is raw'),
        ({'formats': ('gpt',)}, True, 'its content is gpt'),
        (
            {'formats': ('gpt',), 'failures': ('mbr: overlap',)},
            False,
            'it fails safety checks: mbr: overlap',
        ),
        ({'formats': ('iso',)}, False, 'it is detected as iso, not raw'),
        ({'format': 'iso', 'formats': ('iso', 'gpt')}, True, 'is iso'),
        (
            {'formats': ('gpt', 'qcow2')},
            False,
            'several formats: gpt and qcow2',
        ),
    ],
)
def test_what_formats_say(fields, accepts, why):
    for by in (acceptance.by_glance, acceptance.by_kvm):
        answer = by(disk(**fields))
        assert answer.accepts is accepts
        if not accepts or by is acceptance.by_glance:
            assert why in answer.why


@pytest.mark.parametrize(
    'disk_format',
    ['ami', 'iso', 'ploop', 'qcow2', 'raw', 'vdi', 'vhd', 'vhdx', 'vmdk'],
)
@pytest.mark.parametrize(
    ('by', 'table'),
    [
        (acceptance.by_kvm, kvm.TABLE),
        (acceptance.by_vsphere, vmware.TABLE),
    ],
)
def test_the_tables_tell_the_formats(by, table, disk_format):
    found = disk(
        format=disk_format,
        formats=(disk_format,),
        create_type='streamOptimized' if disk_format == 'vmdk' else None,
    )
    refuses = table.row('disk_format').refuses.has(disk_format)
    assert by(found).accepts is not refuses


def test_a_vhd_boots_nowhere():
    vhd = disk(format='vhd', formats=('vhd',))
    assert acceptance.by_kvm(vhd) == (
        False,
        'nova does not recognize vhd; convert it to qcow2',
    )
    assert not acceptance.by_vsphere(vhd).accepts


def test_an_ova_boots_nowhere():
    ova = disk(
        format='vmdk', formats=(), appliance=Appliance('x.vmdk', 512, 1024)
    )
    assert acceptance.by_glance(ova).accepts
    for by in (acceptance.by_vsphere, acceptance.by_kvm):
        answer = by(ova)
        assert not answer.accepts
        assert '"image prepare"' in answer.why
