# SPDX-License-Identifier: Apache-2.0
"""Making VHDs with other words in their footers."""

import pathlib
import struct
import subprocess

from tests import disk_files

FOOTER = 512

# Of a footer: name -> offset and form.
FIELDS = {
    'creator': (28, '4s'),
    'original_bytes': (40, '>Q'),
    'current_bytes': (48, '>Q'),
    'geometry': (56, '4s'),
    'kind': (60, '>I'),
}
DIFFERENCING = 4


def footer(content: bytes, **fields: object) -> bytes:
    """Return a footer with other fields, and with their checksum."""
    content = bytearray(content)
    for name, value in fields.items():
        offset, form = FIELDS[name]
        struct.pack_into(form, content, offset, value)
    content[64:68] = bytes(4)
    struct.pack_into('>I', content, 64, ~sum(content) & 0xFFFFFFFF)
    return bytes(content)


def dynamic(folder: pathlib.Path, **options: str) -> pathlib.Path:
    """Write a dynamic VHD, of which a few blocks are there."""
    source = disk_files.raw(folder / 'source.raw')
    return disk_files.convert(
        source, folder / 'dynamic.vhd', 'vpc', subformat='dynamic', **options
    )


def empty(folder: pathlib.Path, size: int) -> pathlib.Path:
    """Write a dynamic VHD without any block.

    :param size: in bytes
    """
    path = folder / 'empty.vhd'
    command = ['qemu-img', 'create', '-qfvpc', '-oforce_size=on']
    subprocess.run([*command, path, str(size)], check=True)
    return path


def fixed(source: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Convert a raw disk, the size of which is kept."""
    return disk_files.convert(
        source, target, 'vpc', subformat='fixed', force_size='on'
    )


def reworded(
    path: pathlib.Path,
    *,
    head: bool = True,
    tail: bool = True,
    **fields: object,
) -> None:
    """Change both footers of a dynamic VHD, or one of them."""
    content = path.read_bytes()
    if head:
        content = footer(content[:FOOTER], **fields) + content[FOOTER:]
    if tail:
        content = content[:-FOOTER] + footer(content[-FOOTER:], **fields)
    path.write_bytes(content)
