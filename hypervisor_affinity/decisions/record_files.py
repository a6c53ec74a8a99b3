# SPDX-License-Identifier: Apache-2.0
"""Records in files: one a line, oldest first or not, of any size."""

import pathlib
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

import msgspec

from hypervisor_affinity.core.printable import cited
from hypervisor_affinity.decisions import record
from hypervisor_affinity.decisions.record import Record
from hypervisor_affinity.decisions.record import RecordError


class Unreadable(NamedTuple):
    """A line that is no record.

    :ivar number: from 1
    """

    path: pathlib.Path
    number: int
    why: str

    def __str__(self) -> str:
        """Return it for people."""
        return f'{self.path}: line {self.number}: {cited(self.why)}'


class OfServer(NamedTuple):
    """What files have of a server.

    :ivar records: oldest first, each once
    :ivar unreadable: the first lines that are no records
    :ivar more_unreadable: how many others there are
    """

    records: list[Record]
    unreadable: list[Unreadable]
    more_unreadable: int


class _Server(msgspec.Struct):
    server: str


_SERVER = msgspec.json.Decoder(_Server)
_NAMED = 10


def of_server(paths: Iterable[pathlib.Path], server: str) -> OfServer:
    """Return the records of a server.

    :param server: its uuid
    :raises OSError: with the file's name, if one cannot be read
    """
    records: dict[str | int, Record] = {}
    unreadable: list[Unreadable] = []
    more = 0
    for found in _of_server(paths, server):
        if isinstance(found, Record):
            # One that the bus sent again is there twice.
            records[found.message_id or len(records)] = found
        elif len(unreadable) < _NAMED:
            unreadable.append(found)
        else:
            more += 1
    in_order = sorted(records.values(), key=lambda each: each.decided_at)
    return OfServer(in_order, unreadable, more)


def _of_server(
    paths: Iterable[pathlib.Path], server: str
) -> Iterator[Record | Unreadable]:
    for path in paths:
        with path.open('rb') as file:
            for number, line in enumerate(_lines(file), 1):
                try:
                    found = _read(line, server)
                except RecordError as error:
                    yield Unreadable(path, number, str(error))
                else:
                    if found is not None:
                        yield found


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines; of one that is too long, its beginning."""
    most = record.LONGEST + 2
    while line := file.readline(most):
        yield line.removesuffix(b'\n')
        while len(line) == most and not line.endswith(b'\n'):
            line = file.readline(most)


def _read(line: bytes, server: str) -> Record | None:
    """Return a record; None if it is another server's, or the line is empty.

    :raises RecordError: if it is no record
    """
    if not line.strip():
        return None
    try:
        if _SERVER.decode(line).server != server:
            return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Said by who reads the whole.
        pass
    return record.read(line)
