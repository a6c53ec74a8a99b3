# SPDX-License-Identifier: Apache-2.0
"""Requests that no host can ever serve, and what their users read."""

from tempest.lib import decorators
from tempest.lib.common.utils import test_utils

from hypervisor_affinity_tempest_plugin.config import VMWARE
from hypervisor_affinity_tempest_plugin.tests import base


class RefusalsTest(base.PlacementTest):
    """The user reads why, in words for a user.

    The whole text is compared: so it can name no host and no aggregate. With
    the option ``tell_user`` off it is nova's own that is expected.
    """

    @classmethod
    def setup_clients(cls):
        """Add the administrator's host aggregates."""
        super().setup_clients()
        cls.aggregates_client = cls.os_admin.aggregates_client

    @decorators.idempotent_id('9ff9f98a-c13c-48bf-96b9-5dd7e5ad47cf')
    @decorators.attr(type=['smoke', 'negative'])
    def test_contradiction(self):
        """Image and flavor name different hypervisors: both are told."""
        image = self.create_image('iso', hypervisor_type='vmware')
        flavor = self.create_flavor({base.HYPERVISOR_TYPE: 'kvm'})
        self.assert_refused(
            self.boot(image, flavor),
            'The flavor needs KVM (hypervisor_affinity:hypervisor_type=kvm) '
            'and the image needs VMware (hypervisor_type=vmware): they '
            'contradict each other',
        )

    @decorators.idempotent_id('eed341fe-f5b4-4f77-a726-91b9c4e7fe58')
    @decorators.attr(type='negative')
    def test_image_that_its_hypervisor_cannot_boot(self):
        """A qcow2 image that names VMware: the user reads what to do."""
        image = self.create_image('qcow2', hypervisor_type='vmware')
        self.assert_refused(
            self.boot(image),
            'The image needs VMware (hypervisor_type=vmware), which cannot '
            'boot an image with disk_format=qcow2: convert it to VMDK',
        )

    @decorators.idempotent_id('c916a006-349b-43f0-af30-c0f30d9a2e0a')
    @decorators.attr(type='negative')
    def test_flavor_of_an_unknown_hypervisor(self):
        """What nova-api stored unseen gets no host, rather than any host."""
        # The microversion of this class is older than the validation.
        flavor = self.create_flavor({base.HYPERVISOR_TYPE: 'vmwrae'})
        self.assert_refused(
            self.boot(self.create_image('iso'), flavor),
            'The flavor extra spec hypervisor_affinity:hypervisor_type=vmwrae '
            'does not name a known hypervisor',
        )

    @decorators.idempotent_id('77ad5637-c571-4ba8-b0ee-ee006245290a')
    @decorators.attr(type='negative')
    def test_image_property_that_an_aggregate_excludes(self):
        """The user reads of the property, not of the aggregate.

        The aggregate limits a property that no other image here has, so that
        it is in no other test's way.
        """
        self._add_vmware_hosts_to_aggregate(vmware_image_version='17')
        image = self.create_image('vmdk', vmware_image_version='18')
        self.assert_refused(
            self.boot(image),
            'The image needs VMware (vmware_image_version=18); no available '
            'VMware host accepts vmware_image_version=18',
            rests_on_hosts=True,
        )
        accepted = self.create_image('vmdk', vmware_image_version='17')
        self.assert_on(VMWARE, self.boot(accepted))

    def _add_vmware_hosts_to_aggregate(self, **metadata: str) -> None:
        ignore_not_found = test_utils.call_and_ignore_notfound_exc
        aggregate = self.aggregates_client.create_aggregate(
            name=self.random_name()
        )['aggregate']['id']
        self.addCleanup(
            ignore_not_found,
            self.aggregates_client.delete_aggregate,
            aggregate,
        )
        for host, hypervisor in self.hypervisor_of.items():
            if hypervisor == VMWARE:
                self.aggregates_client.add_host(aggregate, host=host)
                self.addCleanup(
                    ignore_not_found,
                    self.aggregates_client.remove_host,
                    aggregate,
                    host=host,
                )
        self.aggregates_client.set_metadata(aggregate, metadata=metadata)
