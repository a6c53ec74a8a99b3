# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity``: the commands without OpenStackClient."""

import argparse
import functools
import importlib.metadata
import sys

import openstack.config
from cliff import app
from cliff import commandmanager
from openstack import connection

COMMANDS = 'hypervisor_affinity.cli'


class ClientManager:
    """What OpenStackClient has of the same name, as far as it is needed.

    * ``sdk_connection``: to the cloud; made when it is first asked for, since
      not every command needs one
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    @functools.cached_property
    def sdk_connection(self) -> connection.Connection:
        """Return a connection to the cloud that options and files name."""
        region = openstack.config.OpenStackConfig().get_one(
            argparse=self._options
        )
        return connection.Connection(config=region)


class Shell(app.App):
    """The program."""

    def __init__(self) -> None:
        """Find the commands."""
        super().__init__(
            description='Which server belongs on which hypervisor, and why.',
            version=importlib.metadata.version('hypervisor-affinity'),
            command_manager=commandmanager.CommandManager(COMMANDS),
            deferred_help=True,
        )

    def build_option_parser(self, *args, **kwargs) -> argparse.ArgumentParser:
        """Return the parser with ``--os-cloud`` and the like."""
        parser = super().build_option_parser(*args, **kwargs)
        openstack.config.OpenStackConfig().register_argparse_arguments(
            parser, sys.argv[1:]
        )
        return parser

    def initialize_app(self, argv: list[str]) -> None:
        """Remember what the options say of the cloud."""
        self.client_manager = ClientManager(self.options)


def main(argv: list[str] | None = None) -> int:
    """Run; return the exit code."""
    return Shell().run(sys.argv[1:] if argv is None else argv)


if __name__ == '__main__':
    sys.exit(main())
