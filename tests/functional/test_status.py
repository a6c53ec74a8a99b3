# SPDX-License-Identifier: Apache-2.0
"""``hypervisor-affinity-status``, with nova's databases."""

import contextlib
import json
import sqlite3
import subprocess
import sys

import pytest
from nova.conf import CONF
from oslo_upgradecheck.upgradecheck import Code
from oslo_utils import uuidutils

from hypervisor_affinity.fake_compute import faces
from hypervisor_affinity.status import commands
from hypervisor_affinity.status import findings
from hypervisor_affinity.status.deployment import Deployment
from tests import example_conf
from tests.processes import nova_conf
from tests.processes.databases import Databases
from tests.processes.placement import Placement

PASSWORD = 's3cret'


def run_checks():
    """Return each check's result by its name."""
    deployment = Deployment(CONF)
    return {
        name: findings.to_result(check(deployment))
        for name, check in commands.CHECKS
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
                    'ComputeCapabilitiesFilter',
                    'HypervisorAffinityFilter',
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
        metadata={'hypervisor_type': 'kvm,vsphere', 'img_hv_type': 'KVM'},
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
        ('Aggregate metadata', 'aggregate kvm', 'vsphere names no'),
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
