# SPDX-License-Identifier: Apache-2.0
"""The machines of a cloud's servers: they outlive a nova-compute.

So do their TAP devices.
"""

import pathlib

from testbed.processes import taps
from testbed.processes.program import Command
from testbed.processes.program import Program

# Where libvirt writes them, in the directory of a host's nova-compute.
_PID_FILES = 'nova/nova-compute-{host}/libvirt/run/qemu/instance-*.pid'
_ANY = '*'
# The directory of Neutron's state, in a cloud's.
_NEUTRON = 'neutron'

# Takes the cloud's directory. It is asked to end when whoever started the
# cloud has died, as all programs are; some nova-compute may still be about to
# start a machine then, so it looks again.
_GUARD = f"""\
trap : TERM
sleep infinity &
wait
kill $!
for look in 1 2 3 4 5 6; do
    for file in "$1"/{_PID_FILES.format(host=_ANY)}; do
        pid=$(cat "$file" 2>/dev/null) || continue
        # Of a machine that has ended, the number may be another program's.
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
            qemu*) kill -KILL "$pid" ;;
        esac
    done
    sleep 0.5
done
for note in "$1"/{_NEUTRON}/{taps.NOTES}/tap*; do
    ip link delete dev "${{note##*/}}"
done 2>/dev/null
"""


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
    # Nobody knows which host has which.
    if host == _ANY:
        taps.remove(cloud / _NEUTRON)


def guard(cloud: pathlib.Path) -> Command:
    """Return a program that ends them when it is asked to end itself.

    No machine has the cloud's processes for parents, by whose death they
    would end.

    :param cloud: its directory
    """
    return ['sh', '-c', _GUARD, 'sh', cloud]
