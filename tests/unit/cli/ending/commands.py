# SPDX-License-Identifier: Apache-2.0
"""All commands, with what each needs to answer."""

import os
import pathlib
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[4] / 'doc/source/cli/examples'
CLOUD = EXAMPLES / 'cloud.yaml'
VCENTERS = EXAMPLES / 'vcenter.yaml'
SCENARIO = '{folder}/scenario.yaml'

SCENARIO_TEXT = """\
format: hypervisor-affinity-scenario
version: 1
cloud:
  hosts:
  - name: kvm
    hypervisor_type: QEMU
    vcpus: {total: 8}
    memory_mb: {total: 8192}
    disk_gb: {total: 100}
  flavors:
  - {name: small, memory_mb: 512}
  images:
  - {name: iso, disk_format: iso, container_format: bare}
steps:
- title: one
  do:
  - boot: {flavor: small, image: iso, count: 1}
"""

# What each command needs to answer without a cloud; None where it cannot.
ANSWERING = {
    'audit': ['--snapshot', CLOUD],
    'classify': ['windows', '--snapshot', CLOUD],
    'decisions': None,
    'explain': ['windows', 'medium', '--snapshot', CLOUD],
    'exporter': None,
    'image audit': ['--snapshot', CLOUD],
    'image inspect': ['{folder}/disk.raw'],
    'image prepare': None,
    'image upload': None,
    'simulate': [SCENARIO],
    'snapshot save': ['{folder}/saved.json', '--snapshot', CLOUD],
    'snapshot show': [CLOUD],
    'vcenter check': ['--snapshot', VCENTERS],
    'vcenter show': ['--snapshot', VCENTERS],
}

# OpenStackClient without its own commands, as osc-lib makes it.
OPENSTACK = (
    sys.executable,
    '-c',
    'import sys\n'
    'from cliff import commandmanager\n'
    'from osc_lib import shell\n'
    "commands = 'openstack.hypervisor_affinity.v1'\n"
    'manager = commandmanager.CommandManager(commands)\n'
    "openstack = shell.OpenStackShell('-', '1', manager)\n"
    'sys.exit(openstack.run(sys.argv[1:]))\n',
    'hypervisor',
    'affinity',
)

# For programs in processes of their own: no configuration of this machine.
QUIET = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(('OS_', 'PYTHON', 'LC_', 'LANG'))
}


def arguments_of(command, folder):
    return [
        *command.split(),
        *(str(word).format(folder=folder) for word in ANSWERING[command]),
    ]


def each(commands):
    return pytest.mark.parametrize('command', commands)


ANSWERS = [name for name, given in ANSWERING.items() if given is not None]


def check_no_answer(done):
    assert done.code == 3, done.err
    assert done.out == ''
    (line,) = done.err.splitlines()
    assert 'unexpected' not in line
    return line
