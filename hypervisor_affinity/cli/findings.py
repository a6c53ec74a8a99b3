# SPDX-License-Identifier: Apache-2.0
"""What the commands that list findings have in common."""

import argparse
import collections
import functools
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli.base import PolicyCommand
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Severity

_About = TypeVar('_About')

_NEVER = 'never'


def add_arguments(parser: argparse.ArgumentParser, area: type[Check]) -> None:
    """Add ``--fail-on``, ``--only`` and ``--counts``.

    :param area: what is looked for
    """
    checks = functools.partial(_checks, area)
    parser.add_argument(
        '--fail-on',
        type=functools.partial(_of_a_bad_end, area),
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
        help='look for these only, named as for --fail-on, but not never',
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
        self,
        area: type[Check],
        *,
        only: Collection[Check],
        fail_on: Collection[Check],
    ) -> None:
        """Count nothing yet.

        :param area: what is looked for
        :param only: the checks that were asked for
        :param fail_on: those of a bad end
        """
        self._area = area
        self._only = only
        self._fail_on = fail_on
        self._counts: collections.Counter[Check] = collections.Counter()

    def counted(
        self, found: Iterable[Finding[_About]]
    ) -> Iterator[Finding[_About]]:
        """Yield the findings that were asked for, and count them."""
        for finding in found:
            if finding.check in self._only:
                self._counts[finding.check] += 1
                yield finding

    @property
    def fails(self) -> bool:
        """Whether there is one that ``--fail-on`` names."""
        return not self._counts.keys().isdisjoint(self._fail_on)

    @property
    def headline(self) -> str:
        """How many there are of each severity."""
        found: collections.Counter[Severity] = collections.Counter()
        for check, count in self._counts.items():
            found[check.severity] += count
        parts = [
            f'{found[severity]} of severity {severity.name.lower()}'
            for severity in sorted(found, reverse=True)
        ]
        return f'Found: {", ".join(parts) or "nothing"}'

    def rows(self) -> Iterator[tuple]:
        """Yield a row for each check that was asked for."""
        for check in self._area:
            if check in self._only:
                severity = check.severity.name.lower()
                yield check.value, severity, self._counts[check]


class FindingsCommand(PolicyCommand):
    """A command that lists findings, with the arguments for them.

    * ``area``: what is looked for
    * ``of_findings``: the columns, where each finding has a row
    """

    area: type[Check]
    of_findings: tuple[str, ...]

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return those of the findings, or of their numbers."""
        return Tally.COLUMNS if parsed_args.counts else self.of_findings

    def tally(self, parsed_args: argparse.Namespace) -> Tally:
        """Return one of what was asked for, without a finding yet."""
        return Tally(
            self.area, only=parsed_args.only, fail_on=parsed_args.fail_on
        )

    def answer(
        self,
        parsed_args: argparse.Namespace,
        tally: Tally,
        rows: list[tuple],
    ) -> tuple:
        """Say how many findings there are, and return them, or how many.

        :param rows: of the findings; the first column has the severity
        """
        self.say(parsed_args, tally.headline)
        if tally.fails:
            self.status = base.NEGATIVE
        if parsed_args.counts:
            answer = list(tally.rows())
        else:
            answer = sorted(rows, key=lambda row: -Severity[row[0].upper()])
        return self.columns(parsed_args), answer


def _of_a_bad_end(area: type[Check], text: str) -> frozenset[Check]:
    """Return the checks of which a finding is a bad end.

    :raises argparse.ArgumentTypeError: naming what is unknown, or what never
        cannot be together with
    """
    words = list(map(str.strip, text.split(',')))
    if words == [_NEVER]:
        return frozenset()
    if _NEVER in words:
        raise argparse.ArgumentTypeError(
            f'{_NEVER} stands alone: it contradicts the rest of {text!r}'
        )
    return _checks(area, text, _NEVER)


def _checks(area: type[Check], text: str, *others: str) -> frozenset[Check]:
    """Return the checks that an argument names.

    :param others: what else may be written there
    :raises argparse.ArgumentTypeError: naming what is unknown
    """
    levels = {severity.name.lower(): severity for severity in Severity}
    codes = {check.value: check for check in area}
    checks: set[Check] = set()
    for word in map(str.strip, text.split(',')):
        if word in levels:
            checks |= {c for c in area if c.severity >= levels[word]}
        elif word in codes:
            checks.add(codes[word])
        else:
            known = ', '.join([*others, *levels, *codes])
            raise argparse.ArgumentTypeError(
                f'{word!r} is not one of these: {known}'
            )
    return frozenset(checks)
