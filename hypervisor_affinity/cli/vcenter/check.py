# SPDX-License-Identifier: Apache-2.0
"""``vcenter check``."""

import argparse
from typing import ClassVar

from hypervisor_affinity.cli import findings
from hypervisor_affinity.cli import pasting
from hypervisor_affinity.cli.vcenter.reading import VCenterReading
from hypervisor_affinity.operations.vcenter import health
from hypervisor_affinity.operations.vcenter.checks import VCenterCheck
from hypervisor_affinity.operations.vcenter.checks import VCenterFinding


class Check(VCenterReading, findings.FindingsCommand):
    """List what is wrong with vCenters, and between them and nova.

    Exits with status 1 if there is a finding that --fail-on names.
    """

    area = VCenterCheck
    page = 'vcenter-check'
    of_findings = (
        'Severity',
        'Check',
        'Where',
        'vCenter',
        'Cluster',
        'Subject',
        'Evidence',
        'Advice',
        'Command',
    )
    # A server's id takes nearly half of a terminal.
    short = ('Severity', 'Check', 'Where')
    widths: ClassVar = {'Where': 36}
    finds_open_files = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser."""
        parser = super().get_parser(prog_name)
        findings.add_arguments(parser, VCenterCheck)
        return parser

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that the arguments tell what to read, if anything is read."""
        self.needs_vcenters = not parsed_args.list_checks
        super().check(parsed_args)

    def find(self, parsed_args: argparse.Namespace) -> tuple:
        """Return the findings, or how many there are."""
        policy = self.policy(parsed_args)
        tally = self.tally(parsed_args)
        with self.reading(parsed_args) as reading:
            found = health.check(reading.source, policy, reading.again)
            rows = [_row(finding) for finding in tally.counted(found)]
        return self.answer(parsed_args, tally, rows)


def _row(finding: VCenterFinding) -> tuple:
    return (
        finding.severity.name.lower(),
        finding.check.value,
        str(finding.about),
        finding.about.vcenter,
        finding.about.cluster,
        finding.about.subject,
        finding.evidence,
        finding.advice,
        pasting.command_lines(finding.commands),
    )
