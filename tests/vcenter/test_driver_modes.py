# SPDX-License-Identifier: Apache-2.0
"""nova's driver, operated in native threads and in those of eventlet.

Threads are interrupted often, so that what is mixed up shows at once.
"""

import pathlib
import sys

import pytest

from hypervisor_affinity_tempest_plugin import disks
from testbed.driver_modes import mode
from testbed.driver_modes import patched
from testbed.driver_modes import programs
from testbed.driver_modes import results
from testbed.driver_modes.mode import Mode
from testbed.processes import vsphere
from testbed.vcenter import inventory
from tests.installed import skip_without

SERVERS = 4
PYTHON = pathlib.Path(sys.executable)
# Of the driver, not of each server in its life.
OF_DRIVER = {
    'init_host',
    'get_available_resource',
    'update_provider_tree',
    'list_instance_uuids',
}


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    """oslo.vmware with the patch."""
    skip_without(patched.PROGRAM)
    return patched.copy(PYTHON, tmp_path_factory.mktemp('patched'))


@pytest.fixture
def operate(start_vcenter, tmp_path):
    """Return a function that returns what came of operating servers."""

    def run(tried, pace='start'):
        described = vsphere.cluster_inventory(mode.CLUSTER)
        described.vms = inventory.vms(
            described.clusters[0], described.datastores[0], 20
        )
        conf = mode.write_conf(tmp_path, start_vcenter(described))
        image = tmp_path / 'image'
        image.write_bytes(disks.vmdk())
        return tried.run(programs.OPERATE, pace, SERVERS, image, conf)

    return run


def failures(document):
    """Return {operation: errors} of those that did not always pass."""
    return {
        name: counts['errors']
        for name, counts in document['operations'].items()
        if counts['failed']
    }


def test_native_threads(operate):
    document = operate(Mode(PYTHON, is_native=True))
    assert not document['is_eventlet']
    assert failures(document)


@pytest.mark.parametrize('is_native', [True, False], ids=['patch', 'eventlet'])
def test_all_operations(operate, path, is_native):
    tried = Mode(PYTHON, is_native, path if is_native else None)
    document = operate(tried)
    assert document['is_eventlet'] != is_native
    assert failures(document) == {}
    operations = document['operations']
    assert set(operations) == set(results.OPERATIONS)
    of_servers = set(operations) - OF_DRIVER
    assert {operations[name]['passed'] for name in of_servers} == {SERVERS}
    assert document['left'] == 0
