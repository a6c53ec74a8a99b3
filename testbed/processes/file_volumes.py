# SPDX-License-Identifier: Apache-2.0
"""A volume driver of Cinder whose volumes are files of this machine.

Only cinder-volume loads it. What is made of an image is what Cinder's own
conversion makes of it, and fails where that fails.
"""

import os
import pathlib

from cinder.image import image_utils
from cinder.volume import driver

# GiB
_SIZE = 1000


class FileVolumes(driver.VolumeDriver):
    """Raw, sparse files in the directory of Cinder's state."""

    VERSION = '1.0'

    def check_for_setup_error(self):
        """Nothing can be wrong."""

    def _update_volume_stats(self):
        self._stats = {
            'volume_backend_name': self.configuration.volume_backend_name,
            'vendor_name': 'none',
            'driver_version': self.VERSION,
            'storage_protocol': 'none',
            'total_capacity_gb': _SIZE,
            'free_capacity_gb': _SIZE,
        }

    def create_volume(self, volume):
        """Create an empty one."""
        path = self._path(volume)
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        self.extend_volume(volume, volume.size)

    def copy_image_to_volume(
        self, context, volume, image_service, image_id, disable_sparse=False
    ):
        """Have Cinder convert the image."""
        image_utils.fetch_to_raw(
            context,
            image_service,
            image_id,
            str(self._path(volume)),
            self.configuration.volume_dd_blocksize,
            size=volume.size,
            run_as_root=False,
        )
        self.extend_volume(volume, volume.size)

    def extend_volume(self, volume, new_size):
        """Make it as large as asked for, in GiB."""
        os.truncate(self._path(volume), new_size * 1024**3)

    def delete_volume(self, volume):
        """Remove the file, unless it was never made."""
        self._path(volume).unlink(missing_ok=True)

    def ensure_export(self, context, volume):
        """Do nothing on a restart."""

    def create_export(self, context, volume, connector):
        """Make nothing ready."""

    def remove_export(self, context, volume):
        """Undo nothing."""

    def initialize_connection(self, volume, connector):
        """Return where the file is.

        A file system that every host has mounted is GPFS to nova's libvirt
        driver: what it has no need to mount itself.
        """
        return {
            'driver_volume_type': 'gpfs',
            'data': {
                'name': volume.name,
                'device_path': str(self._path(volume)),
            },
        }

    def terminate_connection(self, volume, connector, **kwargs):
        """Disconnect nothing."""

    def _path(self, volume):
        return pathlib.Path(self.configuration.volumes_dir) / volume.name
