# SPDX-License-Identifier: Apache-2.0
"""``vcenter check``."""

import argparse

from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli.base import PolicyCommand
from hypervisor_affinity.cli.vcenter.reading import VCenterReading
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.findings import SEVERITIES
from hypervisor_affinity.operations.vcenter.findings import Finding

_COLUMNS = (
    'Severity',
    'Check',
    'vCenter',
    'Cluster',
    'Subject',
    'Evidence',
    'Advice',
)


class Check(VCenterReading, PolicyCommand):
    """List what is wrong with vCenters, and between them and nova.

    Ends with 1 if there is a finding that --fail-on names.
    """

    finds_open_files = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        findings.add_arguments(parser, SEVERITIES)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        tally = findings.Tally(SEVERITIES, parsed_args)
        with self.reading(parsed_args) as reading:
            found = health.check(reading.source, policy, reading.again)
            rows = [
                _row(finding)
                for finding in found
                if tally.count(finding.check)
            ]
        return findings.answer(self, parsed_args, tally, _COLUMNS, rows)


def _row(finding: Finding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        finding.vcenter,
        finding.cluster,
        finding.subject,
        finding.evidence,
        finding.advice,
    )
