# SPDX-License-Identifier: Apache-2.0

import hashlib
import tarfile

from hypervisor_affinity.image.appliance import ova
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
        capacity_bytes=16,
    )


def test_inspect(tmp_path, disk):
    digest = hashlib.sha256(disk).hexdigest()
    manifest = f'SHA256(web-1.vmdk)= {digest}\n'
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


def test_other_forms_of_tar(disk):
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        archive = packed(
            {'web.ovf': OVF.encode(), 'web-1.vmdk': disk},
            form,
            mtime=1.5,
        )
        content = disk_files.Counting(archive)
        assert ova.Archive(content).find_disk(None).size == len(disk)
