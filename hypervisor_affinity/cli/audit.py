# SPDX-License-Identifier: Apache-2.0
"""``audit``."""

import argparse

from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import progress
from hypervisor_affinity.operations.audit import CloudCheck
from hypervisor_affinity.operations.audit import CloudFinding
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


class Audit(findings.FindingsCommand):
    """List servers, hosts, aggregates and images that are not as they should.

    Ends with 1 if there is a finding that --fail-on names.
    """

    area = CloudCheck
    of_findings = _COLUMNS

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        findings.add_arguments(parser, CloudCheck)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        source = self.source(parsed_args)
        servers = progress.counted('servers', source.servers())
        tally = self.tally(parsed_args)
        rows = []
        for finding in tally.counted(audit(source, policy, servers)):
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
    )
