# SPDX-License-Identifier: Apache-2.0
"""What the commands that list findings have in common."""

import abc
import argparse
import collections
import functools
import importlib.metadata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import cells
from hypervisor_affinity.cli.base import CloudReading
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.cli.base import PolicyReading
from hypervisor_affinity.cli.listing import LongCommand
from hypervisor_affinity.core import nearness
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Severity

_About = TypeVar('_About')

_NEVER = 'never'
_DISTRIBUTION = 'hypervisor-affinity'
_MORE = (
    'Use --long to see what to do about each, --list-checks for their meaning'
)
_SEVERITY = 'Severity'
_OF_CHECKS = ('Check', _SEVERITY, 'Meaning', 'Advice')
_COLOURS = {
    'error': cells.Colour.RED,
    'warning': cells.Colour.YELLOW,
    'info': cells.Colour.CYAN,
}
# In a table; those of a command's own come on top.
_WIDTHS = {'Meaning': 34, 'Evidence': 40, 'Advice': 40}


class Choice(NamedTuple):
    """What an argument names.

    :ivar severities: each stands for the checks that are as severe
    """

    severities: frozenset[Severity]
    checks: frozenset[Check]

    def of(self, area: type[Check]) -> frozenset[Check]:
        """Return the checks of an area that are chosen.

        :raises CommandLineError: naming one that is of another area
        """
        for check in sorted(self.checks.difference(area)):
            raise CommandLineError(
                f'{check.value!r} is not checked by this command line; '
                '--list-checks lists what is'
            )
        lowest = min(self.severities, default=None)
        return frozenset(
            check
            for check in area
            if check in self.checks
            or (lowest is not None and check.severity >= lowest)
        )


def add_arguments(
    parser: argparse.ArgumentParser, *areas: type[Check]
) -> None:
    """Add the arguments that all of these commands have.

    :param areas: what is looked for; one of them at a time
    """
    checks = functools.partial(_choice, areas)
    parser.add_argument(
        '--fail-on',
        type=functools.partial(_of_a_bad_end, areas),
        default='warning',
        metavar='WHAT',
        help='exit with status 1 for findings of this severity and above '
        '(info, warning, error), for findings of these checks '
        '(comma-separated), or never; default: warning',
    )
    parser.add_argument(
        '--only',
        type=checks,
        default='info',
        metavar='WHAT',
        help='report these findings only: a severity or checks, as for '
        '--fail-on',
    )
    parser.add_argument(
        '--counts',
        action='store_true',
        help='show a row for each check with its number of findings, even if '
        'it is 0',
    )
    parser.add_argument(
        '--list-checks',
        action='store_true',
        help='list the checks with their meaning, and read nothing',
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


class FindingsCommand(PolicyReading, CloudReading, LongCommand):
    """A command that lists findings, with the arguments for them.

    * ``area``: what is looked for
    * ``page``: of the documentation, with the meanings
    * ``of_findings``: the names of all; the first is the severity
    * ``short``: those that are shown without ``--long``, as far as a terminal
      of 80 columns is wide
    * ``widths``: of columns with sentences, in a table
    """

    area: type[Check]
    page: str
    of_findings: tuple[str, ...]
    short: tuple[str, ...]
    widths: ClassVar[Mapping[str, int]] = {}

    def area_of(self, parsed_args: argparse.Namespace) -> type[Check]:
        """Return what is looked for by these arguments."""
        return self.area

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that what was named is looked for.

        :raises CommandLineError: if it is not
        """
        for choice in (parsed_args.only, parsed_args.fail_on):
            choice.of(self.area_of(parsed_args))
        super().check(parsed_args)

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return all that the answer may have."""
        if parsed_args.list_checks:
            return _OF_CHECKS
        return Tally.COLUMNS if parsed_args.counts else self.of_findings

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, how many there are, or what is looked for."""
        if parsed_args.list_checks:
            return self._list(parsed_args)
        return self.find(parsed_args)

    @abc.abstractmethod
    def find(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""

    def tally(self, parsed_args: argparse.Namespace) -> Tally:
        """Return one of what was asked for, without a finding yet."""
        area = self.area_of(parsed_args)
        return Tally(
            area,
            only=parsed_args.only.of(area),
            fail_on=parsed_args.fail_on.of(area),
        )

    def answer(
        self,
        parsed_args: argparse.Namespace,
        tally: Tally,
        rows: list[tuple],
    ) -> tuple:
        """Say how many findings there are, and return them, or how many.

        :param rows: of the findings, with all columns
        """
        self.say(parsed_args, tally.headline)
        if tally.fails:
            self.status = base.NEGATIVE
        if parsed_args.counts:
            return self._shown(parsed_args, Tally.COLUMNS, list(tally.rows()))
        if rows and not self.is_long(parsed_args, self.short):
            self.say(parsed_args, _MORE)
        rows = sorted(rows, key=lambda row: -Severity[row[0].upper()])
        return self._shown(parsed_args, self.short, rows)

    def _list(self, parsed_args: argparse.Namespace) -> tuple:
        self.say(parsed_args, 'For more, see:', _documentation(self.page))
        area = self.area_of(parsed_args)
        wanted = parsed_args.only.of(area)
        rows = [
            (
                check.value,
                check.severity.name.lower(),
                check.meaning.replace('``', ''),
                check.advice,
            )
            for check in area
            if check in wanted
        ]
        return self._shown(parsed_args, _OF_CHECKS[:-1], rows)

    def _shown(
        self,
        parsed_args: argparse.Namespace,
        short: tuple[str, ...],
        rows: list[tuple],
    ) -> tuple:
        """Return the columns that are asked for, as people read them."""
        columns = self.columns(parsed_args)
        has_colours = parsed_args.formatter == 'table' and cells.takes_colours(
            self._out
        )

        def cell(name: str, value: Any) -> Any:
            if name == _SEVERITY and has_colours:
                return cells.Coloured(value, _COLOURS[value])
            width = self.widths.get(name) or _WIDTHS.get(name)
            return cells.Wrapped(value, width) if width else value

        shown = (tuple(map(cell, columns, row)) for row in rows)
        return self.chosen(parsed_args, short, shown)


def _documentation(page: str) -> str:
    """Return where a page of the documentation is.

    :param page: its name below ``cli``
    """
    urls = importlib.metadata.metadata(_DISTRIBUTION).get_all('Project-URL')
    for url in urls or ():
        label, _, index = url.partition(', ')
        if label == 'Documentation':
            return f'{index.rpartition("/")[0]}/cli/{page}.rst'
    return f'the documentation, cli/{page}'


def _of_a_bad_end(areas: Sequence[type[Check]], text: str) -> Choice:
    """Return the checks of which a finding is a bad end.

    :raises argparse.ArgumentTypeError: naming what is unknown, or what never
        cannot be together with
    """
    words = list(map(str.strip, text.split(',')))
    if words == [_NEVER]:
        return Choice(frozenset(), frozenset())
    if _NEVER in words:
        raise argparse.ArgumentTypeError(
            f'{_NEVER} cannot be combined with other values: {text!r}'
        )
    return _choice(areas, text, _NEVER)


def _choice(areas: Sequence[type[Check]], text: str, *others: str) -> Choice:
    """Return the checks that an argument names.

    :param others: what else may be written there
    :raises argparse.ArgumentTypeError: naming what is unknown
    """
    levels = {severity.name.lower(): severity for severity in Severity}
    codes = {check.value: check for area in areas for check in area}
    severities: set[Severity] = set()
    checks: set[Check] = set()
    for word in map(str.strip, text.split(',')):
        if word in levels:
            severities.add(levels[word])
        elif word in codes:
            checks.add(codes[word])
        else:
            near = nearness.Nearest(word, [*others, *levels, *codes])
            raise argparse.ArgumentTypeError(
                f'{word!r} is neither a severity (info, warning, error) nor a '
                f'check{near.question}; --list-checks lists all checks'
            )
    return Choice(frozenset(severities), frozenset(checks))
