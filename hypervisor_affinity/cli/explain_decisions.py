# SPDX-License-Identifier: Apache-2.0
"""``explain --decisions``: what was decided of a server."""

import argparse
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli.base import CommandError
from hypervisor_affinity.core.decision import Outcome
from hypervisor_affinity.decisions import record_files
from hypervisor_affinity.decisions.record import Record

SHORT = ('Decided at', 'Scheduler', 'Kind', 'Outcome', 'Reason')
COLUMNS = (
    *SHORT,
    'Demand',
    'Signs',
    'Hosts',
    'Passed',
    'Modes',
    'Order',
    'First left',
    'Look-up',
    'Project',
    'Request',
    'Options',
)


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument for the files."""
    parser.add_argument(
        '--decisions',
        action='append',
        type=pathlib.Path,
        metavar='FILE',
        help='with --server: what nova-scheduler has decided of it, by '
        'the records of this file, which the command decisions writes; '
        'may be given several times. For the id of a server, no cloud is '
        'read',
    )


def find(
    paths: Sequence[pathlib.Path],
    server: str,
    tell: Callable[[str], None],
) -> list[Record]:
    """Return the records of a server, oldest first.

    :param tell: called with lines on what is no record
    :raises CommandError: if there is none, or a file cannot be read
    """
    try:
        found = record_files.of_server(paths, server)
    except OSError as error:
        raise CommandError(f'{error.filename}: {error.strerror}') from error
    for line in found.unreadable:
        tell(str(line))
    if found.more_unreadable:
        tell(f'{found.more_unreadable} more lines are no records')
    if not found.records:
        names = ', '.join(map(str, paths))
        raise CommandError(f'{names}: no record of server {server}')
    return found.records


def headlines(server: str, records: Sequence[Record]) -> list[str]:
    """Return what stands above the table: the newest one in words."""
    newest = records[-1]
    lines = [
        f'server {server}: decided {_times(len(records))}; the newest:',
        f'  {newest.demand.text}',
    ]
    if newest.hosts is not None:
        hosts = [f'{count} {reason}' for reason, count in newest.hosts.items()]
        lines.append(f'  hosts: {", ".join(hosts) or "none"}')
    options = [f'{name}={_option(v)}' for name, v in newest.options.items()]
    return [*lines, f'  options: {", ".join(options)}']


def _option(value: object) -> str:
    """Return a value as a nova.conf has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ','.join(map(_option, value))
    return str(value)


def _times(count: int) -> str:
    """Return how often."""
    return 'once' if count == 1 else f'{count} times'


def status(records: Sequence[Record]) -> int:
    """Return the exit code: whether the newest one left it a host."""
    if records[-1].outcome == Outcome.REFUSED:
        return base.NEGATIVE
    return base.GOOD


def row(record: Record) -> tuple[Any, ...]:
    """Return the cells of a record."""
    return (
        record.decided_at.isoformat(timespec='seconds'),
        record.scheduler,
        record.kind,
        record.outcome,
        record.reason,
        record.demand.text,
        list(map(str, record.demand.signs)),
        record.hosts,
        record.passed,
        list(record.modes),
        list(record.order),
        record.first_left,
        record.look_up,
        record.project,
        record.request_id,
        record.options,
    )
