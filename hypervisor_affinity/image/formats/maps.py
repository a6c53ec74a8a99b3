# SPDX-License-Identifier: Apache-2.0
"""Maps that say where in a file the blocks of a disk are.

What a file ends before reads as zeros, and qemu-img does not complain if that
is less than a sector, a cluster of a qcow2 or a block of a VDI.
"""

import struct
from collections.abc import Iterator

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import UnsafeDisk

# What is read of a map, and at once: that of 62 TiB in blocks of a MiB, with
# 4 bytes for each.
_READ = 256 * 1024**2
_PIECE = 1024**2

# Pieces with different bytes, each of which takes a hundredth of a second: by
# these, 16 TiB in such blocks.
_MAX_MIXED = 64


def pieces(
    content: Content, place: int, number: int, form: str
) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of a map, some at a time; none of a missing part.

    Of a piece with equal bytes, the number is given once.

    :param place: in bytes
    :param number: of its entries
    :param form: of one, as :mod:`struct` has it: ``<I``
    """
    size = struct.calcsize(form)
    # A map is in the file, or else there is nothing to read.
    end = min(place + min(number * size, _READ), content.size)
    left = _MAX_MIXED
    for start in range(place, end, _PIECE):
        piece = content.read(start, min(_PIECE, end - start))
        count = len(piece) // size
        # Nearly all blocks of a large disk are not there.
        if piece == piece[:1] * len(piece):
            count = min(count, 1)
        elif left:
            left -= 1
        else:
            return
        if count:
            yield struct.unpack_from(f'{form[0]}{count}{form[1]}', piece)


def check_end(content: Content, end: int) -> None:
    """Check that the file goes as far as its data.

    :param end: of the data, in bytes
    :raises UnsafeDisk: if it ends before
    """
    if end > content.size:
        raise UnsafeDisk(
            f'{content.name}: has data up to byte {end}; the file has '
            f'{content.size} bytes: it is truncated; {REDO}'
        )
