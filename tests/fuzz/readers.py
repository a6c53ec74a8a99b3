# SPDX-License-Identifier: Apache-2.0
"""The readers of foreign files, each given nothing but bytes.

Whatever the bytes are, none raises anything but a :class:`DiskError`.
"""

import contextlib
from collections.abc import Callable

from hypervisor_affinity.image import inspection
from hypervisor_affinity.image.appliance import ova
from hypervisor_affinity.image.appliance.manifest import Manifest
from hypervisor_affinity.image.appliance.ovf import Envelope
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.formats import foreign
from hypervisor_affinity.image.formats import sectors
from hypervisor_affinity.image.formats import tables
from hypervisor_affinity.image.formats import vhd
from hypervisor_affinity.image.formats import vhdx
from hypervisor_affinity.image.formats import vmdk
from hypervisor_affinity.image.formats import vmdk_descriptor
from hypervisor_affinity.image.probe import probe
from tests.disk_files import Counting

# Of an empty file nobody is asked.
NONE = b''


def _of_content(read: Callable[[Counting], object]) -> Callable:
    return lambda data: read(Counting(data))


def _descriptor(data: bytes) -> None:
    for one_file in (False, True):
        with contextlib.suppress(DiskError):
            vmdk_descriptor.read('fuzzed', data, one_file=one_file)


def _tables(data: bytes) -> None:
    for disk_format in ('qcow2', 'vdi'):
        with contextlib.suppress(DiskError):
            tables.check(Counting(data.ljust(512, b'\0')), disk_format)


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


def _manifest(data: bytes) -> None:
    Manifest('fuzzed', 'a.mf', data).find({'disk.vmdk'})


READERS: dict[str, Callable[[bytes], object]] = {
    'everything': _of_content(inspection.inspect_content),
    'foreign': _of_content(foreign.check),
    'manifest': _manifest,
    'ova': _of_content(lambda content: ova.Archive(content).find_disk(None)),
    'ovf': _envelope,
    'probe': _of_content(probe),
    'sectors': sectors.partitioned_for,
    'tables': _tables,
    'vhd': _vhd,
    'vhdx': _of_content(vhdx.check),
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
