# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-status``, with nova's databases."""

import threading

import pytest
import sqlalchemy
from nova import exception
from nova.conf import CONF
from nova.virt import driver as virt_driver
from nova.virt.vmwareapi import vmops
from oslo_upgradecheck.upgradecheck import Code
from sqlalchemy.engine import Engine

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.status import commands
from hypervisor_affinity.status.deployment import Deployment
from hypervisor_affinity.status.statements import to_result


def run_checks():
    """Return each check's result by its name."""
    deployment = Deployment(CONF)
    return {
        name: to_result(check(deployment)) for name, check in commands.CHECKS
    }


def unsettled(results):
    return {
        name: result.code
        for name, result in results.items()
        if result.code is not Code.SUCCESS
    }


@pytest.mark.smoke
def test_a_cloud_in_order(two_of_each):
    results = run_checks()
    assert unsettled(results) == {}
    assert '2 vCenter hosts (vc-1, vc-2)' in results['Evacuation'].details


VMWARE = {'hypervisor_type': 'vmware'}


def test_a_ram_that_the_vsphere_driver_refuses(two_of_each, monkeypatch):
    cloud = two_of_each
    refused = []

    def prepare(driver, instance):
        """Do as nova's vSphere driver does."""
        try:
            # It reads nothing of itself.
            vmops.VMwareVMOps.prepare_for_spawn(None, instance)
        except exception.InstanceUnacceptable:
            refused.append(instance.host)
            raise

    monkeypatch.setattr(
        virt_driver.ComputeDriver, 'prepare_for_spawn', prepare
    )
    esxi = cloud.images.create('windows', 'vmdk', properties=VMWARE)
    odd = cloud.flavors.create('odd', memory_mb=1025)
    server = cloud.boot(esxi, flavor=odd)
    assert server.status == 'ERROR'
    assert 'not multiple of 4' in server.fault
    # There is another vCenter host.
    assert len(refused) == 1
    result = run_checks()['Flavor RAM']
    assert result.code is Code.WARNING
    assert '1 flavor (odd)' in result.details
    key = 'hypervisor_affinity:hypervisor_type'
    cloud.flavors.set_extra_specs(odd, {key: 'vmware'})
    assert run_checks()['Flavor RAM'].code is Code.FAILURE
    cloud.flavors.set_extra_specs(odd, {key: 'kvm'})
    assert run_checks()['Flavor RAM'].code is Code.SUCCESS


@pytest.mark.parametrize('disk_format', ['vmdk', 'vdi', 'vhdx'])
def test_what_image_type_support_leaves(two_of_each, disk_format):
    cloud = two_of_each
    image = cloud.images.create(
        'image', disk_format, properties={'hypervisor_type': 'kvm'}
    )
    server = cloud.boot(image)
    assert server.active
    assert cloud.actions.cold_migrate(server).succeeded
    assert run_checks()['Image type support'].code is Code.SUCCESS
    cloud.actions.confirm_resize(server)
    cloud.set_options(
        {'scheduler': {'query_placement_for_image_type_support': True}}
    )
    assert not cloud.boot(image).active
    assert not cloud.actions.cold_migrate(server).succeeded
    result = run_checks()['Image type support']
    assert result.code is Code.WARNING
    assert disk_format.upper() in result.details


def test_flavors_that_contradict_themselves(two_of_each):
    cloud = two_of_each
    flavor = cloud.flavors.create(
        'torn',
        extra_specs={
            'hypervisor_affinity:hypervisor_type': 'kvm',
            'capabilities:hypervisor_type': 'VMware vCenter Server',
        },
    )
    image = cloud.images.create('image', 'iso')
    assert not cloud.boot(image, flavor=flavor).active
    result = run_checks()['Flavors']
    assert result.code is Code.FAILURE
    assert '1 flavor (torn)' in result.details
    flavor = cloud.flavors.unset_extra_specs(
        flavor, 'hypervisor_affinity:hypervisor_type'
    )
    assert cloud.boot(image, flavor=flavor).active
    assert run_checks()['Flavors'].code is Code.SUCCESS


# What the check says of ``disorder``, by its name.
SAID_OF_DISORDER = (
    ('Placement results', '5 compute nodes', 'at most 3'),
    ('Aggregate metadata', 'aggregate kvm', 'vmwrae is not a known'),
    ('Aggregate isolation', 'img_hv_type=KVM', '2 aggregates'),
    ('Aggregate multipliers', '1 host (vc-1)', '=500'),
    (
        'Untagged hosts',
        '1 host (vc-2)',
        'They offer what the virt driver reports',
        '1 host (fake-1)',
        'reports no known one',
    ),
    ('Contradictory hosts', 'placed on 1 host (kvm-2)', 'vmware'),
    ('Preferred hypervisors', 'names baremetal'),
    (
        'vCenter compute services',
        'nova-compute of 2 vCenter hosts (vc-1, vc-2) is down or',
        '1 vCenter host (vc-1) is forced down',
        'disabled nova-compute of 1 vCenter host (vc-2)',
    ),
    ('Flavors', '1 flavor (esxi)', 'matches no host'),
)


@pytest.fixture
def disorder(start_cloud):
    """A cloud that has something for each check of hosts and flavors."""
    cloud = start_cloud(
        {
            'scheduler': {'max_placement_results': 3},
            'filter_scheduler': {
                'enabled_filters': [
                    'ComputeFilter',
                    'HypervisorAffinityFilter',
                    'ComputeCapabilitiesFilter',
                    'AggregateImagePropertiesIsolation',
                ]
            },
            'hypervisor_affinity': {
                'preferred_hypervisors': ['kvm', 'vmware', 'baremetal']
            },
        }
    )
    for name in ('kvm-1', 'kvm-2'):
        cloud.add_kvm_host(name)
    for name in ('vc-1', 'vc-2'):
        cloud.add_vcenter_host(name)
    cloud.add_host('fake-1', faces.FAKE)
    cloud.aggregates.create(
        'kvm',
        hosts=['kvm-1'],
        metadata={'hypervisor_type': 'kvm,vmwrae', 'img_hv_type': 'KVM'},
    )
    cloud.aggregates.create(
        'vmware',
        hosts=['vc-1', 'kvm-2'],
        metadata={
            'hypervisor_type': 'vmware',
            'hypervisor_affinity_weight_multiplier': '500',
        },
    )
    cloud.flavors.create(
        'esxi',
        extra_specs={
            'capabilities:hypervisor_type': 's== VMware vCenter Server'
        },
    )
    cloud.hosts.fail('vc-1')
    cloud.hosts.disable('vc-2', reason='set by vmwareapi host_state')
    return cloud


@pytest.mark.smoke
def test_a_cloud_in_disorder(disorder):
    results = run_checks()
    assert unsettled(results) == {
        'Placement results': Code.WARNING,
        'Aggregate metadata': Code.WARNING,
        'Aggregate isolation': Code.FAILURE,
        'Aggregate multipliers': Code.WARNING,
        'Untagged hosts': Code.WARNING,
        'Contradictory hosts': Code.FAILURE,
        'Preferred hypervisors': Code.WARNING,
        'vCenter compute services': Code.FAILURE,
        'Flavors': Code.FAILURE,
    }
    for check, *words in SAID_OF_DISORDER:
        for word in words:
            assert word in results[check].details


def test_cells(start_cloud):
    cloud = start_cloud(cells=2)
    cloud.add_kvm_host('kvm-1', cell=1)
    cloud.add_vcenter_host('vc-1', cell=2)
    details = run_checks()['Untagged hosts'].details
    assert '2 hosts (kvm-1, vc-1)' in details


EMULATES = 'hw_emulation_architecture'


@pytest.fixture
def statements():
    """What the test itself asks of servers' properties from now on."""
    found = []
    asking = threading.get_ident()

    def note(connection, cursor, statement, *rest):
        of_servers = 'instance_system_metadata' in statement
        if of_servers and threading.get_ident() == asking:
            found.append(statement)

    sqlalchemy.event.listen(Engine, 'before_cursor_execute', note)
    yield found
    sqlalchemy.event.remove(Engine, 'before_cursor_execute', note)


def test_emulated_architectures(start_cloud, statements):
    cloud = start_cloud(cells=2)
    for cell in (1, 2):
        cloud.add_kvm_host(f'kvm-{cell}', cell=cell)
        cloud.add_vcenter_host(f'vc-{cell}', cell=cell)

    def boot(host, architecture, disk_format='vmdk', properties=VMWARE):
        image = cloud.images.create(
            'image',
            disk_format,
            properties={**properties, EMULATES: architecture},
        )
        server = cloud.boot(image, host=host)
        assert server.host == host, server.fault
        return server

    foreign = [boot(f'vc-{n}', 'aarch64') for n in (1, 1, 2)]
    boot('vc-1', 'x86_64')
    boot('kvm-1', 'aarch64', 'qcow2', {})
    cloud.servers.delete([boot('vc-2', 'aarch64')])
    other = cloud.images.create('other', 'vmdk', properties=VMWARE)
    assert cloud.actions.rebuild(boot('vc-2', 'aarch64'), other).succeeded
    statements.clear()
    result = run_checks()['Emulated architectures']
    assert result.code is Code.WARNING
    ids = ', '.join(sorted(server.id for server in foreign))
    assert result.details.startswith(f'3 servers ({ids}) on vCenter hosts')
    assert len(result.details.splitlines()) == 1
    assert len(statements) == 2


def test_emulated_architectures_where_no_host_is_vmware(
    start_cloud, statements
):
    start_cloud().add_kvm_host('kvm-1')
    statements.clear()
    assert run_checks()['Emulated architectures'].code is Code.SUCCESS
    assert statements == []
