# SPDX-License-Identifier: Apache-2.0
"""Load nova's driver for vCenter, and write what it reports as JSON.

Takes the arguments of nova-compute. Nothing of OpenStack needs to run.
"""

import gc
import json
import sys

from nova import config
from nova import objects
from nova.compute import provider_tree
from nova.virt import driver
from nova.virt import virtapi
from oslo_utils import uuidutils


def _report(loaded: driver.ComputeDriver) -> dict[str, object]:
    loaded.init_host('')
    (node,) = loaded.get_available_nodes()
    tree = provider_tree.ProviderTree()
    tree.new_root(node, uuidutils.generate_uuid())
    loaded.update_provider_tree(tree, node)
    provider = tree.data(node)
    capabilities = loaded.capabilities_as_traits()
    return {
        'node': node,
        'resource': loaded.get_available_resource(node),
        'inventory': provider.inventory,
        'traits': sorted(
            provider.traits
            | {name for name, is_so in capabilities.items() if is_so}
        ),
        'instances': loaded.list_instance_uuids(),
    }


if __name__ == '__main__':
    # A fifth of the work: suds makes much that stays.
    gc.disable()
    config.parse_args(sys.argv, configure_db=False)
    objects.register_all()
    json.dump(
        _report(driver.load_compute_driver(virtapi.VirtAPI())), sys.stdout
    )
