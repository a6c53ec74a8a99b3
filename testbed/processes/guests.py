# SPDX-License-Identifier: Apache-2.0
"""The machines of a cloud's servers: they outlive a nova-compute."""

import pathlib

from testbed.processes.program import Program

# Where libvirt writes them, in the directory of a host's nova-compute.
_PID_FILES = 'nova/nova-compute-{host}/libvirt/run/qemu/instance-*.pid'
_ANY = '*'


def find(cloud: pathlib.Path, host: str = _ANY) -> list[Program]:
    """Return those that have pid files.

    :param cloud: its directory
    :param host: whose; by default of all hosts
    """
    return [
        Program(path.stem, (), {}, cloud, pid_file=path)
        for path in sorted(cloud.glob(_PID_FILES.format(host=host)))
    ]


def end(cloud: pathlib.Path, host: str = _ANY) -> None:
    """End them, as if their hosts were switched off.

    :param cloud: its directory
    :param host: whose; by default of all hosts
    """
    for guest in find(cloud, host):
        guest.kill()
