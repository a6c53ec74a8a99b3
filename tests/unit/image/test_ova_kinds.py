# SPDX-License-Identifier: Apache-2.0
"""The table of OVAs in the documentation, row by row, on made archives."""

import csv
import gzip
import pathlib

import pytest

from hypervisor_affinity.image import acceptance
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.inspection import inspect_all
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from hypervisor_affinity.image.several import Several
from tests.unit.image.ova_driver import imported
from tests.unit.image.ovas import OVF
from tests.unit.image.ovas import TWO
from tests.unit.image.ovas import chunks
from tests.unit.image.ovas import packed
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore
from tests.unit.image.test_ova_import import FOUND
from tests.unit.image.test_ova_import import NOT_FOUND
from tests.unit.image.test_ova_import import made

TABLE = pathlib.Path(__file__).parents[3] / 'doc/source/ova-kinds.csv'

STREAM = 'streamOptimized'


def found(name):
    return lambda disk: made(disk, **FOUND[name])


def not_found(name):
    return lambda disk: made(disk, **NOT_FOUND[name][0])


def two(disk):
    members = {'web-1.vmdk': disk, 'web-2.vmdk': disk}
    return packed({'web.ovf': TWO.encode(), **members})


def in_chunks(disk):
    size = len(disk) // 3
    ovf = OVF.replace('"web-1.vmdk"', f'"web-1.vmdk" ovf:chunkSize="{size}"')
    return packed({'web.ovf': ovf.encode(), **chunks(disk, size)})


def gzipped(disk):
    ovf = OVF.replace('"web-1.vmdk"', '"web-1.vmdk" ovf:compression="gzip"')
    return packed({'web.ovf': ovf.encode(), 'web-1.vmdk': gzip.compress(disk)})


# How a row begins -> what makes its archives, and of which disks.
MAKERS = {
    'the OVF, and then': [(found(name), STREAM) for name in FOUND],
    'the disk before': [(not_found('the disk before the OVF'), STREAM)],
    'a prefix other': [
        (not_found('another prefix'), STREAM),
        (not_found('the prefix of another namespace'), STREAM),
    ],
    'a blank disk': [
        (not_found('a blank disk first'), STREAM),
        (not_found('an empty reference first'), STREAM),
    ],
    'several disks': [(two, STREAM)],
    'before the disk,': [
        (not_found('a name that begins likewise'), STREAM),
    ],
    'a raw, sparse': [
        (made, kind) for kind in ('raw', 'monolithicSparse', 'qcow2')
    ],
    'a disk in chunks': [(in_chunks, STREAM), (gzipped, STREAM)],
    'a percent-encoded': [(not_found('an encoded name'), STREAM)],
    'the OVF in a directory': [
        (not_found('the OVF in a folder'), STREAM),
        (not_found('a folder of its own'), STREAM),
    ],
}


def rows():
    with TABLE.open() as file:
        _, *table = csv.reader(file)
    for kind, *cells in table:
        (makers,) = (
            m for begin, m in MAKERS.items() if kind.startswith(begin)
        )
        for number, (make, disk) in enumerate(makers):
            yield pytest.param(make, disk, *cells, id=f'{kind[:16]}-{number}')


def test_no_archives_are_left_over():
    used = {param.id.rpartition('-')[0] for param in rows()}
    assert len(used) == len(MAKERS)


@pytest.mark.parametrize(('make', 'kind', 'driver', 'here'), rows())
def test_row(tmp_path, disks, make, kind, driver, here):
    content = disks[kind].read_bytes()
    archive = make(content)
    is_sent = imported(archive, counts=False) == (content, None)
    assert is_sent is driver.startswith('finds')
    assert imported(archive)[1] or kind != STREAM
    path = tmp_path / 'web.ova'
    path.write_bytes(archive)
    targets = [
        prepared(path, member, tmp_path / f'{number}.vmdk')
        for number, member in enumerate(ova.names(path))
    ]
    assert len(targets) == (2 if here == '``--disk all``' else 1)
    whole = digest(disks['raw'], 'raw')
    for target in targets:
        assert digest(target, 'vmdk') == whole


def prepared(path, member, target):
    prepare(path, target, Form(), member=member, watch=ignore)
    return target


READABLE = [param for param in rows() if 'in chunks' not in param.id]


@pytest.mark.parametrize(('make', 'kind', 'driver', 'here'), READABLE)
def test_what_is_said_of_it(tmp_path, disks, make, kind, driver, here):
    path = tmp_path / 'web.ova'
    path.write_bytes(make(disks[kind].read_bytes()))
    disk = inspect_all(path)
    assert isinstance(disk, Several) is ('--disk all' in here)
    if isinstance(disk, Several):
        disk = disk.disk
    assert (disk.appliance.obstacle is None) is driver.startswith('finds')
    answer = acceptance.by_vsphere(disk)
    assert not answer.accepts
    assert ('only with a streamOptimized disk' in answer.why) is (
        'only streamOptimized' in driver
    )
