# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler as the program that operators start."""

import pathlib
import subprocess
import sys

import pytest

NOVA_CONF = """
[DEFAULT]
transport_url = fake:/
state_path = {folder}
[api_database]
connection = sqlite:///{folder}/api.db
[database]
connection = sqlite:///{folder}/cell0.db
[oslo_concurrency]
lock_path = {folder}
[filter_scheduler]
available_filters = nova.scheduler.filters.all_filters
available_filters = hypervisor_affinity.scheduler.all_filters
enabled_filters = ComputeFilter,HypervisorAffinityFilter
[hypervisor_affinity]
flexible_placement = {flexible_placement}
"""


@pytest.fixture
def run(tmp_path):
    """Run one of nova's programs to its end with our nova.conf."""
    path = tmp_path / 'nova.conf'

    def run(program, *arguments, flexible_placement='prefer'):
        path.write_text(
            NOVA_CONF.format(
                folder=tmp_path, flexible_placement=flexible_placement
            )
        )
        return subprocess.run(
            [
                pathlib.Path(sys.executable).with_name(program),
                f'--config-file={path}',
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    return run


def test_a_wrong_option_stops_the_start_and_is_named(run):
    run('nova-manage', 'api_db', 'sync').check_returncode()
    run('nova-manage', 'cell_v2', 'map_cell0').check_returncode()
    refused = run('nova-scheduler', flexible_placement='maybe')
    assert refused.returncode != 0
    for named in ('flexible_placement', "'maybe'", 'prefer, strict'):
        assert named in refused.stdout
    # It is the option that stops it: with a right one, nova-scheduler comes
    # as far as missing the credentials for Placement.
    refused = run('nova-scheduler')
    assert 'flexible_placement' not in refused.stdout
    assert 'initializing placement client' in refused.stdout
