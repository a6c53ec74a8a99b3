# SPDX-License-Identifier: Apache-2.0
"""What happens when KVM is full.

No test fills a host: others may run at the same time. A flavor larger than
any KVM host, which VMware has room for, asks the same question.
"""

from tempest import config
from tempest.lib import decorators

from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.config import PREFER
from hypervisor_affinity_tempest_plugin.config import STRICT
from hypervisor_affinity_tempest_plugin.config import VMWARE
from hypervisor_affinity_tempest_plugin.tests import base

CONF = config.CONF

# A flavor's sizes -> how Placement calls them, and what they are multiples
# of: the vSphere driver takes RAM in steps of 4 MiB.
SIZES = {'ram': ('MEMORY_MB', 4), 'vcpus': ('VCPU', 1)}


class OverflowTest(base.PlacementTest):
    """Requests that would rather have KVM, and are too large for it."""

    # The servers are larger than a project's quota, which is raised here: it
    # must not be a project that somebody else uses.
    force_tenant_isolation = True

    @classmethod
    def setup_clients(cls):
        """Add the administrator's Placement and quotas."""
        super().setup_clients()
        cls.providers_client = cls.os_admin.resource_providers_client
        cls.quotas_client = cls.os_admin.quotas_client

    @classmethod
    def resource_setup(cls):
        """Find the size that only VMware has, and allow it."""
        super().resource_setup()
        cls.size = cls._size_for_vmware_only()
        project = cls.os_primary.credentials.project_id
        cls.addClassResourceCleanup(
            cls.quotas_client.delete_quota_set, project
        )
        cls.quotas_client.update_quota_set(project, ram=-1, cores=-1)
        cls.image = cls.create_image('iso')

    @classmethod
    def _size_for_vmware_only(cls) -> dict[str, int]:
        """Return the size of a flavor that fits no KVM host, but VMware.

        Placement, and not os-hypervisors, tells what a single server can
        get of a host: a vCenter host is a cluster.
        """
        providers = [
            (base.HYPERVISORS.get(found['hypervisor_type']), found['id'])
            for found in cls.hypervisors
        ]
        for size, (resource, step) in SIZES.items():
            on_kvm = [
                cls._largest(provider, resource)
                for hypervisor, provider in providers
                if hypervisor == KVM
            ]
            asked = (max(on_kvm) // step + 1) * step
            if any(
                cls._largest(provider, resource, now=True) >= asked
                for hypervisor, provider in providers
                if hypervisor == VMWARE
            ):
                return {size: asked}
        raise cls.skipException(
            'No server can be too large for KVM and fit VMware: no VMware '
            'host has more free RAM or vCPUs than the largest KVM host has in '
            'total'
        )

    @classmethod
    def _largest(cls, provider: str, resource: str, now: bool = False) -> int:
        """Return how much of a resource one server can get of a host.

        :param now: count what is in use
        """
        inventory = cls.providers_client.list_resource_provider_inventories(
            provider
        )['inventories'].get(resource)
        if inventory is None:
            return 0
        room = int(
            (inventory['total'] - inventory['reserved'])
            * inventory['allocation_ratio']
        )
        if now:
            usages = cls.providers_client.list_resource_provider_usages(
                provider
            )['usages']
            room -= usages.get(resource, 0)
        return min(room, inventory['max_unit'])

    def _skip_unless(self, placement: str) -> None:
        if CONF.hypervisor_affinity.flexible_placement != placement:
            raise self.skipException(
                f'[hypervisor_affinity] flexible_placement is not {placement}'
            )

    def _boot_large(self, extra_specs: dict[str, str]) -> dict:
        flavor = self.create_flavor(extra_specs, **self.size)
        return self.boot(self.image, flavor)

    @decorators.idempotent_id('8ec92457-c11b-484a-84f2-429943fc491a')
    def test_prefer(self):
        """What does not fit on the first hypervisor goes to the next."""
        self._skip_unless(PREFER)
        server = self._boot_large({base.PREFERRED: 'kvm,vmware'})
        self.assert_on(VMWARE, server)

    @decorators.idempotent_id('305ec387-a720-4b71-ba3f-30e281edb055')
    @decorators.attr(type='negative')
    def test_strict(self):
        """What does not fit on the first hypervisor fails, and says so."""
        self._skip_unless(STRICT)
        self.assert_refused(
            self._boot_large({base.PREFERRED: 'kvm,vmware'}),
            'The server can run on any hypervisor; it may use only the '
            'preferred hypervisor, and no host with that hypervisor is '
            'available',
            rests_on_hosts=True,
        )

    @decorators.idempotent_id('a4d1bcbe-a3b1-4dbf-9fed-c10146fff487')
    @decorators.attr(type='negative')
    def test_need_never_overflows(self):
        """What needs KVM fails when KVM is full, however it is set."""
        self.assert_refused(
            self._boot_large({base.HYPERVISOR_TYPE: 'kvm'}),
            'The flavor needs KVM (hypervisor_affinity:hypervisor_type=kvm); '
            'no KVM host is available',
            rests_on_hosts=True,
        )

    @decorators.idempotent_id('ec514bb3-3be3-485a-8e94-0dca71df0a39')
    @decorators.attr(type=['slow', 'negative'])
    def test_resize_never_overflows(self):
        """A server on KVM does not become too large for KVM.

        Its disk has the format of its hypervisor: the resize fails, and it
        runs on as it was.
        """
        if not CONF.compute_feature_enabled.resize:
            raise self.skipException(
                '[compute-feature-enabled] resize is not enabled'
            )
        server = self.boot(
            self.image, self.create_flavor({base.PREFERRED: 'kvm'})
        )
        self.assert_on(KVM, server)
        host = self.host_of(server)
        large = self.create_flavor(**self.size)
        self.servers_client.resize_server(server['id'], large)
        after = self.settled(server['id'])
        self.assert_on(KVM, after)
        self.assertEqual(host, self.host_of(after))
        self.assertEqual(server['flavor'], after['flavor'])
