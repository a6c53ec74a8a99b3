# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.core.hypervisor import DISABLED_BY_VSPHERE_DRIVER
from hypervisor_affinity.operations.compute_service import ComputeService
from hypervisor_affinity.operations.compute_service import Trouble
from tests.cloud_of_records import vcenter

DOWN, FORCED = Trouble.DOWN, Trouble.FORCED_DOWN
DISABLED, BY_DRIVER = Trouble.DISABLED, Trouble.DISABLED_BY_DRIVER


@pytest.mark.parametrize(
    ('state', 'troubles'),
    [
        ({}, set()),
        ({'is_up': False}, {DOWN}),
        ({'is_up': False, 'is_forced_down': True}, {FORCED}),
        ({'disabled_reason': ''}, {DISABLED}),
        ({'disabled_reason': 'repair'}, {DISABLED}),
        ({'disabled_reason': DISABLED_BY_VSPHERE_DRIVER}, {BY_DRIVER}),
        ({'is_up': False, 'disabled_reason': 'repair'}, {DOWN, DISABLED}),
    ],
)
def test_what_keeps_servers_from_it(state, troubles):
    assert ComputeService(**state).troubles == troubles


@pytest.mark.parametrize(
    ('record', 'troubles'),
    [
        ({}, set()),
        ({'state': 'down'}, {DOWN}),
        ({'status': 'disabled'}, {DISABLED}),
        ({'status': 'disabled', 'disabled_reason': 'repair'}, {DISABLED}),
        # nova keeps the reason when a service is enabled again.
        ({'disabled_reason': DISABLED_BY_VSPHERE_DRIVER}, set()),
    ],
)
def test_of_a_record(record, troubles):
    service = ComputeService.from_record(vcenter('vc-1', **record))
    assert service.troubles == troubles
