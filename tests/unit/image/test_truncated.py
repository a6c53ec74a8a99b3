# SPDX-License-Identifier: Apache-2.0
"""No disk that lost its last bytes is taken for a whole one.

qemu reads zeros for them, and says nothing.
"""

import os
import random
import struct
import subprocess

import pytest

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import UnsafeDisk
from hypervisor_affinity.image.inspection import inspect
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.disk_files import MIB
from tests.unit.image.counted_file import CountedFile

pytestmark = pytest.mark.usefixtures('installed')

KIB = 1024
SIZE = 4 * MIB
TRUNCATED = r'the file has \d+ bytes: it is truncated'


@pytest.fixture(scope='module')
def noise(tmp_path_factory):
    """Return a raw disk of which each byte counts, and half is compressed."""
    path = tmp_path_factory.mktemp('noise') / 'disk.raw'
    path.write_bytes(random.Random(2).randbytes(SIZE // 2).hex().encode())
    return path


def cut(path, number):
    """Take bytes from the end of a file."""
    os.truncate(path, path.stat().st_size - number)


def in_glance(path):
    with FileContent(path) as content:
        return inspect_content(content)


def assert_truncated(path):
    """See that the disk is refused, as a file and in Glance."""
    for look in (inspect, in_glance):
        with pytest.raises(UnsafeDisk, match=TRUNCATED):
            look(path)


def assert_whole(path, virtual_bytes):
    for look in (inspect, in_glance):
        assert look(path).virtual_bytes == virtual_bytes


def qcow2(source, target, *options):
    subprocess.run(
        ['qemu-img', 'convert', '-Oqcow2', *options, '-fraw', source, target],
        check=True,
    )
    return target


# How qemu-img writes a qcow2 -> bytes of a cluster.
KINDS = {
    'plain': (64 * KIB, ()),
    'small clusters': (512, ('-ocluster_size=512',)),
    'large clusters': (2 * MIB, ('-ocluster_size=2M',)),
    'version 2': (64 * KIB, ('-ocompat=0.10',)),
    'all there': (64 * KIB, ('-opreallocation=full',)),
    'metadata there': (64 * KIB, ('-opreallocation=metadata',)),
    'compressed': (64 * KIB, ('-c',)),
    'compressed, small clusters': (512, ('-c', '-ocluster_size=512')),
    'compressed, large clusters': (2 * MIB, ('-c', '-ocluster_size=2M')),
    'compressed with zstd': (64 * KIB, ('-c', '-ocompression_type=zstd')),
}
kinds = pytest.mark.parametrize(
    ('cluster', 'options'), KINDS.values(), ids=KINDS.keys()
)


@kinds
def test_qcow2_cut_in_its_last_cluster(noise, tmp_path, cluster, options):
    path = qcow2(noise, tmp_path / 'disk.qcow2', *options)
    assert_whole(path, SIZE)
    # Compressed bytes need not fill their last sector.
    cut(path, 512 if '-c' in options else 1)
    assert_truncated(path)
    cut(path, cluster // 2 + 511)
    assert_truncated(path)


def test_qcow2_as_it_was_lost(noise, tmp_path):
    path = qcow2(noise, tmp_path / 'disk.qcow2')
    cut(path, 65000)
    check = subprocess.run(['qemu-img', 'check', '-fqcow2', path])
    assert check.returncode == 0
    assert_truncated(path)


def test_compressed_qcow2_cut_between_clusters(noise, tmp_path):
    path = qcow2(noise, tmp_path / 'disk.qcow2', '-c')
    # A cluster goes from one of the file's to the next: that is none missing.
    os.truncate(path, path.stat().st_size // (64 * KIB) * 64 * KIB)
    check = subprocess.run(['qemu-img', 'check', '-fqcow2', path])
    assert check.returncode == 0
    assert_truncated(path)


@pytest.mark.parametrize('length', [512, 70000, SIZE - 1, SIZE - 64 * KIB + 1])
@kinds
def test_qcow2_of_any_length(noise, tmp_path, length, cluster, options):
    source = tmp_path / 'disk.raw'
    source.write_bytes(noise.read_bytes()[:length])
    path = qcow2(source, tmp_path / 'disk.qcow2', *options)
    assert_whole(path, -(-length // 512) * 512)


@pytest.mark.parametrize('count_bits', [1, 4, 16, 64])
def test_qcow2_written_here_and_there(tmp_path, count_bits):
    """As of a server: its last cluster is listed in its first table."""
    path = tmp_path / 'disk.qcow2'
    options = f'-orefcount_bits={count_bits}'
    create = ['qemu-img', 'create', '-q', '-fqcow2', options, path, '150G']
    subprocess.run(create, check=True)
    writes = [f'write {number << 29} 64k' for number in range(290)]
    writes = [f'-c{write}' for write in [*writes, 'write 64k 64k']]
    subprocess.run(
        ['qemu-io', '-fqcow2', *writes, path],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with CountedFile(path) as content:
        inspect_content(content)
        assert content.bytes_read < 24 * MIB
    cut(path, 1)
    assert_truncated(path)
    cut(path, 64 * KIB)
    assert_truncated(path)


def test_qcow2_that_ends_in_what_its_guest_does_not_see(noise, tmp_path):
    """Such as of a program that writes no more than that."""
    source = tmp_path / 'disk.raw'
    source.write_bytes(noise.read_bytes()[: SIZE - 60 * KIB])
    path = qcow2(source, tmp_path / 'disk.qcow2')
    cut(path, 60 * KIB)
    assert_whole(path, SIZE - 60 * KIB)
    cut(path, 1)
    assert_truncated(path)


@pytest.mark.parametrize('compression', ['zlib', 'zstd'])
def test_compressed_qcow2_that_ends_in_its_last_sector(tmp_path, compression):
    """As one that a backup wrote, which does not fill it up."""
    source = tmp_path / 'disk.raw'
    source.write_bytes(b'x' * 64 * KIB)
    option = f'-ocompression_type={compression}'
    path = qcow2(source, tmp_path / 'disk.qcow2', '-c', option)
    content = path.read_bytes()
    unused = len(content) - len(content.rstrip(b'\0'))
    assert 0 < unused < 512
    cut(path, unused - 1)
    assert_whole(path, 64 * KIB)
    cut(path, 2)
    assert_truncated(path)


def test_compressed_qcow2_that_ends_in_the_sector_before_a_cluster(tmp_path):
    source = tmp_path / 'disk.raw'
    source.write_bytes(b'x' * 64 * KIB + b'y' * 64 * KIB)
    path = qcow2(source, tmp_path / 'disk.qcow2', '-c')
    data = path.read_bytes().rstrip(b'\0')
    start = len(data) // 512 * 512
    # Both clusters are in this sector.
    assert len(data) - start > 100
    os.truncate(path, start + 10)
    assert_truncated(path)


@pytest.mark.parametrize('size', ['512', '1M', '10G', '1T'])
@pytest.mark.parametrize('cluster', ['64K', '2M'])
def test_empty_qcow2(tmp_path, size, cluster):
    """Its file ends with tables that fill no cluster."""
    path = tmp_path / 'disk.qcow2'
    option = f'-ocluster_size={cluster}'
    create = ['qemu-img', 'create', '-q', '-fqcow2', option, path, size]
    subprocess.run(create, check=True)
    before = inspect(path)
    assert in_glance(path).virtual_bytes == before.virtual_bytes
    subprocess.run(['qemu-img', 'snapshot', '-c', 'one', path], check=True)
    assert_whole(path, before.virtual_bytes)


def test_qcow2_with_a_table_at_its_end(tmp_path):
    """What a table would list beyond the file's end is data, too."""
    path = tmp_path / 'disk.qcow2'
    create = ['qemu-img', 'create', '-q', '-fqcow2', path, '1G']
    subprocess.run(create, check=True)
    content = bytearray(path.read_bytes().ljust(4 * 64 * KIB, b'\0'))
    (tables,) = struct.unpack_from('>Q', content, 40)
    struct.pack_into('>Q', content, tables, len(content) | 1 << 63)
    path.write_bytes(content + bytes(64 * KIB))
    assert in_glance(path).virtual_bytes == 1024 * MIB
    cut(path, 1)
    with pytest.raises(UnsafeDisk, match=TRUNCATED):
        in_glance(path)


def test_clusters_of_a_size_that_none_has(tmp_path, noise):
    path = qcow2(noise, tmp_path / 'disk.qcow2')
    content = bytearray(path.read_bytes())
    struct.pack_into('>I', content, 20, 63)
    path.write_bytes(content)
    with pytest.raises(UnsafeDisk, match=r'clusters of 2\^63 bytes'):
        inspect(path)


@pytest.fixture
def vdi(noise, tmp_path):
    return disk_files.convert(noise, tmp_path / 'disk.vdi', 'vdi')


@pytest.mark.parametrize('block', [4, 1000, 2**31 + 5, 2**32 - 3])
def test_vdi_with_a_block_beyond_its_end(vdi, block):
    assert_whole(vdi, SIZE)
    content = bytearray(vdi.read_bytes())
    (place,) = struct.unpack_from('<I', content, 340)
    struct.pack_into('<I', content, place, block)
    vdi.write_bytes(content)
    assert_truncated(vdi)


def test_vdi_with_blocks_that_are_not_there(vdi):
    content = bytearray(vdi.read_bytes())
    (place,) = struct.unpack_from('<I', content, 340)
    struct.pack_into('<II', content, place, 2**32 - 1, 2**32 - 2)
    vdi.write_bytes(content)
    assert_whole(vdi, SIZE)


def test_vdi_that_counts_fewer_blocks_than_it_lists(vdi):
    content = bytearray(vdi.read_bytes())
    struct.pack_into('<I', content, 388, 1)
    vdi.write_bytes(content)
    assert_whole(vdi, SIZE)
    cut(vdi, 1)
    assert_truncated(vdi)


def test_vhdx_without_its_table(noise, tmp_path):
    path = disk_files.convert(noise, tmp_path / 'disk.vhdx', 'vhdx')
    content = bytearray(path.read_bytes())
    guid = bytes.fromhex('6677c22d23f600429d64115e9bfd4a08')
    place = content.index(guid, 192 * KIB)
    struct.pack_into('<Q', content, place + 16, 2**63)
    path.write_bytes(content)
    with pytest.raises(UnsafeDisk, match=TRUNCATED):
        inspect(path)


@pytest.mark.parametrize(
    ('driver', 'options', 'number'),
    [
        *(('vhdx', {'block_size': '1M'}, number) for number in (1, 300, 511)),
        # Of a dynamic VHD, the last 512 bytes are its footer.
        *(
            ('vpc', {'force_size': 'on'}, number)
            for number in (513, 600, 812, 1012)
        ),
    ],
)
def test_cut_by_less_than_a_sector(noise, tmp_path, driver, options, number):
    path = disk_files.convert(noise, tmp_path / 'disk', driver, **options)
    assert_whole(path, SIZE)
    cut(path, number)
    assert_truncated(path)


@pytest.mark.parametrize('number', [1, 300, 40000])
def test_stream_cut_in_its_last_grain(noise, tmp_path, number):
    path = disk_files.convert(
        noise, tmp_path / 'disk.vmdk', 'vmdk', subformat='streamOptimized'
    )
    assert_whole(path, SIZE)
    content = path.read_bytes()
    cut(path, len(content) - len(content.rstrip(b'\0')) + number)
    assert_truncated(path)


def test_stream_with_grains_that_are_empty(noise, tmp_path):
    """Such a grain's place is 1, where there is none."""
    path = tmp_path / 'disk.vmdk'
    create = ['qemu-img', 'create', '-q', '-fvmdk']
    option = '-osubformat=streamOptimized,zeroed_grain=on'
    subprocess.run([*create, option, path, str(SIZE)], check=True)
    write = ['qemu-io', '-fvmdk', '-c', 'write -z 0 64k', path]
    subprocess.run(write, check=True)
    assert_whole(path, SIZE)
