# SPDX-License-Identifier: Apache-2.0

import msgspec
import pytest

from hypervisor_affinity import vcenter_conf
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import both
from tests.cloud_of_records import server
from tests.unit.cloud.vcenter_files import section


@pytest.fixture
def cloud():
    odd = msgspec.structs.replace(
        ISO,
        id='i-odd',
        name='ünïcode "quoted"\nline',
        properties={'hypervisor_type': 'vmware'},
        dropped=('vmware_tools_version',),
    )
    return both(
        hosts=[
            records.kvm('kvm-1', traits=('HW_CPU_X86_AVX',)),
            records.vcenter('vc-1', supported=('vmware',), vcpus=None),
        ],
        images=[ISO, odd],
        servers=[
            server('a', ISO, 'kvm-1'),
            server('b', None, None, status='ERROR', fault='No valid host: {}'),
            server('c', odd, 'vc-1', image_properties=None),
        ],
    )


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(novas=None, ours=None, name='nova.conf', before=''):
        path = tmp_path / name
        path.write_text(
            before
            + section('vmware', novas or {})
            + section(vcenter_conf.GROUP, ours or {})
        )
        return str(path)

    return write
