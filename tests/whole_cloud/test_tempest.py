# SPDX-License-Identifier: Apache-2.0
"""Tempest's tests of the plug-in, against the whole cloud."""

import pytest

pytest.importorskip('tempest', reason='the extra `tempest` is not installed')

from testbed.processes import tempest_run
from testbed.processes.tempest_conf import TempestConf
from tests.whole_cloud.tenant import disabled

PLUGIN = 'hypervisor_affinity_tempest_plugin'


@pytest.fixture(scope='module')
def conf(whole_cloud):
    # Tempest has no disks of the only kind that every vCenter boots.
    with disabled(whole_cloud, 'vc-1'):
        yield TempestConf(whole_cloud)


def complaints(conf, flexible_placement, regex, expected_skips):
    """Run tests; say why that is no success."""
    path = conf.write(flexible_placement=flexible_placement)
    outcome = tempest_run.run(conf.folder, path, regex)
    return outcome.complaints(expected_skips)


def test_prefer(conf):
    assert complaints(conf, 'prefer', PLUGIN, ['test_strict']) == []


@pytest.fixture
def strict(whole_cloud):
    whole_cloud.restart_schedulers(
        {'hypervisor_affinity': {'flexible_placement': 'strict'}}
    )
    yield
    whole_cloud.restart_schedulers()


@pytest.mark.usefixtures('strict')
def test_strict(conf):
    regex = f'{PLUGIN}.*OverflowTest'
    assert complaints(conf, 'strict', regex, ['test_prefer']) == []
