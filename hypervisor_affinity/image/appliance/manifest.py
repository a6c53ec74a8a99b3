# SPDX-License-Identifier: Apache-2.0
"""The manifest of an OVA: a digest of each file.

From DMTF's DSP0243, "Open Virtualization Format".
"""

import hashlib
import pathlib
import re
from collections.abc import Callable, Collection

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.content import Part
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError

# Called with the step, as a title, and how much of it is done, from 0 to 1.
Watch = Callable[[str, float], None]

_DIGEST = re.compile(r'(SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-fA-F]+)\s*')

_PIECE = 1024**2


def digest(text: bytes, names: Collection[str]) -> str | None:
    """Return the digest of a file, as ``sha256:`` and hexadecimal digits.

    :param names: of the file
    :returns: None if there is none
    """
    for line in text.decode(errors='replace').splitlines():
        found = _DIGEST.fullmatch(line)
        if found and found[2] in names:
            return f'{found[1]}:{found[3]}'.lower()
    return None


def check_disk(
    archive: pathlib.Path, appliance: Appliance | None, watch: Watch
) -> None:
    """Check the disk in an archive.

    :param appliance: None for a disk that is in no archive
    :raises DiskError: if the digest is another one
    """
    if appliance is None or appliance.digest is None:
        return
    algorithm, _, expected = appliance.digest.partition(':')
    found = hashlib.new(algorithm)
    with FileContent(archive) as content:
        part = Part(
            content, appliance.member, appliance.offset, appliance.size
        )
        for offset in range(0, part.size, _PIECE):
            found.update(part.read(offset, _PIECE))
            watch(
                'Verifying the checksum', min(1, (offset + _PIECE) / part.size)
            )
    if found.hexdigest() != expected:
        raise DiskError(wrong(str(archive), appliance.member, algorithm))


def wrong(archive: str, member: str, algorithm: str) -> str:
    """Return the complaint about a file that has another digest."""
    return (
        f'{archive}: {member} does not match its {algorithm} checksum in the '
        'manifest; get the archive again'
    )
