# SPDX-License-Identifier: Apache-2.0
"""How services of this cloud do what only root may: as the user they have."""

import pathlib
import shlex

from testbed.processes.supervisor import BIN


def helper(conf: pathlib.Path) -> str:
    """Return a ``helper_command``, without the sudo of the usual one.

    :param conf: the service's configuration
    """
    return shlex.join(
        [str(BIN / 'privsep-helper'), '--config-file', str(conf)]
    )
