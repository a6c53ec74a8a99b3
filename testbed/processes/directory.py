# SPDX-License-Identifier: Apache-2.0
"""Whether a directory has a cloud, and may be used for one."""

import errno
import os
import pathlib
import shutil

from testbed.processes import guests
from testbed.processes import running

# Files that are there as soon as a folder is a cloud's, and when the cloud
# has all that it needs.
# Like nothing that anybody else would have: what is unfinished is removed.
BEGUN = 'hypervisor-affinity-ports.json'
FILLED = 'filled'


def is_in(folder: pathlib.Path) -> bool:
    """Tell whether a folder has a cloud, complete or not."""
    return (folder / BEGUN).exists()


def check_owner(folder: pathlib.Path) -> None:
    """Refuse the cloud of another user, whose programs cannot be ended.

    :raises PermissionError: it is one, and this is not root
    """
    if os.geteuid() not in (0, folder.stat().st_uid):
        raise PermissionError(
            errno.EPERM, f'this is a cloud of {folder.owner()}', str(folder)
        )


def make_room(folder: pathlib.Path) -> None:
    """Have a folder that is empty, or has a complete cloud.

    One that did not become complete is removed: what is in its databases can
    be anything.

    :raises OSError: the folder has something else, or another user's cloud
    """
    if is_in(folder):
        check_owner(folder)
        if (folder / FILLED).exists():
            return
        for found in running.find(folder):
            found.kill()
        guests.end(folder)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise OSError(
            errno.ENOTEMPTY,
            'not empty, and there is no cloud in it',
            str(folder),
        )
