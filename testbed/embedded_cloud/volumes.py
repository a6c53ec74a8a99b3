# SPDX-License-Identifier: Apache-2.0
"""The Cinder side: as many bootable volumes as a test wants."""

import copy
import uuid
from collections.abc import Callable, Mapping

import nova.context
from nova.tests import fixtures as nova_fixtures
from nova.volume import cinder

from testbed.embedded_cloud.results import Volume


class CinderWithVolumes(nova_fixtures.CinderFixture):
    """nova's Cinder fixture, with volumes of our own beside its constants.

    All bookkeeping of attachments is nova's.
    """

    def __init__(self, test) -> None:
        super().__init__(test)
        self._bootable: dict[str, Volume] = {}
        self._reimaged: Callable[[str, str], object] | None = None

    def when_reimaged(self, callback: Callable[[str, str], object]) -> None:
        """Call ``callback(volume id, server id)`` after each reimaging.

        A real Cinder sends nova an event then, for which a rebuild waits.
        """
        self._reimaged = callback

    def add(self, volume: Volume) -> None:
        self._bootable[volume.id] = volume

    def holdings(self) -> dict[str, dict]:
        """Return all that is kept here of volumes."""
        return {
            'bootable': self._bootable,
            'volumes': self.volumes,
            'attachments': self.volume_to_attachment,
            'snapshots': self.volume_snapshots,
        }

    def fake_get(self, context, volume_id, microversion=None):
        volume = self._bootable.get(volume_id)
        if volume is None:
            return super().fake_get(context, volume_id, microversion)
        attachments = {
            attachment['instance_uuid']: {
                'attachment_id': attachment['id'],
                'mountpoint': '/dev/vda',
            }
            for attachment in self.volume_to_attachment[volume_id].values()
        }
        described = {
            'id': volume.id,
            'display_name': volume.name,
            'size': volume.size_gb,
            'bootable': True,
            'multiattach': False,
            'availability_zone': self.az,
            'status': 'in-use' if attachments else 'available',
            'attach_status': 'attached' if attachments else 'detached',
        }
        if attachments:
            described['attachments'] = attachments
        if volume.image_metadata is not None:
            described['volume_image_metadata'] = copy.deepcopy(
                volume.image_metadata
            )
        return described

    def fake_reimage_volume(self, context, volume_id, *args, **kwargs):
        if volume_id not in self._bootable:
            super().fake_reimage_volume(context, volume_id, *args, **kwargs)
            return
        servers = {
            attachment['instance_uuid']
            for attachment in self.volume_to_attachment[volume_id].values()
        }
        for server_id in servers:
            self._reimaged(volume_id, server_id)


class Volumes:
    """``cloud.volumes``."""

    def __init__(self, fixture: CinderWithVolumes) -> None:
        self._fixture = fixture

    def create(
        self,
        name: str = 'volume',
        *,
        size_gb: int = 1,
        image_metadata: Mapping[str, object] | None = None,
    ) -> Volume:
        """Create a bootable volume of ``size_gb`` GiB.

        ``image_metadata``: its volume_image_metadata, in Glance's raw names
        (``disk_format``, ``vmware_ostype`` ...); None: it has none, as a
        volume that was not made from an image.
        """
        volume = Volume(
            id=str(uuid.uuid4()),
            name=name,
            size_gb=size_gb,
            image_metadata=None
            if image_metadata is None
            else {
                # Cinder stores text only.
                key: str(value)
                for key, value in image_metadata.items()
            },
        )
        self._fixture.add(volume)
        return volume

    def get_as_nova_sees(self, volume: Volume) -> dict:
        """Return what nova's volume API answers for ``volume``."""
        context = nova.context.get_admin_context()
        return cinder.API().get(context, volume.id)
