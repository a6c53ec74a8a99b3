# SPDX-License-Identifier: Apache-2.0
"""What a flavor says of the hypervisor."""

from tempest.lib import decorators

from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.config import VMWARE
from hypervisor_affinity_tempest_plugin.tests import base


class FlavorsTest(base.PlacementTest):
    """Boots from images that could run on either hypervisor."""

    @classmethod
    def resource_setup(cls):
        """Upload an image that the operator's order decides about."""
        super().resource_setup()
        cls.image = cls.create_image('iso')

    def boot_with(self, image: str, extra_spec: str, value: str) -> dict:
        """Boot with a flavor that has one extra spec."""
        return self.boot(image, self.create_flavor({extra_spec: value}))

    @decorators.idempotent_id('4cb33e5d-fbd6-4da6-81a0-a13692836ad0')
    @decorators.attr(type='smoke')
    def test_hypervisor_type_vmware(self):
        """A flavor that names VMware takes its servers there."""
        server = self.boot_with(self.image, base.HYPERVISOR_TYPE, 'vmware')
        self.assert_on(VMWARE, server)

    @decorators.idempotent_id('e3556741-4e8a-4597-98e9-dffa032b6e74')
    def test_hypervisor_type_kvm(self):
        """A flavor that names KVM takes its servers there.

        It also overrides what the image merely suggests.
        """
        image = self.create_image('iso', vmware_ostype='otherGuest')
        server = self.boot_with(image, base.HYPERVISOR_TYPE, 'kvm')
        self.assert_on(KVM, server)

    @decorators.idempotent_id('3c0d638b-2c80-4afd-b783-26d9993774df')
    def test_hypervisor_type_any(self):
        """``any`` lifts what the image suggests: the order decides."""
        expected = self.first_choice()
        image = self.create_image('iso', vmware_ostype='otherGuest')
        server = self.boot_with(image, base.HYPERVISOR_TYPE, 'any')
        self.assert_on(expected, server)

    @decorators.idempotent_id('cc581432-fbec-4028-8775-4c432c725fbf')
    def test_preferred_vmware(self):
        """A flavor's own order overrides the operator's."""
        server = self.boot_with(self.image, base.PREFERRED, 'vmware,kvm')
        self.assert_on(VMWARE, server)

    @decorators.idempotent_id('de7ef2b3-afa4-4649-86d3-69f0b216f764')
    def test_preferred_kvm(self):
        """A flavor's own order overrides the operator's."""
        server = self.boot_with(self.image, base.PREFERRED, 'kvm,vmware')
        self.assert_on(KVM, server)

    @decorators.idempotent_id('3486aaaf-7338-4865-af3a-bdcb791ca3fa')
    def test_preferred_is_no_licence(self):
        """An order never puts an image where it cannot boot."""
        image = self.kvm_image()
        server = self.boot_with(image, base.PREFERRED, 'vmware,kvm')
        self.assert_on(KVM, server)
