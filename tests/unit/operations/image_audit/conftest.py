# SPDX-License-Identifier: Apache-2.0
import pytest
from nova import objects

from hypervisor_affinity.image.content import FileContent
from hypervisor_affinity.image.inspection import inspect_content
from tests import disk_files
from tests.installed import skip_without

objects.register_all()


@pytest.fixture
def disk(tmp_path):
    """Return a function that writes a VMDK and returns what it is."""
    skip_without('qemu-img')

    def write(subformat='streamOptimized', **options):
        path = disk_files.vmdk(tmp_path, subformat, **options)
        with FileContent(path) as content:
            return inspect_content(content)

    return write
