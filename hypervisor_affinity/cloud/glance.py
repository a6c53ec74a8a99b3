# SPDX-License-Identifier: Apache-2.0
"""Images in Glance, with their content: reading, uploading, changing them.

What :class:`~hypervisor_affinity.cloud.openstack.CloudSource` reads of images
is for classifying them; this is for who works on one.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import msgspec
from openstack import connection

from hypervisor_affinity.cloud.api import Api
from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.glance_images import Stored
from hypervisor_affinity.cloud.glance_images import read_stored
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError

# The way to import what was staged: glance.api.v2.images.
STAGED = 'glance-direct'

_CHUNK = 1024**2

_PATCH = 'application/openstack-images-v2.1-json-patch'

# An administrator may close what has just become ready.
_READY = frozenset({'active', 'deactivated'})
_ENDS = frozenset({'deleted', 'killed', 'pending_delete'})

# Seconds between two looks at an image that is not ready: they double.
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0

# Seconds without any progress. A task that imports says each minute how far
# it is; before that, it may stand in a queue.
_PATIENCE = 3600.0
# In seconds, however far it says it is.
_LONGEST_IMPORT = 7 * 86400.0

# Called with each chunk that is sent.
Watch = Callable[[bytes], object]


class _Task(msgspec.Struct, frozen=True):
    status: str
    created_at: str
    updated_at: str
    message: str | None = None


class _Created(msgspec.Struct):
    id: str


class _ImportMethods(msgspec.Struct):
    value: list[str]


class Glance:
    """The images of a cloud."""

    def __init__(self, cloud: connection.Connection) -> None:
        """Ask nothing of it yet."""
        self._api = Api(cloud, 'image', 'glance')

    def stored(self, image_id: str) -> Stored:
        """Return an image as it is now.

        :raises Missing: if there is none of this id
        """
        found = self._api.find(
            _path(image_id), None, dict[str, Any], right='get_image'
        )
        if found is None:
            raise Missing(f'{self._api.name} has no image {image_id}')
        return read_stored(found)

    def content(self, stored: Stored) -> 'StoredContent':
        """Return what an image holds.

        :raises SourceError: if it holds nothing
        """
        if stored.status != 'active' or stored.size is None:
            raise SourceError(
                f'image {stored.name or stored.id} is {stored.status}: it has '
                'no content to read'
            )
        return StoredContent(self._api, stored, stored.size)

    def import_methods(self) -> list[str]:
        """Return the names of those that are enabled."""
        found = self._api.find(
            '/info/import', 'import-methods', _ImportMethods, right='get_image'
        )
        return found.value if found else []

    def create(
        self,
        name: str,
        disk_format: str,
        container_format: str,
        properties: Mapping[str, str],
        visibility: str | None = None,
        image_id: str | None = None,
    ) -> str:
        """Create an image without content; return its id.

        :param visibility: None for Glance's default, ``shared``
        :param image_id: a UUID for it, so that it is known even if the answer
            is lost; None for Glance's own choice
        :raises Refused: if Glance does not take one of these
        """
        body: dict[str, str] = {
            **properties,
            'name': name,
            'disk_format': disk_format,
            'container_format': container_format,
        }
        if visibility:
            body['visibility'] = visibility
        if image_id:
            body['id'] = image_id
        right = 'publicize_image' if visibility == 'public' else 'add_image'
        created = self._api.create('/images', body, _Created, right=right)
        return created.id

    def send(self, image_id: str, file: BinaryIO, watch: Watch) -> None:
        """Give an image its content.

        :param file: is read from its begin to what is its end now
        :raises Refused: if Glance does not take it; some of it may still be
            in the way of another try
        :raises SourceError: if the connection broke; Glance can resume
            nothing, but takes all of it once more if it is still ``queued``
        """
        self._api.upload(
            f'{_path(image_id)}/file',
            _Chunks(file, watch),
            right='upload_image',
        )

    def stage(self, image_id: str, file: BinaryIO, watch: Watch) -> None:
        """Put content where an import finds it; as :meth:`send`."""
        self._api.upload(
            f'{_path(image_id)}/stage',
            _Chunks(file, watch),
            right='modify_image',
        )

    def import_(self, image_id: str) -> None:
        """Have Glance import what was staged; it goes on when this ends."""
        self._api.send(
            'POST',
            f'{_path(image_id)}/import',
            {'method': {'name': STAGED}},
            right='modify_image',
        )

    def wait(self, image_id: str) -> Stored:
        """Return an image when it is ready.

        :raises Refused: if it never will be
        :raises SourceError: if nothing at all happens for long, or it does
            not end
        """
        seen, since, pause = None, time.monotonic(), _FIRST_PAUSE
        end = since + _LONGEST_IMPORT
        while True:
            stored = self.stored(image_id)
            if stored.status in _READY and not stored.is_importing:
                return stored
            task = self._last_task(image_id)
            if stored.status in _ENDS or (task and task.status == 'failure'):
                said = f' ({task.message})' if task and task.message else ''
                raise Refused(
                    f'{self._api.name} could not finish image {image_id}, '
                    f'which is {stored.status}{said}; see the log of '
                    f'{self._api.name}'
                )
            if (stored, task) != seen:
                seen, since = (stored, task), time.monotonic()
            elif time.monotonic() - since > _PATIENCE:
                raise SourceError(
                    f'image {image_id} is {stored.status}, without progress '
                    f'for {_PATIENCE:g} s; see the log of {self._api.name}'
                )
            if time.monotonic() > end:
                raise SourceError(
                    f'image {image_id} is still {stored.status} after '
                    f'{_LONGEST_IMPORT:g} s; see the log of {self._api.name}'
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def change(self, image_id: str, changes: Mapping[str, str | None]) -> None:
        """Change properties, all of them or none.

        :param changes: {raw name: value}; None removes what has to be there
        :raises Refused: if Glance does not take one of them
        """
        self._api.send(
            'PATCH',
            _path(image_id),
            # "add" replaces a value; only the media type of v2.0 is against.
            [
                {'op': 'remove', 'path': _pointer(name)}
                if value is None
                else {'op': 'add', 'path': _pointer(name), 'value': value}
                for name, value in changes.items()
            ],
            right='modify_image',
            media_type=_PATCH,
        )

    def delete(self, image_id: str) -> None:
        """Delete an image with its content.

        :raises Missing: if there is none
        :raises Refused: if it is protected or in use
        """
        self._api.send('DELETE', _path(image_id), right='delete_image')

    def _last_task(self, image_id: str) -> _Task | None:
        tasks = self._api.find(
            f'{_path(image_id)}/tasks', 'tasks', list[_Task], right='get_image'
        )
        return max(tasks or (), key=lambda task: task.created_at, default=None)


class StoredContent:
    """An image's content, read in parts.

    Of the shape of :class:`hypervisor_affinity.image.content.Content`.

    :ivar name: the image's, or else its id
    :ivar size: in bytes
    """

    def __init__(self, api: Api, stored: Stored, size: int) -> None:
        """Read nothing yet.

        :param size: of the content, in bytes
        """
        self.name = stored.name or stored.id
        self.size = size
        self._api = api
        self._path = f'{_path(stored.id)}/file'

    def read(self, offset: int, length: int) -> bytes:
        """Return a part; less than was asked for only at the end.

        :raises SourceError: if it cannot be had
        """
        length = min(length, self.size - offset)
        if length <= 0:
            return b''
        part = self._api.part(
            self._path, offset, length, right='download_image'
        )
        if len(part) < length:
            raise SourceError(
                f'{self._api.name}: the content of image {self.name} ends '
                f'at byte {offset + len(part)} of {self.size}; its store may '
                'have lost the rest'
            )
        return part


class _Chunks:
    """What is sent of a file.

    An error here must not look like one of the connection, so that no OSError
    gets out.
    """

    def __init__(self, file: BinaryIO, watch: Watch) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._watch = watch

    def __len__(self) -> int:
        # The service is told by it how much will come.
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        left = self._size
        try:
            self._file.seek(0)
            while left:
                chunk = self._file.read(min(_CHUNK, left))
                if not chunk:
                    raise SourceError(
                        f'{self._file.name} became shorter during the upload'
                    )
                left -= len(chunk)
                self._watch(chunk)
                yield chunk
        except OSError as error:
            raise SourceError(
                f'{self._file.name}: {error.strerror}'
            ) from error


def _path(image_id: str) -> str:
    return f'/images/{image_id}'


def _pointer(name: str) -> str:
    """Return a property's place by RFC 6901."""
    return '/' + name.replace('~', '~0').replace('/', '~1')
