# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, as a scheduler sends them."""

from hypervisor_affinity.core import decision
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.verdict import Verdict
from hypervisor_affinity.decisions import record

SERVER = '5b1a7d52-6a4e-4cbf-9d3c-0c1f7f7b1f01'
OTHER = '9c2b8e63-7b5f-4dc0-8e4d-1d2a8a8c2a02'
SCHEDULER = 'nova-scheduler:control-1'
VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}


def payload(server=SERVER, image=VMDK, **changes):
    """Return a payload of a boot that found two hosts of the other kind."""
    policy = Policy()
    reason = Reason.OTHER_HYPERVISOR
    decided = decision.decide(
        classify(image, {}, policy), policy, [Verdict(reason)], {reason: 2}, 0
    )
    return {
        **decided.primitive(),
        'decided_at': '2026-12-01T10:00:00.250000+00:00',
        'request_id': 'req-1',
        'server': server,
        'project': 'p1',
        'kind': 'boot',
        'look_up': None,
        **changes,
    }


def line(message='m1', scheduler=SCHEDULER, **changes):
    """Return the line of a payload."""
    return record.line(scheduler, message, payload(**changes))
