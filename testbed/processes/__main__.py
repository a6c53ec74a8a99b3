# SPDX-License-Identifier: Apache-2.0
"""A cloud on this machine: start it, stop it, or show what runs."""

import argparse
import pathlib
import sys
import time

from testbed.processes import broker
from testbed.processes import cloud
from testbed.processes import compute
from testbed.processes import directory
from testbed.processes import guests
from testbed.processes import mariadb
from testbed.processes import openrc
from testbed.processes import running
from testbed.processes import samples
from testbed.processes import soak
from testbed.processes.cloud import Cloud
from testbed.processes.site import ADMIN
from testbed.processes.supervisor import BIN
from testbed.processes.tempest_conf import TempestConf
from testbed.vcenter import simulator

# {program: its package in Debian}
_NEEDED = {
    broker.SERVER: 'rabbitmq-server',
    mariadb.SERVER: 'mariadb-server',
    simulator.GOVMOMI: 'golang-go golang-github-vmware-govmomi-dev',
}
_PLUGIN = 'hypervisor_affinity_tempest_plugin'

# In seconds: who kills a nova-compute sees it down within a minute.
_DOWN_TIME = 40

# Exit codes of `status`, as those of init scripts.
_HAS_ENDED = 1
_NOTHING_RUNS = 3


def main() -> None:
    """Do what the command line says."""
    arguments = _parse()
    try:
        arguments.function(arguments)
    except OSError as error:
        sys.exit(f'{arguments.command}: {error.strerror or error}')
    except KeyboardInterrupt:
        sys.exit(f'{arguments.command}: interrupted')


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m testbed.processes', description=__doc__
    )
    parser.add_argument(
        '--directory',
        type=lambda text: pathlib.Path(text).resolve(),
        required=True,
        help='directory for all state; kept when the cloud is stopped',
    )
    commands = parser.add_subparsers(dest='command', required=True)
    up = commands.add_parser('up', help='start the programs that do not run')
    up.add_argument(
        '--first-port',
        type=int,
        help='the first of about ten consecutive ports on loopback, for a new '
        'cloud (default: free ports)',
    )
    up.set_defaults(function=_up)
    down = commands.add_parser('down', help='stop the programs that run')
    down.set_defaults(function=_down)
    long = commands.add_parser(
        'soak', help='boot and delete servers for a long time'
    )
    long.add_argument('--boots', type=int, default=1000)
    long.set_defaults(function=_soak)
    status = commands.add_parser('status', help='show which programs run')
    status.set_defaults(function=_status)
    return parser.parse_args()


def _up(arguments: argparse.Namespace) -> None:
    missing = [
        packages for path, packages in _NEEDED.items() if not path.exists()
    ]
    if missing:
        sys.exit(f'these packages are needed: {" ".join(missing)}')
    folder = arguments.directory
    directory.make_room(folder)
    _say(f'Starting a cloud in {folder}')
    began = time.monotonic()

    def say(step: str) -> None:
        _say(f'{time.monotonic() - began:4.0f} s  {step}')

    made = Cloud(
        folder,
        compute.hosts(folder),
        arguments.first_port,
        outlives=True,
        down_time=_DOWN_TIME,
        say=say,
    )
    made.up()
    say('Adding images, flavors and a user')
    samples.add(made.admin)
    samples.write(folder)
    for user in (ADMIN, samples.USER):
        openrc.write(folder, made.site.auth_url, user)
    if not (folder / 'tempest').exists():
        say("Writing Tempest's configuration")
        TempestConf(made).write()
    _say(f'The cloud is up after {time.monotonic() - began:.0f} s')
    _explain(made)


def _down(arguments: argparse.Namespace) -> None:
    found = _find(arguments.directory)
    running.shut_down(found, cloud.ENDED_LAST)
    # After their nova-compute, which would take it for their users' wish.
    guests.end(arguments.directory)
    _say(
        f'{len(found)} programs stopped; the state is kept in '
        f'{arguments.directory}'
    )


def _soak(arguments: argparse.Namespace) -> None:
    _find(arguments.directory)
    made = Cloud(
        arguments.directory,
        compute.hosts(arguments.directory),
        outlives=True,
    )
    made.up()
    wrong = soak.run(made, arguments.boots, _say)
    if wrong:
        sys.exit('\n'.join(wrong))


def _status(arguments: argparse.Namespace) -> None:
    if not directory.is_in(arguments.directory):
        _say(f'There is no cloud in {arguments.directory}')
        sys.exit(_NOTHING_RUNS)
    found = running.find(arguments.directory)
    for program in found:
        pid = program.pid
        _say(f'{program.name:24} {f"runs as {pid}" if pid else "HAS ENDED"}')
    for machine in guests.find(arguments.directory):
        if machine.pid:
            _say(f'{machine.name:24} runs as {machine.pid}, a server on KVM')
    if not found:
        _say('No program runs')
        sys.exit(_NOTHING_RUNS)
    if not all(program.pid for program in found):
        sys.exit(_HAS_ENDED)


def _find(folder: pathlib.Path) -> list[running.Program]:
    if not directory.is_in(folder):
        sys.exit(f'there is no cloud in {folder}')
    directory.check_owner(folder)
    return running.find(folder)


def _explain(made: Cloud) -> None:
    folder = made.folder
    tempest = folder / 'tempest'
    for host in made.hosts:
        _say(f'{host.name}: {host.driver}')
    _say(
        f'Administrator: . {openrc.path(folder)}\nAny user:      . '
        f'{openrc.path(folder, samples.USER)}\nFor example:   openstack '
        'server create --image vmdk --flavor small --nic none --wait '
        f'first\nDisks:         {samples.folder(folder)}\nLogs:          '
        f'{folder / "logs"}\nTempest:       cd {tempest} && {BIN / "tempest"} '
        f'run --config-file=tempest.conf --regex={_PLUGIN}'
    )


def _say(text: str) -> None:
    sys.stdout.write(f'{text}\n')
    sys.stdout.flush()


if __name__ == '__main__':
    main()
