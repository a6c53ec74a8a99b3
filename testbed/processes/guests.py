# SPDX-License-Identifier: Apache-2.0
"""The machines of a cloud's servers: they outlive a nova-compute.

As a program, it ends those of a cloud when it is asked to end itself. It takes
the cloud's directory.
"""

import pathlib
import signal
import sys
import time

from testbed.processes.program import Program

# Where libvirt writes them, in the directory of a host's nova-compute.
_PID_FILES = 'nova/nova-compute-{host}/libvirt/run/qemu/instance-*.pid'
_ANY = '*'

_MODULE = 'testbed.processes.guests'
# What the guard writes as soon as it can be asked to end.
READY = 'waiting'
# Some nova-compute may still be about to start a machine when it is asked to
# end, as this program is.
_LOOKS = 6
# In seconds.
_PAUSE = 0.5


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


def guard(cloud: pathlib.Path) -> list[str | pathlib.Path]:
    """Return a program that ends them when it is asked to end itself.

    As all programs are when whoever started the cloud has died. No machine
    has the cloud's processes for parents, by whose death it would end.

    :param cloud: its directory
    """
    return [sys.executable, '-m', _MODULE, cloud]


def _main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.stdout.write(f'{READY}\n')
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM})
    for _ in range(_LOOKS):
        end(pathlib.Path(sys.argv[1]))
        time.sleep(_PAUSE)


if __name__ == '__main__':
    _main()
