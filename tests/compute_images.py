# SPDX-License-Identifier: Apache-2.0
"""What nova-compute says of an image, by its own code."""

import pathlib
import shutil
from unittest import mock

from nova import context
from nova import exception
from nova.virt import images


def nova_accepts(path: pathlib.Path, disk_format: str) -> bool:
    """Tell whether nova-compute with libvirt takes a file for an image.

    :param disk_format: what Glance says of it
    """
    image = {'id': 'image', 'disk_format': disk_format}
    target = path.parent / 'fetched'

    def fetch(_, href, to, trusted_certs=None):
        shutil.copy(path, to)

    try:
        with (
            mock.patch.object(images, 'fetch', fetch),
            mock.patch.object(images.IMAGE_API, 'get', return_value=image),
        ):
            images.fetch_to_raw(
                context.get_admin_context(), 'image', str(target)
            )
    except (exception.ImageUnacceptable, exception.InvalidDiskInfo):
        return False
    return True
