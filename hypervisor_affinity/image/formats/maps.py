# SPDX-License-Identifier: Apache-2.0
"""Maps that say where in a file the blocks of a disk are.

What a file ends before reads as zeros, and qemu-img does not complain if that
is less than a sector, a cluster of a qcow2 or a block of a VDI.
"""

import functools
import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import UnsafeDisk

# What is read of a map, and at once: that of 62 TiB in blocks of a MiB, with
# 4 bytes for each.
READ = 256 * 1024**2
PIECE = 256 * 1024

# Pieces whose numbers are looked at one by one, each of which takes some
# thousandths of a second. Of a whole disk, hardly any leads near the end of
# the file.
MAX_UNPACKED = 64


class Near(NamedTuple):
    """What makes a number of a map one that leads near the end of the file.

    :ivar form: of all numbers, as :mod:`struct` has it: ``<I``
    :ivar limit: such a number is above this one; -1 or more
    :ivar bits: of a number that say where; None for all
    :ivar none: how many of the highest numbers say that a block is not there
    """

    form: str
    limit: int
    bits: int | None = None
    none: int = 0

    @property
    def number_bytes(self) -> int:
        """How long a number is."""
        return struct.calcsize(self.form)

    @property
    def all_bits(self) -> int:
        """All that count, of a number."""
        return self.bits or (1 << 8 * self.number_bytes) - 1

    def unpack(self, piece: bytes) -> tuple[int, ...]:
        """Return the numbers of a part of a map."""
        count = len(piece) // self.number_bytes
        return struct.unpack_from(
            f'{self.form[0]}{count}{self.form[1]}', piece
        )

    def is_in(self, piece: bytes) -> bool:
        """Tell whether any number of a part of a map is such a one.

        All are looked at at once, since one by one would take some ten times
        as long: the part is one long number, in which an addition to each of
        its numbers overflows into a bit that was masked out before.
        """
        if self.limit + self.none >= self.all_bits:
            return False
        count = len(piece) // self.number_bytes
        # Nearly all blocks of a large disk are not there.
        if piece == piece[:1] * len(piece):
            count = min(count, 1)
        numbers = piece[: count * self.number_bytes]
        if count % 2:
            numbers += numbers[-self.number_bytes :]
        order: Literal['big', 'little']
        order = 'big' if self.form[0] == '>' else 'little'
        whole = int.from_bytes(numbers, order)
        masks = _masks(len(numbers) // self.number_bytes, self)
        for shift in masks.shifts:
            where = (whole >> shift) & masks.bits
            if self.none:
                # These begin again at zero.
                where = (where + masks.none) & masks.bits
            if (where + masks.rest) & masks.over:
                return True
        return False


class _Masks(NamedTuple):
    """What is the same for all numbers of a piece, in one long number.

    :ivar shifts: one for each number that shares its place with others
    """

    shifts: tuple[int, ...]
    bits: int
    none: int
    rest: int
    over: int


@functools.lru_cache(maxsize=2)
def _masks(count: int, near: Near) -> _Masks:
    width = 8 * near.number_bytes
    used = near.all_bits.bit_length()
    # Without a bit that is free, only each second number is looked at.
    shifts = (0,) if used < width else (0, width)
    place = (1).to_bytes(near.number_bytes * len(shifts), 'little')
    each = int.from_bytes(place * (count // len(shifts)), 'little')
    return _Masks(
        shifts,
        each * near.all_bits,
        each * near.none,
        each * ((1 << used) - 1 - near.limit - near.none),
        each << used,
    )


def pieces(
    content: Content, place: int, number: int, near: Near
) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of those parts of a map that lead near the end.

    None of a missing part.

    :param place: in bytes
    :param number: of its entries
    """
    # A map is in the file, or else there is nothing to read.
    end = min(place + min(number * near.number_bytes, READ), content.size)
    left = MAX_UNPACKED
    for start in range(place, end, PIECE):
        piece = content.read(start, min(PIECE, end - start))
        if left and near.is_in(piece):
            left -= 1
            yield near.unpack(piece)


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
