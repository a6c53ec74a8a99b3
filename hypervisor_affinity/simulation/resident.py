# SPDX-License-Identifier: Apache-2.0
"""A server in a cloud in memory."""

import dataclasses

from hypervisor_affinity.cloud.adapters import Size
from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.adapters import read_size
from hypervisor_affinity.cloud.snapshot import Flavor
from hypervisor_affinity.cloud.snapshot import Image


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Resident:
    """A server.

    :ivar image: as it was when the server booted; None for a volume of none
    """

    id: str
    name: str
    image: Image | None
    flavor: Flavor
    volume: bool

    @property
    def size(self) -> Size:
        """What it takes of its host."""
        return read_size(self.flavor, volume=self.volume)

    @property
    def title(self) -> str:
        """What it booted, for people."""
        return title(self.image, self.volume)


def title(image: Image | None, volume: bool) -> str:
    """Return what a server boots, for people."""
    if image is None:
        return 'volume'
    return f'volume of {image.name}' if volume else image.name


def properties(image: Image | None, volume: bool) -> dict[str, str]:
    """Return what a request has of an image, in one mapping.

    A volume has the properties of its image, and no formats.
    """
    return dict(image.properties) if image and volume else read_image(image)


def is_same(one: Image | None, other: Image) -> bool:
    """Tell whether two are one image at different times."""
    return one is not None and (one.id, one.name) == (other.id, other.name)
