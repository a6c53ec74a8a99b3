# SPDX-License-Identifier: Apache-2.0
"""What tasks return; those of the simulator are done at once."""

from typing import Any

from pyVmomi import vim


def result(task: vim.Task) -> Any:
    """Return what a task returned; raise what it failed of."""
    info = task.info
    if info.error:
        raise info.error
    assert info.state == 'success'
    return info.result
