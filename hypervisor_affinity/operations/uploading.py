# SPDX-License-Identifier: Apache-2.0
"""Making a file an image in Glance, and making sure that it is one."""

import contextlib
import dataclasses
import hashlib
import io
import pathlib
import uuid
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance import STAGED
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.glance_images import Stored
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError

# [DEFAULT] hashing_algorithm of Glance, unless it is told another one.
_USUAL_HASH = 'sha512'

_RESUMABLE = frozenset({'queued', 'uploading', 'importing', 'active'})

# Called with how many bytes are sent so far.
Watch = Callable[[int], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is to come of a file.

    :ivar properties: of the image, by raw names
    :ivar visibility: None for Glance's default
    :ivar by_import: whether it is staged, and Glance then imports it, with
        the plugins that are enabled there
    """

    path: pathlib.Path
    name: str
    disk_format: str
    container_format: str
    properties: dict[str, str]
    visibility: str | None = None
    by_import: bool = False


class _Sent:
    """What was sent.

    * ``size``: in bytes
    """

    def __init__(self, watch: Watch) -> None:
        self.size = 0
        self._hash = hashlib.new(_USUAL_HASH)
        self._watch = watch

    def add(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size += len(chunk)
        self._watch(self.size)

    def digest(self) -> str:
        return self._hash.hexdigest()


class UploadError(Exception):
    """An image did not become what it should be; the text says why.

    What Glance does not answer is a ``SourceError``.
    """


class Upload:
    """An upload.

    :ivar kept: id of the image that it has left behind if it ended with an
        error, and that :meth:`resume` may go on with; None if there is none
    """

    def __init__(self, glance: Glance, plan: Plan, watch: Watch) -> None:
        """Do nothing yet."""
        self.kept: str | None = None
        self._glance = glance
        self._plan = plan
        self._sent = _Sent(watch)

    def begin(self) -> Stored:
        """Create the image, and return it once it has all of the file.

        What Glance refuses, or what did not arrive as it was sent, is
        deleted; so is an image of which nothing was sent.

        :raises UploadError: if it has not
        :raises SourceError: if Glance does not answer
        """
        self._check_import()
        with _opened(self._plan.path) as file:
            self.kept = created = self._create()
            try:
                return self._fill(created, file)
            except Refused as error:
                self._discard(created, f'{error}')
            except BaseException:
                if not self._sent.size:
                    # If it cannot be, for the same reason, it is kept.
                    with contextlib.suppress(SourceError):
                        self._glance.delete(created)
                        self.kept = None
                raise

    def resume(self, image_id: str) -> Stored:
        """Go on with an image that is not ready, as far as it is.

        :raises UploadError: if it is another one, or cannot be gone on with
        :raises SourceError: if Glance does not answer
        """
        stored = self._glance.stored(image_id)
        self._check_same(stored)
        if stored.status not in _RESUMABLE:
            raise UploadError(
                f'image {image_id} is {stored.status}, so its upload cannot '
                'be continued; if no upload to it is in progress, delete it '
                'and upload again'
            )
        self.kept = image_id
        try:
            if stored.status == 'queued':
                self._check_import()
                with _opened(self._plan.path) as file:
                    return self._fill(image_id, file)
            if stored.status == 'uploading':
                self._check_staged(stored)
                self._glance.import_(image_id)
            return self._verified(self._glance.wait(image_id))
        except Refused:
            self.kept = None
            raise

    def _create(self) -> str:
        plan = self._plan
        image_id = str(uuid.uuid4())
        try:
            return self._glance.create(
                plan.name,
                plan.disk_format,
                plan.container_format,
                plan.properties,
                plan.visibility,
                image_id,
            )
        except Refused:
            raise
        except BaseException:
            # It is there if only the answer was lost.
            with contextlib.suppress(SourceError):
                self._glance.delete(image_id)
            raise

    def _fill(self, image_id: str, file: BinaryIO) -> Stored:
        if self._plan.by_import:
            self._glance.stage(image_id, file, self._sent.add)
            self._glance.import_(image_id)
        else:
            self._glance.send(image_id, file, self._sent.add)
        return self._verified(self._glance.wait(image_id))

    def _verified(self, stored: Stored) -> Stored:
        """Return an image that is ready if it is the file.

        :raises UploadError: if it is not; it is deleted if what it has was
            sent here, and not before
        """
        plan = self._plan
        if stored.disk_format != plan.disk_format:
            wrong = (
                f'an import plugin converted it from {plan.disk_format} to '
                f'{stored.disk_format}; upload it without --import'
            )
        elif stored.size != self._size():
            wrong = (
                f'it has {stored.size} bytes, and {plan.path} has '
                f'{self._size()}'
            )
        elif self._digest(stored.os_hash_algo) != stored.os_hash_value:
            wrong = (
                f'the {stored.os_hash_algo} checksum of its content is not '
                f'that of {plan.path}'
            )
        else:
            self.kept = None
            return stored
        wrong = f'image {stored.id} is not what was uploaded: {wrong}'
        if self._sent.size:
            self._discard(stored.id, wrong)
        self.kept = None
        raise UploadError(wrong)

    def _discard(self, image_id: str, why: str) -> NoReturn:
        self.kept = None
        try:
            self._glance.delete(image_id)
        except Missing:
            pass
        except SourceError as error:
            raise UploadError(
                f'{why}. Image {image_id} is useless, and cannot be deleted: '
                f'{error}'
            ) from error
        raise UploadError(f'{why}. Image {image_id} was deleted')

    def _size(self) -> int:
        return self._sent.size or self._plan.path.stat().st_size

    def _digest(self, algorithm: str | None) -> str:
        if self._sent.size and algorithm == _USUAL_HASH:
            return self._sent.digest()
        if algorithm is None or algorithm not in hashlib.algorithms_available:
            raise UploadError(
                f'Glance uses the hash {algorithm}, which this Python does '
                'not have; compare the content elsewhere'
            )
        with _opened(self._plan.path) as file:
            return hashlib.file_digest(file, algorithm).hexdigest()

    def _check_import(self) -> None:
        if not self._plan.by_import:
            return
        methods = self._glance.import_methods()
        if STAGED not in methods:
            raise UploadError(
                f'Glance does not have the import method {STAGED}; it has '
                f'{", ".join(methods) or "none"}; upload without --import'
            )

    def _check_same(self, stored: Stored) -> None:
        plan = self._plan
        wanted = {
            'disk_format': plan.disk_format,
            'container_format': plan.container_format,
            **plan.properties,
        }
        has = {
            'disk_format': stored.disk_format,
            'container_format': stored.container_format,
            **stored.properties,
        }
        others = [
            f'{name} is {has.get(name, "not set")} instead of {value}'
            for name, value in wanted.items()
            if has.get(name) != value
        ]
        if others:
            raise UploadError(
                f'image {stored.id} was created for something else: '
                f'{"; ".join(others)}; repeat all arguments of the upload, or '
                'start a new upload'
            )

    def _check_staged(self, stored: Stored) -> None:
        if stored.size != self._size():
            raise UploadError(
                f'of image {stored.id}, {stored.size or "no"} bytes are '
                f'staged instead of {self._size()}; if no upload to it is in '
                'progress, delete it and upload again'
            )


def _opened(path: pathlib.Path) -> io.BufferedReader:
    try:
        return path.open('rb')
    except OSError as error:
        raise UploadError(f'{path}: {error.strerror}') from error
