# SPDX-License-Identifier: Apache-2.0
"""How services of this cloud do what only root may: as the user they have."""

import pathlib
import shlex
from collections.abc import Sequence

from testbed.processes.supervisor import BIN


def helper(conf: pathlib.Path, inside: Sequence[str] = ()) -> str:
    """Return a ``helper_command``, without the sudo of the usual one.

    :param conf: the service's configuration
    :param inside: command that runs it, given as its arguments
    """
    return shlex.join(
        [*inside, str(BIN / 'privsep-helper'), '--config-file', str(conf)]
    )
