# SPDX-License-Identifier: Apache-2.0
"""Arguments for the message bus, which commands that listen have."""

import argparse
import contextlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hypervisor_affinity.cli.base import Answering
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import CommandLineError

if TYPE_CHECKING:
    from hypervisor_affinity.decisions.bus import Bus


class BusReading(Answering):
    """A command that listens for records of decisions.

    Its ``--nova-conf`` is another's.

    * ``default_pool``: each command has its own, since each is to get all
    """

    default_pool: str

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser with the arguments for the bus."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--transport-url',
            metavar='URL',
            help='message bus to listen on, such as '
            'rabbit://USER:PASSWORD@HOST:5672/VIRTUAL_HOST; default: the one '
            'that nova.conf has for notifications',
        )
        parser.add_argument(
            '--topic',
            type=_name,
            metavar='TOPIC',
            help='topic to listen on; default: the first of those that '
            'nova.conf has for notifications',
        )
        parser.add_argument(
            '--pool',
            default=self.default_pool,
            type=_name,
            metavar='NAME',
            help='name of the queue to read, which is made if it is not '
            'there; each queue gets all notifications, and what reads the '
            f'same one shares them; default: {self.default_pool}',
        )
        return parser

    def bus(self, parsed_args: argparse.Namespace) -> 'Bus':
        """Return where notifications are; nothing is connected yet.

        Before what listens is imported.

        :raises CommandLineError: if no bus is named
        :raises CommandError: if that cannot be told
        """
        if not (parsed_args.nova_conf or parsed_args.transport_url):
            raise CommandLineError(
                'name a message bus with --nova-conf or --transport-url'
            )
        if importlib.util.find_spec('oslo_messaging') is None:
            raise CommandError(
                'oslo.messaging is not installed: pip install '
                "'hypervisor-affinity[decisions]'"
            )
        with _quiet():
            from hypervisor_affinity.decisions import bus

        try:
            return bus.find(
                parsed_args.nova_conf,
                parsed_args.transport_url,
                parsed_args.topic,
            )
        except bus.BusError as error:
            raise CommandError(str(error)) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what is said of eventlet, which is imported and not used."""
    logger = logging.getLogger('oslo_service')
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)


def _name(text: str) -> str:
    """Return a name of the bus.

    Without one, the queue of others would be read.

    :raises argparse.ArgumentTypeError: if it is none
    """
    if not text.isprintable() or not 0 < len(text.encode()) < 256:
        raise argparse.ArgumentTypeError(f'{text!r} is not a name')
    return text
