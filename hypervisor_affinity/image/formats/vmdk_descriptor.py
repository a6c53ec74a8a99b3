# SPDX-License-Identifier: Apache-2.0
"""A VMDK's descriptor: a short text, which may name other files.

From VMware's "Virtual Disk Format 5.0", and from how qemu's ``block/vmdk.c``
reads: qemu searches the text for a few words and believes the first, wherever
it is. So what could be read in two ways is refused here.

In a disk that is one file, the extent is that file, whatever name it had when
it was made: nobody reads it there. qemu does not even look for extents behind
a header that gives a size (``vmdk_open_vmdk4``).
"""

import dataclasses
import re

from hypervisor_affinity.image.disk import REDO
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Extent
from hypervisor_affinity.image.disk import UnsafeDisk

# qemu and oslo.utils read no more of a descriptor.
MAX_DESCRIPTOR = 1024**2 - 1

# In bytes, as file systems have it; qemu would cut a long one.
MAX_NAME = 255

# A name in UTF-8, and what is around it.
MAX_LINE = 1024

# A TiB in pieces of 2 GiB. qemu-img opens all of them at once, and a process
# may open 1024 files unless it was told otherwise.
MAX_EXTENTS = 512

_NO_PARENT = 0xFFFFFFFF

# qemu-img writes a CID of fewer digits over one of eight, and leaves as many
# characters of the text's end behind its new end.
_RESIDUE = 7

_DELTAS = frozenset({'vmfsSparse', 'seSparse'})
_DEVICES = frozenset(
    {
        'fullDevice',
        'partitionedDevice',
        'vmfsRaw',
        'vmfsRawDeviceMap',
        'vmfsRDM',
        'vmfsRDMP',
        'vmfsPassthroughRawDeviceMap',
    }
)

# What stands for a byte that is not in the encoding.
_UNREADABLE = '\N{REPLACEMENT CHARACTER}'

_EXTENT = re.compile(
    r'(RW|RDONLY|NOACCESS)[ \t]+(\d{1,15})[ \t]+(\w{1,10})'
    r'(?:[ \t]+"([^"]*)"(?:[ \t]+(\d{1,15}))?)?',
    re.ASCII,
)

# Of a disk that is one file: all is a name up to the line's last quote.
_OWN_EXTENT = re.compile(
    _EXTENT.pattern.replace('[^"]*', '.*'),
    re.ASCII,
)

# Of the disk data base, what is read here, or shapes the disk to somebody.
# Other keys of it, such as ddb.uuid, tell who made the disk.
_DATA_BASE = 'ddb.'
_BELIEVED = (
    'ddb.adaptertype',
    'ddb.deletable',
    'ddb.encoding',
    'ddb.geometry.',
    'ddb.thinprovisioned',
    'ddb.virtualhwversion',
)

_CREATE_TYPE = re.compile(r'^[ \t\r]*createType[ \t]*=', re.I | re.M)
_SETTING = re.compile(r'([\w.:-]+)[ \t]*=[ \t]*(.*)', re.ASCII)

CONSOLIDATE = 'delete or consolidate its snapshots, and export it again'
_BESIDE = (
    'put all extents next to the descriptor, and name them without a directory'
)


_NOT_ASCII = (
    'they read a descriptor only in ASCII, and this one is not, such as text '
    'in a code page of Windows'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Descriptor:
    """What a descriptor says.

    :ivar adapter_type, hardware_version: None if it does not say
    :ivar unread: why Glance and nova do not read it; '' if they do
    """

    create_type: str
    adapter_type: str | None
    hardware_version: str | None
    extents: tuple[Extent, ...]
    unread: str


def read(name: str, content: bytes, *, one_file: bool = False) -> Descriptor:
    """Return what a descriptor says.

    :param name: of the file, for messages
    :param one_file: whether it is in the disk's only file, so that the names
        of extents are those of no files
    :raises DiskError: if it cannot be read
    :raises UnsafeDisk: if it could be read in two ways, names a parent or a
        device, or leads out of its directory
    """
    text = _text(name, content, one_file)
    settings, extents = _parse(name, text, one_file)
    _check_parent(name, text, settings)
    return Descriptor(
        _create_type(name, text, settings),
        settings.get('ddb.adaptertype'),
        settings.get('ddb.virtualhwversion'),
        extents,
        '' if text.isascii() else _NOT_ASCII,
    )


def can_name(file: str) -> bool:
    """Tell whether a descriptor can name a file beside it."""
    return (
        file.isprintable()
        and not {'"', _UNREADABLE} & {*file}
        and not _leads_out(file)
        and len(file.encode()) <= MAX_NAME
    )


def _text(name: str, content: bytes, one_file: bool) -> str:
    text, _, rest = content.partition(b'\0')
    residue = rest.strip(b'\0')
    if len(residue) > _RESIDUE or not text.endswith(residue):
        raise UnsafeDisk(
            f'{name}: its descriptor has more text after its end at byte '
            f'{len(text)}; {REDO}'
        )
    # A Windows program writes in its code page. In any of them, what ends a
    # name or a line is ASCII and part of no other character.
    return text.decode('ascii' if one_file else 'utf-8', errors='replace')


def _parse(
    name: str, text: str, one_file: bool
) -> tuple[dict[str, str], tuple[Extent, ...]]:
    """Return settings, name in lower case -> value, and extents."""
    settings: dict[str, str] = {}
    extents: list[Extent] = []
    form = _OWN_EXTENT if one_file else _EXTENT
    for number, line in enumerate(text.split('\n'), 1):
        place = f'{name}: line {number} of its descriptor'
        line = line.strip(' \t\r')
        extent = form.fullmatch(line)
        unread = one_file and extent
        _check_line(place, line, MAX_DESCRIPTOR if unread else MAX_LINE)
        if not line or line.startswith('#'):
            continue
        if setting := _SETTING.fullmatch(line):
            key, value = setting[1].lower(), setting[2].strip().strip('"')
            if settings.get(key, value) != value and not _is_harmless(key):
                raise UnsafeDisk(
                    f'{place} sets {key} to another value than a line before; '
                    f'{REDO}'
                )
            settings[key] = value
        elif extent:
            access, sectors, kind, file, offset = extent.groups()
            if file is not None and not one_file:
                _check_name(place, file)
            extents.append(
                Extent(
                    access,
                    int(sectors) * SECTOR,
                    kind,
                    file or '',
                    int(offset or 0) * SECTOR,
                )
            )
        else:
            raise UnsafeDisk(
                f'{place} is neither a setting nor an extent: {line!r}; {REDO}'
            )
        if len(extents) > MAX_EXTENTS:
            raise UnsafeDisk(
                f'{place} is extent {len(extents)}; at most {MAX_EXTENTS} are '
                'read; export the disk as streamOptimized'
            )
    return settings, tuple(extents)


def _check_line(place: str, line: str, most: int) -> None:
    if len(line) > most:
        raise UnsafeDisk(
            f'{place} has {len(line)} characters; at most {most} are read; '
            f'{REDO}'
        )
    if not line.replace('\t', ' ').isprintable():
        raise UnsafeDisk(
            f'{place} has characters that are not text: {line[:MAX_LINE]!r}; '
            f'{REDO}'
        )


def _is_harmless(key: str) -> bool:
    """Tell whether a key may be set again, since nobody believes either."""
    return key.startswith(_DATA_BASE) and not key.startswith(_BELIEVED)


def _check_name(place: str, file: str) -> None:
    # A character of a code page may have the byte of a backslash.
    if _UNREADABLE in file:
        raise DiskError(
            f'{place} names a file in a code page, such as of Windows, and '
            'not in UTF-8; give the file an ASCII name, and write that into '
            'the line'
        )
    if _leads_out(file):
        raise UnsafeDisk(
            f'{place} leads out of the directory: {file!r}; {_BESIDE}'
        )
    if len(file.encode()) > MAX_NAME:
        raise UnsafeDisk(
            f'{place} has a name of {len(file.encode())} bytes; at most '
            f'{MAX_NAME} are allowed; {_BESIDE}'
        )


def _leads_out(file: str) -> bool:
    # A colon would end the name of a protocol or of a drive.
    return file in ('', '.', '..') or bool(re.search(r'[/\\:]', file))


def _check_parent(name: str, text: str, settings: dict[str, str]) -> None:
    # qemu finds the word in a comment, too.
    if 'parentfilenamehint' in text.lower():
        raise UnsafeDisk(
            f'{name}: its descriptor names a parent that its data is based on '
            f'(parentFileNameHint); {CONSOLIDATE}'
        )
    parent = settings.get('parentcid', '')
    if parent.lower() != f'{_NO_PARENT:x}':
        raise UnsafeDisk(
            f'{name}: its descriptor says parentCID {parent or "nothing"}, '
            f'but without a parent it is {_NO_PARENT:x}; {CONSOLIDATE}'
        )


def _create_type(name: str, text: str, settings: dict[str, str]) -> str:
    create_type = settings.get('createtype')
    # qemu and oslo.utils take the first, though it be in a comment.
    lines = len(_CREATE_TYPE.findall(text))
    if create_type is None or text.lower().count('createtype') != lines:
        raise UnsafeDisk(
            f'{name}: its descriptor does not set createType, or says it in '
            f'another place, too; {REDO}'
        )
    if create_type in _DELTAS:
        raise UnsafeDisk(
            f'{name}: its createType {create_type} keeps the changes of a '
            f'snapshot to a parent; {CONSOLIDATE}'
        )
    if create_type in _DEVICES:
        raise UnsafeDisk(
            f'{name}: its createType {create_type} refers to a device; export '
            'the disk as streamOptimized'
        )
    return create_type
