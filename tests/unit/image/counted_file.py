# SPDX-License-Identifier: Apache-2.0
"""A file that says how much of it was read."""

import pathlib

from hypervisor_affinity.image.content import FileContent


class CountedFile(FileContent):
    """A file's content.

    :ivar bytes_read: so far
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Open it."""
        super().__init__(path)
        self.bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return a part."""
        part = super().read(offset, length)
        self.bytes_read += len(part)
        return part
