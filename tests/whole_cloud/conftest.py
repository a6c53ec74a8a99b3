# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import pytest

from testbed import boot_disks
from testbed.processes import broker
from testbed.processes import mariadb
from testbed.processes import samples
from testbed.vcenter import simulator
from tests import installed

# Names the folder of a cloud that is to be used and to go on afterwards, such
# as that of `make cloud`.
_KEPT_CLOUD = 'HYPERVISOR_AFFINITY_CLOUD'


@pytest.fixture(scope='session')
def whole_cloud(tmp_path_factory):
    """With a second vCenter, and ``samples``."""
    installed.skip_without(
        *(broker.SERVER, mariadb.SERVER, simulator.GOVMOMI),
        boot_disks.QEMU_IMG,
    )
    # Not installed wherever these tests are collected.
    from testbed.processes import compute
    from testbed.processes.cloud import Cloud

    kept = os.environ.get(_KEPT_CLOUD)
    folder = (
        pathlib.Path(kept).resolve()
        if kept
        else tmp_path_factory.mktemp('whole-cloud')
    )
    # Another vCenter, which does all that nova knows.
    hosts = (*compute.hosts(folder), compute.vcenter_host('vc-2'))
    cloud = Cloud(folder, hosts, outlives=bool(kept))
    try:
        cloud.up()
        samples.add(cloud.admin)
        yield cloud
    finally:
        if not kept:
            cloud.kill()


@pytest.fixture
def real_kvm(whole_cloud):
    """Skip where KVM is faked."""
    from testbed.processes import libvirt

    if not all(host.is_real for host in whole_cloud.hosts_of('kvm')):
        lacks = libvirt.lacks(whole_cloud.folder)
        if libvirt.missing_packages():
            installed.miss(lacks)
        pytest.skip(lacks or 'this cloud was made with faked hosts')
