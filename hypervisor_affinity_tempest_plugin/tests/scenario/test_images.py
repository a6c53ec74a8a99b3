# SPDX-License-Identifier: Apache-2.0
"""Each kind of image finds its hypervisor."""

from tempest import config
from tempest.lib import decorators

from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.config import VMWARE
from hypervisor_affinity_tempest_plugin.tests import base

CONF = config.CONF


class ImagesTest(base.PlacementTest):
    """Boots from images that the tests upload.

    An ISO image boots on both hypervisors, so that it is the image's
    properties or the operator's order that decides about one.
    """

    @decorators.idempotent_id('32666b64-0f46-44f6-a39d-0e1b1148a64b')
    @decorators.attr(type='smoke')
    def test_qcow2(self):
        """A qcow2 image goes to KVM: the vSphere driver cannot boot it."""
        self.assert_on(KVM, self.boot(self.create_image('qcow2')))

    @decorators.idempotent_id('a7cb7060-426a-4295-b41c-ca453ff47d21')
    def test_raw(self):
        """A raw image goes to KVM: the vSphere driver cannot boot it."""
        self.assert_on(KVM, self.boot(self.create_image('raw')))

    @decorators.idempotent_id('43e3cd7d-1078-41aa-927e-c4fe027c3aad')
    @decorators.attr(type='smoke')
    def test_vmdk(self):
        """A VMDK image without properties goes to VMware."""
        if CONF.hypervisor_affinity.vmdk_images != VMWARE:
            raise self.skipException(
                '[hypervisor_affinity] vmdk_images is not vmware'
            )
        self.assert_on(VMWARE, self.boot(self.create_image('vmdk')))

    @decorators.idempotent_id('75091c88-3c3e-4cb9-8af6-0cb8323292ee')
    @decorators.attr(type='smoke')
    def test_flexible(self):
        """An image that boots anywhere goes to the first of the order."""
        expected = self.first_choice()
        self.assert_on(expected, self.boot(self.create_image('iso')))

    @decorators.idempotent_id('8b25f2bd-0d6d-431d-a9d3-56698d02534e')
    def test_hypervisor_type_vmware(self):
        """An image that names VMware goes there against the order."""
        image = self.create_image('iso', hypervisor_type='vmware')
        self.assert_on(VMWARE, self.boot(image))

    @decorators.idempotent_id('e461ee30-8acd-4401-93de-c58cb27bfa94')
    def test_hypervisor_type_qemu(self):
        """An image that names QEMU goes to KVM: they are the same here."""
        image = self.create_image('iso', hypervisor_type='qemu')
        self.assert_on(KVM, self.boot(image))

    @decorators.idempotent_id('408b2426-e192-4efd-9e01-225bf30c3656')
    def test_vmware_ostype(self):
        """An image with a guest id of vSphere goes to VMware."""
        image = self.create_image('iso', vmware_ostype='otherGuest')
        self.assert_on(VMWARE, self.boot(image))

    @decorators.idempotent_id('76e9790a-8ec6-458e-af10-a5dc701faeb2')
    def test_vmware_disktype(self):
        """An image with a disk type of the vSphere driver goes to VMware."""
        image = self.create_image('vmdk', vmware_disktype='streamOptimized')
        self.assert_on(VMWARE, self.boot(image))


class SeveralServersTest(base.PlacementTest):
    """Requests for several servers at once."""

    COUNT = 3

    @decorators.idempotent_id('40d2f497-d9f5-49ab-8516-bee886a7895f')
    def test_several_on_kvm(self):
        """All of the servers from a qcow2 image go to KVM."""
        image = self.kvm_image()
        for server in self.boot_several(image, count=self.COUNT):
            self.assert_on(KVM, server)

    @decorators.idempotent_id('bf698a58-bf7e-459c-b40f-3b07b22f0d56')
    def test_several_on_vmware(self):
        """All of the servers from a VMDK image go to VMware."""
        image = self.vmware_image()
        for server in self.boot_several(image, count=self.COUNT):
            self.assert_on(VMWARE, server)

    @decorators.idempotent_id('2caa5d99-47e2-4ae1-baad-eb20735de978')
    @decorators.attr(type='negative')
    def test_several_refused(self):
        """Where one gets no host, none does, and none keeps the room of one.

        Users read nova's own words then, unless the pre-filter ended the
        request: raising others for a later server would leave what was
        claimed for the first ones behind.
        """
        image = self.create_image('qcow2', hypervisor_type='vmware')
        for server in self.boot_several(image, count=self.COUNT):
            self.assertEqual('ERROR', server['status'])
            self.assertIn(base.NO_HOST, server['fault']['message'])
            self.assertIsNone(self.host_of(server))
