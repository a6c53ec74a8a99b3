# SPDX-License-Identifier: Apache-2.0
"""Which content an audit finds to be refused."""

import pytest

from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.operations import image_audit
from hypervisor_affinity.operations.image_audit import ImageCheck
from hypervisor_affinity.operations.image_audit import audit
from tests.unit.operations.image_audit.images import advice
from tests.unit.operations.image_audit.images import found
from tests.unit.operations.image_audit.images import vmdk


@pytest.mark.parametrize('subformat', ['twoGbMaxExtentSparse'])
def test_content_of_several_files(tmp_path, subformat):
    image = vmdk()
    several = Disk(
        name='x',
        format='vmdk',
        formats=('vmdk',),
        virtual_bytes=1,
        file_bytes=1,
        create_type=subformat,
    )
    assert found(image, disk=several) == {ImageCheck.CONTENT_REFUSED: {}}
    assert 'image prepare' in advice(
        image, ImageCheck.CONTENT_REFUSED, disk=several
    )


def test_content_in_another_format():
    other = Disk(
        name='x',
        format='qcow2',
        formats=('qcow2',),
        virtual_bytes=1,
        file_bytes=1,
    )
    (finding,) = audit(vmdk(), Policy(), disk=other)
    assert finding.check is ImageCheck.CONTENT_REFUSED
    assert 'the content is qcow2, not vmdk' in finding.evidence


def test_content_that_cannot_be_inspected():
    finding = image_audit.unreadable(vmdk(), 'x: the header is cut')
    assert (finding.check, finding.changes) == (
        ImageCheck.CONTENT_UNREADABLE,
        {},
    )
