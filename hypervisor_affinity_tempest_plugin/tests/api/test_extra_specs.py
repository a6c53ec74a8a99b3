# SPDX-License-Identifier: Apache-2.0
"""nova-api refuses extra specs that the scheduler could not read."""

from tempest import config
from tempest.lib import decorators
from tempest.lib import exceptions

from hypervisor_affinity_tempest_plugin.tests import base

CONF = config.CONF


class ExtraSpecsTest(base.BaseTest):
    """Extra specs of a flavor, as an administrator sets them.

    nova validates them from microversion 2.86 on.
    """

    min_microversion = '2.86'

    @classmethod
    def skip_checks(cls):
        """Skip where nova-api does not know the extra specs."""
        super().skip_checks()
        if not CONF.hypervisor_affinity.extra_spec_validation:
            raise cls.skipException(
                '[hypervisor_affinity] extra_spec_validation is not enabled'
            )

    def _assert_refused(self, key: str, value: str, complaint: str) -> None:
        flavor = self.create_flavor()
        refused = self.assertRaises(
            exceptions.BadRequest,
            self.flavors_client.set_flavor_extra_spec,
            flavor,
            **{key: value},
        )
        self.assertIn(key, str(refused))
        self.assertIn(complaint, str(refused))
        self.assertEqual({}, self._stored(flavor))

    def _stored(self, flavor: str) -> dict[str, str]:
        client = self.flavors_client
        return client.list_flavor_extra_specs(flavor)['extra_specs']

    @decorators.idempotent_id('9dd020b0-2e76-41b6-a917-eee0bd9b2554')
    @decorators.attr(type='smoke')
    def test_right_values(self):
        """Every spelling of a hypervisor will do, and ``any``."""
        flavor = self.create_flavor()
        for hypervisor_type in ('ESXi, kvm', 'VMware vCenter Server', 'any'):
            specs = {
                base.HYPERVISOR_TYPE: hypervisor_type,
                base.PREFERRED: 'vmware,qemu',
            }
            self.flavors_client.set_flavor_extra_spec(flavor, **specs)
            self.assertEqual(specs, self._stored(flavor))

    @decorators.idempotent_id('6fa9c7c8-d408-4c58-b93d-a1a091f295d7')
    @decorators.attr(type='negative')
    def test_wrong_hypervisor_type(self):
        """Of a list, the word is named that is wrong."""
        self._assert_refused(
            base.HYPERVISOR_TYPE,
            'kvm,vmwrae',
            'vmwrae is not a known hypervisor',
        )

    @decorators.idempotent_id('2c72c541-943f-4a1a-bdf4-5a1dc2e33d48')
    @decorators.attr(type='negative')
    def test_wrong_preferred(self):
        """``any`` is not an order."""
        self._assert_refused(
            base.PREFERRED, 'any', 'any is not a known hypervisor'
        )

    @decorators.idempotent_id('110bd213-2168-466f-839e-4d8bdac2fb53')
    @decorators.attr(type='negative')
    def test_unknown_key(self):
        """A key that is misspelt would have no effect."""
        key = 'hypervisor_affinity:hypervisor'
        self._assert_refused(key, 'kvm', key)

    @decorators.idempotent_id('0e6a41a6-f517-48f6-b99c-f6bdb80f8da8')
    @decorators.attr(type='negative')
    def test_wrong_update(self):
        """A single extra spec that is changed is looked at, too."""
        right = {base.HYPERVISOR_TYPE: 'vmware'}
        flavor = self.create_flavor(right)
        self.assertRaises(
            exceptions.BadRequest,
            self.flavors_client.update_flavor_extra_spec,
            flavor,
            base.HYPERVISOR_TYPE,
            **{base.HYPERVISOR_TYPE: 'vmwrae'},
        )
        self.assertEqual(right, self._stored(flavor))
