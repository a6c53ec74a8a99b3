# SPDX-License-Identifier: Apache-2.0
"""A volume driver of Cinder that stores nothing.

Only cinder-volume loads it. A volume from an image has the image's properties,
as any, but not its content.
"""

from cinder.volume import driver

# GiB
_SIZE = 1000


class EmptyVolumes(driver.VolumeDriver):
    """Volumes that can be attached to servers that do not run either."""

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

    def clone_image(
        self, context, volume, image_location, image_meta, image_service
    ):
        """Say that the image's content is there."""
        return {}, True

    def delete_volume(self, volume):
        """Forget it."""

    def ensure_export(self, context, volume):
        """Do nothing on a restart."""

    def create_export(self, context, volume, connector):
        """Make nothing ready."""

    def remove_export(self, context, volume):
        """Undo nothing."""

    def initialize_connection(self, volume, connector):
        """Return what nova-compute is to connect to, which it does not."""
        return {'driver_volume_type': 'fake', 'data': {}}

    def terminate_connection(self, volume, connector, **kwargs):
        """Disconnect nothing."""
