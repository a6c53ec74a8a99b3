# SPDX-License-Identifier: Apache-2.0
"""What nova's vSphere driver does with an image."""

import types

from nova import objects
from nova.virt.vmwareapi import images
from nova.virt.vmwareapi import vmops


def driver_reads(image):
    """Return what nova's vSphere driver makes of an image.

    :raises ValueError: as nova-api, if it refuses the image
    """
    meta = objects.ImageMeta.from_dict(
        {
            'disk_format': image.disk_format,
            'container_format': image.container_format,
            'properties': dict(image.properties),
        }
    )
    return images.VMwareImage.from_image(None, None, meta)


def driver_fetches(image):
    """Return the names of what the driver would call for an image.

    :raises InvalidDiskInfo: if it knows no way
    """
    driver = object.__new__(vmops.VMwareVMOps)
    request = types.SimpleNamespace(ii=driver_reads(image))
    return [call.__name__ for call in driver._get_image_callbacks(request)]
