# SPDX-License-Identifier: Apache-2.0
"""A file that lines are added to, and that logrotate moves away."""

import contextlib
import os
import pathlib

from hypervisor_affinity import writing

# Whoever ships logs is in the group.
_MODE = 0o640
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class LineFile:
    """Has whole lines: of what cannot be written whole, nothing stays."""

    def __init__(self, path: pathlib.Path) -> None:
        """Open it; a new one if there is none.

        :raises OSError: if it cannot be written; ``strerror`` says why
        """
        self._path = path
        self._open()

    def add(self, line: bytes) -> None:
        """Add a line, to a new file if this one was moved or removed.

        :param line: without its end
        :raises OSError: if it cannot be written; ``strerror`` says why
        """
        if self._is_moved():
            self.close()
            self._open()
        # That of one who was killed while it wrote.
        broken = b'' if self._ends_a_line() else b'\n'
        self._write(broken + line + b'\n')

    def close(self) -> None:
        """Close it."""
        os.close(self._number)

    def _open(self) -> None:
        self._number = os.open(writing.place(self._path), _FLAGS, _MODE)

    def _is_moved(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return True
        return not os.path.samestat(found, os.fstat(self._number))

    def _ends_a_line(self) -> bool:
        size = os.fstat(self._number).st_size
        return not size or os.pread(self._number, 1, size - 1) == b'\n'

    def _write(self, whole: bytes) -> None:
        began = os.fstat(self._number).st_size
        written = 0
        try:
            while written < len(whole):
                written += os.write(self._number, whole[written:])
        except OSError:
            with contextlib.suppress(OSError):
                # Unless another one has written meanwhile.
                if os.fstat(self._number).st_size == began + written:
                    os.ftruncate(self._number, began)
            raise
