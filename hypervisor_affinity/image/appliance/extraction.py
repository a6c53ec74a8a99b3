# SPDX-License-Identifier: Apache-2.0
"""A disk of an OVA that qemu cannot read where it is.

It is in chunks, gzipped, or ends within a sector. It is written into a file,
in pieces.
"""

import contextlib
import dataclasses
import gzip
import io
import pathlib
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.appliance.manifest import Checksum
from hypervisor_affinity.image.appliance.manifest import Watch
from hypervisor_affinity.image.appliance.ova import Located
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.size import shown

_PIECE = 1024**2
_ZEROS = bytes(_PIECE)

# What is left free for others where the file is written; looked at each time
# as much was written.
_RESERVE = 256 * 1024**2


class Readable(NamedTuple):
    """A disk, and the file that holds it as it is.

    :ivar path: of the disk, or of the OVA that it is in
    """

    path: pathlib.Path
    disk: Disk


@contextlib.contextmanager
def readable(
    source: pathlib.Path,
    member: str | None,
    begin: Callable[[], pathlib.Path],
    watch: Watch,
) -> Iterator[Readable]:
    """Inspect a disk, while it is in a file that can be read in any order.

    :param member: of an OVA with several disks
    :param begin: called if it has to be written, to refuse what would be in
        vain, and to return a directory for it
    :raises DiskError: if it cannot be used
    :raises UnsafeDisk: if it may harm whoever opens it
    """
    with FileContent(source) as content:
        archive = inspection.archive_in(source, content)
        located = archive.locate(member) if archive else None
        if located is None or _is_readable(located):
            disk = inspection.inspect_open(source, content, archive, member)
            yield Readable(source, disk)
            return
        directory = begin().absolute()
        with _scratch(directory) as scratch:
            # No suffix: it would have to fit the format.
            path = pathlib.Path(scratch) / 'disk'
            try:
                _write(content, located, path, watch)
            except OSError as error:
                raise DiskError(f'{directory}: {error.strerror}') from error
            disk = _inspected(content, located, path)
            yield Readable(path, disk)


def _scratch(
    directory: pathlib.Path,
) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(
            prefix='.image-prepare-', dir=directory
        )
    except OSError as error:
        raise DiskError(
            f'{directory}: a disk of the archive must be extracted here first:'
            f' {error.strerror}; choose another directory for the target'
        ) from error


def _is_readable(located: Located) -> bool:
    # qemu reads no other part of a file.
    return located.is_plain and located.parts[0].size % SECTOR == 0


def _write(
    content: FileContent, located: Located, path: pathlib.Path, watch: Watch
) -> None:
    """Write a disk, with holes where it has zeros.

    :raises DiskError: if it is damaged, or there is too little space
    """
    place = f'{content.name}, {located.appliance.member!r}'
    stream = _Stream(content, located, watch)
    source: io.RawIOBase | gzip.GzipFile = stream
    if located.is_gzipped:
        source = gzip.GzipFile(fileobj=io.BufferedReader(stream, _PIECE))
    position = 0
    with path.open('wb') as file:
        while piece := _next(source, place):
            if position and position % _RESERVE == 0:
                _check_space(path.parent.parent, place)
            if piece == _ZEROS:
                file.seek(len(piece), io.SEEK_CUR)
            else:
                file.write(piece)
            position += len(piece)
        # What is missing there is for the inspection to find. qemu fills up
        # the last sector of a raw disk.
        file.truncate(position)
    stream.check_rest()


def _next(source: io.RawIOBase | gzip.GzipFile, place: str) -> bytes:
    """Return the next piece, b'' at the end.

    :raises DiskError: if it cannot be decompressed
    """
    piece = b''
    try:
        while len(piece) < _PIECE:
            more = source.read(_PIECE - len(piece))
            if not more:
                break
            piece += more
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DiskError(
            f'{place} is compressed with gzip and damaged: {error}; get the '
            'archive again'
        ) from error
    return piece


def _check_space(directory: pathlib.Path, place: str) -> None:
    free = shutil.disk_usage(directory).free
    if free < _RESERVE:
        raise DiskError(
            f'{directory}: has {shown(free)} free, too little to extract '
            f'{place}; free some, or choose another directory'
        )


class _Stream(io.RawIOBase):
    """The parts of a disk, one after the other, checked by the manifest."""

    def __init__(
        self, content: FileContent, located: Located, watch: Watch
    ) -> None:
        self._content = content
        self._parts = list(reversed(located.parts))
        self._total = sum(part.size for part in located.parts)
        self._done = 0
        self._in_part = 0
        self._watch = watch
        self._begin()

    def readable(self) -> bool:
        """Tell that it can be."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as there is something."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1, /) -> bytes:
        """Return the next piece, b'' at the end.

        :param size: at most; never less than 0
        :raises DiskError: if a part has another digest
        """
        while self._parts:
            part = self._parts[-1]
            length = min(size, part.size - self._in_part)
            if length == 0:
                self._end()
                continue
            piece = self._content.read(part.offset + self._in_part, length)
            if not piece:
                raise DiskError(
                    f'{self._content.name}: became shorter while it was read'
                )
            if self._checksum:
                self._checksum.update(piece)
            self._in_part += len(piece)
            self._done += len(piece)
            self._watch('Extracting', self._done / self._total)
            return piece
        return b''

    def check_rest(self) -> None:
        """Check what was not asked for, too, such as behind the last gzip.

        :raises DiskError: if a part has another digest
        """
        while self.read(_PIECE):
            pass

    def _begin(self) -> None:
        self._in_part = 0
        self._checksum = None
        if self._parts and (digest := self._parts[-1].digest):
            self._checksum = Checksum(
                self._content.name, self._parts[-1].name, digest
            )

    def _end(self) -> None:
        self._parts.pop()
        if self._checksum:
            self._checksum.check()
        self._begin()


def _inspected(
    content: FileContent, located: Located, path: pathlib.Path
) -> Disk:
    """Inspect what was extracted, as a disk of the archive."""
    try:
        disk = inspection.inspect(path)
    except DiskError as error:
        place = f'{content.name}, {located.appliance.member}'
        raise type(error)(str(error).replace(str(path), place)) from error
    if disk.appliance:
        raise DiskError(
            f'{content.name}, {located.appliance.member} is an archive; '
            'extract it, and use that'
        )
    appliance = dataclasses.replace(
        located.appliance,
        offset=0,
        size=path.stat().st_size,
        digest=None,
        is_extracted=True,
    )
    disk = dataclasses.replace(disk, allocated_bytes=content.allocated)
    return inspection.of_archive(content, disk, appliance)
