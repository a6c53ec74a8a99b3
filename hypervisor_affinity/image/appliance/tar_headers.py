# SPDX-License-Identifier: Apache-2.0
"""The headers of a tar archive, by tarfile, which trusts in any of them."""

import io
import tarfile
from collections.abc import Iterator
from typing import Self

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import UnsafeDisk

# A member's own, and what precedes it: a long name and a long link of GNU,
# a pax header and a global one. tarfile calls itself for each.
_MAX_CHAIN = 8

# Headers of all members of an OVA, each with a long name, and reserve.
_MAX_HEADERS = 1024**2

# OVAs are to be ustar, which has no member of 8 GiB or more; GNU's differs
# from it only for such a one and for long names.
REPACK = 'pack it again with "tar --format=gnu -cf NEW.ova *.ovf *.vmdk"'


def has_checksum(content: Content) -> bool:
    """Tell whether the content begins with a header whose checksum fits."""
    block = content.read(0, tarfile.BLOCKSIZE)
    try:
        tarfile.TarInfo.frombuf(block, 'utf-8', 'surrogateescape')
    except tarfile.TarError:
        return False
    return True


def headers(content: Content) -> Iterator[tarfile.TarInfo]:
    """Yield the header of each member of an archive.

    :raises UnsafeDisk: if there is more of them than there can be
    :raises tarfile.TarError, ValueError, OverflowError: if it is damaged
    """
    file = _Headers(content)

    class Header(tarfile.TarInfo):
        """A header that tells the archive's file of it before it is read."""

        @classmethod
        def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
            file.begin_header()
            return super().fromtarfile(archive)

    with tarfile.open(fileobj=file, mode='r:', tarinfo=Header) as archive:
        file.begin_member()
        while info := archive.next():
            yield info
            file.begin_member()


class _Headers(io.RawIOBase):
    """An archive as tarfile reads it, which trusts in any length."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0
        self._left = _MAX_HEADERS
        self._chain = 0

    def begin_member(self) -> None:
        """Count the headers of one member again."""
        self._chain = 0

    def begin_header(self) -> None:
        """Count a header.

        :raises UnsafeDisk: if one member has too many
        """
        self._chain += 1
        if self._chain > _MAX_CHAIN:
            raise UnsafeDisk(
                f'{self._content.name}: has more than {_MAX_CHAIN} headers '
                f'for one member; {REPACK}'
            )

    def read(self, size: int = -1, /) -> bytes:
        """Return a part.

        :raises UnsafeDisk: if the headers are longer than they can be
        """
        self._left -= size
        if self._left < 0:
            raise UnsafeDisk(
                f'{self._content.name}: its headers have more than '
                f'{_MAX_HEADERS} bytes; {REPACK}'
            )
        found = self._content.read(self._position, size)
        self._position += len(found)
        return found

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        """Go on elsewhere; return where.

        :param whence: nothing else is asked for
        :raises ValueError: if there is no such place
        """
        if position < 0:
            raise ValueError(f'a member at byte {position}')
        self._position = position
        return position

    def tell(self) -> int:
        """Return where it is."""
        return self._position
