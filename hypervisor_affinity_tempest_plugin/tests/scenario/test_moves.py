# SPDX-License-Identifier: Apache-2.0
"""A server stays on its hypervisor, and can run what it is given there."""

from tempest import config
from tempest.lib import decorators

from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.config import VMWARE
from hypervisor_affinity_tempest_plugin.tests import base

CONF = config.CONF


class ResizeTest(base.PlacementTest):
    """Resizes of servers whose images could run on either hypervisor."""

    @classmethod
    def skip_checks(cls):
        """Skip where nothing can be resized."""
        super().skip_checks()
        if not CONF.compute_feature_enabled.resize:
            raise cls.skipException(
                '[compute-feature-enabled] resize is not enabled'
            )

    @classmethod
    def resource_setup(cls):
        """Upload an image that does not bind its servers."""
        super().resource_setup()
        cls.image = cls.create_image('iso')

    def _resize(self, server: dict, flavor: str) -> dict:
        self.servers_client.resize_server(server['id'], flavor)
        return self.settled(server['id'])

    def _test_stays(self, hypervisor: str, other: str) -> None:
        # The larger flavor would rather have the other hypervisor: nothing
        # but the server itself holds it back.
        own = self.create_flavor({base.PREFERRED: hypervisor})
        larger = self.create_flavor({base.PREFERRED: other}, ram=192)
        server = self.boot(self.image, own)
        self.assert_on(hypervisor, server)
        server = self._resize(server, larger)
        self.assert_on(hypervisor, server, 'VERIFY_RESIZE')
        self.servers_client.confirm_resize_server(server['id'])
        confirmed = self.settled(server['id'], after='VERIFY_RESIZE')
        self.assert_on(hypervisor, confirmed)

    @decorators.idempotent_id('6bccb73a-2964-405e-b282-90ee969f563a')
    @decorators.attr(type='slow')
    def test_resize_stays_on_kvm(self):
        """A server on KVM is resized on KVM, whatever the flavor prefers."""
        self._test_stays(KVM, VMWARE)

    @decorators.idempotent_id('b401385f-4f46-4a6b-b80e-b8986391a2e4')
    @decorators.attr(type='slow')
    def test_resize_stays_on_vmware(self):
        """A server on VMware is resized there, whatever the flavor prefers."""
        self._test_stays(VMWARE, KVM)

    @decorators.idempotent_id('92ef4ffe-2b51-44f7-9298-a3caf6a47491')
    @decorators.attr(type=['slow', 'negative'])
    def test_resize_to_a_flavor_of_the_other_hypervisor(self):
        """It fails, and the server runs on as it was."""
        server = self.boot(
            self.image, self.create_flavor({base.PREFERRED: KVM})
        )
        self.assert_on(KVM, server)
        host = self.host_of(server)
        flavor = self.create_flavor({base.HYPERVISOR_TYPE: VMWARE}, ram=192)
        after = self._resize(server, flavor)
        self.assert_on(KVM, after)
        self.assertEqual(host, self.host_of(after))
        self.assertEqual(server['flavor'], after['flavor'])


class RebuildTest(base.PlacementTest):
    """Rebuilds with an image that the server's hypervisor cannot boot.

    A rebuild keeps its host, so that it is refused or it breaks the server.
    """

    def _test_refused(
        self, hypervisor: str, own: str, foreign: str, reason: str
    ) -> None:
        server = self.boot(own)
        self.assert_on(hypervisor, server)
        host = self.host_of(server)
        self.servers_client.rebuild_server(server['id'], foreign)
        refused = self.settled(server['id'])
        self.assert_refused(refused, reason)
        self.assertEqual(host, self.host_of(refused))
        # nova leaves it in ERROR, but it runs on from its own disk.
        self.assertEqual(own, refused['image']['id'])
        power_state = 'OS-EXT-STS:power_state'
        self.assertEqual(server[power_state], refused[power_state])
        self.servers_client.rebuild_server(server['id'], own)
        rebuilt = self.settled(server['id'])
        self.assert_on(hypervisor, rebuilt)
        self.assertEqual(host, self.host_of(rebuilt))

    @decorators.idempotent_id('fb9b1c90-3f68-4451-af8b-65aa6b034b50')
    @decorators.attr(type=['slow', 'negative'])
    def test_rebuild_on_kvm_with_an_image_for_vmware(self):
        """The user reads that the image needs VMware."""
        self._test_refused(
            KVM,
            self.kvm_image(),
            self.create_image('vmdk', vmware_disktype='streamOptimized'),
            'The image needs VMware (vmware_disktype=streamOptimized); this '
            "server's host has another hypervisor; boot a new server instead",
        )

    @decorators.idempotent_id('388bb7ba-db9a-4010-8450-2a46cec6eacb')
    @decorators.attr(type=['slow', 'negative'])
    def test_rebuild_on_vmware_with_an_image_for_kvm(self):
        """The user reads that the image cannot boot on VMware."""
        self._test_refused(
            VMWARE,
            self.vmware_image(),
            self.create_image('qcow2'),
            'The image cannot boot on VMware (disk_format=qcow2); this '
            "server's host cannot boot it; boot a new server instead",
        )

    @decorators.idempotent_id('953816b0-53f1-43e9-9943-653a92f85a71')
    @decorators.attr(type='slow')
    def test_rebuild_with_another_image_of_the_same_hypervisor(self):
        """A server gets another image that its hypervisor can run."""
        server = self.boot(self.kvm_image())
        self.assert_on(KVM, server)
        host = self.host_of(server)
        image = self.create_image('raw')
        self.servers_client.rebuild_server(server['id'], image)
        rebuilt = self.settled(server['id'])
        self.assert_on(KVM, rebuilt)
        self.assertEqual(host, self.host_of(rebuilt))
        self.assertEqual(image, rebuilt['image']['id'])
