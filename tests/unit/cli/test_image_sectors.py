# SPDX-License-Identifier: Apache-2.0
"""A disk that was partitioned for sectors of 4096 bytes boots nowhere."""

import json
import os

import pytest

from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.disk_files import MIB
from tests.installed import skip_without

PROTECTIVE = bytes.fromhex('00 000200 ee ffffff 01000000 ff7f0000')
WORDS = (
    'it is partitioned for sectors of 4096 bytes; servers get disks with 512 '
    'and do not boot from it'
)


@pytest.fixture(autouse=True)
def installed():
    skip_without('qemu-img')


def partitioned(path, sector):
    """Write a raw disk with what is looked for of a GPT."""
    disk_files.raw(path)
    with path.open('r+b') as file:
        file.write(bytes(446) + PROTECTIVE.ljust(64, b'\0') + b'\x55\xaa')
        file.seek(sector)
        file.write(b'EFI PART')
    return path


@pytest.mark.parametrize('sector', [512, 4096])
@pytest.mark.parametrize('driver', ['raw', 'qcow2', 'vpc', 'vhdx', 'vmdk'])
def test_each_format_is_looked_into(tmp_path, driver, sector):
    raw = partitioned(tmp_path / 'a.raw', sector)
    disk = inspect(disk_files.convert(raw, tmp_path / 'disk', driver))
    assert disk.sector_bytes == sector
    assert sectors.warning(disk).startswith(WORDS) is (sector == 4096)


@pytest.mark.parametrize('size', [512, 4096, 100_001])
def test_small_disks_without_partitions(tmp_path, size):
    path = tmp_path / 'a.raw'
    path.write_bytes(bytes(size))
    assert inspect(path).sector_bytes is None


def test_inspect_says_so(run, tmp_path):
    path = partitioned(tmp_path / 'a.raw', 4096)
    done = run('image', 'inspect', path, '-f', 'json')
    assert done.code == 0
    rows = json.loads(done.out)
    said = {(row['Part'], row['Subject']): row['Value'] for row in rows}
    assert said['disk', 'sector size'] == 4096
    assert said['warning', 'sector size'].startswith(WORDS)


@pytest.mark.parametrize('sector', [512, 4096])
@pytest.mark.parametrize('subformat', ['monolithicSparse', 'streamOptimized'])
@pytest.mark.parametrize('size', [16 * MIB, 16 * MIB - 512])
def test_a_vmdk_is_looked_into_without_qemu(tmp_path, sector, subformat, size):
    raw = partitioned(tmp_path / 'a.raw', sector)
    os.truncate(raw, size)
    path = disk_files.convert(
        raw, tmp_path / 'disk', 'vmdk', subformat=subformat
    )
    content = disk_files.Counting(path.read_bytes())
    assert inspect_content(content).sector_bytes == sector


@pytest.mark.parametrize('subformat', ['monolithicSparse', 'streamOptimized'])
def test_an_empty_vmdk(tmp_path, subformat):
    raw = tmp_path / 'a.raw'
    raw.write_bytes(bytes(MIB))
    path = disk_files.convert(
        raw, tmp_path / 'disk', 'vmdk', subformat=subformat
    )
    content = disk_files.Counting(path.read_bytes())
    assert inspect_content(content).sector_bytes is None


def test_a_damaged_grain_tells_nothing(tmp_path):
    raw = partitioned(tmp_path / 'a.raw', 4096)
    path = disk_files.convert(
        raw, tmp_path / 'disk', 'vmdk', subformat='streamOptimized'
    )
    content = bytearray(path.read_bytes())
    # What comes behind the first grain's marker.
    place = content.index(b'\x78', 128 * 512)
    content[place : place + 8] = bytes(8)
    found = inspect_content(disk_files.Counting(bytes(content)))
    assert found.sector_bytes is None


@pytest.mark.parametrize('driver', ['raw', 'vmdk'])
def test_inspect_says_so_of_an_image(run, glance, tmp_path, driver):
    raw = partitioned(tmp_path / 'a.raw', 4096)
    path = disk_files.convert(raw, tmp_path / 'disk', driver)
    glance.add('a', path.read_bytes())
    done = run('image', 'inspect', 'a', '-f', 'json')
    rows = json.loads(done.out)
    said = {(row['Part'], row['Subject']): row['Value'] for row in rows}
    assert said['disk', 'sector size'] == 4096
    assert said['warning', 'sector size'].startswith(WORDS)


def test_prepare_says_so(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partitioned(tmp_path / 'a.raw', 4096)
    done = run('image', 'prepare', 'a.raw')
    assert done.code == 0
    assert f'a.vmdk: {WORDS}' in done.out.splitlines()[1]
    done = run('image', 'prepare', 'a.raw', 'b.vmdk', '-f', 'json')
    rows = {row['Part']: row for row in json.loads(done.out)}
    assert rows['warning']['Target'].startswith(WORDS)


def test_nothing_is_said_of_others(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partitioned(tmp_path / 'a.raw', 512)
    for command in ('inspect', 'prepare'):
        done = run('image', command, 'a.raw')
        assert done.code == 0
        assert 'warning' not in done.out
