# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity.cloud.glance import Glance
from tests.unit.cloud.glance.fake_glance import Cloud


@pytest.fixture
def cloud():
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def glance(cloud):
    return Glance(cloud.connect())
