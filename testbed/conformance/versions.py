# SPDX-License-Identifier: Apache-2.0
"""What the findings were made with."""

import subprocess
from importlib import metadata

# Distributions whose code answers: nova, and what it looks at disks with.
_DISTRIBUTIONS = ('nova', 'oslo.utils', 'glance', 'oslo.vmware')
_SIMULATOR = 'golang-github-vmware-govmomi-dev'


def of_packages() -> dict[str, str]:
    """Return {program: version} of all but libvirt and QEMU."""
    return {
        **{name: metadata.version(name) for name in _DISTRIBUTIONS},
        'vCenter simulator (govmomi)': _of_simulator(),
    }


def _of_simulator() -> str:
    try:
        asked = subprocess.run(
            ['dpkg-query', '--show', '--showformat=${Version}', _SIMULATOR],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        # Installed by other means than Debian's.
        return 'not known'
    return asked.stdout
