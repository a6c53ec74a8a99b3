# SPDX-License-Identifier: Apache-2.0
"""ESXi has a word in the version of a VMDK's header; Glance and KVM none."""

import pytest

from hypervisor_affinity.image.acceptance import by_glance
from hypervisor_affinity.image.acceptance import by_kvm
from hypervisor_affinity.image.acceptance import by_vsphere
from hypervisor_affinity.image.fitting import Wishes
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import CREATE_TYPES
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from hypervisor_affinity.image.travel import travel
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.installed import skip_without
from tests.unit.image.hostile_disks import header
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts


@pytest.fixture
def path(tmp_path, disks):
    """Return a function that writes a VMDK with another version."""

    def write(create_type, version):
        path = tmp_path / 'disk.vmdk'
        whole = disks[create_type].read_bytes()
        path.write_bytes(header(whole, version=version))
        return path

    return write


@pytest.mark.parametrize(
    ('create_type', 'version', 'too_old'),
    [
        ('streamOptimized', 1, True),
        ('streamOptimized', 2, True),
        ('streamOptimized', 3, False),
        ('monolithicSparse', 1, False),
        ('monolithicSparse', 2, False),
    ],
)
def test_versions(path, create_type, version, too_old):
    path = path(create_type, version)
    disk = inspect(path)
    assert disk.header_version == version
    assert by_glance(disk).accepts
    assert glance_accepts(path, 'vmdk')
    assert by_kvm(disk).accepts
    assert nova_accepts(path, 'vmdk')
    answer = by_vsphere(disk)
    assert answer.accepts is not too_old
    assert (f'version {version} as too old' in answer.why) is too_old
    assert ('with "image prepare"' in answer.why) is too_old
    assert bool(fit(disk, Wishes()).properties) is not too_old
    assert (travel(disk).to_datastore is None) is too_old


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_what_is_too_old_is_mended(path, target, create_type):
    source = path('streamOptimized', 1)
    done = prepare(source, target, Form(create_type), watch=ignore)
    assert done.target.header_version == {
        'streamOptimized': 3,
        'monolithicSparse': 1,
        'monolithicFlat': None,
    }.get(create_type)
    assert digest(target, 'vmdk') == digest(source, 'vmdk')


def test_what_another_program_writes_is_new_enough(tmp_path, raw):
    skip_without(disk_files.VMDKSTREAM)
    path = disk_files.vmdkstream(raw, tmp_path / 'other.vmdk')
    assert by_vsphere(inspect(path)).accepts
