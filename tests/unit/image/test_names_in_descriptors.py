# SPDX-License-Identifier: Apache-2.0
"""In a VMDK that is one file, its extent's name matters to nobody.

What Glance and nova nevertheless say of it, their own code says here.
"""

import contextlib
import csv
import os
import pathlib
import re

import pytest

from hypervisor_affinity.image.acceptance import by_glance
from hypervisor_affinity.image.acceptance import by_kvm
from hypervisor_affinity.image.acceptance import by_vsphere
from hypervisor_affinity.image.disk import ONE_FILE
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.preparation import Form
from hypervisor_affinity.image.preparation import prepare
from tests.compute_images import nova_accepts
from tests.unit.image.hostile_disks import FLAT
from tests.unit.image.hostile_disks import SECTORS
from tests.unit.image.preparing import digest
from tests.unit.image.preparing import ignore
from tests.unit.image.test_acceptance import glance_accepts

# What an extent is called, and whether Glance and nova take the disk.
NAMES = {
    'Windows path': (rb'C:\VMs\web 1\web.vmdk', True),
    'network path': (rb'\\server\share\web.vmdk', True),
    'time stamp': (b'web-2026-12-01T03:10:00.vmdk', True),
    'protocol': (b'nbd:localhost:10809', True),
    'quotes': (b'the "best" one.vmdk', True),
    'empty': (b'', True),
    'folder': (b'..', True),
    'long': (b'x' * 3000, True),
    'words of a descriptor': (b'a=b CID=x version=2', True),
    'path': (b'/vmfs/volumes/store/web/web.vmdk', False),
    'path above': (b'../web.vmdk', False),
    'UTF-8': ('Büro.vmdk'.encode(), False),
    'UTF-8 that is not printable': ('a\u200bb\u00a0c.vmdk'.encode(), False),
    'Windows in Western Europe': ('Büro … „neu“.vmdk'.encode('cp1252'), False),
    'DOS in Western Europe': ('Büro.vmdk'.encode('cp850'), False),
    'Windows in Japan': ('表示.vmdk'.encode('cp932'), False),
    'Windows in China': ('服务器.vmdk'.encode('gbk'), False),
    'part of UTF-8': (b'a\xe2\x82', False),
}

one_file = pytest.mark.parametrize('create_type', sorted(ONE_FILE))


def with_text(disk, change):
    """Return a VMDK with another descriptor; by its bytes."""
    end = disk.index(b'\0', 512)
    text = change(disk[512:end])
    assert len(text) < 20 * 512
    return disk[:512] + text.ljust(20 * 512, b'\0') + disk[21 * 512 :]


def named(disk, name):
    """Return a VMDK with another name of its extent."""

    def change(text):
        before, _, rest = text.partition(b'SPARSE "')
        _, _, after = rest.partition(b'"')
        return before + b'SPARSE "' + name + b'"' + after

    return with_text(disk, change)


@one_file
@pytest.mark.parametrize(
    ('name', 'accepted'), NAMES.values(), ids=NAMES.keys()
)
def test_any_name(tmp_path, disks, create_type, name, accepted):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(named(disks[create_type].read_bytes(), name))
    disk = inspect(path)
    assert glance_accepts(path, 'vmdk') is accepted
    assert nova_accepts(path, 'vmdk') is accepted
    for answer in (by_glance(disk), by_kvm(disk)):
        assert answer.accepts is accepted
        assert ('with "image prepare"' in answer.why) is not accepted
        said = 'descriptor only in ASCII' in answer.why
        assert said is (not accepted and not name.isascii())
    assert by_vsphere(disk).accepts


TABLE = pathlib.Path(__file__).parents[3] / 'doc/source/descriptor-names.csv'
ANSWERS = {'yes': True, 'no': False}
# How a row begins -> names of its kind.
KINDS = {
    '``C:': (
        *('Windows path', 'network path', 'time stamp', 'protocol', 'quotes'),
        *('empty', 'folder', 'long', 'words of a descriptor'),
    ),
    'with a slash': ('path', 'path above'),
    'with an umlaut': (
        *('UTF-8', 'UTF-8 that is not printable', 'part of UTF-8'),
        *('Windows in Western Europe', 'DOS in Western Europe'),
        *('Windows in Japan', 'Windows in China'),
    ),
}


def rows():
    with TABLE.open() as file:
        _, *table = csv.reader(file)
    for said, *cells in table:
        (kinds,) = (k for begin, k in KINDS.items() if said.startswith(begin))
        for kind in kinds:
            yield pytest.param(kind, cells, id=kind)


def test_each_name_is_in_a_row():
    assert sorted(param.id for param in rows()) == sorted(NAMES)


@pytest.mark.parametrize(('kind', 'cells'), rows())
def test_row(tmp_path, disks, target, kind, cells):
    source = tmp_path / 'disk.vmdk'
    whole = disks['monolithicSparse']
    source.write_bytes(named(whole.read_bytes(), NAMES[kind][0]))
    by_glance_itself, by_kvm_itself, here = cells
    assert glance_accepts(source, 'vmdk') is ANSWERS[by_glance_itself]
    assert nova_accepts(source, 'vmdk') is ANSWERS[by_kvm_itself]
    assert (here == 'not needed') is by_glance(inspect(source)).accepts
    prepare(source, target, Form(), watch=ignore)
    assert glance_accepts(target, 'vmdk')
    assert nova_accepts(target, 'vmdk')
    assert digest(target, 'vmdk') == digest(whole, 'vmdk')


def test_a_code_page_that_is_told(tmp_path, disks):
    """As VMware Workstation on Windows writes it."""
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(
        with_text(
            named(disks['monolithicSparse'].read_bytes(), b'B\xfcro.vmdk'),
            lambda text: text.replace(
                b'version=1\n', b'version=1\nencoding="windows-1252"\n'
            ).replace(b'\n', b'\r\n'),
        )
    )
    assert inspect(path).create_type == 'monolithicSparse'


@pytest.mark.parametrize('code_page', ['cp1252', 'cp932', 'utf-8'])
def test_a_code_page_that_names_no_file(tmp_path, disks, target, code_page):
    """Of several files the names are ASCII, and a remark is not."""
    (tmp_path / 'data').write_bytes(disks['raw'].read_bytes())
    source = tmp_path / 'disk.vmdk'
    remark = {'cp932': '表示'}.get(code_page, 'für das Büro')
    source.write_bytes(
        FLAT.replace('# Extent', f'# {remark}\n# Extent').encode(code_page)
    )
    prepare(source, target, Form(), watch=ignore)
    assert digest(target, 'vmdk') == digest(disks['raw'], 'raw')


@pytest.mark.parametrize(
    'name',
    [
        'Büro-flat.vmdk'.encode('cp1252'),
        'Büro-flat.vmdk'.encode('cp850'),
        # Of two bytes, and the second is that of a backslash.
        '表-flat.vmdk'.encode('cp932'),
    ],
)
def test_a_code_page_that_names_a_file(tmp_path, disks, name):
    flat = tmp_path / os.fsdecode(name)
    with contextlib.suppress(OSError):
        flat.write_bytes(disks['raw'].read_bytes())
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(FLAT.encode().replace(b'"data"', b'"' + name + b'"'))
    with pytest.raises(DiskError) as caught:
        inspect(path)
    assert 'line 8 of its descriptor names a file in a code' in str(
        caught.value
    )
    assert 'give the file an ASCII name, and write' in str(caught.value)


@pytest.mark.parametrize(
    'name',
    [
        # qemu finds this wherever it is.
        b'parentFileNameHint="/etc/passwd',
        b'createType="vmfs',
        # What takes a carriage return for a line's end would see an extent.
        f'x"\rRW {SECTORS} FLAT "data'.encode(),
        b'\x1b[2J',
        b'x\0',
    ],
)
def test_names_that_could_be_something_else(tmp_path, disks, name):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(named(disks['monolithicSparse'].read_bytes(), name))
    with pytest.raises(UnsafeDisk):
        inspect(path)


HARMLESS = (b'ddb.uuid', b'ddb.toolsVersion', b'DDB.Comment')
BELIEVED = (
    b'version',
    b'CID',
    b'parentCID',
    b'createType',
    b'encoding',
    b'ddb.adapterType',
    b'ddb.virtualHWVersion',
    b'ddb.geometry.heads',
)


@pytest.mark.parametrize('key', HARMLESS)
def test_harmless_keys_twice(tmp_path, disks, key):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(twice(disks['monolithicSparse'].read_bytes(), key))
    assert by_glance(inspect(path)).accepts
    assert glance_accepts(path, 'vmdk')
    assert nova_accepts(path, 'vmdk')


@pytest.mark.parametrize('key', BELIEVED)
def test_believed_keys_twice(tmp_path, disks, key):
    path = tmp_path / 'disk.vmdk'
    path.write_bytes(twice(disks['monolithicSparse'].read_bytes(), key))
    with pytest.raises(UnsafeDisk, match=f'sets {key.decode().lower()} to '):
        inspect(path)


# As qemu-img writes them; what equal lines say, one says.
SAID = (
    b'version=1',
    b'CID=12345678',
    b'parentCID=ffffffff',
    b'createType="monolithicSparse"',
    b'ddb.adapterType = "ide"',
    b'ddb.virtualHWVersion = "4"',
)


@pytest.mark.parametrize('line', SAID)
@pytest.mark.parametrize('code', ['', 'x'])
def test_equal_lines(tmp_path, disks, line, code):
    path = tmp_path / 'disk.vmdk'
    key, sign, value = line.partition(b'=')
    again = key + sign + value.replace(value.strip(b' "')[-1:], b'9', 1)
    lines = line + b'\n' + (again if code else line) + b'\n'
    path.write_bytes(
        with_text(
            disks['monolithicSparse'].read_bytes(),
            lambda text: re.sub(
                rb'(?m)^' + re.escape(key.strip()) + b' *=.*\n', lines, text
            ),
        )
    )
    if code:
        with pytest.raises(UnsafeDisk, match='another value'):
            inspect(path)
        return
    assert by_glance(inspect(path)).accepts
    assert glance_accepts(path, 'vmdk')
    assert nova_accepts(path, 'vmdk')


def test_a_word_of_a_comment_is_no_equal_line(tmp_path, disks):
    path = tmp_path / 'disk.vmdk'
    line = b'createType="monolithicSparse"\n'
    path.write_bytes(
        with_text(
            disks['monolithicSparse'].read_bytes(),
            lambda text: text.replace(line, line + b'#' + line),
        )
    )
    with pytest.raises(UnsafeDisk, match='does not set createType'):
        inspect(path)


def twice(disk, key):
    return with_text(
        disk, lambda text: text + key + b' = "1"\n' + key + b'="2"\n'
    )
