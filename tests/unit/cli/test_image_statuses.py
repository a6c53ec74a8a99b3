# SPDX-License-Identifier: Apache-2.0
"""The exit statuses of ``image inspect``, as its page has them."""

import pytest

from tests import disk_files
from tests.disk_files import MIB
from tests.installed import skip_without
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO
from tests.unit.image.ovas import packed

# What it is -> what Glance is told of it, the status as a file, and as an
# image.
CASES = {
    'qcow2': ('qcow2', 'bare', 0, 0),
    'streamOptimized.vmdk': ('vmdk', 'bare', 0, 0),
    # Glance takes a file of it, and nova boots none.
    'vhd': ('vhd', 'bare', 0, 1),
    'web.ova': ('vmdk', 'ova', 0, 1),
    'two.ova': ('vmdk', 'ova', 0, 1),
    # Glance refuses a file of it. What it has, it has.
    'remark.vmdk': ('vmdk', 'bare', 1, 0),
    # Refused here, or not to be read.
    'empty': ('raw', 'bare', 3, 3),
    'cut.qcow2': ('qcow2', 'bare', 3, 3),
    'none': ('raw', 'bare', 3, 3),
}


@pytest.fixture(scope='module')
def contents(tmp_path_factory):
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    raw = disk_files.raw(folder / 'source')
    stream = disk_files.vmdk(folder, 'streamOptimized').read_bytes()
    qcow2 = disk_files.convert(raw, folder / 'q', 'qcow2').read_bytes()
    disks = {'web-1.vmdk': stream, 'web-2.vmdk': stream}
    return {
        'qcow2': qcow2,
        'cut.qcow2': qcow2[:MIB],
        'vhd': disk_files.convert(raw, folder / 'v', 'vpc').read_bytes(),
        'streamOptimized.vmdk': stream,
        'remark.vmdk': stream.replace(b'# Extent d', '# Umfänge'.encode(), 1),
        'web.ova': packed({'web.ovf': OVF.encode(), **disks}),
        'two.ova': packed({'web.ovf': TWO.encode(), **disks}),
        'empty': b'',
    }


@pytest.mark.parametrize('case', CASES)
def test_a_file(run, tmp_path, contents, case):
    _, _, expected, _ = CASES[case]
    path = tmp_path / case
    if case in contents:
        path.write_bytes(contents[case])
    assert run('image', 'inspect', path).code == expected


@pytest.mark.parametrize('case', CASES)
def test_an_image(run, glance, contents, case):
    disk_format, container_format, _, expected = CASES[case]
    if case in contents:
        glance.add(
            'it',
            contents[case],
            disk_format=disk_format,
            container_format=container_format,
            vmware_disktype='streamOptimized',
        )
    assert run('image', 'inspect', 'it').code == expected


def test_a_wrong_command_line(run):
    assert run('image', 'inspect', 'it', '--os-version', '9').code == 2
