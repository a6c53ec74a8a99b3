# SPDX-License-Identifier: Apache-2.0
"""The manifest of an OVA: a digest of each file.

From DMTF's DSP0243, "Open Virtualization Format".
"""

import hashlib
import pathlib
import re
import urllib.parse
from collections.abc import Callable, Collection

from hypervisor_affinity.image.appliance.ovf import MAX_NAME
from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.content import Part
from hypervisor_affinity.image.disk import Appliance
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.image.disk import Member
from hypervisor_affinity.image.disk import UnsafeDisk

# Called with the step, as a title, and how much of it is done, from 0 to 1.
Watch = Callable[[str, float], None]

# SHA256, SHA-256, and SHA2-256 of OpenSSL 3.
_ALGORITHM = re.compile('sha(?:2-|-)?(1|224|256|384|512)', re.IGNORECASE)

# An OVA has a third as many members.
_MAX_LINES = 1000

# In characters: a name of 255 of four bytes, each percent-encoded, and a
# digest.
_MAX_LINE = 4000

_PIECE = 1024**2


class Manifest:
    """A manifest.

    :ivar names: of the files, as they are written and decoded, without ``./``
    """

    def __init__(self, archive: str, name: str, text: bytes) -> None:
        """Read it.

        :raises DiskError: if something in it is no digest, or contradicts
            itself
        :raises UnsafeDisk: if there is more of it than there can be
        """
        self._place = f'{archive}: the manifest {name!r}'
        self._digests: dict[str, str] = {}
        decoded: dict[str, str] = {}
        # As tarfile decodes names.
        lines = text.decode('utf-8', 'surrogateescape').removeprefix('\ufeff')
        for number, line in enumerate(re.split('\r\n|\r|\n', lines), 1):
            if number > _MAX_LINES:
                raise UnsafeDisk(
                    f'{self._place} has more than {_MAX_LINES} lines; get the '
                    'archive again'
                )
            if not line.strip():
                continue
            found = _parsed(line) if len(line) <= _MAX_LINE else None
            if not found:
                raise DiskError(
                    f'{self._place} cannot be read: line {number} is not a '
                    'SHA-1 or SHA-2 digest of a file; get the archive again'
                )
            file, digest = found
            self._check_again(number, file, digest)
            self._digests.setdefault(file, digest)
            decoded.setdefault(urllib.parse.unquote(file), digest)
        self._written = tuple(self._digests)
        self._digests = {**decoded, **self._digests}
        self.names: Collection[str] = self._digests.keys()

    def _check_again(self, number: int, file: str, digest: str) -> None:
        before = self._digests.get(file, digest)
        algorithm = digest.partition(':')[0]
        if before != digest and before.startswith(f'{algorithm}:'):
            raise DiskError(
                f'{self._place} has two digests of one file: line {number} has'
                f' another {algorithm} than a line before; get the archive '
                'again'
            )

    def find(self, names: Collection[str]) -> str | None:
        """Return the digest of a file, as ``sha256:`` and hexadecimal digits.

        :param names: of the file
        :returns: None if there is none
        """
        return next(
            (self._digests[name] for name in names if name in self._digests),
            None,
        )

    def missing(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the names of the files that are listed and not known."""
        return tuple(
            name
            for name in self._written
            if name not in known and urllib.parse.unquote(name) not in known
        )

    def digest(self, names: Collection[str], member: str) -> str:
        """Return the digest of a file that must have one, as :meth:`find`.

        :raises DiskError: if it has none
        """
        if found := self.find(names):
            return found
        raise DiskError(
            f'{self._place} does not list {member!r}; get the archive again'
        )


def _parsed(line: str) -> tuple[str, str] | None:
    """Return the file's name, and the digest as ``sha256:`` and digits.

    No regular expression: a long line would take it long.
    """
    title, _, rest = line.partition('(')
    name, _, value = rest.rpartition(')')
    algorithm = _ALGORITHM.fullmatch(title.strip())
    sign, digits = value.strip()[:1], value.strip()[1:].strip()
    name = name.strip().removeprefix('./')
    is_digest = sign == '=' and re.fullmatch('[0-9a-fA-F]+', digits)
    if not (algorithm and name and is_digest):
        return None
    return name, f'sha{algorithm[1]}:{digits.lower()}'


class Checksum:
    """Of a member, while it is read in pieces."""

    def __init__(self, archive: str, member: str, digest: str) -> None:
        """Read nothing yet.

        :param digest: that it has to have, as :meth:`Manifest.find`
        """
        self._algorithm, _, self._expected = digest.partition(':')
        self._found = hashlib.new(self._algorithm)
        self._member = f'{archive}: {member}'

    def update(self, piece: bytes) -> None:
        """Take the next piece."""
        self._found.update(piece)

    def check(self) -> None:
        """Check all that was taken.

        :raises DiskError: if its digest is another one
        """
        if self._found.hexdigest() != self._expected:
            raise DiskError(
                f'{self._member} does not match its {self._algorithm} '
                'checksum in the manifest; get the archive again'
            )


def check_disk(
    archive: pathlib.Path, appliance: Appliance | None, watch: Watch
) -> None:
    """Check the disk in an archive.

    :param appliance: None for a disk that is in no archive
    :raises DiskError: if the digest is another one
    """
    if appliance:
        disk = Member(
            appliance.member,
            appliance.offset,
            appliance.size,
            appliance.digest,
        )
        _check(archive, [disk], watch)


def check_all(
    archive: pathlib.Path, appliance: Appliance | None, watch: Watch
) -> None:
    """Check all that the manifest of an archive lists.

    :param appliance: None for a disk that is in no archive
    :raises DiskError: if something is missing, or has another digest
    """
    if appliance is None:
        return
    if appliance.missing:
        raise DiskError(
            f'{archive}: has no {appliance.missing[0][:MAX_NAME]!r}, which '
            'its manifest lists; get the archive again'
        )
    _check(archive, appliance.listed, watch)


def _check(
    archive: pathlib.Path, members: Collection[Member], watch: Watch
) -> None:
    """Check members, of which all are read that have a digest."""
    checked = [member for member in members if member.digest]
    total = sum(member.size for member in checked)
    done = 0
    with FileContent(archive) as content:
        for member in checked:
            found = Checksum(str(archive), member.name, member.digest or '')
            part = Part(content, member.name, member.offset, member.size)
            for offset in range(0, part.size, _PIECE):
                piece = part.read(offset, _PIECE)
                found.update(piece)
                done += len(piece)
                watch('Verifying the checksum', done / total)
            found.check()
