# SPDX-License-Identifier: Apache-2.0
"""What ``audit --replay`` shows: how many servers, or each of them."""

import collections

from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from hypervisor_affinity.operations.audit.replay_checks import ReplayFinding

SUMMARY = ('Kind', 'Reason', 'Servers', 'From', 'To')
SERVERS = (
    'Kind',
    'Reason',
    'Name',
    'Host',
    'From',
    'To',
    'ID',
    'Project',
    'Image',
    'Flavor',
    'Evidence',
    'Advice',
)
HEADLINE = (
    'As if all servers were booted again with the filter enforced, and room '
    'for all'
)
MORE = 'Use --long to see each server, --list-checks for what the kinds mean'

_PLACES = {check.value: number for number, check in enumerate(ReplayCheck)}


class Rows:
    """The rows of an answer, while servers are replayed."""

    def __init__(self, *, is_long: bool) -> None:
        """Begin with none.

        :param is_long: whether there is one for each server, not for each
            kind, reason and way
        """
        self._is_long = is_long
        self._counts: collections.Counter[tuple] = collections.Counter()
        self._servers: list[tuple] = []

    def add(self, finding: ReplayFinding) -> None:
        """Take a server into account. Of a summary, none is kept."""
        if self._is_long:
            self._servers.append(_row(finding))
            return
        about = finding.about
        way = about.origin, about.destination
        self._counts[finding.check, finding.reason, *way] += 1

    def sorted(self) -> list[tuple]:
        """Return the rows, in the order of the kinds, largest first."""
        rows = self._servers or [
            (check.value, str(reason), count, *way)
            for (check, reason, *way), count in self._counts.most_common()
        ]
        return sorted(rows, key=lambda row: _PLACES[row[0]])


def _row(finding: ReplayFinding) -> tuple:
    about = finding.about
    server = about.server
    return (
        finding.check.value,
        str(finding.reason),
        server.name,
        server.host or '',
        about.origin,
        about.destination,
        server.id,
        server.project,
        server.image or '',
        server.flavor.name,
        finding.evidence,
        finding.advice,
    )
