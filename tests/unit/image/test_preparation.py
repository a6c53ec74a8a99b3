# SPDX-License-Identifier: Apache-2.0
"""Disks written anew hold what they held, and no failure leaves a trace."""

import collections
import hashlib
import os
import re

import pytest

from hypervisor_affinity.image.acceptance import by_glance
from hypervisor_affinity.image.acceptance import by_kvm
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import CREATE_TYPES
from hypervisor_affinity.image.preparation import CompleteForm
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.disk_files import MIB
from tests.installed import skip_without
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore

# qemu's names of formats that are no VMDK.
FORMATS = ('raw', 'qcow2', 'vdi', 'vhdx', 'vpc')

OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/\
CIM_ResourceAllocationSettingData">
  <References><File ovf:id="f" ovf:href="disk.vmdk"/></References>
  <DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection>
  <VirtualSystem ovf:id="vm"><VirtualHardwareSection>
    <Item><rasd:InstanceID>3</rasd:InstanceID>
      <rasd:ResourceType>6</rasd:ResourceType>
      <rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType></Item>
    <Item><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent>
      <rasd:ResourceType>17</rasd:ResourceType>
      <rasd:HostResource>ovf:/disk/d</rasd:HostResource></Item>
  </VirtualHardwareSection></VirtualSystem>
</Envelope>
"""


pytestmark = pytest.mark.usefixtures('installed')


def ova(folder, said_digest=None):
    """Write an OVA with a manifest."""
    disk = disk_files.vmdk(folder, 'streamOptimized').read_bytes()
    said_digest = said_digest or hashlib.sha256(disk).hexdigest()
    return disk_files.archive(
        folder / 'server.ova',
        {
            'server.ovf': OVF.encode(),
            'server.mf': f'SHA256(disk.vmdk)= {said_digest}\n'.encode(),
            'disk.vmdk': disk,
        },
    )


@pytest.mark.parametrize('disk_format', FORMATS)
def test_formats_hold_the_same_as_vmdk(tmp_path, raw, target, disk_format):
    source = raw
    if disk_format != 'raw':
        source = disk_files.convert(
            raw, tmp_path / f'server.{disk_format}', disk_format
        )
    done = prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(source, disk_format)
    assert done.target.virtual_bytes == done.source.virtual_bytes
    assert done.form == CompleteForm('streamOptimized', 'lsiLogic', 4)


@pytest.mark.parametrize('subformat', disk_files.SUBFORMATS)
@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_vmdks_hold_the_same_as_another(
    tmp_path, target, subformat, create_type
):
    source = disk_files.vmdk(tmp_path, subformat)
    done = prepare(source, target, Form(create_type), watch=ignore)
    assert digest(target, 'vmdk') == digest(source, 'vmdk')
    assert done.target == inspect(target)
    assert done.target.create_type == create_type
    accepted = create_type != 'monolithicFlat'
    assert by_glance(done.target).accepts == accepted
    assert by_kvm(done.target).accepts == accepted


def test_what_esxi_exports(tmp_path, target):
    """A descriptor beside a flat extent, by ESXi's words."""
    source = disk_files.vmdk(tmp_path, 'monolithicFlat')
    text = source.read_text().replace('"monolithicFlat"', '"vmfs"')
    source.write_text(re.sub(r'FLAT (".*") 0', r'VMFS \1', text))
    done = prepare(source, target, Form(), watch=ignore)
    assert done.source.create_type == 'vmfs'
    assert digest(target, 'vmdk') == digest(source, 'vmdk')


def test_what_another_program_wrote(tmp_path, raw, target):
    skip_without(disk_files.VMDKSTREAM)
    source = disk_files.vmdkstream(raw, tmp_path / 'other.vmdk')
    prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(raw, 'raw')


def test_an_appliance(tmp_path, raw, target):
    steps = collections.Counter()
    done = prepare(
        ova(tmp_path),
        target,
        Form(),
        watch=lambda step, done: steps.update([step]),
    )
    assert list(steps) == ['Verifying the checksum', 'Converting', 'Comparing']
    assert digest(target, 'vmdk') == digest(disk_files.raw(raw), 'raw')
    assert done.form.adapter_type == 'paraVirtual'
    assert done.target.adapter_type == 'lsilogic'


def test_a_damaged_appliance_is_not_converted(tmp_path, target):
    steps = set()
    with pytest.raises(
        DiskError, match=r'disk\.vmdk does not match its sha256'
    ):
        prepare(
            ova(tmp_path, 'ab' * 32),
            target,
            Form(),
            watch=lambda step, done: steps.add(step),
        )
    assert steps == {'Verifying the checksum'}


@pytest.mark.parametrize(
    ('asked', 'source', 'written', 'form'),
    [
        ({}, {}, ('ide', '4'), ('ide', 4)),
        (
            {},
            {'adapter_type': 'buslogic', 'hwversion': '13'},
            ('buslogic', '13'),
            ('busLogic', 13),
        ),
        (
            {},
            {'adapter_type': 'legacyESX'},
            ('lsilogic', '4'),
            ('lsiLogic', 4),
        ),
        # No version of any vSphere.
        ({}, {'hwversion': '0'}, ('ide', '4'), ('ide', 4)),
        ({}, {'hwversion': '99999999999'}, ('ide', '4'), ('ide', 4)),
        (
            {'adapter_type': 'lsiLogicsas', 'hardware_version': 7},
            {'adapter_type': 'buslogic', 'hwversion': '13'},
            ('lsilogic', '7'),
            ('lsiLogicsas', 7),
        ),
    ],
)
def test_adapter_and_hardware(tmp_path, target, asked, source, written, form):
    disk = disk_files.vmdk(tmp_path, 'monolithicSparse', **source)
    done = prepare(disk, target, Form(**asked), watch=ignore)
    found = done.target
    assert (found.adapter_type, found.hardware_version) == written
    assert (done.form.adapter_type, done.form.hardware_version) == form


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_the_files_are_like_any_new_file(raw, target, create_type):
    before = os.umask(0o027)
    try:
        prepare(raw, target, Form(create_type), watch=ignore)
    finally:
        os.umask(before)
    names = {'server.vmdk'}
    if create_type == 'monolithicFlat':
        names.add('server-flat.vmdk')
    assert {path.name for path in target.parent.iterdir()} == names
    for path in target.parent.iterdir():
        assert path.stat().st_mode & 0o777 == 0o640


def test_a_size_that_is_no_multiple_of_sectors(tmp_path, target):
    source = tmp_path / 'odd.raw'
    source.write_bytes(os.urandom(100_001))
    done = prepare(source, target, Form(), watch=ignore)
    assert done.target.virtual_bytes == 100_352
    assert digest(target, 'vmdk') == digest(source, 'raw')


def test_a_large_disk_without_data_costs_nothing(tmp_path, target):
    source = tmp_path / 'large.raw'
    with source.open('wb') as file:
        file.truncate(16 * 1024**3)
        file.seek(8 * 1024**3)
        file.write(b'x' * MIB)
    done = prepare(source, target, Form(), watch=ignore)
    assert done.target.virtual_bytes == 16 * 1024**3
    assert target.stat().st_blocks * 512 < 16 * MIB
