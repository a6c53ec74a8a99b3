# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import pytest

from tests import installed
from tests.processes import broker
from tests.processes import mariadb
from tests.processes import samples
from tests.vcenter import simulator

# Names the folder of a cloud that is to be used and to go on afterwards, such
# as that of `make cloud`.
_KEPT_CLOUD = 'HYPERVISOR_AFFINITY_CLOUD'


@pytest.fixture(scope='session')
def whole_cloud(tmp_path_factory):
    """With a second vCenter, and ``samples``."""
    installed.skip_without(broker.SERVER, mariadb.SERVER, simulator.GOVMOMI)
    # Not installed wherever these tests are collected.
    from tests.processes.cloud import Cloud
    from tests.processes.compute import TESTED_HOSTS

    kept = os.environ.get(_KEPT_CLOUD)
    folder = (
        pathlib.Path(kept).resolve()
        if kept
        else tmp_path_factory.mktemp('whole-cloud')
    )
    cloud = Cloud(folder, TESTED_HOSTS, outlives=bool(kept))
    try:
        cloud.up()
        samples.add(cloud.admin)
        yield cloud
    finally:
        if not kept:
            cloud.kill()
