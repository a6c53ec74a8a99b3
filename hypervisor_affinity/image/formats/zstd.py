# SPDX-License-Identifier: Apache-2.0
"""Where a zstd frame ends, which is told without decompressing it.

By RFC 8878, section 3.1.1.
"""

_MAGIC = b'\x28\xb5\x2f\xfd'

# Bytes of two fields in the frame's header, by the numbers that tell them.
_SIZE = (0, 2, 4, 8)
_DICTIONARY = (0, 1, 2, 4)

# The block that one byte is repeated for.
_RLE = 1


def is_whole(content: bytes) -> bool:
    """Tell whether content that begins with a frame has all of it."""
    if not content.startswith(_MAGIC) or len(content) <= len(_MAGIC):
        return False
    descriptor = content[len(_MAGIC)]
    size = _SIZE[descriptor >> 6]
    # A frame of one segment has a size in any case, others have a window.
    is_single = descriptor >> 5 & 1
    end = len(_MAGIC) + 1 + (size or 1 if is_single else size + 1)
    end += _DICTIONARY[descriptor & 3]
    is_last = 0
    while not is_last:
        block = content[end : end + 3]
        if len(block) < 3:
            return False
        header = int.from_bytes(block, 'little')
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        end += 3 + (1 if kind == _RLE else size)
    if descriptor >> 2 & 1:
        # A checksum.
        end += 4
    return end <= len(content)
