# SPDX-License-Identifier: Apache-2.0
"""Making disks that harm whoever believes them."""

import struct

import pytest

from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.inspection import inspect

MIB = 1024**2
TIB = 1024**4
SECTORS = 16 * MIB // 512

# Of a sparse header: name -> offset and form.
FIELDS = {
    'version': (4, '<I'),
    'capacity': (12, '<Q'),
    'grain': (20, '<Q'),
    'descriptor_offset': (28, '<Q'),
    'descriptor_size': (36, '<Q'),
    'table_entries': (44, '<I'),
    'spare_directory': (48, '<Q'),
    'directory': (56, '<Q'),
    'overhead': (64, '<Q'),
    'compression': (77, '<H'),
}

FLAT = f"""\
# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicFlat"

# Extent description
RW {SECTORS} FLAT "data" 0

# The Disk Data Base
ddb.adapterType = "lsilogic"
"""


def header(content, **fields):
    """Return a sparse VMDK with other fields in its header."""
    content = bytearray(content)
    for name, value in fields.items():
        offset, form = FIELDS[name]
        struct.pack_into(form, content, offset, value)
    return bytes(content)


def refusal(path, calls):
    """Return the error that inspection ends with, before qemu-img."""
    with pytest.raises(DiskError) as error:
        inspect(path)
    assert not calls.exists(), calls.read_text()
    assert str(path.parent) in str(error.value)
    return error
