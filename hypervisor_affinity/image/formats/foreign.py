# SPDX-License-Identifier: Apache-2.0
"""Files that are no disks to Glance and nova, which call them raw.

oslo.utils calls raw whatever it does not know, an archive or a web page, too.
nova then has qemu probe the file (``nova.virt.images.fetch_to_raw``), which
knows some formats more, and refuses what is not raw to both.
"""

import re
from typing import NamedTuple

from hypervisor_affinity.image.content import Content
from hypervisor_affinity.image.disk import SECTOR
from hypervisor_affinity.image.disk import DiskError

_LOOKED_AT = 4096

_DECOMPRESS = 'decompress it first'
_UNPACK = 'unpack it first'
_CONVERT = 'convert it first, with "qemu-img convert -f {} -O qcow2"'
_GET = 'get the file again'

_TRUSTED = (
    'Glance and nova would take it for a raw disk, and a server would find no '
    'system on it'
)
_REFUSED = 'nova on KVM would refuse it'


class Kind(NamedTuple):
    """A kind of file.

    :ivar what: it is called
    :ivar start: what it begins with
    :ivar advice: what to do with it
    :ivar raw_to_nova: whether nova takes it for a raw disk
    """

    what: str
    start: re.Pattern[bytes]
    advice: str
    raw_to_nova: bool = True


def _compressed(program: str, start: bytes) -> Kind:
    return Kind(f'compressed with {program}', re.compile(start), _DECOMPRESS)


def _archive(what: str, start: bytes) -> Kind:
    return Kind(what, re.compile(start, re.DOTALL), _UNPACK)


def _probed(what: str, name: str, start: bytes) -> Kind:
    return Kind(
        what,
        re.compile(start),
        _CONVERT.format(name),
        raw_to_nova=False,
    )


# Each as its format's own specification or program has it.
KINDS = (
    _compressed('xz', rb'\xfd7zXZ\0'),
    _compressed('gzip', rb'\x1f\x8b\x08'),
    _compressed('bzip2', rb'BZh[1-9](?:1AY&SY|\x17rE8P\x90)'),
    _compressed('zstd', rb'\x28\xb5\x2f\xfd'),
    _compressed('lz4', rb'\x04\x22\x4d\x18'),
    _compressed('lzip', rb'LZIP\x01'),
    # A frame that is to be skipped, as pzstd begins with; either program's.
    _compressed('zstd or lz4', rb'[\x50-\x5f]\x2a\x4d\x18'),
    _compressed('lz4', rb'\x02\x21\x4c\x18'),
    _compressed('lzma', rb'\x5d\x00\x00[\x00-\xff]{2}\xff{8}'),
    _compressed('lzop', rb'\x89LZO\x00\r\n\x1a\n'),
    _compressed('compress', rb'\x1f\x9d'),
    _archive('a 7z archive', rb'7z\xbc\xaf\x27\x1c'),
    _archive('a zip archive', rb'PK(?:\x03\x04|\x05\x06|\x07\x08)'),
    _archive('a rar archive', rb'Rar!\x1a\x07'),
    _archive('a tar archive', rb'.{257}ustar(?:\x00| )'),
    _archive('a cpio archive', rb'07070[127][0-9a-fA-F]{8}'),
    _archive('a cab archive', rb'MSCF\x00\x00\x00\x00'),
    _archive('a WIM archive', rb'MSWIM\x00\x00\x00'),
    _archive('a backup of Proxmox (VMA)', rb'VMA\x00'),
    _archive('an image of partclone', rb'partclone-image'),
    _archive('a SquashFS', rb'hsqs.{24}[\x04]\x00'),
    # The magics are those that qemu's drivers probe for.
    _probed('a disk of Parallels', 'parallels', rb'WithoutFreeSpace'),
    _probed('a disk of Parallels', 'parallels', rb'WithouFreSpacExt'),
    _probed('a disk of Bochs', 'bochs', rb'Bochs Virtual HD Image\0'),
    _probed(
        'a compressed loop image (cloop)',
        'cloop',
        rb'#!/bin/sh\n#V2\.0 Format\nmodprobe cloop ',
    ),
    _probed(
        'qcow, the format before qcow2', 'qcow', rb'QFI\xfb\x00\x00\x00\x01'
    ),
    Kind(
        'an OVF, which describes a VM',
        re.compile(rb'(?:\xef\xbb\xbf)?\s*<.*[<:]Envelope\b', re.DOTALL),
        'give the disk that it names, or the OVA',
    ),
    Kind(
        'a web page or XML, maybe what a server said instead of the file',
        re.compile(rb'(?:\xef\xbb\xbf)?\s*<(?:!|\?xml|html|head)', re.I),
        _GET,
    ),
    # In ASCII, UTF-8 or a code page; or in UTF-16.
    Kind(
        'text',
        re.compile(
            rb'(?:\xef\xbb\xbf)?[\t-\r -~][\t-\r -~\x80-\xff]*\Z'
            rb'|\xff\xfe[\t-\r -~]\x00|\xfe\xff\x00[\t-\r -~]'
        ),
        _GET,
    ),
)

# qemu knows it by the suffix of its name, which nova does not keep.
_DMG = Kind(
    "a disk image of Apple's (dmg)",
    re.compile(rb'koly\x00\x00\x00\x04'),
    _CONVERT.format('dmg'),
)


def check(content: Content) -> None:
    """Check that nothing tells that a file is no disk.

    :raises DiskError: if its first bytes, or its last sector, tell it
    """
    head = content.read(0, _LOOKED_AT)
    tail = content.read(max(0, content.size - SECTOR), SECTOR)
    for kind in KINDS:
        if kind.start.match(head):
            raise _refusal(content, kind)
    if _DMG.start.match(tail):
        raise _refusal(content, _DMG)


def _refusal(content: Content, kind: Kind) -> DiskError:
    consequence = _TRUSTED if kind.raw_to_nova else _REFUSED
    return DiskError(
        f'{content.name}: is {kind.what}; {kind.advice}. As it is, '
        f'{consequence}'
    )
