# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-status``, with nova's databases."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy
from nova import exception
from nova.conf import CONF
from nova.virt import driver as virt_driver
from nova.virt.vmwareapi import vmops
from oslo_upgradecheck.upgradecheck import Code
from oslo_utils import uuidutils
from sqlalchemy.engine import Engine

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.status import commands
from hypervisor_affinity.status.deployment import Deployment
from hypervisor_affinity.status.statements import to_result
from testbed import example_conf
from testbed.processes import nova_conf
from testbed.processes.databases import Databases
from testbed.processes.placement import Placement

PASSWORD = 's3cret'


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


@pytest.mark.smoke
def test_a_cloud_in_disorder(start_cloud):
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
    for check, *words in (
        ('Placement results', '5 compute nodes', 'at most 3'),
        ('Aggregate metadata', 'aggregate kvm', 'vmwrae names no'),
        ('Aggregate isolation', 'img_hv_type=KVM', '2 aggregates'),
        ('Aggregate multipliers', '1 host (vc-1)', '=500'),
        (
            'Untagged hosts',
            '1 host (vc-2)',
            'What the virt driver reports is offered',
            '1 host (fake-1)',
            'reports none that is known',
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
    ):
        for word in words:
            assert word in results[check].details


def test_cells(start_cloud):
    cloud = start_cloud(cells=2)
    cloud.add_kvm_host('kvm-1', cell=1)
    cloud.add_vcenter_host('vc-1', cell=2)
    details = run_checks()['Untagged hosts'].details
    assert '2 hosts (kvm-1, vc-1)' in details


VMWARE = {'hypervisor_type': 'vmware'}
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


@pytest.fixture(scope='module')
def databases(tmp_path_factory):
    """nova's databases with a KVM host and a vCenter host, both tagged."""
    placement = Placement(tmp_path_factory.mktemp('placement'))
    try:
        databases = Databases(tmp_path_factory.mktemp('databases'))
        databases.add_hosts(placement.wait())
    finally:
        placement.stop()
    return databases


@pytest.fixture
def add_cell(databases):
    """Map one more cell; nova-manage would refuse a URL that is wrong."""
    url = databases.options['api_database']['connection']
    path = url.removeprefix('sqlite:///')
    with contextlib.closing(sqlite3.connect(path)) as connection:

        def add_cell(name, url):
            with connection:
                connection.execute(
                    'INSERT INTO cell_mappings'
                    ' (uuid, name, transport_url, database_connection,'
                    ' disabled) VALUES (?, ?, ?, ?, 0)',
                    (uuidutils.generate_uuid(), name, 'fake:/', url),
                )

        yield add_cell
        with connection:
            connection.execute(
                "DELETE FROM cell_mappings WHERE name NOT IN ('cell0',"
                " 'cell1')"
            )


@pytest.fixture
def run_program(tmp_path, databases):
    """Run the program; return exit code, outcomes by check, all it wrote."""

    def run_program(*files, options=None, arguments=('--json',)):
        path = tmp_path / 'nova.conf'
        # No nova-compute says again that the hosts are up.
        patience = {'DEFAULT': {'service_down_time': 1_000_000}}
        nova_conf.write(path, databases.options, patience, options or {})
        ended = subprocess.run(
            [
                sys.executable,
                '-m',
                'hypervisor_affinity.status.program',
                *[f'--config-file={name}' for name in (*files, path)],
                'upgrade',
                'check',
                *arguments,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        outcomes = {}
        if arguments:
            outcomes = {
                check['check']: (Code(check['result']), check['details'])
                for check in json.loads(ended.stdout)['checks']
            }
        return ended.returncode, outcomes, ended.stdout + ended.stderr

    return run_program


def test_success(run_program):
    code, outcomes, _ = run_program(example_conf.PATH)
    assert code == 0
    assert list(outcomes) == [name for name, _ in commands.CHECKS]
    assert {outcome for outcome, _ in outcomes.values()} == {Code.SUCCESS}


def test_warning(run_program):
    code, outcomes, _ = run_program(
        example_conf.PATH,
        options={'filter_scheduler': {'host_subset_size': 3}},
    )
    assert code == 1
    assert outcomes['Host subset size'][0] is Code.WARNING


def test_failure_as_a_table(run_program):
    code, _, output = run_program(arguments=())
    assert code == 2
    assert '| Check: Filter ' in output
    assert '| Result: Failure' in output


def test_an_option_of_novas_that_is_wrong(run_program):
    code, outcomes, _ = run_program(
        example_conf.PATH,
        options={'filter_scheduler': {'host_subset_size': 'many'}},
    )
    assert code == 2
    outcome, details = outcomes['Host subset size']
    assert outcome is Code.FAILURE
    assert 'host_subset_size' in details


def test_a_wrong_option_of_ours(run_program):
    code, outcomes, _ = run_program(
        example_conf.PATH,
        options={'hypervisor_affinity': {'vmdk_images': 'sometimes'}},
    )
    assert code == 2
    assert 'sometimes' in outcomes['Options'][1]
    assert outcomes['Untagged hosts'] == (
        Code.WARNING,
        'Not checked: an option of [hypervisor_affinity] is wrong.',
    )
    # These need no option of ours.
    assert outcomes['Databases'][0] is Code.SUCCESS


@pytest.mark.parametrize(
    'url',
    [
        f'mysql+pymysql://nova:{PASSWORD}@127.0.0.1:1/nova',
        f'mysql+pymysql://nova:pass@{PASSWORD}@127.0.0.1:1/nova',
        f'mysql+pymysql//nova:{PASSWORD}@127.0.0.1/nova',
        f'mysql+pymysql://nova:{PASSWORD}@127.0.0.1:port/nova',
    ],
)
def test_an_api_database_that_cannot_be_read(run_program, url):
    code, outcomes, output = run_program(
        example_conf.PATH, options={'api_database': {'connection': url}}
    )
    assert code == 2
    assert outcomes['Databases'][0] is Code.FAILURE
    assert outcomes['Flavors'] == (
        Code.WARNING,
        "Not checked: nova's API database cannot be read.",
    )
    assert PASSWORD not in output


@pytest.mark.parametrize(
    'url',
    [
        f'mysql+pymysql://nova:{PASSWORD}@127.0.0.1:1/nova',
        f'mysql+pymysql://{{username}}:{PASSWORD}@127.0.0.1:port/nova',
    ],
)
def test_a_cell_that_cannot_be_read(run_program, add_cell, url):
    add_cell('remote', url)
    code, outcomes, output = run_program(example_conf.PATH)
    assert code == 2
    outcome, details = outcomes.pop('Databases')
    assert outcome is Code.FAILURE
    assert 'cell remote cannot be read' in details
    assert PASSWORD not in output
    # The hosts of the others are checked.
    assert 'vc-1' in outcomes['Evacuation'][1]
    assert {outcome for outcome, _ in outcomes.values()} == {Code.SUCCESS}


def test_what_nova_logs_is_not_shown(run_program):
    # nova fills in cells' URLs from this one, and logs why it cannot.
    url = f'mysql+pymysql://nova:{PASSWORD}/slash@127.0.0.1/nova'
    code, _, output = run_program(
        example_conf.PATH, options={'database': {'connection': url}}
    )
    assert code == 0
    assert PASSWORD not in output
