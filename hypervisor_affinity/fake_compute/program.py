# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-fake-compute``: nova-compute with our drivers.

nova loads a driver from below ``nova.virt`` only, so this program puts the
drivers there, in memory, before it becomes nova-compute.
"""

import sys

# First: it prepares the process for nova's concurrency mode.
from nova.cmd import compute  # isort: skip

from nova.conf import CONF

from hypervisor_affinity.fake_compute import drivers
from hypervisor_affinity.fake_compute import options


def main() -> None:
    """Run nova-compute; arguments and exit code are nova-compute's."""
    options.register(CONF)
    sys.modules['nova.virt.hypervisor_affinity_fake'] = drivers
    compute.main()
