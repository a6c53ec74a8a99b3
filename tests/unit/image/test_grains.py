# SPDX-License-Identifier: Apache-2.0
"""The begin of a sparse VMDK, grain by grain."""

import struct

import pytest

from hypervisor_affinity.image.formats import vmdk_grains
from hypervisor_affinity.image.formats.vmdk_header import MIN_GRAIN
from hypervisor_affinity.image.formats.vmdk_header import Header
from tests import disk_files

GRAIN = MIN_GRAIN * 512


def extent(table, grains, entries=512):
    """Return the content of an extent, and its header.

    :param table: the sectors of grains; None for no table
    :param grains: sector -> content
    """
    content = bytearray(64 * 512)
    struct.pack_into('<I', content, 512, 0 if table is None else 2)
    if table is not None:
        struct.pack_into(f'<{len(table)}I', content, 1024, *table)
    for sector, grain in grains.items():
        content[sector * 512 : sector * 512 + len(grain)] = grain
    header = Header(
        *(b'KDMV', 1, 0, 4096, MIN_GRAIN, 0, 0, entries),
        *(0, 1, 0, 0, b'', 0),
    )
    return disk_files.Counting(bytes(content)), header


FIRST, SECOND = b'1' * GRAIN, b'2' * GRAIN


@pytest.mark.parametrize(
    ('table', 'entries', 'found'),
    [
        ((8, 16), 512, FIRST + SECOND),
        ((16, 8), 512, SECOND + FIRST),
        ((0, 8), 512, bytes(GRAIN) + FIRST),
        ((1, 8), 512, bytes(GRAIN) + FIRST),
        (None, 512, bytes(2 * GRAIN)),
        # A table that ends before.
        ((16,), 1, SECOND),
        # A grain behind the end, and one that reaches there.
        ((99, 8), 512, b''),
        ((60, 8), 512, bytes(GRAIN // 2)),
    ],
)
def test_grains(table, entries, found):
    content, header = extent(table, {8: FIRST, 16: SECOND}, entries)
    assert vmdk_grains.head(content, header, 2 * GRAIN) == found
