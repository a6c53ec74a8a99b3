# SPDX-License-Identifier: Apache-2.0
"""Whatever a target is called, Glance takes it; or nothing was done."""

import pytest

from hypervisor_affinity.image import qemu
from hypervisor_affinity.image.acceptance import by_glance
from hypervisor_affinity.image.disk import ONE_FILE
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import CREATE_TYPES
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts

FLAT = Form('monolithicFlat')

pytestmark = pytest.mark.usefixtures('installed')


@pytest.mark.parametrize('create_type', sorted(ONE_FILE))
@pytest.mark.parametrize(
    'name',
    [
        'Büro.vmdk',
        '服务器.vmdk',
        'web-2026-12-01T03:10:00.vmdk',
        'C:\\VMs\\web.vmdk',
        'a "b".vmdk',
        'a\nparentFileNameHint="b".vmdk',
        'createType="vmfs".vmdk',
        'x' * 250 + '.vmdk',
        'without suffix',
    ],
)
def test_one_file(raw, target, create_type, name):
    target = target.with_name(name)
    prepare(raw, target, Form(create_type), watch=ignore)
    assert [path.name for path in target.parent.iterdir()] == [name]
    assert by_glance(inspect(target)).accepts
    assert glance_accepts(target, 'vmdk')
    assert nova_accepts(target, 'vmdk')


@pytest.mark.parametrize('name', ['Büro.vmdk', 'server', 'server.', '.vmdk'])
def test_two_files(raw, target, name):
    done = prepare(raw, target.with_name(name), FLAT, watch=ignore)
    (extent,) = done.target.extents
    found = {path.name for path in target.parent.iterdir()}
    assert found == {name, extent.file}
    assert inspect(target.with_name(name)) == done.target


@pytest.mark.parametrize(
    'name',
    [
        'a:b.vmdk',
        'a\\b.vmdk',
        'a"b.vmdk',
        'a\nb.vmdk',
        'a\ufffdb.vmdk',
        'x' * 249 + '.vmdk',
    ],
)
def test_two_files_that_a_descriptor_cannot_name(raw, target, name):
    steps = []
    with pytest.raises(DiskError, match='in a descriptor; choose a shorter'):
        prepare(
            raw,
            target.with_name(name),
            FLAT,
            watch=lambda step, done: steps.append(step),
        )
    assert steps == []


@pytest.mark.parametrize('create_type', ['monolithicFlat', *sorted(ONE_FILE)])
@pytest.mark.parametrize('name', ['B\udcfcro/server.vmdk', 'B\udcfcro.vmdk'])
def test_names_that_are_not_utf_8(raw, target, create_type, name):
    target = target.parent / name
    target.parent.mkdir(exist_ok=True)
    steps = []
    with pytest.raises(DiskError, match='is not UTF-8, so qemu-img cannot'):
        prepare(
            raw,
            target,
            Form(create_type),
            watch=lambda step, done: steps.append(step),
        )
    assert steps == []
    assert list(target.parent.iterdir()) == []
    disk_files.raw(target)
    with pytest.raises(DiskError, match='is not UTF-8, so qemu-img cannot'):
        qemu.info(qemu.Node(target, 'raw'))


@pytest.mark.parametrize('create_type', CREATE_TYPES)
def test_a_name_that_the_file_system_does_not_take(raw, target, create_type):
    """It would where it belongs, but not where it is written first."""
    folder = target.parent
    while len(str(folder)) < 3850:
        folder /= 'x' * min(200, 3849 - len(str(folder)))
        folder.mkdir()
    target = folder / f'{"y" * 230}.vmdk'
    target.touch()
    steps = []
    with pytest.raises(DiskError, match='was not written: File name too long'):
        prepare(
            raw,
            target,
            Form(create_type),
            replace=True,
            watch=lambda step, done: steps.append(step),
        )
    assert steps == []
    assert list(folder.iterdir()) == [target]


@pytest.mark.parametrize(
    'suffix', ['ova', 'qcow2', 'VHD', 'vhdx', 'vdi', 'raw', 'iso']
)
def test_a_suffix_of_another_format(raw, target, suffix):
    with pytest.raises(DiskError, match='would be VMDK, not'):
        prepare(raw, target.with_suffix(f'.{suffix}'), Form(), watch=ignore)
    assert list(target.parent.iterdir()) == []
