# SPDX-License-Identifier: Apache-2.0
"""``audit``."""

import argparse

from hypervisor_affinity.cli import base
from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli import progress
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import CloudFinding
from hypervisor_affinity.operations.audit import Wanted
from hypervisor_affinity.operations.audit import audit


class Audit(findings.FindingsCommand):
    """List servers, hosts, aggregates, images and flavors with problems.

    Exits with status 1 if there is a finding that --fail-on names.
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
        findings.add_arguments(parser, CloudCheck)
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

    def find(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        servers = progress.counted('servers', source.servers())
        tally = self.tally(parsed_args)
        misspelt = base.misspelt_in(parsed_args.nova_conf)
        wanted = Wanted(
            parsed_args.project, parsed_args.host, parsed_args.aggregate
        )
        found = audit(source, policy, servers, misspelt, wanted)
        rows = []
        for finding in tally.counted(found):
            # Of a large cloud's, only what is shown is kept.
            if not parsed_args.counts:
                rows.append(_row(finding))
        return self.answer(parsed_args, tally, rows)


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
