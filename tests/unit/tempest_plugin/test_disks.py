# SPDX-License-Identifier: Apache-2.0
"""What the Tempest tests upload is what all services take it for."""

import io

import pytest
from oslo_utils.imageutils import format_inspector

from hypervisor_affinity_tempest_plugin import disks


def inspect(content):
    wrapper = format_inspector.InspectWrapper(io.BytesIO(content))
    while wrapper.read(512):
        pass
    wrapper.close()
    # Raises if the content passes for more than one format.
    return wrapper.format


@pytest.mark.parametrize('disk_format', disks.IN_FORMAT)
def test_a_disk_is_in_its_format_and_safe(disk_format):
    inspector = inspect(disks.IN_FORMAT[disk_format]())
    assert str(inspector) == disk_format
    inspector.safety_check()


@pytest.mark.parametrize('disk_format', ['qcow2', 'vmdk'])
def test_a_disk_has_one_mebibyte(disk_format):
    assert inspect(disks.IN_FORMAT[disk_format]()).virtual_size == 1024**2


@pytest.mark.parametrize('disk_format', disks.IN_FORMAT)
def test_an_upload_is_quick(disk_format):
    assert len(disks.IN_FORMAT[disk_format]()) <= 1024**2


def test_nova_lets_the_vmdk_subformat_pass():
    pytest.importorskip('nova', reason='nova is not installed')
    from nova import conf

    descriptor = disks.vmdk()[512:1024].decode('ascii')
    assert any(
        f'createType="{name}"' in descriptor
        for name in conf.CONF.compute.vmdk_allowed_types
    )


# An ISO is raw to it.
@pytest.mark.parametrize('disk_format', ['qcow2', 'raw', 'vmdk'])
def test_cinder_takes_it_for_the_same(tmp_path, disk_format):
    # Its own copy of what the others have from oslo.utils, which has gone
    # another way since.
    cinders = pytest.importorskip('cinder.image.format_inspector')
    path = tmp_path / 'disk'
    path.write_bytes(disks.IN_FORMAT[disk_format]())
    found = cinders.detect_file_format(path)
    assert str(found) == disk_format
    assert found.safety_check()
