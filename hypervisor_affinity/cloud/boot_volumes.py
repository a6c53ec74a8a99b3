# SPDX-License-Identifier: Apache-2.0
"""The volumes that servers boot from, as Cinder has them, if there is one."""

import functools
import itertools

from hypervisor_affinity.cloud import answer_records as records
from hypervisor_affinity.cloud import answer_shapes as shapes
from hypervisor_affinity.cloud.api import Api
from hypervisor_affinity.cloud.api_errors import MissingService

# As many are read one by one; for more, all.
_FEW = 100


class BootVolumes:
    """Reads them one by one, or all at once."""

    def __init__(self, cinder: Api, page_size: int) -> None:
        """Read nothing yet."""
        self._cinder = cinder
        self._page_size = page_size

    def read(self, volume_id: str) -> records.BootVolume | None:
        """Return a volume; None if it is not there, or not bootable.

        :raises SourceError: if it cannot be read
        """
        try:
            found = self._cinder.find(
                f'/volumes/{volume_id}',
                'volume',
                shapes.Volume,
                right='volume:get',
            )
        except MissingService:
            return None
        if found is None or found.bootable != 'true':
            return None
        return records.boot_volume(found)

    def of_some(self) -> records.FindVolume:
        """Return what finds a volume, and reads all only if it must."""
        find_among_all = self.of_all()
        asked = itertools.count()

        @functools.cache
        def find(volume_id: str) -> records.BootVolume | None:
            few = next(asked) < _FEW
            return (self.read if few else find_among_all)(volume_id)

        return find

    def of_all(self) -> records.FindVolume:
        """Return what finds a volume after it has read all, once.

        Of as many servers as there are, most boot from a few images: equal
        volumes are one object.
        """

        @functools.cache
        def read() -> dict[str, records.BootVolume]:
            known: dict[tuple, records.BootVolume] = {}
            volumes = {}
            for page in self._cinder.pages(
                '/volumes/detail',
                'volumes',
                list[shapes.Volume],
                right='volume:get_all',
                size=self._page_size,
                all_tenants='true',
                bootable='true',
            ):
                for found in page:
                    volume = records.boot_volume(found)
                    key = (tuple(volume.properties.items()), volume.devices)
                    volumes[found.id] = known.setdefault(key, volume)
            return volumes

        def find(volume_id: str) -> records.BootVolume | None:
            try:
                return read().get(volume_id)
            except MissingService:
                return None

        return find
