# SPDX-License-Identifier: Apache-2.0

import hashlib
import tarfile

import pytest

from hypervisor_affinity.core import properties
from hypervisor_affinity.image import ova
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.unit.image.ovas import MIB
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO
from tests.unit.image.ovas import packed
from tests.unit.image.ovas import read


def test_appliance():
    assert read(OVF) == Appliance(
        member='web-1.vmdk',
        offset=3072,
        size=6,
        guest_id='ubuntu64Guest',
        adapter_type='paraVirtual',
        vif_model='VirtualVmxnet3',
    )


def test_inspect(tmp_path, disk):
    digest = hashlib.sha256(disk).hexdigest()
    manifest = f'SHA256(web.ovf)= 00\nSHA256(web-1.vmdk)= {digest}\n'
    path = disk_files.archive(
        tmp_path / 'web.ova',
        {
            'web.ovf': OVF.encode(),
            'web.mf': manifest.encode(),
            'web-1.vmdk': disk,
        },
    )
    found = inspect(path)
    assert found.name == str(path)
    assert (found.format, found.container_format) == ('vmdk', 'ova')
    assert found.create_type == 'streamOptimized'
    assert found.virtual_bytes == 16 * MIB
    assert found.file_bytes == path.stat().st_size
    assert found.formats == ()
    assert found.appliance.digest == f'sha256:{digest}'
    start = found.appliance.offset
    assert path.read_bytes()[start : start + len(disk)] == disk


def test_inspect_content(disk):
    archive = packed({'web.ovf': OVF.encode(), 'web-1.vmdk': disk})
    content = disk_files.Counting(archive)
    assert inspect_content(content).appliance.size == len(disk)


def test_one_of_two_disks():
    found = read(TWO, 'web-2.vmdk')
    assert (found.member, found.others) == ('web-2.vmdk', ('web-1.vmdk',))
    # The OVF does not say what it is at.
    assert found.adapter_type is None


@pytest.mark.parametrize(
    ('said', 'found'),
    [
        ('lsilogic', 'lsiLogic'),
        ('lsilogicsas', 'lsiLogicsas'),
        ('VirtualSCSI', 'paraVirtual'),
        ('buslogic', 'busLogic'),
        ('vmware.sata.ahci', None),
    ],
)
def test_adapter_type(said, found):
    assert read(OVF.replace('VirtualSCSI', said)).adapter_type == found
    assert found is None or found in properties.ADAPTER_TYPES.values()


def test_ide():
    ovf = OVF.replace('<rasd:Parent>3<', '<rasd:Parent>4<')
    assert read(ovf).adapter_type == 'ide'


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
        ('VmxNet2', None),
    ],
)
def test_vif_model(said, found):
    assert read(OVF.replace('VmxNet3', said)).vif_model == found
    assert found is None or found.lower() in properties.VIF_MODELS


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('ubuntu64Guest', 'some system'),
        ('vmw:osType="ubuntu64Guest"', ''),
        ('OperatingSystemSection', 'OtherSection'),
    ],
)
def test_no_guest_id(old, new):
    assert read(OVF.replace(old, new)).guest_id is None


def test_hardware_of_the_machine_that_has_the_disk():
    system = OVF[OVF.index('<VirtualSystem') : OVF.index('</Envelope')]
    other = system.replace('vmdisk1', 'vmdisk2').replace(
        'ubuntu64Guest', 'otherGuest'
    )
    ovf = TWO.replace(
        system,
        f'<VirtualSystemCollection>{other}{system}</VirtualSystemCollection>',
    )
    assert read(ovf, 'web-1.vmdk').guest_id == 'ubuntu64Guest'
    assert read(ovf, 'web-2.vmdk').guest_id == 'otherGuest'


@pytest.mark.parametrize(
    ('line', 'digest'),
    [
        ('SHA1(web-1.vmdk)= ab12', 'sha1:ab12'),
        ('SHA256(web-1.vmdk)= AB12', 'sha256:ab12'),
        ('SHA512 (web-1.vmdk) = ab12\r', 'sha512:ab12'),
        ('MD5(web-1.vmdk)= ab12', None),
        ('SHA1(web-2.vmdk)= ab12', None),
        ('\xff\xfe', None),
    ],
)
def test_digest(line, digest):
    manifest = f'SHA1(web.ovf)= 00\n{line}\n'.encode('latin1')
    assert read(OVF, **{'web.mf': manifest}).digest == digest


def test_other_forms_of_tar(disk):
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = packed(
            {'web.ovf': OVF.encode(), 'web-1.vmdk': disk},
            form,
            mtime=1.5,
        )
        content = disk_files.Counting(archive)
        assert ova.find_disk(content, None).size == len(disk)
