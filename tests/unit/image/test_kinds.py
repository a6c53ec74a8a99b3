# SPDX-License-Identifier: Apache-2.0
"""The table of kinds in the documentation, row by row, on made files."""

import csv
import pathlib

import pytest

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests import disk_files
from tests.compute_images import nova_accepts
from tests.unit.image import test_foreign
from tests.unit.image import test_parents
from tests.unit.image import vhds
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts

pytestmark = pytest.mark.usefixtures('installed')

TABLE = pathlib.Path(__file__).parents[3] / 'doc/source/disk-kinds.csv'
ACCEPT, REFUSE = (
    ('accepts it', 'boots it', 'Converted'),
    ('refuses', 'Refused'),
)


def plain(disk_format, driver=None):
    """Return a maker of an ordinary disk.

    :param driver: by qemu's name; None for raw
    """

    def make(folder):
        raw = disk_files.raw(folder / 'source.raw')
        if not driver:
            return raw
        return disk_files.convert(raw, folder / f'a.{disk_format}', driver)

    return make, disk_format


def fixed(folder):
    raw = disk_files.raw(folder / 'source.raw')
    return vhds.fixed(raw, folder / 'fixed.vhd')


def differencing(folder):
    path = vhds.dynamic(folder)
    vhds.reworded(path, kind=vhds.DIFFERENCING)
    return path


def parented(name):
    """Return a maker of a disk of ``test_parents``."""
    change, disk_format, *_ = test_parents.CASES[name]

    def make(folder):
        path = folder / f'a.{disk_format}'
        test_parents.made(path, disk_format)
        path.write_bytes(change(path.read_bytes()))
        return path

    return make, disk_format


def large_sectors(folder):
    path = test_parents.made(folder / 'a.vhdx', 'vhdx')
    changed = test_parents.with_item(
        path.read_bytes(), test_parents.SECTOR_SIZE, 0, 4096
    )
    path.write_bytes(changed)
    return path


def foreign(*names):
    """Return makers of files of ``test_foreign``, each said to be raw."""

    def maker(name):
        content, _ = test_foreign.FILES[name]

        def make(folder):
            path = folder / 'a.img'
            path.write_bytes(content(path) if callable(content) else content)
            return path

        return make, 'raw'

    return list(map(maker, names))


CONVERTIBLE = ('parallels', 'bochs', 'cloop', 'qcow')
# How a row begins -> what makes its files, and what Glance is told of each.
MAKERS = {
    'qcow2, raw': [
        plain('qcow2', 'qcow2'),
        plain('raw'),
        plain('vdi', 'vdi'),
        plain('vhdx', 'vhdx'),
    ],
    'Dynamic VHD': [plain('vhd', 'vpc')],
    'Fixed VHD': [(fixed, 'vhd')],
    'Differencing VHD': [
        (differencing, 'vhd'),
        *map(parented, ('VHDX by its flag', 'VHDX by its locator')),
        *map(parented, ('VDI with a link', 'VDI with a parent')),
    ],
    'Differencing or undo VDI': [
        *map(parented, ('VDI of kind 3', 'VDI of kind 4'))
    ],
    'VDI of a type': [*map(parented, ('VDI of kind 0', 'VDI of kind 5'))],
    'qcow2 with a backing': [parented('qcow2')],
    'VHDX with sectors': [(large_sectors, 'vhdx')],
    'Compressed file': foreign(
        *(name for name in test_foreign.FILES if name not in CONVERTIBLE)
    ),
    'Disk of Parallels': foreign(*CONVERTIBLE[:3]),
    'qcow, ': foreign(CONVERTIBLE[3]),
}


def rows():
    with TABLE.open() as file:
        _, *table = csv.reader(file)
    for kind, *cells in table:
        (makers,) = (
            makers
            for begin, makers in MAKERS.items()
            if kind.startswith(begin)
        )
        for number, (make, disk_format) in enumerate(makers):
            yield pytest.param(
                make, disk_format, cells, id=f'{kind[:20]}-{number}'
            )


def says_yes(cell):
    """Tell whether a cell of the table does."""
    assert cell.startswith((*ACCEPT, *REFUSE)), cell
    return cell.startswith(ACCEPT)


@pytest.mark.parametrize(('make', 'disk_format', 'cells'), rows())
def test_row(tmp_path, make, disk_format, cells):
    by_glance, by_kvm, here = map(says_yes, cells)
    path = make(tmp_path)
    assert glance_accepts(path, disk_format) is by_glance
    assert nova_accepts(path, disk_format) is by_kvm
    target = tmp_path / 'target.vmdk'
    if here:
        source = inspect(path)
        assert source.format == disk_format
        prepare(path, target, Form(), watch=ignore)
        return
    with pytest.raises(DiskError):
        inspect(path)
    with pytest.raises(DiskError):
        prepare(path, target, Form(), watch=ignore)
    assert not target.exists()


def test_no_files_are_left_over():
    used = {param.id.rpartition('-')[0] for param in rows()}
    assert len(used) == len(MAKERS)
