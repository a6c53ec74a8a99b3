# SPDX-License-Identifier: Apache-2.0
"""The headers of a tar archive, by tarfile, which trusts in any of them."""

import io
import re
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

# What tells more of a member, or of all members, and how long that is at most:
# all global ones together, too. A name of 255 characters has a kB at most.
_PAX = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE})
_EXTENSIONS = _PAX | {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
_MAX_EXTENSION = 4096

# tarfile searches for numbers before words: at each digit, it looks at all
# that follow (CVE-2024-6232).
_MANY_DIGITS = re.compile(rb'[0-9]{65}')

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
        """A header that is told of before tarfile reads what follows."""

        @classmethod
        def frombuf(
            cls, buf: bytes | bytearray, encoding: str, errors: str
        ) -> Self:
            header = super().frombuf(buf, encoding, errors)
            file.begin_header(header)
            return header

    with tarfile.open(fileobj=file, mode='r:', tarinfo=Header) as archive:
        file.begin_member()
        while info := archive.next():
            yield info
            # The archive keeps all, each with all global ones.
            info.pax_headers = {}
            file.begin_member()


class _Headers(io.RawIOBase):
    """An archive as tarfile reads it, which trusts in any length."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0
        self._left = _MAX_HEADERS
        self._chain = 0
        self._global = 0

    def begin_member(self) -> None:
        """Count the headers of one member again."""
        self._chain = 0

    def begin_header(self, header: tarfile.TarInfo) -> None:
        """Count a header, and look at what follows it.

        :raises UnsafeDisk: if one member has too many, or tarfile would have
            too much to do
        """
        self._chain += 1
        if self._chain > _MAX_CHAIN:
            raise UnsafeDisk(
                f'{self._content.name}: has more than {_MAX_CHAIN} headers '
                f'for one member; {REPACK}'
            )
        if header.type in _EXTENSIONS:
            self._check_extension(header)

    def _check_extension(self, header: tarfile.TarInfo) -> None:
        size = header.size
        if header.type == tarfile.XGLTYPE:
            self._global += size
            size = self._global
        if not 0 <= header.size <= size <= _MAX_EXTENSION:
            raise UnsafeDisk(
                f'{self._content.name}: has headers of {size} bytes where '
                f'there are 0 to {_MAX_EXTENSION}; {REPACK}'
            )
        text = self._content.read(self._position, header.size)
        is_pax = header.type in _PAX
        if is_pax and (not _is_pax(text) or _MANY_DIGITS.search(text)):
            raise UnsafeDisk(
                f'{self._content.name}: has a damaged pax header; {REPACK}'
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


def _is_pax(text: bytes) -> bool:
    """Tell whether a pax header is as POSIX has it.

    A record is its length, a blank, a keyword, ``=``, a value and a line feed.
    tarfile looks for the ``=`` behind the record's end, too, and keeps all
    that is before it.
    """
    text = text.rstrip(b'\0')
    while text:
        length = text.partition(b' ')[0]
        if not re.fullmatch(b'[0-9]{1,5}', length):
            return False
        record, text = text[: int(length)], text[int(length) :]
        if not (b'=' in record and record.endswith(b'\n')):
            return False
    return True
