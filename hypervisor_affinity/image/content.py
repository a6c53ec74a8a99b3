# SPDX-License-Identifier: Apache-2.0
"""Bytes that can be read in parts, wherever they are."""

import os
import pathlib
import stat
from typing import Protocol

from hypervisor_affinity.image.disk import DiskError


class Content(Protocol):
    """What a file holds, or an image in Glance.

    :ivar name: to call it in messages
    :ivar size: in bytes
    """

    name: str
    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return a part; less than was asked for only at the end."""


class FileContent:
    """A file's; closed by its context."""

    def __init__(self, path: pathlib.Path) -> None:
        """Open it.

        :raises DiskError: if it cannot be read, or is no regular file
        """
        self.name = str(path)
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                # A pipe would make the next call wait for ever.
                raise DiskError(f'{path}: is not a regular file')
            self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise DiskError(f'{path}: {_missing(path)}') from error
        except OSError as error:
            raise DiskError(f'{path}: {error.strerror}') from error
        status = os.fstat(self._number)
        self.size = status.st_size
        self.allocated = status.st_blocks * 512

    def __enter__(self) -> 'FileContent':
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self._number)

    def read(self, offset: int, length: int) -> bytes:
        """Return a part.

        :raises DiskError: if it cannot be read
        """
        try:
            return os.pread(self._number, length, offset)
        except OSError as error:
            raise DiskError(f'{self.name}: {error.strerror}') from error


class Part:
    """A part of some content, such as a member of an archive."""

    def __init__(
        self, whole: Content, name: str, offset: int, size: int
    ) -> None:
        """Read nothing yet."""
        self.name = name
        self.size = size
        self._whole = whole
        self._offset = offset

    def read(self, offset: int, length: int) -> bytes:
        """Return a part of the part."""
        length = min(length, max(0, self.size - offset))
        return self._whole.read(self._offset + offset, length)


def _missing(path: pathlib.Path) -> str:
    if path.is_symlink():
        return 'is a link to a file that does not exist'
    return 'no such file'
