# SPDX-License-Identifier: Apache-2.0
"""Numbers that lead near a file's end are found as if one by one."""

import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from hypervisor_affinity.image.formats import maps
from tests.disk_files import Counting

# Forms of the maps that are read, bits of a number that say where, and how
# many of the highest numbers say nothing.
FORMS = [
    ('<I', None, 0),
    ('<I', None, 2),
    ('>I', None, 1),
    ('<Q', None, 0),
    ('>Q', (1 << 54) - 1, 0),
    ('>Q', (1 << 61) - 1, 0),
]


@pytest.mark.parametrize(('form', 'bits', 'none'), FORMS)
@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=300, deadline=None)
def test_as_one_by_one(form, bits, none, data):
    most = 2 ** (8 * struct.calcsize(form)) - 1
    edges = st.sampled_from([0, 1, most, most - 1, most - 2, most - 3])
    number = edges | st.integers(0, most)
    limit = data.draw(st.integers(-1, 3) | number)
    close = st.integers(limit - 1, limit + 1).filter(
        lambda value: 0 <= value <= most
    )
    numbers = data.draw(st.lists(number | close, min_size=1))
    near = maps.Near(form, limit, bits, none)
    piece = struct.pack(f'{form[0]}{len(numbers)}{form[1]}', *numbers)
    found = any(
        value & (most if bits is None else bits) > limit
        for value in numbers
        if value <= most - none
    )
    assert near.is_in(piece) == found
    assert near.is_in(piece + b'\xff') == found
    assert near.unpack(piece + b'\xff') == tuple(numbers)


def test_only_what_leads_near_the_end_is_looked_at():
    numbers = [7] * 300_000
    numbers[200_000] = 9
    content = Counting(struct.pack('<300000I', *numbers))
    per_piece = maps.PIECE // 4
    (found,) = maps.pieces(content, 0, len(numbers), maps.Near('<I', 8))
    start = 200_000 // per_piece * per_piece
    assert list(found) == numbers[start : start + per_piece]
    assert content.bytes_read == content.size
    assert not [*maps.pieces(content, 0, len(numbers), maps.Near('<I', 9))]


def test_no_more_is_looked_at_than_a_whole_disk_has():
    numbers = maps.PIECE // 4 * (maps.MAX_UNPACKED + 3)
    content = Counting(bytes(range(256)) * (numbers // 64))
    near = maps.Near('<I', 1)
    found = [*maps.pieces(content, 0, numbers, near)]
    assert len(found) == maps.MAX_UNPACKED
