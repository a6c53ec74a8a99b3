# SPDX-License-Identifier: Apache-2.0
"""The machines of a cloud's servers: they outlive a nova-compute."""

import pathlib

from testbed.processes.program import Program

# Where libvirt writes them, in the directory of a nova-compute.
_PID_FILES = 'nova/nova-compute-*/libvirt/run/qemu/instance-*.pid'


def find(cloud: pathlib.Path) -> list[Program]:
    """Return those that have pid files.

    :param cloud: its directory
    """
    return [
        Program(path.stem, (), {}, cloud, pid_file=path)
        for path in sorted(cloud.glob(_PID_FILES))
    ]


def end(cloud: pathlib.Path) -> None:
    """End all, as if their hosts were switched off.

    :param cloud: its directory
    """
    for guest in find(cloud):
        guest.kill()
