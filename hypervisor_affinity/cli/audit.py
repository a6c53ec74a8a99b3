# SPDX-License-Identifier: Apache-2.0
"""``audit``."""

import argparse
import collections
from collections.abc import Iterable, Iterator

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import PolicyCommand
from hypervisor_affinity.operations.audit import SEVERITIES
from hypervisor_affinity.operations.audit import Check
from hypervisor_affinity.operations.audit import Finding
from hypervisor_affinity.operations.audit import Severity
from hypervisor_affinity.operations.audit import audit

_NEVER = 'never'


class Audit(PolicyCommand):
    """List servers, hosts, aggregates and images that are not as they should.

    Ends with 1 if there is a finding that --fail-on names.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--fail-on',
            type=_checks,
            default='warning',
            metavar='WHAT',
            help='end with 1 for findings of this severity and above (info, '
            'warning, error), of these checks (a comma list), or never; '
            'default: warning',
        )
        parser.add_argument(
            '--only',
            type=_checks,
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
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        servers = progress.counted('servers', source.servers())
        found = (
            finding
            for finding in audit(source, policy, servers)
            if finding.check in parsed_args.only
        )
        counts: collections.Counter[Check] = collections.Counter()
        rows = []
        for finding in found:
            counts[finding.check] += 1
            if not parsed_args.counts:
                rows.append(_row(finding))
        self.say(parsed_args, _headline(counts))
        if not counts.keys().isdisjoint(parsed_args.fail_on):
            self.status = base.NEGATIVE
        if parsed_args.counts:
            columns = ('Check', 'Severity', 'Findings')
            return columns, list(_counts(counts, parsed_args.only))
        rows.sort(key=lambda row: -Severity[row[0].upper()])
        return (
            'Severity',
            'Check',
            'Subject',
            'ID',
            'Name',
            'Host',
            'Reason',
            'Evidence',
            'Advice',
        ), rows


def _checks(text: str) -> frozenset[Check]:
    """Return the checks that an argument names.

    :raises argparse.ArgumentTypeError: naming what is unknown
    """
    if text == _NEVER:
        return frozenset()
    severities = {severity.name.lower(): severity for severity in Severity}
    checks: set[Check] = set()
    for word in map(str.strip, text.split(',')):
        if word in severities:
            checks |= {
                check
                for check, severity in SEVERITIES.items()
                if severity >= severities[word]
            }
        elif word in list(Check):
            checks.add(Check(word))
        else:
            known = ', '.join([_NEVER, *severities, *Check])
            raise argparse.ArgumentTypeError(
                f'{word!r} is none of these: {known}'
            )
    return frozenset(checks)


def _headline(counts: collections.Counter[Check]) -> str:
    found: collections.Counter[Severity] = collections.Counter()
    for check, count in counts.items():
        found[SEVERITIES[check]] += count
    parts = [
        f'{found[severity]} of severity {severity.name.lower()}'
        for severity in sorted(found, reverse=True)
    ]
    return f'Found: {", ".join(parts) or "nothing"}'


def _counts(
    counts: collections.Counter[Check], checks: Iterable[Check]
) -> Iterator[tuple]:
    for check, severity in SEVERITIES.items():
        if check in checks:
            yield check.value, severity.name.lower(), counts[check]


def _row(finding: Finding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        finding.subject,
        finding.id,
        finding.name,
        finding.host,
        str(finding.reason),
        finding.evidence,
        finding.advice,
    )
