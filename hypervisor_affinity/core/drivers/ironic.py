# SPDX-License-Identifier: Apache-2.0
"""nova's bare metal driver, ``nova.virt.ironic``.

It has no rows: what a node boots is Ironic's matter.
"""

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers.table import Table

TABLE = Table(
    family=hypervisor.BAREMETAL,
    driver='ironic',
    reports=('ironic',),
    # nova.virt.ironic.driver._get_nodes_supported_instances: so no node has
    # what an image with hypervisor_type=ironic asks ImagePropertiesFilter for.
    guest_types=('baremetal',),
)
