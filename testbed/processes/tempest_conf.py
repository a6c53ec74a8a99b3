# SPDX-License-Identifier: Apache-2.0
"""tempest.conf for the cloud, and what it names there."""

import pathlib
from collections.abc import Mapping

from hypervisor_affinity_tempest_plugin import disks
from testbed.processes import nova_conf
from testbed.processes.cloud import Cloud
from testbed.processes.site import ADMIN
from testbed.processes.site import DOMAIN_ID
from testbed.processes.site import PASSWORD
from testbed.processes.site import REGION

_DOMAIN = 'Default'
# No host, or not each of them, has something behind it that does these.
_NOT_DONE = (
    'attach_encrypted_volume',
    'console_output',
    'interface_attach',
    'metadata_service',
    'personality',
    'rescue',
    'swap_volume',
    'vnc_console',
)
_CREDENTIALS = {
    'admin_username': ADMIN,
    'admin_password': PASSWORD,
    'admin_project_name': ADMIN,
    'admin_domain_name': _DOMAIN,
    'default_credentials_domain_name': _DOMAIN,
    # Nothing is plugged into a network.
    'create_isolated_networks': False,
    'tempest_roles': 'member',
    'use_dynamic_credentials': True,
}
_SERVICES = {
    'cinder': True,
    'glance': True,
    'hypervisor_affinity': True,
    'neutron': True,
    'nova': True,
    'swift': False,
}


class TempestConf:
    """The file, its own folder, and the images and flavors that it names."""

    def __init__(self, cloud: Cloud) -> None:
        """Create images and flavors."""
        self._cloud = cloud
        self.folder = cloud.folder / 'tempest'
        self.folder.mkdir()
        self.path = self.folder / 'tempest.conf'
        self._compute = {
            'image_ref': self._create_image('tempest'),
            'image_ref_alt': self._create_image('tempest-other'),
            'flavor_ref': self._create_flavor('tempest', 128),
            'flavor_ref_alt': self._create_flavor('tempest-larger', 192),
        }

    def write(self, **ours: str) -> pathlib.Path:
        """Write it, or write it anew, and return its path.

        :param ours: [hypervisor_affinity]
        """
        nova_conf.write(
            self.path,
            self._options(),
            {'hypervisor_affinity': ours},
        )
        return self.path

    def _create_image(self, name: str) -> str:
        return self._cloud.admin.image.upload_image(
            name=name,
            disk_format='qcow2',
            container_format='bare',
            visibility='public',
            data=disks.IN_FORMAT['qcow2'](),
        ).id

    def _create_flavor(self, name: str, ram: int) -> str:
        return self._cloud.admin.compute.create_flavor(
            name=name, ram=ram, vcpus=1, disk=1
        ).id

    def _options(self) -> Mapping:
        return {
            'DEFAULT': {
                'log_dir': self.folder,
                'log_file': 'tempest.log',
            },
            'auth': _CREDENTIALS,
            'compute': {
                **self._compute,
                # As soon as nova is done: a boot takes a second or two.
                'build_interval': 1,
                'build_timeout': 180,
                'fixed_network_name': '',
                'max_microversion': 'latest',
                'min_compute_nodes': len(self._cloud.hosts),
            },
            'compute-feature-enabled': {
                'cold_migration': True,
                'resize': True,
                'shelve': True,
                **dict.fromkeys(_NOT_DONE, False),
            },
            'identity': {
                'auth_version': 'v3',
                'default_domain_id': DOMAIN_ID,
                'region': REGION,
                'uri_v3': self._cloud.site.auth_url,
                'v3_endpoint_type': 'public',
            },
            'network': {'project_networks_reachable': False},
            'network-feature-enabled': {'floating_ips': False},
            'oslo_concurrency': {'lock_path': self.folder},
            'service_available': _SERVICES,
            # There is no guest to reach.
            'validation': {'run_validation': False},
        }
