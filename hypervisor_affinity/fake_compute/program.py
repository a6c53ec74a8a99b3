# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-fake-compute``: nova-compute with our drivers.

nova loads a driver from below ``nova.virt`` only, so this program puts the
drivers there, in memory, before it becomes nova-compute.
"""

import sys

from oslo_config import cfg

from hypervisor_affinity import conf_files


def main() -> int | None:
    """Run nova-compute; arguments and exit code are nova-compute's.

    :returns: 1 if a file of the configuration cannot be read; None otherwise
    """
    try:
        # First: it prepares the process for nova's concurrency mode, and
        # reads nova.conf for that.
        with conf_files.reading(cfg.ConfigOpts()):
            from nova.cmd import compute
    except conf_files.ConfError as error:
        sys.stderr.write(f'hypervisor-affinity-fake-compute: {error}\n')
        return 1
    from nova.conf import CONF

    from hypervisor_affinity.fake_compute import drivers
    from hypervisor_affinity.fake_compute import options

    options.register(CONF)
    sys.modules['nova.virt.hypervisor_affinity_fake'] = drivers
    compute.main()
    return None


if __name__ == '__main__':
    sys.exit(main())
