# SPDX-License-Identifier: Apache-2.0
"""Writing a disk again as a VMDK that ESXi and Glance take.

``qemu-img`` writes it into a directory of its own beside the target; only what
was checked to be as asked, and to hold what the source holds, gets its name.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping

from hypervisor_affinity import writing
from hypervisor_affinity.image import fitting
from hypervisor_affinity.image import inspection
from hypervisor_affinity.image import qemu
from hypervisor_affinity.image import space
from hypervisor_affinity.image.appliance import extraction
from hypervisor_affinity.image.appliance import manifest
from hypervisor_affinity.image.appliance.manifest import Watch
from hypervisor_affinity.image.disk import MONOLITHIC_FLAT
from hypervisor_affinity.image.disk import MONOLITHIC_SPARSE
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import STREAM_OPTIMIZED
from hypervisor_affinity.image.disk import VMDK
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.formats import streaming
from hypervisor_affinity.image.formats import vmdk_descriptor

CREATE_TYPES = (STREAM_OPTIMIZED, MONOLITHIC_SPARSE, MONOLITHIC_FLAT)

# nova.virt.vmwareapi.constants.DEFAULT_ADAPTER_TYPE; qemu-img's is ide.
DEFAULT_ADAPTER_TYPE = 'lsiLogic'

# qemu-img's. An ESXi refuses what is newer than itself, never what is older,
# and a server's hardware does not depend on it: nova asks for the version of
# the flavor, or else gets vCenter's default
# (nova.virt.vmwareapi.vm_util.get_vm_create_spec).
DEFAULT_HARDWARE_VERSION = 4

# vSphere writes them in two digits, vmx-21, which is of vSphere 8.
HARDWARE_VERSIONS = range(1, 100)

# What a disk that is one file is called while it is written, and so in its
# descriptor: oslo.utils reads nothing but ASCII there, and no slash.
_NAME = 'disk.vmdk'

_PIECE = 1024**2


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """How to write it.

    :ivar create_type: one of :data:`CREATE_TYPES`
    :ivar adapter_type: a ``vmware_adaptertype``; None for what the source
        says, or else :data:`DEFAULT_ADAPTER_TYPE`
    :ivar hardware_version: one of :data:`HARDWARE_VERSIONS`; None for what the
        source says, or else :data:`DEFAULT_HARDWARE_VERSION`
    """

    create_type: str = STREAM_OPTIMIZED
    adapter_type: str | None = None
    hardware_version: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CompleteForm:
    """A :class:`Form` of which nothing is left open."""

    create_type: str
    adapter_type: str
    hardware_version: int


@dataclasses.dataclass(frozen=True, slots=True)
class Prepared:
    """What was read and what was written; they hold the same."""

    source: Disk
    target: Disk
    form: CompleteForm


def prepare(
    source: pathlib.Path,
    target: pathlib.Path,
    form: Form,
    *,
    member: str | None = None,
    replace: bool = False,
    check_space: bool = True,
    watch: Watch,
) -> Prepared:
    """Write a disk again.

    Unless this ends well, all that it wrote is removed.

    :param source: a disk, or an OVA
    :param target: for a flat disk, its descriptor; if it is a link, what it
        leads to is written
    :param member: of an OVA with several disks
    :param replace: write over what has the target's name
    :param check_space: refuse if the target's file system may be too full
    :raises DiskError: if it cannot be done
    """

    def begin() -> pathlib.Path:
        place = _place(target)
        _check_target(place, _names(place, form), [source], replace)
        return place.parent

    with extraction.readable(source, member, begin, watch) as (path, disk):
        return _written(path, disk, target, form, replace, check_space, watch)


def _written(
    source: pathlib.Path,
    disk: Disk,
    target: pathlib.Path,
    form: Form,
    replace: bool,
    check_space: bool,
    watch: Watch,
) -> Prepared:
    """Write a disk again that can be read where it is."""
    target = _place(target)
    complete = _complete(form, disk)
    node = qemu.node(source, disk)
    names = _names(target, complete)
    files = _files(source, disk)
    before = _states(files)
    _check_source(disk)
    _check_target(target, names, files, replace)
    if check_space:
        space.check(target, node, disk, complete.create_type)
    manifest.check_disk(source, disk.appliance, watch)
    with (
        _writing(target),
        tempfile.TemporaryDirectory(
            prefix='.image-prepare-', dir=target.parent
        ) as directory,
    ):
        made = _at_work(pathlib.Path(directory), names)
        result = _make(node, disk, made, complete, watch)
        if _states(files) != before:
            raise DiskError(
                f'{source}: was changed during the conversion; stop the '
                'program that writes to it'
            )
        _publish(made, target.parent, names, replace)
    written = dataclasses.replace(result, name=str(target))
    return Prepared(disk, written, complete)


@contextlib.contextmanager
def _writing(target: pathlib.Path) -> Iterator[None]:
    """Have what goes wrong say that nothing was written.

    :raises DiskError: likewise
    """
    try:
        yield
    except DiskError as error:
        raise DiskError(f'{target}: was not written: {error}') from error
    except OSError as error:
        raise DiskError(
            f'{target}: was not written: {error.strerror}'
        ) from error


def _complete(form: Form, source: Disk) -> CompleteForm:
    return CompleteForm(
        form.create_type,
        form.adapter_type
        or fitting.adapter_type(source)
        or DEFAULT_ADAPTER_TYPE,
        form.hardware_version
        or hardware_version(source.hardware_version or '')
        or DEFAULT_HARDWARE_VERSION,
    )


def hardware_version(text: str) -> int | None:
    """Return what a text says; None for none of :data:`HARDWARE_VERSIONS`."""
    # Python takes digits of any script, and no more than some thousand.
    found = int(text) if re.fullmatch('[0-9]{1,2}', text) else 0
    return found if found in HARDWARE_VERSIONS else None


def _names(target: pathlib.Path, form: Form | CompleteForm) -> tuple[str, ...]:
    """Return the names of the files to write, the descriptor's last."""
    if form.create_type == MONOLITHIC_FLAT:
        # So qemu-img calls it.
        stem, dot, suffix = target.name.rpartition('.')
        extent = f'{stem}-flat.{suffix}' if dot else f'{suffix}-flat'
        return extent, target.name
    return (target.name,)


def _at_work(directory: pathlib.Path, names: tuple[str, ...]) -> pathlib.Path:
    """Return what the target is until it is complete.

    :raises OSError: if the file system does not take its name there
    """
    for name in names:
        (directory / name).touch()
        (directory / name).unlink()
    *extents, name = names
    return directory / (name if extents else _NAME)


def _files(path: pathlib.Path, disk: Disk) -> list[pathlib.Path]:
    """Return the files that a disk is in."""
    if disk.is_one_file:
        # It names what it was called when it was made.
        return [path]
    return [path, *(path.parent / e.file for e in disk.extents)]


def _states(files: list[pathlib.Path]) -> list[tuple[int, int]]:
    """Return what differs once a file was written to."""
    states = [file.stat() for file in files]
    return [(state.st_size, state.st_mtime_ns) for state in states]


def _check_source(disk: Disk) -> None:
    if disk.format == 'iso':
        raise DiskError(
            f'{disk.name}: is an ISO, which ESXi and KVM boot as it is; '
            'upload it'
        )


def _check_target(
    target: pathlib.Path,
    names: Iterable[str],
    sources: list[pathlib.Path],
    replace: bool,
) -> None:
    if not target.parent.is_dir():
        raise DiskError(f'{target.parent}: no such directory')
    qemu.check_path(target)
    extent, *others = names
    if others and not vmdk_descriptor.can_name(extent):
        raise DiskError(
            f'{extent!r}: cannot be used in a descriptor; choose a shorter '
            'name, without quotes, colons, backslashes and control characters'
        )
    promised = inspection.named_format(target)
    if promised not in (None, VMDK):
        raise DiskError(
            f'{target}: would be VMDK, not {promised}; choose a name that '
            'ends in .vmdk'
        )
    for path in (target.parent / name for name in names):
        if not os.path.lexists(path):
            continue
        if any(path.exists() and path.samefile(file) for file in sources):
            raise DiskError(
                f'{path}: is a part of the source; choose another name'
            )
        if _place(path) != path:
            # A descriptor names what is beside it.
            raise DiskError(f'{path}: is a link; remove it')
        if not replace:
            raise DiskError(
                f'{path}: exists; choose another name, or use --replace'
            )


def _place(path: pathlib.Path) -> pathlib.Path:
    """Return what is to be written, behind links.

    :raises DiskError: if it is no file
    """
    try:
        return writing.place(path)
    except OSError as error:
        raise DiskError(f'{path}: {error.strerror}') from error


def _make(
    source: qemu.Node,
    disk: Disk,
    made: pathlib.Path,
    form: CompleteForm,
    watch: Watch,
) -> Disk:
    """Write the target where nobody looks yet; return it, checked."""
    options = {
        'subformat': form.create_type,
        'adapter_type': fitting.DESCRIPTOR_ADAPTERS[form.adapter_type],
        'hwversion': str(form.hardware_version),
    }
    try:
        qemu.convert(
            source,
            made,
            VMDK,
            options,
            functools.partial(watch, 'Converting'),
        )
    except DiskError as error:
        # qemu-img may call it an invalid argument.
        if shutil.disk_usage(made.parent).free < _PIECE:
            raise DiskError(f'no space is left ({error})') from error
        raise
    if form.create_type == STREAM_OPTIMIZED:
        streaming.end_at_marker(made)
    result = inspection.inspect(made)
    _check_result(result, disk, options)
    if not qemu.compare(
        source,
        qemu.node(made, result),
        functools.partial(watch, 'Comparing'),
    ):
        raise DiskError(
            f'its content would differ from {disk.name}; was that changed '
            'during the conversion?'
        )
    return result


def _check_result(
    result: Disk, source: Disk, options: Mapping[str, str]
) -> None:
    """Check that a disk is as asked.

    :raises DiskError: naming all that is not
    """
    sectors = -(-source.virtual_bytes // SECTOR)
    wanted = {**options, 'size': sectors * SECTOR}
    found = {
        'subformat': result.create_type,
        'adapter_type': result.adapter_type,
        'hwversion': result.hardware_version,
        'size': result.virtual_bytes,
    }
    wrong = [
        f'{name} is {found[name]} instead of {value}'
        for name, value in wanted.items()
        if found[name] != value
    ]
    if wrong:
        raise DiskError(
            f'{qemu.PROGRAM} made a wrong disk: {", ".join(wrong)}'
        )


def _publish(
    made: pathlib.Path,
    directory: pathlib.Path,
    names: tuple[str, ...],
    replace: bool,
) -> None:
    """Give files their names and places, so that they outlast a power cut.

    A reader sees the old disk, none or the new one: an extent is there before
    its descriptor, and no descriptor of another disk names it.

    :param made: the descriptor, in a directory with the other files
    :param names: the descriptor's last
    """
    made = made.replace(made.with_name(names[-1])).parent
    for name in names:
        _sync(made / name)
        # It may have come meanwhile.
        if not replace and os.path.lexists(directory / name):
            raise DiskError(
                f'{directory / name}: exists now; choose another name, or use '
                '--replace'
            )
    *extents, descriptor = names
    try:
        if extents:
            (directory / descriptor).unlink(missing_ok=True)
        for name in names:
            (made / name).replace(directory / name)
    except BaseException:
        if (made / descriptor).exists():
            for name in extents:
                if not (made / name).exists():
                    (directory / name).unlink(missing_ok=True)
        raise
    _sync(directory)


def _sync(path: pathlib.Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
