# SPDX-License-Identifier: Apache-2.0
"""The readers of foreign files, each given nothing but bytes.

Whatever the bytes are, none raises anything but a :class:`DiskError`.
"""

import contextlib
import os
import pathlib
import struct
import tempfile
from collections.abc import Callable
from unittest import mock

from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.appliance import extraction
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.appliance.manifest import Manifest
from hypervisor_affinity.image.appliance.ovf import Envelope
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.formats import foreign
from hypervisor_affinity.image.formats import maps
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.formats import streaming
from hypervisor_affinity.image.formats import tables
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.formats import vhdx
from hypervisor_affinity.image.formats import vmdk
from hypervisor_affinity.image.formats import vmdk_descriptor
from hypervisor_affinity.image.probe import probe
from tests.disk_files import Counting

# Of an empty file nobody is asked.
NONE = b''

# Where VHDX's first table is.
_VHDX_TABLES = 192 * 1024

# Longest content that an input is repeated to, as a power of two: two pieces
# of a map.
_LONGEST = 21

_MAP = struct.Struct('<IIB')
# Of numbers, as in maps.Near.
_FORMS = (
    ('<I', None, 2),
    ('>I', None, 1),
    ('<Q', None, 0),
    ('>Q', 2**54 - 1, 0),
)


def _of_content(read: Callable[[Counting], object]) -> Callable:
    return lambda data: read(Counting(data))


def _descriptor(data: bytes) -> None:
    for one_file in (False, True):
        with contextlib.suppress(DiskError):
            vmdk_descriptor.read('fuzzed', data, one_file=one_file)


def _tables(data: bytes) -> None:
    for disk_format in ('qcow2', 'vdi'):
        with contextlib.suppress(DiskError):
            tables.check(Counting(data.ljust(SECTOR, b'\0')), disk_format)


def _vhd(data: bytes) -> None:
    content = Counting(data)
    # It is asked only of what has a footer.
    if vhd.is_fixed(content) or data.startswith(b'conectix'):
        vhd.size(content)


def _envelope(data: bytes) -> None:
    envelope = Envelope('fuzzed', data)
    envelope.first_file()
    for disk in envelope.disks():
        machine = envelope.machine_of(disk)
        machine.adapter_type(disk.identity)
        machine.strange_controller(disk.identity)


class _Repeated:
    """An input, again and again up to the length that its first byte says."""

    name = 'repeated'

    def __init__(self, data: bytes) -> None:
        self._data = data[1:] or b'\0'
        self.size = max(len(self._data), 1 << data[0] % (_LONGEST + 1))

    def read(self, offset: int, length: int) -> bytes:
        """Return a part."""
        assert offset >= 0
        assert length >= 0
        length = min(length, max(0, self.size - offset))
        start = offset % len(self._data)
        times = -(-(start + length) // len(self._data))
        return (self._data * times)[start : start + length]


def _qcow2(data: bytes) -> None:
    # It is asked only of what has its first table.
    tables.check(_Repeated(data[:1] + data[1:].ljust(SECTOR, b'\0')), 'qcow2')


def _maps(data: bytes) -> None:
    place, number, form = _MAP.unpack_from(data.ljust(_MAP.size, b'\0'))
    content = _Repeated(data[_MAP.size :] or b'\0')
    form, bits, none = _FORMS[form % len(_FORMS)]
    near = maps.Near(form, content.size, bits, none)
    for piece in maps.pieces(content, place, number, near):
        maps.check_end(content, max(piece))


class _Behind:
    """An input behind what is not looked at."""

    name = 'behind'

    def __init__(self, data: bytes, start: int) -> None:
        self.size = start + len(data)
        self._data = data
        self._start = start

    def read(self, offset: int, length: int) -> bytes:
        """Return a part, which is 0 before the input."""
        assert offset >= 0
        assert length >= 0
        length = min(length, max(0, self.size - offset))
        place = offset - self._start
        before = bytes(min(length, max(0, -place)))
        end = max(0, place + length)
        return before + self._data[max(0, place) : end]


def _in_file(
    name: str, read: Callable[[pathlib.Path], object]
) -> Callable[[bytes], None]:
    def write_and_read(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / name
            path.write_bytes(data)
            read(path)

    return write_and_read


def _extracted(path: pathlib.Path) -> None:
    with (
        # qemu-img is not there, so that the disk is read here only.
        mock.patch.dict(os.environ, PATH=''),
        extraction.readable(
            path, None, lambda: path.parent, lambda step, done: None
        ),
    ):
        pass


def _manifest(data: bytes) -> None:
    Manifest('fuzzed', 'a.mf', data).find({'disk.vmdk'})


READERS: dict[str, Callable[[bytes], object]] = {
    'everything': _of_content(inspection.inspect_content),
    'extraction': _in_file('fuzzed.ova', _extracted),
    'foreign': _of_content(foreign.check),
    'manifest': _manifest,
    'maps': _maps,
    'ova': _of_content(lambda content: ova.Archive(content).find_disk(None)),
    'ovf': _envelope,
    'probe': _of_content(probe),
    'qcow2': _qcow2,
    'sectors': sectors.partitioned_for,
    'streaming': _in_file('fuzzed.vmdk', streaming.end_at_marker),
    'tables': _tables,
    'vhd': _vhd,
    'vhdx': lambda data: vhdx.check(_Behind(data, _VHDX_TABLES)),
    'vmdk': _of_content(vmdk.read),
    'vmdk_descriptor': _descriptor,
}


def read(name: str, data: bytes) -> None:
    """Have a reader read.

    :raises Exception: it did not cope
    """
    if data == NONE:
        return
    with contextlib.suppress(DiskError):
        READERS[name](data)
