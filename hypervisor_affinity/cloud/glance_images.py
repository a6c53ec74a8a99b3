# SPDX-License-Identifier: Apache-2.0
"""What Glance's answers say of an image."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from hypervisor_affinity.cloud.snapshot import Count
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.printable import cited

# Glance's own attributes, beside which an answer has the image's properties.
ATTRIBUTES = frozenset(
    {
        'checksum',
        'container_format',
        'created_at',
        'direct_url',
        'disk_format',
        'file',
        'id',
        'locations',
        'min_disk',
        'min_ram',
        'name',
        'os_hash_algo',
        'os_hash_value',
        'os_hidden',
        'owner',
        'protected',
        'schema',
        'self',
        'size',
        'status',
        'stores',
        'tags',
        'updated_at',
        'virtual_size',
        'visibility',
    }
)

# Of properties by which Glance keeps account of an import:
# glance.api.common.GLANCE_RESERVED_NS.
RESERVED = 'os_glance'

_IMPORT_TASK = 'os_glance_import_task'


@dataclasses.dataclass(frozen=True, slots=True)
class Stored:
    """An image.

    :ivar status: ``queued``: without content; ``uploading``: it is staged, or
        just being; ``saving``: Glance receives it; ``importing``; ``active``
    :ivar size: in bytes; None if there is no content
    :ivar virtual_size: in bytes; None if Glance cannot tell it
    :ivar os_hash_algo, os_hash_value: of the content; None if there is none
    :ivar properties: by raw names, without Glance's own account of imports
    :ivar is_importing: whether an import of it goes on, also when it is
        active already
    """

    id: str
    name: str
    status: str
    size: int | None
    virtual_size: int | None
    disk_format: str | None
    container_format: str | None
    os_hash_algo: str | None
    os_hash_value: str | None
    properties: dict[str, str]
    is_importing: bool


class Attributes(msgspec.Struct, frozen=True):
    """What Glance itself tells of an image, as far as it is wanted."""

    id: str = ''
    name: str | None = None
    status: str = ''
    size: Count | None = None
    virtual_size: Count | None = None
    disk_format: str | None = None
    container_format: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None


def read_stored(found: Mapping[str, Any]) -> Stored:
    """Return the image in Glance's answer of it.

    :raises SourceError: if an attribute is none that Glance would give
    """
    given = read_attributes(found)
    return Stored(
        id=given.id,
        name=given.name or '',
        status=given.status,
        size=given.size,
        virtual_size=given.virtual_size,
        disk_format=given.disk_format,
        container_format=given.container_format,
        os_hash_algo=given.os_hash_algo,
        os_hash_value=given.os_hash_value,
        properties=custom_properties(found),
        is_importing=_IMPORT_TASK in found,
    )


def read_attributes(found: Mapping[str, Any]) -> Attributes:
    """Return the attributes in Glance's answer of one image.

    :raises SourceError: if one is none that Glance would give
    """
    try:
        return msgspec.convert(found, Attributes)
    except msgspec.ValidationError as error:
        raise SourceError(
            f'glance, image {cited(str(found.get("id")))}: not a valid answer '
            f'of glance ({cited(str(error))}); look for a proxy between here '
            'and the service'
        ) from error


def custom_properties(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties in Glance's answer of one image."""
    return {
        name: str(value)
        for name, value in found.items()
        if name not in ATTRIBUTES
        and not name.startswith(RESERVED)
        and value is not None
    }
