# SPDX-License-Identifier: Apache-2.0
"""What all commands have in common."""

import abc
import argparse
import contextlib
import functools
import logging
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TextIO

from cliff import app
from cliff import command
from cliff import display
from cliff import lister
from cliff import show
from keystoneauth1 import exceptions as keystone
from openstack import connection
from openstack import exceptions as sdk
from oslo_config import cfg

from hypervisor_affinity import conf
from hypervisor_affinity import conf_files
from hypervisor_affinity import ending
from hypervisor_affinity import log_lines
from hypervisor_affinity import misspelt_options
from hypervisor_affinity import redaction
from hypervisor_affinity import writing
from hypervisor_affinity.cli import cells
from hypervisor_affinity.cli import osc
from hypervisor_affinity.cloud import api_errors
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.snapshot import VCenter
from hypervisor_affinity.cloud.source import Source
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.image.disk import DiskError
from hypervisor_affinity.option_values import Misspelt

# Exit codes; argparse exits with status 2, too.
GOOD = 0
NEGATIVE = 1
WRONG_COMMAND_LINE = 2
NO_ANSWER = ending.NO_ANSWER


class CommandError(Exception):
    """The command cannot answer; the text says why and what to do.

    * ``code``: the exit code
    """

    code = NO_ANSWER


class Refusal(CommandError):
    """The command will not do it, since its answer is bad."""

    code = NEGATIVE


class CommandLineError(CommandError):
    """The arguments do not go together, whatever is read."""

    code = WRONG_COMMAND_LINE


@contextlib.contextmanager
def writing_to(path: pathlib.Path) -> Iterator[None]:
    """Name a file in the error of writing it.

    :raises CommandError: in place of an OSError
    """
    try:
        yield
    except OSError as error:
        name = 'standard output' if path == writing.STANDARD_OUTPUT else path
        raise CommandError(f'{name}: {error.strerror}') from error


def check_written(path: pathlib.Path | None) -> None:
    """See that a file can be written, before what is to be in it is found.

    :param path: None if none is to be
    :raises CommandError: if it cannot
    """
    if path is not None:
        with writing_to(path):
            writing.check(path)


class Answering(command.Command):
    """How a command ends, and what it says beside its answer.

    * ``status``: the exit code, once :meth:`take_action` has answered
    * ``auth_required``: whether OpenStackClient gets a token before it runs
      the command. Never before: only its arguments tell whether it needs a
      cloud
    """

    status = GOOD
    auth_required = False

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that what was asked for can be done, as far as that is known.

        Before a cloud is read, a file written or anything changed; each class
        adds what is its own.

        :raises CommandError: if it cannot
        """

    def __init__(
        self,
        app: app.App,
        app_args: argparse.Namespace | None,
        # cliff looks for the name.
        cmd_name: str | None = None,
    ) -> None:
        """Have log lines fit to be shown, whoever's program it is."""
        super().__init__(app, app_args, cmd_name)
        log_lines.make_fit(logging.getLogger())

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; return the exit code."""
        # OpenStackClient starts without those that were closed.
        ending.prepare()
        for name in ('stdin', 'stdout', 'stderr'):
            if getattr(self.app, name) is None:
                setattr(self.app, name, getattr(sys, name))
        if not isinstance(self.app.stdout, ending.Output):
            self.app.stdout = ending.Output(self.app.stdout)
        return ending.ended(
            functools.partial(self._answer, parsed_args),
            self.cmd_name or '',
            self.app.stdout,
            self.app.stderr,
            no_answer=NO_ANSWER,
            debug=bool(self.app.options.debug),
        )

    def _answer(self, parsed_args: argparse.Namespace) -> int:
        try:
            self.check(parsed_args)
            super().run(parsed_args)
        except (CommandError, DiskError, SourceError) as error:
            self.tell(f'{self.cmd_name}: {error}')
            return error.code if isinstance(error, CommandError) else NO_ANSWER
        return self.status

    def tell(self, *lines: str) -> None:
        """Write lines to standard error, whatever the format."""
        ending.say(self.app.stderr, *lines)


class Showing(Answering, display.DisplayCommandBase):
    """A command whose answer is shown in one of cliff's formats.

    * ``is_stdout_taken``: whether a document goes to standard output. The
      answer then goes to standard error, as the list of ``tar -cv`` does.
    """

    is_stdout_taken = False

    def say(self, parsed_args: argparse.Namespace, *lines: str) -> None:
        """Write lines for people above a table; leave other formats alone."""
        if parsed_args.formatter == 'table':
            self._out.write(''.join(f'{printable(line)}\n' for line in lines))

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Any,
    ) -> int:
        """Write the answer where it belongs, so that it can be shown."""
        data = self.shown(
            data, lambda cell: cells.shown(cell, parsed_args.formatter)
        )
        # cliff's formatters write to the program's, which outlives a command.
        stdout, self.app.stdout = self.app.stdout, self._out
        try:
            # Lister and ShowOne, which come next, have one.
            return super().produce_output(  # type: ignore[safe-super]
                parsed_args, column_names, data
            )
        finally:
            self.app.stdout = stdout

    def shown(self, data: Any, show: Callable[[Any], Any]) -> Any:
        """Return an answer with each cell as it is to be shown."""
        return (tuple(map(show, row)) for row in data)

    @property
    def _out(self) -> TextIO:
        return self.app.stderr if self.is_stdout_taken else self.app.stdout


class Connecting(Answering):
    """A command that needs a cloud.

    * ``instead``: how to do without one, as the end of a sentence
    """

    # cliff's own has no client_manager; those of both programs have.
    app: Any
    instead = ''

    def connection(self) -> connection.Connection:
        """Return a connection to the cloud that was named.

        :raises CommandError: if there is none
        :raises SourceError: if it gives no token
        """
        if not self.auth_required:
            self.auth_required = True
            # As OpenStackClient does by itself where a token is needed. Our
            # own program gets one when it first asks a service.
            with (
                api_errors.of_keystone(),
                self._named(
                    sdk.ConfigException,
                    keystone.AuthPluginException,
                    *osc.errors(),
                ),
            ):
                self.app.prepare_to_run_command(self)
        with self._named(sdk.SDKException, keystone.ClientException):
            return self.app.client_manager.sdk_connection

    @contextlib.contextmanager
    def _named(self, *kinds: type[Exception]) -> Iterator[None]:
        """Turn errors into the one that no cloud was named.

        :raises CommandError: in place of an error of these kinds
        """
        try:
            yield
        except kinds as error:
            why = redaction.one_line(str(error)).rstrip('.')
            raise CommandError(
                f'no cloud to read: {why}. Name one with --os-cloud or the '
                f'variables OS_*{self.instead}'
            ) from error


class Tabular(Showing):
    """A command that answers with columns."""

    @abc.abstractmethod
    def columns(self, parsed_args: argparse.Namespace) -> Sequence[str]:
        """Return the names of those that the answer has."""

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the answer has the columns that were asked for.

        :raises CommandLineError: naming those that it has
        """
        if parsed_args.columns:
            columns = self.columns(parsed_args)
            known = set(map(normalized, columns))
            for name in parsed_args.columns:
                if normalized(name) not in known:
                    raise CommandLineError(
                        f'unknown column {name!r}; the columns are: '
                        f'{", ".join(columns)}'
                    )
        super().check(parsed_args)


def normalized(column: str) -> str:
    """Return a column's name as cliff compares it with one that is typed."""
    # cliff.display.DisplayCommandBase._generate_columns_and_selector
    return column.lower().strip().replace(' ', '_')


class Command(Tabular, lister.Lister):
    """A command that answers with a table."""


class ShowCommand(Tabular, show.ShowOne):
    """A command that answers with the fields of one thing."""

    def shown(self, data: Any, show: Callable[[Any], Any]) -> Any:
        """Return an answer with each field as it is to be shown."""
        return tuple(map(show, data))


class CloudReading(Connecting):
    """A command that reads a cloud or a snapshot of one."""

    instead = ', or read a file with --snapshot'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser with the arguments for the source."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--snapshot',
            metavar='FILE',
            type=pathlib.Path,
            help='read this snapshot (JSON or YAML) instead of the cloud',
        )
        return parser

    def source(
        self,
        parsed_args: argparse.Namespace,
        vcenters: Callable[[], Iterable[VCenter]] = tuple,
    ) -> Source:
        """Return the snapshot that was named, or else the cloud.

        :param vcenters: reads those of the cloud
        :raises CommandError: if there is no file and no cloud is named
        :raises SourceError: if it cannot be read or reached
        """
        if parsed_args.snapshot:
            return FileSource(parsed_args.snapshot)
        return CloudSource(self.connection(), vcenters=vcenters)


def misspelt_in(files: Iterable[str]) -> Iterator[tuple[str, Misspelt]]:
    """Yield what nothing reads of our sections, with the file that sets it.

    :raises CommandError: if a file cannot be read
    """
    try:
        yield from misspelt_options.find(files)
    except conf_files.ConfError as error:
        raise CommandError(str(error)) from None


class PolicyReading(command.Command):
    """A command whose answer depends on ``[hypervisor_affinity]``.

    * ``finds_misspelt_options``: whether its answer has them; otherwise they
      are said beside it
    """

    app: Any
    finds_misspelt_options = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser with the argument for the options."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--nova-conf',
            action='append',
            default=[],
            metavar='FILE',
            help='read the options of [hypervisor_affinity] from this '
            'nova.conf; may be given several times; without it, the defaults '
            'are used, since no nova API shows these options',
        )
        return parser

    def policy(self, parsed_args: argparse.Namespace) -> Policy:
        """Return what the options say.

        :raises CommandError: naming option, value and file, if one is wrong
        """
        options = cfg.ConfigOpts()
        conf.register_opts(options)
        try:
            conf_files.read(options, parsed_args.nova_conf)
            with conf_files.values(options):
                policy = conf.read_policy(options)
        except (conf_files.ConfError, ValueError) as error:
            raise CommandError(str(error)) from None
        if not self.finds_misspelt_options:
            for file, name in misspelt_in(parsed_args.nova_conf):
                ending.say(self.app.stderr, f'{self.cmd_name}: {file}: {name}')
        return policy


class CloudCommand(CloudReading, Command):
    """A command that reads a cloud, and answers with a table."""


class PolicyCommand(PolicyReading, CloudCommand):
    """A command that reads a cloud, and depends on the options."""
