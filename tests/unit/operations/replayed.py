# SPDX-License-Identifier: Apache-2.0
"""What a replay says of servers in a cloud of records."""

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations.audit.replay import replay
from hypervisor_affinity.operations.audit.replay_checks import ReplayCheck
from tests.cloud_of_records import both

REFUSED = ReplayCheck.WOULD_BE_REFUSED
ELSEWHERE = ReplayCheck.WOULD_GO_ELSEWHERE
OTHER_FIRST = ReplayCheck.OTHER_HYPERVISOR_FIRST
STAYS = ReplayCheck.STAYS
NOT_KNOWN = ReplayCheck.NOT_KNOWN

WRONG = Image(
    'wrong', 'i-wrong', 'active', 'qcow2', 'bare', {'hypervisor_type': 'esx'}
)
VOLUME = None


def of(*servers, policy=None, **sections):
    """Return each server's kind, reason and way."""
    source = both(servers=list(servers), **sections)
    return [
        (
            finding.check,
            finding.reason,
            f'{finding.about.origin}>{finding.about.destination}',
        )
        for finding in replay(source, policy or Policy())
    ]
