# SPDX-License-Identifier: Apache-2.0
"""A fifth of the reference case; ``make demo`` boots all its 300 servers."""

import dataclasses

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from demo import boot
# isort: on

from demo import reference_case

KINDS = [
    dataclasses.replace(kind, count=kind.count // 5)
    for kind in reference_case.KINDS
]


def test_every_server_is_on_the_right_hypervisor():
    result = boot.run(reference_case.SCHEDULERS['ours'], KINDS)
    assert result.placed == {
        kind.title: {kind.expected: kind.count} for kind in KINDS
    }
    assert sum(kind.count for kind in KINDS) == 60
    assert result.fault.endswith('disk_format=qcow2: convert it to VMDK')
    assert result.log.endswith('hosts rejected: 11 cannot_boot')
