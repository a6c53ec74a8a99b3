# SPDX-License-Identifier: Apache-2.0
"""The program ``hypervisor-affinity-status``, in a process of its own."""

import contextlib
import json
import sqlite3
import subprocess
import sys

import pytest
from oslo_upgradecheck.upgradecheck import Code
from oslo_utils import uuidutils

from hypervisor_affinity.status import commands
from testbed import example_conf
from testbed.processes import nova_conf
from testbed.processes.databases import Databases
from testbed.processes.placement import Placement
from testbed.processes.preloaded import Preloaded

PASSWORD = 's3cret'
MODULE = 'hypervisor_affinity.status.program'


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


@pytest.fixture(scope='module')
def preloaded(tmp_path_factory):
    """What runs the program, and has imported all that it needs of nova."""
    preloaded = Preloaded(
        tmp_path_factory.mktemp('preloaded'), 'nova.cmd.scheduler'
    )
    yield preloaded
    preloaded.stop()


def run_alone(module, *arguments):
    """Run the program as an operator does."""
    return subprocess.run(
        [sys.executable, '-m', module, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def run_program(tmp_path, databases, preloaded):
    """Run the program; return exit code, outcomes by check, all it wrote."""

    def run_program(
        *files, options=None, arguments=('--json',), run=preloaded.run
    ):
        path = tmp_path / 'nova.conf'
        # No nova-compute says again that the hosts are up.
        patience = {'DEFAULT': {'service_down_time': 1_000_000}}
        nova_conf.write(path, databases.options, patience, options or {})
        ended = run(
            MODULE,
            *[f'--config-file={name}' for name in (*files, path)],
            'upgrade',
            'check',
            *arguments,
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
    code, outcomes, _ = run_program(example_conf.PATH, run=run_alone)
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
    code, _, output = run_program(arguments=(), run=run_alone)
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
        example_conf.PATH,
        options={'database': {'connection': url}},
        run=run_alone,
    )
    assert code == 0
    assert PASSWORD not in output
