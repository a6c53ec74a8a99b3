# SPDX-License-Identifier: Apache-2.0
"""What the commands that list findings have in common."""

import argparse
import collections
import enum
import functools
from collections.abc import Iterator, Mapping

from hypervisor_affinity.cli import base
from hypervisor_affinity.operations.audit import Severity

_NEVER = 'never'

# What is looked for -> how bad it is.
Severities = Mapping[enum.StrEnum, Severity]


def add_arguments(
    parser: argparse.ArgumentParser, severities: Severities
) -> None:
    """Add ``--fail-on``, ``--only`` and ``--counts``."""
    checks = functools.partial(_checks, severities)
    parser.add_argument(
        '--fail-on',
        type=checks,
        default='warning',
        metavar='WHAT',
        help='end with 1 for findings of this severity and above (info, '
        'warning, error), of these checks (a comma list), or never; '
        'default: warning',
    )
    parser.add_argument(
        '--only',
        type=checks,
        default='info',
        metavar='WHAT',
        help='look for these only, named as for --fail-on',
    )
    parser.add_argument(
        '--counts',
        action='store_true',
        help='a row for each check with the number of findings, also '
        'where it is 0',
    )


class Tally:
    """The findings that were asked for, counted."""

    COLUMNS = ('Check', 'Severity', 'Findings')

    def __init__(
        self, severities: Severities, parsed_args: argparse.Namespace
    ) -> None:
        """Count nothing yet."""
        self._severities = severities
        self._only = parsed_args.only
        self._fail_on = parsed_args.fail_on
        self._counts: collections.Counter[enum.StrEnum] = collections.Counter()

    def count(self, check: enum.StrEnum) -> bool:
        """Count a finding; return whether it was asked for, and so counts."""
        if check not in self._only:
            return False
        self._counts[check] += 1
        return True

    @property
    def fails(self) -> bool:
        """Whether there is one that ``--fail-on`` names."""
        return not self._counts.keys().isdisjoint(self._fail_on)

    @property
    def headline(self) -> str:
        """How many there are of each severity."""
        found: collections.Counter[Severity] = collections.Counter()
        for check, count in self._counts.items():
            found[self._severities[check]] += count
        parts = [
            f'{found[severity]} of severity {severity.name.lower()}'
            for severity in sorted(found, reverse=True)
        ]
        return f'Found: {", ".join(parts) or "nothing"}'

    def rows(self) -> Iterator[tuple]:
        """Yield a row for each check that was asked for."""
        for check, severity in self._severities.items():
            if check in self._only:
                yield check.value, severity.name.lower(), self._counts[check]


def answer(
    command: base.Command,
    parsed_args: argparse.Namespace,
    tally: Tally,
    columns: tuple[str, ...],
    rows: list[tuple],
) -> tuple:
    """Say how many findings there are, and return them, or how many.

    :param rows: of the findings; the first column has the severity
    """
    command.say(parsed_args, tally.headline)
    if tally.fails:
        command.status = base.NEGATIVE
    if parsed_args.counts:
        return tally.COLUMNS, list(tally.rows())
    return columns, sorted(rows, key=lambda row: -Severity[row[0].upper()])


def _checks(severities: Severities, text: str) -> frozenset[enum.StrEnum]:
    """Return the checks that an argument names.

    :raises argparse.ArgumentTypeError: naming what is unknown
    """
    if text == _NEVER:
        return frozenset()
    levels = {severity.name.lower(): severity for severity in Severity}
    codes = {check.value: check for check in severities}
    checks: set[enum.StrEnum] = set()
    for word in map(str.strip, text.split(',')):
        if word in levels:
            checks |= {
                check
                for check, severity in severities.items()
                if severity >= levels[word]
            }
        elif word in codes:
            checks.add(codes[word])
        else:
            known = ', '.join([_NEVER, *levels, *codes])
            raise argparse.ArgumentTypeError(
                f'{word!r} is none of these: {known}'
            )
    return frozenset(checks)
