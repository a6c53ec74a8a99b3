# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity``: the commands without OpenStackClient."""

import argparse
import contextlib
import functools
import importlib.metadata
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import openstack.config
from cliff import app
from cliff import command
from cliff import commandmanager
from cliff import help as help_
from keystoneauth1 import exceptions as keystone
from openstack import connection
from openstack import exceptions

from hypervisor_affinity import ending
from hypervisor_affinity import log_lines
from hypervisor_affinity.cli import base

LOG = logging.getLogger(__name__)

_Configure = Callable[[], openstack.config.OpenStackConfig]

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
        try:
            region = openstack.config.OpenStackConfig().get_one(
                argparse=self._options
            )
        except (exceptions.SDKException, keystone.ClientException):
            raise
        except Exception as error:
            # A list where there should be names, and the like. Of its text
            # nobody knows what it cites.
            raise exceptions.ConfigException(
                'clouds.yaml is not in the form that openstacksdk reads '
                f'({type(error).__name__})'
            ) from error
        return connection.Connection(config=region)


class Commands(commandmanager.CommandManager):
    """The commands; each is imported when it is asked for.

    cliff imports all of them at each start, with what only some need: a fifth
    of a second, a sixth of what a small answer takes.
    """

    def load_commands(self, namespace: str) -> None:
        """Find the commands of a group of entry points."""
        self.group_list.append(namespace)
        for point in importlib.metadata.entry_points(group=namespace):
            self.commands[point.name] = point


class Shell(app.App):
    """The program."""

    def __init__(self, argv: list[str], stdout: ending.Output) -> None:
        """Find the commands.

        :param argv: the cloud that they name tells which options there are
        """
        self._argv = argv
        super().__init__(
            description='Which server belongs on which hypervisor, and why.',
            version=importlib.metadata.version('hypervisor-affinity'),
            command_manager=Commands(COMMANDS),
            deferred_help=True,
            # It has what cliff needs of a stream.
            stdout=stdout,  # type: ignore[arg-type]
        )
        # That of a command which could not even begin, or None.
        self._failure: int | None = None

    def build_option_parser(
        self, *args: Any, **kwargs: Any
    ) -> argparse.ArgumentParser:
        """Return the parser with ``--os-cloud`` and the like."""
        # Which options there are is up to the cloud. Who asks for help or
        # reads a snapshot needs none: what is wrong with it is said by the
        # command that connects.
        for config, argv in _ways_to_configure(self._argv):
            parser = super().build_option_parser(*args, **kwargs)
            try:
                config().register_argparse_arguments(parser, argv)
            except Exception as error:
                name = type(error).__name__
                LOG.debug('cannot read the cloud options: %s', name)
            else:
                break
        parser.set_defaults(os_cloud=os.environ.get('OS_CLOUD'))
        return parser

    def configure_logging(self) -> None:
        """Begin to log."""
        try:
            super().configure_logging()
        except OSError as error:
            file = self.options.log_file
            ending.say(self.stderr, f'{self.NAME}: {file}: {error.strerror}')
            raise SystemExit(base.NO_ANSWER) from error
        log_lines.make_fit(logging.getLogger())

    def run(self, argv: list[str]) -> int:
        """Run; return the exit code."""
        code = super().run(argv)
        # cliff has 1 for whatever fails before a command has begun, and for
        # the end of its interactive mode, too.
        if self._failure is not None:
            return self._failure
        return base.GOOD if self.interactive_mode and code == 1 else code

    def clean_up(
        self,
        cmd: command.Command,
        result: int,
        err: BaseException | None,
    ) -> None:
        """Remember what a command has ended by, if it failed."""
        if isinstance(err, Exception):
            wrong = isinstance(cmd, help_.HelpCommand)
            code = base.WRONG_COMMAND_LINE if wrong else base.NO_ANSWER
            self._failure = code

    def initialize_app(self, argv: list[str]) -> None:
        """Remember what the options say of the cloud."""
        self.client_manager = ClientManager(self.options)


def _ways_to_configure(
    argv: list[str],
) -> Iterator[tuple[_Configure, list[str]]]:
    """Yield what makes a configuration, and the arguments it looks at.

    The first reads clouds.yaml and the variables OS_*; the others, for where
    these are wrong or name no cloud, read neither.
    """
    # Each gets a list of its own, in which it may spell options again.
    yield openstack.config.OpenStackConfig, list(argv)
    plain = functools.partial(
        openstack.config.OpenStackConfig,
        load_yaml_config=False,
        load_envvars=False,
    )
    cloud = argparse.ArgumentParser(add_help=False)
    cloud.add_argument('--os-cloud', nargs='?')
    yield plain, cloud.parse_known_args(argv)[1]
    yield plain, []


def run(argv: list[str], stdout: ending.Output) -> int:
    """Run; return the exit code, or leave it to argparse."""
    # argparse writes to it, too, and says nothing if it cannot.
    with contextlib.redirect_stdout(stdout):
        return Shell(argv, stdout).run(argv)
