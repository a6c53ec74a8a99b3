# SPDX-License-Identifier: Apache-2.0
"""Where a frame ends, for each form of its header and its blocks."""

import pytest

from hypervisor_affinity.image.formats import zstd

MAGIC = b'\x28\xb5\x2f\xfd'


def block(kind, content, *, size=None, last=False):
    size = len(content) if size is None else size
    return (last | kind << 1 | size << 3).to_bytes(3, 'little') + content


RAW = block(0, b'some bytes')
REPEATED = block(1, b'x', size=60000)
COMPRESSED = block(2, b'as if compressed')

# Frame header descriptor -> how many bytes follow it in the header.
HEADERS = {
    0x00: 1,
    0x20: 1,
    0x40: 3,
    0x60: 2,
    0x80: 5,
    0xA0: 4,
    0xC0: 9,
    0xE0: 8,
    0x01: 2,
    0x02: 3,
    0x63: 6,
}


@pytest.mark.parametrize(('descriptor', 'fields'), HEADERS.items())
@pytest.mark.parametrize(
    'blocks',
    [
        block(0, b'', last=True),
        RAW + block(1, b'x', size=60000, last=True),
        REPEATED + COMPRESSED + RAW + block(2, b'the last', last=True),
    ],
)
@pytest.mark.parametrize('checksum', [0, 4])
def test_a_frame_of_any_form(descriptor, fields, blocks, checksum):
    descriptor |= checksum
    header = MAGIC + bytes([descriptor]) + b'\xee' * fields
    frame = header + blocks + bytes(checksum)
    assert zstd.is_whole(frame)
    assert zstd.is_whole(frame + b'whatever comes next')
    for end in range(len(frame)):
        assert not zstd.is_whole(frame[:end])


def test_what_is_no_frame():
    assert not zstd.is_whole(b'')
    assert not zstd.is_whole(b'x' * 100)
