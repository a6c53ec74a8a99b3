# SPDX-License-Identifier: Apache-2.0
"""``audit``."""

import argparse

from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import progress
from hypervisor_affinity.cli.base import PolicyCommand
from hypervisor_affinity.operations.audit import SEVERITIES
from hypervisor_affinity.operations.audit import Finding
from hypervisor_affinity.operations.audit import audit

_COLUMNS = (
    'Severity',
    'Check',
    'Subject',
    'ID',
    'Name',
    'Host',
    'Reason',
    'Evidence',
    'Advice',
)


class Audit(PolicyCommand):
    """List servers, hosts, aggregates and images that are not as they should.

    Ends with 1 if there is a finding that --fail-on names.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        findings.add_arguments(parser, SEVERITIES)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        servers = progress.counted('servers', source.servers())
        tally = findings.Tally(SEVERITIES, parsed_args)
        rows = []
        for finding in audit(source, policy, servers):
            # Of a large cloud's, only what is shown is kept.
            if tally.count(finding.check) and not parsed_args.counts:
                rows.append(_row(finding))
        return findings.answer(self, parsed_args, tally, _COLUMNS, rows)


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
