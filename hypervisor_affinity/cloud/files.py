# SPDX-License-Identifier: Apache-2.0
"""Snapshots in files: JSON, read and written as a stream, or YAML."""

import contextlib
import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import ijson
import msgspec
import yaml

from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.snapshot import Aggregate
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Host
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.cloud.snapshot import Server
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import SourceError

_Type = TypeVar('_Type')
_YAML = frozenset({'.yaml', '.yml'})
_ARRAY = frozenset({'start_array', 'end_array'})
# libyaml's, where PyYAML was built with it.
_Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


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
            self._document = read_yaml(path, snapshot.Snapshot)
            self._head = self._document
        else:
            self._document = None
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
        if self._document is not None:
            yield from getattr(self._document, section)
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
        with self._open() as file:
            for prefix, event, value in ijson.parse(file, use_float=True):
                if prefix == '' and event == 'map_key':
                    shape[value] = []
                elif prefix in shape and event not in _ARRAY:
                    shape[prefix] = value
        return convert(shape, snapshot.Snapshot, self.name)

    @contextlib.contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            with self._path.open('rb') as file:
                yield file
        except OSError as error:
            raise SourceError(f'{self.name}: {error.strerror}') from error
        except ijson.JSONError as error:
            # The parser shows the text around the place, over many lines.
            cause = str(error).splitlines()[0].strip()
            raise SourceError(
                f'{self.name}: no JSON, or not all of it: {cause}'
            ) from error


def read_yaml(path: pathlib.Path, kind: type[_Type]) -> _Type:
    """Return a YAML document, checked.

    :raises SourceError: naming what is wrong and where
    """
    try:
        with path.open('rb') as file:
            document = yaml.load(file, Loader=_Loader)
    except OSError as error:
        raise SourceError(f'{path}: {error.strerror}') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SourceError(f'{path}: no YAML: {error}') from error
    return convert(document, kind, str(path))


def convert(
    value: object, kind: type[_Type], where: str, path: str = '$'
) -> _Type:
    """Return what a parser made of a file, as a record.

    :param where: the file
    :param path: of the value in the file, in JSONPath's notation
    :raises SourceError: with the path of the first wrong element
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        cause, _, inner = str(error).partition(' - at `$')
        wrong = _with_keys(value, inner.rstrip('`'))
        raise SourceError(f'{where}: at {path}{wrong}: {cause}') from error


def _with_keys(value: Any, path: str) -> str:
    """Replace the ``[...]`` in a path, for which msgspec has any key.

    Mappings of free keys hold strings, so the wrong one is another.
    """
    for step in re.findall(r'\.(\w+)|\[(\d+)\]', path.partition('[...]')[0]):
        name, index = step
        value = value[name] if name else value[int(index)]
    if '[...]' in path:
        wrong = next(
            (k for k, v in value.items() if not isinstance(v, str)), '...'
        )
        path = path.replace('[...]', f'[{wrong!r}]')
    return path


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
    """Open a file to write, which takes its place when all is written.

    Of a failure nothing is left behind. Only the user may read the file.

    :raises SourceError: if it cannot be written
    """
    try:
        number, name = tempfile.mkstemp(
            dir=path.parent, prefix=f'.{path.name}.'
        )
        try:
            with open(number, 'wb') as file:
                yield file
                file.flush()
                os.fsync(number)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SourceError(f'{path}: {error.strerror}') from error


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
