# SPDX-License-Identifier: Apache-2.0
"""The 300 servers of the reference case, as ``make demo`` boots them."""

# isort: off
# First: it prepares the process for nova, and patches blocking functions.
from demo import boot
# isort: on

from demo import reference_case


def test_every_server_is_on_the_right_hypervisor():
    result = boot.run(reference_case.SCHEDULERS['ours'])
    wrong = {
        kind.title: result.placed[kind.title]
        for kind in reference_case.KINDS
        if result.wrong(kind)
    }
    assert wrong == {}
    assert sum(sum(p.values()) for p in result.placed.values()) == 300
    assert result.fault.endswith('disk_format=qcow2: convert it to VMDK')
    assert result.log.endswith('hosts rejected: 11 cannot_boot')
