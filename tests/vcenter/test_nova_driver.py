# SPDX-License-Identifier: Apache-2.0
"""What nova's own driver for vCenter makes of the simulator.

The driver runs in a process of its own: nova may replace threads.
"""

import json

import pytest

from testbed.driver_modes import mode
from testbed.processes import vsphere
from testbed.processes.preloaded import Preloaded
from testbed.vcenter import inventory
from tests.vcenter import programs


@pytest.fixture(scope='module')
def run_driver(tmp_path_factory):
    """Return a function that runs the driver on a vCenter until it ended."""
    preloaded = Preloaded(
        tmp_path_factory.mktemp('preloaded'),
        # Not the driver itself: it takes options when it is imported.
        'nova.config',
        'nova.compute.provider_tree',
        'nova.virt.driver',
    )

    def run(vcenter, **changes):
        folder = tmp_path_factory.mktemp('driver')
        conf = mode.write_conf(folder, vcenter, **changes)
        return preloaded.run(str(programs.REPORT_DRIVER), conf)

    yield run
    preloaded.stop()


@pytest.fixture(scope='module')
def report_on(run_driver):
    """Return a function that returns what the driver reports."""

    def read(vcenter):
        run = run_driver(vcenter)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return read


@pytest.fixture(scope='module')
def described():
    return vsphere.cluster_inventory(mode.CLUSTER)


@pytest.fixture(scope='module')
def vcenter(make_vcenter, described):
    with make_vcenter(described) as started:
        yield started


@pytest.fixture(scope='module')
def report(report_on, vcenter):
    return report_on(vcenter)


def numbers(report):
    """Return {resource class: (total, largest at once)}."""
    return {
        name: (part['total'], part['max_unit'])
        for name, part in report['inventory'].items()
    }


def test_a_cluster_is_one_node(report, described):
    assert report['node'] == f'domain-c8.{described.instance_uuid}'
    resource = report['resource']
    assert resource['hypervisor_type'] == 'VMware vCenter Server'
    assert resource['hypervisor_version'] == 8_000_003
    assert resource['hypervisor_hostname'] == report['node']
    assert resource['cpu_info'] is None
    assert resource['supported_instances'] == [
        [architecture, 'vmware', 'hvm'] for architecture in ('i686', 'x86_64')
    ]
    assert report['instances'] == []


def test_the_largest_host_limits_a_server(report):
    assert numbers(report) == {
        'VCPU': (64, 16),
        'MEMORY_MB': (4 * 65_536, 65_536),
        'DISK_GB': (2000, 2000),
    }


def test_traits(report):
    found = set(report['traits'])
    assert found >= {
        'COMPUTE_IMAGE_TYPE_ISO',
        'COMPUTE_IMAGE_TYPE_VMDK',
        'COMPUTE_NET_ATTACH_INTERFACE',
        'COMPUTE_SAME_HOST_COLD_MIGRATE',
        'HW_ARCH_X86_64',
    }
    assert not found & {
        'COMPUTE_IMAGE_TYPE_QCOW2',
        'COMPUTE_IMAGE_TYPE_RAW',
    }


def test_it_registers_its_extension(report, vcenter):
    extensions = vcenter.connect().content.extensionManager.extensionList
    assert [found.key for found in extensions] == ['org.openstack.compute']


def test_a_cluster_that_is_in_use(start_vcenter, report_on):
    described = vsphere.cluster_inventory(mode.CLUSTER)
    cluster = described.clusters[0]
    first, second, third, _ = cluster.hosts
    first.hardware.cpu_threads = 48
    second.hardware.memory_bytes *= 2
    third.maintenance = True
    described.vms = inventory.vms(cluster, described.datastores[0], 3)
    described.vms[0].is_novas = False
    found = report_on(start_vcenter(described))
    assert numbers(found) == {
        'VCPU': (48 + 2 * 16, 48),
        'MEMORY_MB': (4 * 65_536, 2 * 65_536),
        'DISK_GB': (2000, 2000),
    }
    assert set(found['instances']) == {
        vm.instance_uuid for vm in described.vms[1:]
    }


@pytest.mark.parametrize(
    ('changes', 'says'),
    [
        ({'ca_file': ''}, 'CERTIFICATE_VERIFY_FAILED'),
        ({'cluster_name': 'other'}, "'other' was not found"),
    ],
    ids=['certificate', 'cluster'],
)
def test_wrong_options(vcenter, run_driver, changes, says):
    run = run_driver(vcenter, **changes)
    assert run.returncode != 0
    assert says in run.stderr
