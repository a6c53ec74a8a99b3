# SPDX-License-Identifier: Apache-2.0
"""Both programs of the commands, run in this process."""

import logging

from cliff import command
from cliff import commandmanager
from osc_lib import shell

from tests.unit.cli.program import Run


class OpenStack:
    """``openstack hypervisor affinity``, as osc-lib makes it.

    :ivar code: the exit code
    """

    def __init__(self, capsys, *arguments):
        commands = commandmanager.CommandManager(
            'openstack.hypervisor_affinity.v1'
        )
        root = logging.getLogger()
        handlers, level = list(root.handlers), root.level
        before = vars(command.Command).get('auth_required')
        try:
            openstack = shell.OpenStackShell('-', '1', commands)
            words = ('hypervisor', 'affinity', *arguments)
            self.code = openstack.run(list(map(str, words)))
        except SystemExit as error:
            self.code = error.code
        finally:
            # It says so of all commands there are.
            if before is None:
                del command.Command.auth_required
            root.handlers[:] = handlers
            root.setLevel(level)
        self.out, self.err = capsys.readouterr()


PROGRAMS = {'hypervisor-affinity': Run, 'openstack': OpenStack}
