# SPDX-License-Identifier: Apache-2.0
"""The Glance side: images as an operator registers them."""

import uuid
from collections.abc import Mapping

from nova.tests import fixtures as nova_fixtures

from testbed.embedded_cloud.results import Image

_MEBIBYTE = 1024**2


class Images:
    """``cloud.images``.

    Properties are stored raw, under Glance's names; nova normalises them at
    each boot exactly as it does with a real Glance.
    """

    def __init__(self, fixture: nova_fixtures.GlanceFixture) -> None:
        self._fixture = fixture

    def create(
        self,
        name: str,
        disk_format: str | None = 'qcow2',
        container_format: str | None = 'bare',
        *,
        properties: Mapping[str, object] | None = None,
        size: int = _MEBIBYTE,
        min_disk_gb: int = 0,
        min_ram_mb: int = 0,
    ) -> Image:
        """Register an active, public image.

        ``properties``: e.g. ``{"hypervisor_type": "vmware",
        "vmware_ostype": "ubuntu64Guest"}``; ``size`` in bytes. The name
        need not be unique. An image in ``iso`` format boots like any other.
        """
        image_id = str(uuid.uuid4())
        # Glance stores text only.
        raw = {key: str(value) for key, value in (properties or {}).items()}
        self._fixture.create(
            None,
            {
                'id': image_id,
                'name': name,
                'disk_format': disk_format,
                'container_format': container_format,
                'size': size,
                'min_disk': min_disk_gb,
                'min_ram': min_ram_mb,
                'status': 'active',
                'visibility': 'public',
                'is_public': True,
                'deleted': False,
                'deleted_at': None,
                'protected': False,
                'tags': [],
                'properties': dict(raw),
            },
        )
        return Image(image_id, name, disk_format, container_format, raw)

    def set_properties(
        self, image: Image, properties: Mapping[str, object]
    ) -> Image:
        """Set ``properties`` in addition to those the image has."""
        raw = {key: str(value) for key, value in properties.items()}
        self._fixture.update(None, image.id, {'properties': dict(raw)})
        return Image(
            image.id,
            image.name,
            image.disk_format,
            image.container_format,
            {**image.properties, **raw},
        )
