# SPDX-License-Identifier: Apache-2.0
"""``exporter``."""

import argparse
import importlib.util
import ipaddress
import re
import signal

from hypervisor_affinity.cli import signals
from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.cli.base import PolicyReading
from hypervisor_affinity.cli.vcenter.reading import VCenterReading

DEFAULT_ADDRESS = '127.0.0.1'
DEFAULT_PORT = 9894
_INTERVAL = 60
# As RFC 1123 has them; what ends in a number is no name.
_LABEL = r'[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?'
_NAME = re.compile(rf'{_LABEL}(\.{_LABEL})*')
_LIKE_IPV4 = re.compile(r'([^:]*\.)?[0-9]+')


class Exporter(VCenterReading, PolicyReading, CloudReading):
    """Serve metrics of the cloud and its vCenters for Prometheus.

    Reads both in the background, until SIGTERM or Ctrl-C.
    """

    needs_vcenters = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--listen',
            default=(DEFAULT_ADDRESS, DEFAULT_PORT),
            type=_endpoint,
            metavar='[HOST]:PORT',
            help='address to serve /metrics on; HOST is an IP address or a '
            'name; without HOST, all addresses of this machine; default: '
            f'{DEFAULT_ADDRESS}:{DEFAULT_PORT}, which only this machine can '
            'reach',
        )
        parser.add_argument(
            '--interval',
            default=_INTERVAL,
            type=_seconds,
            metavar='SECONDS',
            help='time from the start of one reading to the start of the '
            f'next; default: {_INTERVAL}',
        )
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that what serves is installed.

        :raises CommandError: if it is not
        """
        super().check(parsed_args)
        if importlib.util.find_spec('prometheus_client') is None:
            raise CommandError(
                'prometheus-client is not installed: pip install '
                "'hypervisor-affinity[exporter]'"
            )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Serve until a signal comes."""
        from hypervisor_affinity.exporter.export import Exporter

        policy = self.policy(parsed_args)
        # From here on a signal ends it in order.
        with (
            signals.held_back(signals.ENDING),
            self.reading(parsed_args) as reading,
        ):
            exporter = Exporter(
                reading.source,
                policy,
                reading.vcenters,
                reading.again,
                parsed_args.interval,
            )
            host, port = parsed_args.listen
            try:
                address, port = exporter.serve(host, port)
            except OSError as error:
                raise CommandError(
                    f'cannot listen on {host or "all addresses"} port {port}: '
                    f'{error.strerror}; choose another one with --listen'
                ) from error
            exporter.start()
            self._say_where(address, port)
            signal.sigwait(signals.ENDING)
            exporter.stop()

    def _say_where(self, address: str, port: int) -> None:
        shown = f'[{address}]' if ':' in address else address
        self.app.stderr.write(f'serving http://{shown}:{port}/metrics\n')
        if not ipaddress.ip_address(address).is_loopback:
            self.app.stderr.write(
                'anyone who can reach this address can read all metrics, with '
                'the names of hosts and clusters\n'
            )
        self.app.stderr.flush()


def _endpoint(text: str) -> tuple[str, int]:
    """Return a host and a port; '' for all addresses of the machine.

    :raises argparse.ArgumentTypeError: if it has not both
    """
    host, colon, port = text.rpartition(':')
    if not colon or not _is_host(host) or not _is_port(port):
        raise argparse.ArgumentTypeError(
            f'{text!r} is not an address with a port, such as '
            '127.0.0.1:9894, localhost:9894, [::1]:9894 or :9894'
        )
    return host.removeprefix('[').removesuffix(']'), int(port)


def _is_host(text: str) -> bool:
    """Tell whether it is a name, an IP address, or '' for all.

    One of IPv6 is in brackets: else nobody knows where the port begins.
    """
    if text.startswith('['):
        return text.endswith(']') and _is_address(text[1:-1], 6)
    if _LIKE_IPV4.fullmatch(text):
        return _is_address(text, 4)
    return not text or bool(_NAME.fullmatch(text))


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 65536


def _seconds(text: str) -> float:
    """Return a number of seconds.

    :raises argparse.ArgumentTypeError: if it is none of at least 1
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a number of seconds from 1 to 86400'
        )
    return seconds
