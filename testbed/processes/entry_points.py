# SPDX-License-Identifier: Apache-2.0
"""What a program finds as if it were installed: plugins by entry points."""

import pathlib

# As much of an installed distribution as that takes.
_DISTRIBUTION = 'hypervisor_affinity_testbed-0.dist-info'
_METADATA = """\
Metadata-Version: 2.1
Name: hypervisor-affinity-testbed
Version: 0
"""


def write(folder: pathlib.Path, group: str, name: str, target: str) -> None:
    """Have one in a folder, which is to be in the program's PYTHONPATH.

    :param group: that the program looks into
    :param name: of the plugin
    :param target: ``module:class``
    """
    distribution = folder / _DISTRIBUTION
    distribution.mkdir(parents=True, exist_ok=True)
    (distribution / 'METADATA').write_text(_METADATA)
    (distribution / 'entry_points.txt').write_text(
        f'[{group}]\n{name} = {target}\n'
    )
