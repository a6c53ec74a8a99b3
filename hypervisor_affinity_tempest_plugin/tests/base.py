# SPDX-License-Identifier: Apache-2.0
"""What the tests have in common: hosts found, servers booted and judged."""

import io

from tempest import config
from tempest import test
from tempest.lib import decorators
from tempest.lib import exceptions
from tempest.lib.common import api_version_utils
from tempest.lib.common.utils import data_utils
from tempest.lib.common.utils import test_utils

from hypervisor_affinity_tempest_plugin import disks
from hypervisor_affinity_tempest_plugin.config import KVM
from hypervisor_affinity_tempest_plugin.config import VMWARE

CONF = config.CONF

# What virt drivers report. libvirt says QEMU for guests of KVM, too.
HYPERVISORS = {
    'QEMU': KVM,
    'VMware vCenter Server': VMWARE,
    'VMware ESXi': VMWARE,
}

HYPERVISOR_TYPE = 'hypervisor_affinity:hypervisor_type'
PREFERRED = 'hypervisor_affinity:preferred'

NO_HOST = 'No valid host was found. '
NOT_TOLD = 'There are not enough hosts available.'


class BaseTest(api_version_utils.BaseMicroversionTest, test.BaseTestCase):
    """Clients, flavors, and the checks that need no look at the cloud."""

    credentials = ('primary', 'admin')

    # Hypervisors have from here on the ids that Placement knows them by. A
    # server needs no network from 2.37 on.
    min_microversion = '2.53'

    @classmethod
    def skip_checks(cls):
        """Skip where the configuration says that the tests cannot run."""
        super().skip_checks()
        if not CONF.service_available.hypervisor_affinity:
            raise cls.skipException(
                '[service_available] hypervisor_affinity is not enabled'
            )
        if not CONF.service_available.nova:
            raise cls.skipException('nova is not available')
        api_version_utils.check_skip_with_microversion(
            cls.min_microversion,
            cls.max_microversion,
            CONF.compute.min_microversion,
            CONF.compute.max_microversion,
        )

    @classmethod
    def setup_credentials(cls):
        """Ask for no network: where a server is placed does not need one."""
        cls.set_network_resources()
        super().setup_credentials()

    @classmethod
    def setup_clients(cls):
        """Name the clients; ``admin_`` ones are an administrator's."""
        super().setup_clients()
        cls.servers_client = cls.os_primary.servers_client
        cls.admin_servers_client = cls.os_admin.servers_client
        cls.flavors_client = cls.os_admin.flavors_client

    @classmethod
    def resource_setup(cls):
        """Choose the microversion of the class."""
        super().resource_setup()
        cls.setup_api_microversion_fixture(
            compute_microversion=api_version_utils.select_request_microversion(
                cls.min_microversion, CONF.compute.min_microversion
            )
        )

    @classmethod
    def random_name(cls) -> str:
        """Return a name that nothing else has."""
        return data_utils.rand_name(
            cls.__name__, prefix=CONF.resource_name_prefix
        )

    @decorators.cleanup_order
    def create_flavor(self, extra_specs=None, *, ram=128, vcpus=1) -> str:
        """Create a flavor; return its id."""
        flavor = self.flavors_client.create_flavor(
            name=self.random_name(), ram=ram, vcpus=vcpus, disk=1
        )['flavor']
        self.cleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.flavors_client.delete_flavor,
            flavor['id'],
        )
        if extra_specs:
            self.flavors_client.set_flavor_extra_spec(
                flavor['id'], **extra_specs
            )
        return flavor['id']


class PlacementTest(BaseTest):
    """A cloud with both hypervisors, and servers in it.

    A user owns the images and the servers and reads the faults; an
    administrator creates flavors and sees where a server is. Servers are
    told apart by the hypervisor of their host, so that a test works with any
    number of hosts.
    """

    @classmethod
    def skip_checks(cls):
        """Skip where there is no image service."""
        super().skip_checks()
        if not CONF.service_available.glance:
            raise cls.skipException('glance is not available')

    @classmethod
    def setup_clients(cls):
        """Add the user's images and the administrator's hypervisors."""
        super().setup_clients()
        cls.images_client = cls.os_primary.image_client_v2
        cls.hypervisors_client = cls.os_admin.hypervisor_client

    @classmethod
    def resource_setup(cls):
        """Find the hosts; a cloud with one hypervisor proves nothing."""
        super().resource_setup()
        cls.hypervisors = cls.hypervisors_client.list_hypervisors(detail=True)[
            'hypervisors'
        ]
        cls.hypervisor_of = {
            found['service']['host']: HYPERVISORS[found['hypervisor_type']]
            for found in cls.hypervisors
            if found['hypervisor_type'] in HYPERVISORS
            and (found['state'], found['status']) == ('up', 'enabled')
        }
        for hypervisor in (KVM, VMWARE):
            if hypervisor not in cls.hypervisor_of.values():
                raise cls.skipException(
                    f'No compute host with the hypervisor {hypervisor} is up '
                    'and enabled'
                )
        cls.flavor = cls.create_flavor()

    @decorators.cleanup_order
    def create_image(self, disk_format: str, **properties: str) -> str:
        """Upload a small disk as the user's image; return the image's id."""
        image = self.images_client.create_image(
            name=self.random_name(),
            disk_format=disk_format,
            container_format='bare',
            visibility='private',
            **properties,
        )
        self.cleanup(
            test_utils.call_and_ignore_notfound_exc,
            self.images_client.delete_image,
            image['id'],
        )
        content = io.BytesIO(disks.IN_FORMAT[disk_format]())
        self.images_client.store_image_file(image['id'], content)
        return image['id']

    def kvm_image(self) -> str:
        """Return the image to boot on KVM where any will do."""
        ref = CONF.hypervisor_affinity.kvm_image_ref
        return ref or self.create_image('qcow2')

    def vmware_image(self) -> str:
        """Return the image to boot on VMware where any will do."""
        return CONF.hypervisor_affinity.vmware_image_ref or self.create_image(
            'vmdk',
            hypervisor_type='vmware',
            vmware_disktype='streamOptimized',
        )

    def boot(self, image: str | None, flavor: str | None = None, **request):
        """Boot a server and return it once nova is done, well or ill."""
        (server,) = self.boot_several(image, flavor, **request)
        return server

    def boot_several(
        self,
        image: str | None,
        flavor: str | None = None,
        *,
        count: int = 1,
        **request,
    ) -> list[dict]:
        """Boot servers in one request and return them once nova is done."""
        name = self.random_name()
        if image is not None:
            request['imageRef'] = image
        # By name and before they exist: so none is left behind by a request
        # whose answer was lost.
        self.addCleanup(self._delete_servers, name)
        self.servers_client.create_server(
            name=name,
            flavorRef=flavor or self.flavor,
            networks='none',
            min_count=count,
            max_count=count,
            **request,
        )
        servers = self._named(name)
        self.assertEqual(count, len(servers))
        return [self.settled(server) for server in servers]

    @classmethod
    def _named(cls, name: str) -> list[str]:
        found = cls.servers_client.list_servers(name=name)['servers']
        return [server['id'] for server in found]

    @classmethod
    def _delete_servers(cls, name: str) -> None:
        for server in cls._named(name):
            test_utils.call_and_ignore_notfound_exc(
                cls.servers_client.delete_server, server
            )
        cls.wait_until(
            lambda: not cls._named(name), f'servers {name} are deleted'
        )

    @classmethod
    def wait_until(cls, condition, what: str) -> None:
        """Wait as long as tempest waits for a server.

        :param what: says in the failure what was waited for
        """
        if not test_utils.call_until_true(
            condition, CONF.compute.build_timeout, CONF.compute.build_interval
        ):
            raise exceptions.TimeoutException(
                f'Did not happen within {CONF.compute.build_timeout} seconds: '
                f'{what}'
            )

    def settled(self, server_id: str, after: str = 'BUILD') -> dict:
        """Return the server, as its user sees it, once nova is done.

        :param after: the status that it has to leave; an action that sets a
            task, as most do, needs none
        """
        server = {}

        def look_again() -> bool:
            shown = self.servers_client.show_server(server_id)['server']
            server.update({'fault': None} | shown)
            return (
                server['OS-EXT-STS:task_state'] is None
                and server['status'] != after
            )

        self.wait_until(look_again, f'server {server_id} settles')
        return server

    def host_of(self, server: dict) -> str:
        """Return the host of a server, which only administrators see."""
        shown = self.admin_servers_client.show_server(server['id'])['server']
        return shown['OS-EXT-SRV-ATTR:host']

    def assert_on(
        self, hypervisor: str, server: dict, status: str = 'ACTIVE'
    ) -> None:
        """Check that a server is well, and on a host of the hypervisor."""
        self.assertEqual(status, server['status'], server['fault'])
        self.assertEqual(
            hypervisor, self.hypervisor_of.get(self.host_of(server))
        )

    def assert_refused(
        self, server: dict, reason: str, *, rests_on_hosts: bool = False
    ) -> None:
        """Check that a server got no host, and what its user reads.

        :param reason: as the user reads it, if users are told
        :param rests_on_hosts: whether other hosts would have done. If
            Placement has left out all that there are, nova gives no reason.
        """
        if not CONF.hypervisor_affinity.tell_user:
            reason = NOT_TOLD
        expected = [NO_HOST + reason]
        if rests_on_hosts and CONF.hypervisor_affinity.placement_prefilter:
            expected.append(NO_HOST)
        self.assertEqual('ERROR', server['status'])
        self.assertIn(server['fault']['message'], expected)

    @classmethod
    def first_choice(cls) -> str:
        """Return the hypervisor that a flexible request gets."""
        preferred = CONF.hypervisor_affinity.preferred_hypervisors
        if not preferred:
            raise cls.skipException(
                '[hypervisor_affinity] preferred_hypervisors is empty'
            )
        return preferred[0]
