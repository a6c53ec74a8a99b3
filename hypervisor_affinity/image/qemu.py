# SPDX-License-Identifier: Apache-2.0
"""``qemu-img``: what it says of a disk, and the work it does.

The format is always given: a probing qemu-img believes what a raw disk's
first sector says. What it is given was inspected before, since opening is
enough for some formats to make it open other files.
"""

import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from oslo_utils import imageutils

from hypervisor_affinity.image import answers
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError

PROGRAM = 'qemu-img'

# Called with how much of the work is done, from 0 to 1.
Watch = Callable[[float], None]

# Glance's names of formats that qemu calls otherwise.
_FORMATS = {'iso': 'raw', 'vhd': 'vpc'}

# Of a format, when it is opened. qemu takes a VHD's size from its cylinders,
# heads and sectors unless it knows the program that wrote it, and would cut
# what is behind the last whole cylinder.
_OPTIONS = collections.defaultdict(
    dict, vpc={'force_size_calc': 'current_size'}
)

# As nova and glance do it for untrusted images: a GiB of address space and
# half a minute of processor time.
_LIMITS = ('prlimit', '--as=1073741824', '--cpu=30', '--')

# By default, the C library reserves 64 MiB of address space for nearly each
# thread that gets memory, and qemu starts up to 64: that many would not fit.
_ONE_ARENA = {'MALLOC_ARENA_MAX': '1'}

# Work that takes hours ends with who asked for it, even if that is killed.
_BOUND = ('setpriv', '--pdeathsig=KILL', '--')

_PACKAGES = {
    PROGRAM: 'qemu-utils',
    'prlimit': 'util-linux',
    'setpriv': 'util-linux',
}

# Of what it says when it fails.
_READ = 4096

_PROGRESS = re.compile(r'\((\d+\.\d+)/100%\)')

# What ``qemu-img info`` says of a disk, and ``qemu-img map`` of a part of it.
_TOLD = {'virtual-size': int}
_MAPPED = {'data': bool, 'start': int, 'length': int}
_SAME, _DIFFERENT = 0, 1
_SOUND, _CORRUPT, _LEAKY = 0, 2, 3


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """A disk as qemu opens it.

    :ivar format: by qemu's name, which for a VHD is ``vpc``
    :ivar offset: of the disk in the file, in bytes
    :ivar size: of the disk in the file; None for up to its end
    :ivar above: an empty qcow2 through which it is read; None for none
    """

    path: pathlib.Path
    format: str
    offset: int = 0
    size: int | None = None
    above: pathlib.Path | None = None

    @property
    def filename(self) -> str:
        """How to name it on the command line."""
        file: dict[str, Any] = {
            'driver': 'file',
            'filename': str(self.path.absolute()),
        }
        if self.size is not None:
            file = {
                'driver': 'raw',
                'offset': self.offset,
                'size': self.size,
                'file': file,
            }
        disk = {'driver': self.format, 'file': file, **_OPTIONS[self.format]}
        if self.above:
            above = {'driver': 'file', 'filename': str(self.above)}
            disk = {'driver': 'qcow2', 'file': above, 'backing': disk}
        return 'json:' + json.dumps(disk)


def node(path: pathlib.Path, disk: Disk) -> Node:
    """Return how qemu opens a disk that was inspected.

    :param path: of the disk's file, or of the OVA that it is in
    """
    disk_format = _FORMATS.get(disk.format, disk.format)
    if disk.appliance is None or disk.appliance.is_extracted:
        return Node(path, disk_format)
    # It opens no part that ends within a sector. A tar archive fills up the
    # sector of a member's end.
    sectors = -(-disk.appliance.size // SECTOR)
    return Node(path, disk_format, disk.appliance.offset, sectors * SECTOR)


def check_path(path: pathlib.Path) -> None:
    """See that qemu-img can be told to open a file.

    :raises DiskError: if it cannot, since JSON is UTF-8
    """
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:
        raise DiskError(
            f'{path}: its name or that of its directory is not UTF-8, so '
            f'{PROGRAM} cannot open it; use other names'
        ) from error


def info(node: Node) -> imageutils.QemuImgInfo:
    """Return what ``qemu-img info`` says.

    :raises DiskError: if it cannot open the disk, or is not installed
    """
    said: list[str] = []
    _run(
        [*_LIMITS, PROGRAM, 'info', '--output=json', node.filename],
        [node],
        said.append,
    )
    text = ''.join(said)
    answers.parsed(f'{PROGRAM} info', text, node.path, _TOLD)
    return imageutils.QemuImgInfo(text, format='json')


def head(node: Node, length: int) -> bytes:
    """Return the first bytes of what a disk holds; fewer if it has fewer.

    :raises DiskError: if qemu-img cannot read them
    """
    with tempfile.TemporaryDirectory() as directory:
        target = pathlib.Path(directory) / 'head.raw'
        _run(
            [
                *(*_LIMITS, PROGRAM, 'dd', '-O', 'raw', f'bs={length}'),
                *('count=1', f'if={node.filename}', f'of={target}'),
            ],
            [node],
            _ignore,
        )
        return target.read_bytes()


def corruptions(node: Node) -> int:
    """Return how many things ``qemu-img check`` finds corrupt in a qcow2.

    Data behind the end of the file are such, which any reader would take for
    zeros. Clusters that nothing refers to are not.

    :raises DiskError: if qemu-img cannot open the disk
    """
    said: list[str] = []
    _run(
        [*_LIMITS, PROGRAM, 'check', '--output=json', node.filename],
        [node],
        said.append,
        accepted=(_SOUND, _CORRUPT, _LEAKY),
    )
    found = answers.parsed(f'{PROGRAM} check', ''.join(said), node.path)
    return found.get('corruptions', 0)


def data_bytes(node: Node, grain_bytes: int = 1) -> int:
    """Return how much of a disk may be other than zeros.

    Zeros that take room in the file count as well.

    :param grain_bytes: count whole grains of this size
    :raises DiskError: if qemu-img cannot open the disk, or its answer cannot
        be read
    """
    grains = 0
    # The first grain that is not counted yet.
    uncounted = 0

    def count(line: str) -> None:
        nonlocal grains, uncounted
        # One array, an item a line. Read at once, that of a large disk in
        # small pieces would be gigabytes.
        item = line.strip('[],\n')
        if not item:
            return
        part = answers.parsed(f'{PROGRAM} map', item, node.path, _MAPPED)
        if part['data']:
            end = -(-(part['start'] + part['length']) // grain_bytes)
            start = max(uncounted, part['start'] // grain_bytes)
            grains += end - start
            uncounted = end

    _run(
        [*_BOUND, PROGRAM, 'map', '--output=json', node.filename],
        [node],
        count,
    )
    return grains * grain_bytes


def convert(
    source: Node,
    target: pathlib.Path,
    disk_format: str,
    options: Mapping[str, str],
    watch: Watch,
) -> None:
    """Write a disk again.

    What is written when this raises is left for the caller to remove.

    :param disk_format: of the target, by qemu's name
    :param options: of the format; no value may hold a comma
    :raises DiskError: if qemu-img cannot
    """
    asked = [f'-o{name}={value}' for name, value in options.items()]
    _run(
        [
            *(*_BOUND, PROGRAM, 'convert', '-p', '-O', disk_format, *asked),
            *(source.filename, str(target.absolute())),
        ],
        [source],
        _progress_to(watch),
    )


def compare(one: Node, other: Node, watch: Watch) -> bool:
    """Tell whether two disks of one size hold the same.

    :raises DiskError: if qemu-img cannot read one
    """
    with contextlib.ExitStack() as overlays:
        nodes = [overlays.enter_context(_quick(node)) for node in (one, other)]
        code = _run(
            [
                *(*_BOUND, PROGRAM, 'compare', '-p'),
                *(node.filename for node in nodes),
            ],
            nodes,
            _progress_to(watch),
            accepted=(_SAME, _DIFFERENT),
        )
    return code == _SAME


@contextlib.contextmanager
def _quick(node: Node) -> Iterator[Node]:
    """Have a disk's unwritten parts asked for in time that is bounded.

    To tell how far an unwritten part of a VHD goes, qemu looks at all of its
    blocks up to the next written one. ``qemu-img compare`` asks again at each
    grain of a VMDK, so it would take time with the square of the size. An
    empty qcow2 above the VHD holds the same, and asks it for 32 MiB at most.
    """
    if node.format != 'vpc':
        yield node
        return
    with tempfile.TemporaryDirectory() as directory:
        above = pathlib.Path(directory) / 'empty.qcow2'
        size = str(info(node).virtual_size)
        _run(
            [*_LIMITS, PROGRAM, 'create', '-qfqcow2', str(above), size],
            [node],
            _ignore,
        )
        yield dataclasses.replace(node, above=above)


def _ignore(line: str) -> None:
    """Read what says nothing."""


def _progress_to(watch: Watch) -> Callable[[str], None]:
    def read(line: str) -> None:
        if found := _PROGRESS.search(line):
            watch(float(found[1]) / 100)

    return read


def _run(
    command: list[str],
    nodes: list[Node],
    read: Callable[[str], None],
    accepted: tuple[int, ...] = (0,),
) -> int:
    """Run qemu-img; return its exit code.

    However this ends, qemu-img has ended.

    :param nodes: what it is given to open
    :param read: called with each line of its output; a carriage return ends
        a line, too
    :param accepted: exit codes that are no failures
    :raises DiskError: if it fails or is not installed
    """
    for program in (PROGRAM, command[0]):
        if not shutil.which(program):
            raise DiskError(
                f'{program} is not installed; Debian has it in the package '
                f'{_PACKAGES[program]}'
            )
    for node in nodes:
        check_path(node.path)
    with (
        _file() as errors,
        _started(command, errors) as process,
    ):
        try:
            for line in process.stdout or ():
                read(line)
            code = process.wait()
        finally:
            process.kill()
            process.wait()
        if code not in accepted:
            errors.seek(0)
            said = errors.read(_READ)
            raise DiskError(_failure(command, code, said, nodes))
    return code


def _failure(
    command: list[str], code: int, said: str, nodes: list[Node]
) -> str:
    spellings = {node.filename: str(node.path) for node in nodes}
    text = answers.failure(
        ' '.join(command[command.index(PROGRAM) :][:2]),
        code,
        said,
        [node.path for node in nodes],
        spellings,
    )
    if code < 0 and command[0] in _LIMITS:
        text += '; it may use a GiB of memory and 30 seconds of processor time'
    return text


def _file() -> IO[str]:
    """Return a file for what a program complains of.

    No pipe: nobody reads it meanwhile, and a full one stops the work.

    :raises DiskError: if there is no place for it
    """
    try:
        return tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace')
    except OSError as error:
        raise DiskError(
            f'no temporary file can be made: {error.strerror}; set TMPDIR to '
            'a directory that can be written to'
        ) from error


def _started(command: list[str], errors: IO[str]) -> subprocess.Popen[str]:
    try:
        # No shell reads it. The name of a file is a value in a node's JSON or
        # an absolute path, never an option.
        return subprocess.Popen(  # noqa: S603
            command,
            env=os.environ | (_ONE_ARENA if command[0] in _LIMITS else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding='utf-8',
            errors='replace',
        )
    except OSError as error:
        raise DiskError(
            f'{command[0]}: cannot be run: {error.strerror}'
        ) from error
