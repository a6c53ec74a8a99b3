# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-fake-compute``: nova-compute with our drivers.

nova loads a driver from below ``nova.virt`` only, so this program puts the
drivers there, in memory, before it becomes nova-compute.
"""

import importlib.util
import sys

from oslo_config import cfg

from hypervisor_affinity import conf_files
from hypervisor_affinity import ending

NAME = 'hypervisor-affinity-fake-compute'


def main() -> int | None:
    """Run nova-compute; arguments and exit code are nova-compute's.

    :returns: 1 if nova or a file of the configuration cannot be read; None
        otherwise
    """
    if importlib.util.find_spec('nova') is None:
        return _give_up(
            f'nova is not installed in {sys.prefix}. Install '
            'hypervisor-affinity in the environment of nova-compute, and run '
            'the command from there.'
        )
    try:
        # First: it prepares the process for nova's concurrency mode, and
        # reads nova.conf for that.
        with conf_files.reading(cfg.ConfigOpts()):
            from nova.cmd import compute
    except conf_files.ConfError as error:
        return _give_up(str(error))
    except ImportError as error:
        return _give_up(f'nova cannot be loaded: {error}')
    from nova.conf import CONF

    from hypervisor_affinity.fake_compute import drivers
    from hypervisor_affinity.fake_compute import options

    options.register(CONF)
    sys.modules['nova.virt.hypervisor_affinity_fake'] = drivers
    compute.main()
    return None


def _give_up(text: str) -> int:
    ending.say(sys.stderr, f'{NAME}: {text}')
    return 1


if __name__ == '__main__':
    sys.exit(main())
