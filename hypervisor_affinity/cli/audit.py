# SPDX-License-Identifier: Apache-2.0
"""``audit``."""

import argparse
from collections.abc import Iterable

from hypervisor_affinity.cli import audit_replay
from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import CloudFinding
from hypervisor_affinity.operations.audit import Wanted
from hypervisor_affinity.operations.audit import audit
from hypervisor_affinity.operations.audit.replay import replay
from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from hypervisor_affinity.operations.audit.replay_checks import ReplayFinding
from hypervisor_affinity.operations.findings import Check


class Audit(findings.FindingsCommand):
    """List servers, hosts, aggregates, images and flavors with problems.

    Exits with status 1 if there is a finding that --fail-on names; with
    --replay and without --fail-on, if a server would be refused.
    """

    area = CloudCheck
    page = 'audit'
    of_findings = (
        'Severity',
        'Check',
        'Subject',
        'ID',
        'Name',
        'Host',
        'Reason',
        'Evidence',
        'Advice',
        'Command',
    )
    short = ('Severity', 'Check', 'Subject', 'Name', 'Host')
    finds_misspelt_options = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        findings.add_arguments(parser, CloudCheck, ReplayCheck)
        parser.add_argument(
            '--replay',
            action='store_true',
            help='show instead what would become of the servers if they were '
            'booted again with the filter and the weigher enabled, whatever '
            'modes are set: how many would be refused, go to other hosts, or '
            'stay',
        )
        for option, what in (
            ('--project', 'the servers of this project'),
            (
                '--host',
                'this host, the servers on it, and the aggregates that it is '
                'in',
            ),
            (
                '--aggregate',
                'this aggregate, its hosts, and the servers on them',
            ),
        ):
            parser.add_argument(
                option,
                action='append',
                default=[],
                metavar='NAME_OR_ID',
                help=f'look only at {what}; may be given several times',
            )
        return parser

    def area_of(self, parsed_args: argparse.Namespace) -> type[Check]:
        """Return the checks, or the kinds of a replay."""
        return ReplayCheck if parsed_args.replay else CloudCheck

    def columns(self, parsed_args: argparse.Namespace) -> tuple[str, ...]:
        """Return all that the answer may have."""
        is_other = parsed_args.counts or parsed_args.list_checks
        if is_other or not parsed_args.replay:
            return super().columns(parsed_args)
        if self.is_long(parsed_args, audit_replay.SUMMARY):
            return audit_replay.SERVERS
        return audit_replay.SUMMARY

    def find(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        # Of a replay, they are no findings.
        self.finds_misspelt_options = not parsed_args.replay
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        servers = progress.counted('servers', source.servers())
        wanted = Wanted(
            parsed_args.project, parsed_args.host, parsed_args.aggregate
        )
        if parsed_args.replay:
            replayed = replay(source, policy, servers, wanted)
            return self._replayed(parsed_args, replayed)
        tally = self.tally(parsed_args)
        misspelt = base.misspelt_in(parsed_args.nova_conf)
        found = audit(source, policy, servers, misspelt, wanted)
        rows = []
        for finding in tally.counted(found):
            # Of a large cloud's, only what is shown is kept.
            if not parsed_args.counts:
                rows.append(_row(finding))
        return self.answer(parsed_args, tally, rows)

    def _replayed(
        self,
        parsed_args: argparse.Namespace,
        replayed: Iterable[ReplayFinding],
    ) -> tuple:
        tally = self.tally(parsed_args)
        is_long = self.is_long(parsed_args, audit_replay.SUMMARY)
        rows = audit_replay.Rows(is_long=is_long)
        for finding in tally.counted(replayed):
            rows.add(finding)
        self.say(parsed_args, audit_replay.HEADLINE)
        if tally.fails:
            self.status = base.NEGATIVE
        if parsed_args.counts:
            counts = list(tally.rows())
            return self._shown(parsed_args, tally.COLUMNS, counts)
        if not is_long:
            self.say(parsed_args, audit_replay.MORE)
        return self._shown(parsed_args, audit_replay.SUMMARY, rows.sorted())


def _row(finding: CloudFinding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        finding.about.kind,
        finding.about.id,
        finding.about.name,
        finding.about.host,
        str(finding.reason),
        finding.evidence,
        finding.advice,
        pasting.command_lines(finding.commands),
    )
