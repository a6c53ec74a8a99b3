# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, as a scheduler sends them."""

from hypervisor_affinity.decisions import record
from tests import core_decisions
from tests.core_decisions import QCOW2
from tests.core_decisions import VMDK

__all__ = ['OTHER', 'QCOW2', 'SCHEDULER', 'SERVER', 'VMDK', 'line', 'payload']

SERVER = '5b1a7d52-6a4e-4cbf-9d3c-0c1f7f7b1f01'
OTHER = '9c2b8e63-7b5f-4dc0-8e4d-1d2a8a8c2a02'
SCHEDULER = 'nova-scheduler:control-1'


def payload(server=SERVER, image=VMDK, **changes):
    """Return a payload of a boot that found two hosts of the other kind."""
    kvm = core_decisions.host('kvm')
    return {
        **core_decisions.payload(image, kvm, kvm),
        'decided_at': '2026-12-01T10:00:00.250000+00:00',
        'request_id': 'req-1',
        'server': server,
        'project': 'p1',
        **changes,
    }


def line(message='m1', scheduler=SCHEDULER, **changes):
    """Return the line of a payload."""
    return record.line(scheduler, message, payload(**changes))
