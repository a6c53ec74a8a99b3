# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.travel import Travel
from hypervisor_affinity.image.travel import travel

VIRTUAL, FILES = 20 * 1024**3, 1024**3


@pytest.mark.parametrize(
    ('fields', 'found'),
    [
        (
            {'format': 'vmdk', 'create_type': 'streamOptimized'},
            Travel(FILES, FILES, VIRTUAL, thin=True),
        ),
        (
            {'format': 'vmdk', 'create_type': 'monolithicSparse'},
            Travel(FILES, FILES, VIRTUAL, thin=False),
        ),
        ({'format': 'iso'}, Travel(FILES, FILES, FILES, thin=False)),
        ({'format': 'qcow2'}, Travel(FILES, None, None, thin=False)),
    ],
    ids=lambda value: str(value),
)
def test_travel(fields, found):
    disk = Disk(name='x', virtual_bytes=VIRTUAL, file_bytes=FILES, **fields)
    assert travel(disk) == found
