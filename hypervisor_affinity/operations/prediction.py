# SPDX-License-Identifier: Apache-2.0
"""What the scheduler will make of a disk, once it is an image in Glance."""

from collections.abc import Mapping

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.glance_images import Stored
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Declared
from hypervisor_affinity.image.disk import Disk


def declared(stored: Stored) -> Declared:
    """Return what Glance has written of an image.

    :param stored: with content, and so with formats
    """
    return Declared(
        stored.disk_format or '',
        stored.container_format or '',
        stored.properties,
    )


def predict(
    disk: Disk, properties: Mapping[str, str], policy: Policy
) -> Demand:
    """Return what a server will ask that boots from the disk.

    :param properties: image properties that it has then, raw names
    """
    image = Image(
        disk.name,
        disk_format=disk.disk_format,
        container_format=disk.container_format,
        properties=dict(properties),
    )
    return classify(read_image(image), {}, policy)
