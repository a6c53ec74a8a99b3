# SPDX-License-Identifier: Apache-2.0
"""Servers that boot from volumes."""

from tempest import config
from tempest.lib import decorators
from tempest.lib.common.utils import test_utils

from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.tests import base

CONF = config.CONF

_PASSING = ('creating', 'downloading')


class VolumesTest(base.PlacementTest):
    """Volumes made from images beforehand.

    nova knows the image's properties of such a volume, but no format. No
    test boots one on VMware, since few clouds have volumes for both
    hypervisors.
    """

    @classmethod
    def skip_checks(cls):
        """Skip where there is no volume service."""
        super().skip_checks()
        if not CONF.service_available.cinder:
            raise cls.skipException('cinder is not available')

    @classmethod
    def setup_clients(cls):
        """Add the user's volumes."""
        super().setup_clients()
        cls.volumes_client = cls.os_primary.volumes_client_latest

    def _boot_from_volume(self, image: str, flavor: str) -> dict:
        client = self.volumes_client
        volume = client.create_volume(
            name=self.random_name(), imageRef=image, size=1
        )['volume']['id']
        self.addCleanup(client.wait_for_resource_deletion, volume)
        self.addCleanup(
            test_utils.call_and_ignore_notfound_exc,
            client.delete_volume,
            volume,
        )
        self.wait_until(
            lambda: self._status(volume) not in _PASSING,
            f'volume {volume} is created',
        )
        self.assertEqual('available', self._status(volume))
        device = {
            'boot_index': 0,
            'uuid': volume,
            'source_type': 'volume',
            'destination_type': 'volume',
        }
        return self.boot(None, flavor, block_device_mapping_v2=[device])

    def _status(self, volume: str) -> str:
        return self.volumes_client.show_volume(volume)['volume']['status']

    @decorators.idempotent_id('5f2e49e8-1772-4405-95f8-d89ce7606415')
    @decorators.attr(type='slow')
    def test_flexible(self):
        """A volume without properties follows the order."""
        flavor = self.create_flavor({base.PREFERRED: 'kvm,vmware'})
        image = self.create_image('qcow2')
        self.assert_on(KVM, self._boot_from_volume(image, flavor))

    @decorators.idempotent_id('4b3a44c1-bf43-4222-a5bb-c8eaef724784')
    @decorators.attr(type=['slow', 'negative'])
    def test_property_of_the_image(self):
        """A volume has kept what its image names: both sides are told."""
        flavor = self.create_flavor({base.HYPERVISOR_TYPE: 'kvm'})
        image = self.create_image('qcow2', hypervisor_type='vmware')
        self.assert_refused(
            self._boot_from_volume(image, flavor),
            'The flavor needs KVM (hypervisor_affinity:hypervisor_type=kvm) '
            'and the image needs VMware (hypervisor_type=vmware): they '
            'contradict each other',
        )
