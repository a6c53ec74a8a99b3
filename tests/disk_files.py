# SPDX-License-Identifier: Apache-2.0
"""Disks that qemu-img makes, with something on them."""

import io
import pathlib
import random
import subprocess
import sys
import tarfile

MIB = 1024**2

# From Debian's python3-vmdkstream; it needs nothing but Python.
VMDKSTREAM = pathlib.Path('/usr/lib/python3/dist-packages/VMDKstream.py')

SUBFORMATS = (
    'monolithicSparse',
    'streamOptimized',
    'monolithicFlat',
    'twoGbMaxExtentSparse',
    'twoGbMaxExtentFlat',
)

# By Glance's names, and qemu's.
OTHER_FORMATS = {'qcow2': 'qcow2', 'vdi': 'vdi', 'vhdx': 'vhdx', 'vhd': 'vpc'}

# What :func:`every_kind` writes.
FILES = (
    *(f'{subformat}.vmdk' for subformat in SUBFORMATS),
    'disk.raw',
    *(f'disk.{name}' for name in OTHER_FORMATS),
)


def raw(path: pathlib.Path, size: int = 16 * MIB) -> pathlib.Path:
    """Write a raw disk: a MiB that does not compress, one that does."""
    with path.open('wb') as file:
        file.truncate(size)
        file.seek(MIB)
        file.write(random.Random(1).randbytes(MIB))
        file.seek(4 * MIB)
        file.write(b'compressible' * (MIB // 12))
    return path


def convert(
    source: pathlib.Path,
    target: pathlib.Path,
    disk_format: str,
    **options: str,
) -> pathlib.Path:
    """Convert a raw disk.

    :param disk_format: by qemu's name
    :param options: of the format, such as ``subformat``
    """
    command = ['qemu-img', 'convert', '-f', 'raw', '-O', disk_format]
    for name, value in options.items():
        command += ['-o', f'{name}={value}']
    subprocess.run([*command, source, target], check=True)
    return target


def vmdk(folder: pathlib.Path, subformat: str, **options: str) -> pathlib.Path:
    """Write a VMDK named after its subformat."""
    source = raw(folder / 'source.raw')
    target = folder / f'{subformat}.vmdk'
    convert(source, target, 'vmdk', subformat=subformat, **options)
    source.unlink()
    return target


def every_kind(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Write the same disk in each format, by qemu's name, and subformat."""
    written = {subformat: vmdk(folder, subformat) for subformat in SUBFORMATS}
    written['raw'] = raw(folder / 'disk.raw')
    for name, driver in OTHER_FORMATS.items():
        target = folder / f'disk.{name}'
        written[driver] = convert(written['raw'], target, driver)
    return written


class Counting:
    """Content in memory that says how much of it was read."""

    name = 'counting'

    def __init__(self, content: bytes) -> None:
        """Keep the content."""
        self.size = len(content)
        self.bytes_read = 0
        self._content = content

    def read(self, offset: int, length: int) -> bytes:
        """Return a part."""
        assert offset >= 0
        assert length >= 0
        part = self._content[offset : offset + length]
        self.bytes_read += len(part)
        return bytes(part)


def archive(path: pathlib.Path, members: dict[str, bytes]) -> pathlib.Path:
    """Write a tar archive, as an OVA is one."""
    with tarfile.open(path, 'w', format=tarfile.USTAR_FORMAT) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def vmdkstream(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Convert a raw disk to streamOptimized by another program."""
    subprocess.run([sys.executable, VMDKSTREAM, source, target], check=True)
    return target
