# SPDX-License-Identifier: Apache-2.0
"""Snapshots in files: JSON, read and written as a stream, or YAML."""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import ijson
import msgspec
import yaml

from hypervisor_affinity import writing
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud import yaml_document
from hypervisor_affinity.cloud.conversion import convert
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.yaml_document import YamlError

_Type = TypeVar('_Type')
_YAML = frozenset({'.yaml', '.yml'})
_ENDS = frozenset({'end_array', 'end_map'})
# What stands for a key's value as long as its elements are not read.
_TOP: dict[str, Any] = {'start_array': [], 'start_map': {}}
_STEPS = {'start_array': 1, 'start_map': 1, 'end_array': -1, 'end_map': -1}
# Levels inside of one another: the deepest place that has a meaning is
# $.vcenters[0].clusters[0].hosts[0].adapters['vmk0'][0].
_DEEPEST = 20
# Between elements of a section.
_ELEMENTS = 2
# In bytes, of an element: a vCenter with 100,000 VMs has 5 MiB.
_LARGEST = 16 * 1024**2


class FileSource(Source):
    """A snapshot in a file.

    Of a JSON file only one element at a time is in memory. A YAML file is
    read whole: it is for what was written by hand.
    """

    def __init__(self, path: pathlib.Path) -> None:
        """Check that the file is there, whole, and a snapshot.

        Its elements are checked when they are read.

        :raises SourceError: naming what is wrong and where
        """
        self._path = path
        if path.suffix in _YAML:
            self._head = read_yaml(path, snapshot.Snapshot)
        else:
            self._head = self._check_json()

    @property
    def name(self) -> str:
        """Return the file's name."""
        return str(self._path)

    @property
    def taken_from(self) -> str:
        """Return what the snapshot says of it."""
        return self._head.source

    @property
    def taken_at(self) -> str:
        """Return what the snapshot says of it."""
        return self._head.taken_at

    def hosts(self) -> Iterator[Host]:
        """Yield the compute nodes."""
        return self._section('hosts')

    def aggregates(self) -> Iterator[Aggregate]:
        """Yield the host aggregates."""
        return self._section('aggregates')

    def flavors(self) -> Iterator[Flavor]:
        """Yield the flavors."""
        return self._section('flavors')

    def images(self) -> Iterator[Image]:
        """Yield the images."""
        return self._section('images')

    def vcenters(self) -> Iterator[VCenter]:
        """Yield the vCenters."""
        return self._section('vcenters')

    def servers(self) -> Iterator[Server]:
        """Yield the servers."""
        return self._section('servers')

    def _section(self, section: str) -> Iterator[Any]:
        if self._path.suffix in _YAML:
            yield from getattr(self._head, section)
            return
        with self._open() as file:
            items = ijson.items(file, f'{section}.item', use_float=True)
            for number, item in enumerate(items):
                yield convert(
                    item,
                    snapshot.SECTIONS[section],
                    self.name,
                    f'$.{section}[{number}]',
                )

    def _check_json(self) -> snapshot.Snapshot:
        """Read the file to its end, and return it without the sections."""
        shape: dict[str, Any] = {}
        depth, key = 0, '(none)'
        with self._open() as file:
            counted = _Counted(file)
            # Without the place of each: of what is deep, it is long.
            for event, value in ijson.basic_parse(counted, use_float=True):
                if depth == 1 and event == 'map_key':
                    key = value
                    shape[key] = []
                elif depth == 1 and key in shape and event not in _ENDS:
                    shape[key] = _TOP.get(event, value)
                depth += _STEPS.get(event, 0)
                if depth > _DEEPEST:
                    raise SourceError(
                        f'{self.name}: in $.{key}: more than {_DEEPEST} '
                        'nested levels'
                    )
                if depth <= _ELEMENTS:
                    counted.begin(key)
        return convert(shape, snapshot.Snapshot, self.name)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            # It is read more than once; and whoever opens a FIFO waits for
            # who writes it.
            if self._path.exists() and not (
                self._path.is_file() or self._path.is_dir()
            ):
                raise SourceError(f'{self.name}: not a regular file')
            with self._path.open('rb') as file:
                yield file
        except OSError as error:
            raise SourceError(f'{self.name}: {error.strerror}') from error
        except ijson.JSONError as error:
            # The parser shows the text around the place, over many lines, and
            # as bytes if they are no UTF-8.
            text = error.args[0] if error.args else ''
            if isinstance(text, bytes):
                text = text.decode(errors='replace')
            cause = str(text).partition('\n')[0].strip()
            raise SourceError(
                f'{self.name}: not valid JSON, or truncated: {cause}'
            ) from error
        except (RecursionError, ValueError) as error:
            raise SourceError(
                f'{self.name}: not a valid snapshot: {error}'
            ) from error


class _Counted:
    """A file, of which each element may be so large only.

    The parser itself says nothing before a text is at its end.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = 0
        self._section = ''

    def begin(self, section: str) -> None:
        """Count again: an element of this section comes."""
        self._size = 0
        self._section = section

    def read(self, size: int) -> bytes:
        """Return what comes next.

        :raises ValueError: if an element is too large
        """
        chunk = self._file.read(size)
        self._size += len(chunk)
        if self._size > _LARGEST:
            raise ValueError(
                f'in $.{self._section}: an element is larger than '
                f'{_LARGEST // 1024**2} MiB'
            )
        return chunk


def read_yaml(path: pathlib.Path, kind: type[_Type]) -> _Type:
    """Return a YAML document, checked.

    :raises SourceError: naming what is wrong and where
    """
    try:
        with path.open('rb') as file:
            text = yaml_document.read(file)
        document = yaml_document.parse(text)
    except OSError as error:
        raise SourceError(f'{path}: {error.strerror}') from error
    except YamlError as error:
        cause = ' '.join(str(error).split())
        raise SourceError(f'{path}: {cause}') from error
    find_line = functools.partial(yaml_document.find_line, text)
    return convert(document, kind, str(path), find_line=find_line)


Watch = Callable[[str, Iterator[Any]], Iterator[Any]]


def save(
    source: Source,
    path: pathlib.Path,
    watch: Watch = lambda section, records: records,
) -> dict[str, int]:
    """Write a snapshot; of a failure nothing is left behind.

    Only the user may read the file.

    :param watch: takes a section's name and its elements, and yields them
    :returns: how many elements each section has
    :raises SourceError: if the source or the file fails; a file that was
        there before is as it was
    """
    counts = {}
    with replacing(path) as file:
        writer = _YamlWriter if path.suffix in _YAML else _JsonWriter
        document = writer(file)
        document.begin(
            {
                'format': snapshot.FORMAT,
                'version': snapshot.VERSION,
                'taken_at': source.taken_at,
                'source': source.taken_from,
            }
        )
        for section in snapshot.SECTIONS:
            counts[section] = document.write(
                section, watch(section, getattr(source, section)())
            )
        document.end()
    return counts


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """Open a file as :func:`hypervisor_affinity.writing.replacing` does.

    Only the user may read it.

    :raises SourceError: if it cannot be written
    """
    try:
        with writing.replacing(path) as file:
            yield file
    except OSError as error:
        name = 'standard output' if path == writing.STANDARD_OUTPUT else path
        raise SourceError(f'{name}: {error.strerror}') from error


class _JsonWriter:
    """An element a line, so that two snapshots can be compared by lines."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def begin(self, head: dict[str, Any]) -> None:
        self._file.write(msgspec.json.encode(head)[:-1])

    def write(self, section: str, records: Iterator[Any]) -> int:
        self._file.write(f',\n"{section}": ['.encode())
        count = 0
        for record in records:
            self._file.write(b',\n' if count else b'\n')
            self._file.write(msgspec.json.encode(record))
            count += 1
        self._file.write(b'\n]')
        return count

    def end(self) -> None:
        self._file.write(b'}\n')


class _YamlWriter:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def begin(self, head: dict[str, Any]) -> None:
        self._dump(head)

    def write(self, section: str, records: Iterator[Any]) -> int:
        count = 0
        for record in records:
            if not count:
                self._file.write(f'{section}:\n'.encode())
            self._dump([msgspec.to_builtins(record)])
            count += 1
        return count

    def end(self) -> None:
        pass

    def _dump(self, value: object) -> None:
        text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        self._file.write(text.encode())
