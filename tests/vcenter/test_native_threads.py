# SPDX-License-Identifier: Apache-2.0
"""Answers to native threads that share one session of oslo.vmware.

nova's driver has one session for all that nova-compute does.
"""

import pathlib
import sys

import pytest

from testbed.driver_modes import mode
from testbed.driver_modes import patched
from testbed.driver_modes import programs
from testbed.driver_modes.mode import Mode
from testbed.processes import vsphere
from testbed.vcenter import inventory
from tests.installed import skip_without

THREADS = 6
CALLS = 20
PYTHON = pathlib.Path(sys.executable)


@pytest.fixture(scope='module')
def vcenter(make_vcenter):
    described = vsphere.cluster_inventory(mode.CLUSTER)
    described.vms = inventory.vms(
        described.clusters[0], described.datastores[0], 20
    )
    with make_vcenter(described) as started:
        yield started


@pytest.fixture(scope='module')
def conf(vcenter, tmp_path_factory):
    return mode.write_conf(tmp_path_factory.mktemp('driver'), vcenter)


@pytest.fixture(scope='module')
def path(tmp_path_factory):
    """oslo.vmware with the patch."""
    skip_without(patched.PROGRAM)
    return patched.copy(PYTHON, tmp_path_factory.mktemp('patched'))


@pytest.fixture
def sessions(vcenter):
    """Return a function that returns how many sessions vCenter has."""
    manager = vcenter.connect().content.sessionManager
    return lambda: len(manager.sessionList)


def counts(answers):
    return {name: answers[name] for name in ('right', 'wrong', 'failed')}


def test_answers_are_mixed_up(conf):
    native = Mode(PYTHON, is_native=True)
    answers = native.run(programs.ASK, THREADS, CALLS, conf)
    assert answers['wrong'] + answers['failed'] > 0
    # Each call of the session runs in a native thread of its own, even those
    # that one thread makes: a client for each thread would be one for each
    # call.
    assert answers['senders'] == THREADS * CALLS


@pytest.mark.parametrize(
    ('is_native', 'threads', 'is_patched'),
    [(True, 1, False), (True, THREADS, True), (False, THREADS, False)],
    ids=['one at a time', 'patch', 'eventlet'],
)
def test_all_answers_are_right(
    conf, path, sessions, is_native, threads, is_patched
):
    before = sessions()
    tried = Mode(PYTHON, is_native, path if is_patched else None)
    answers = tried.run(programs.ASK, threads, CALLS, conf)
    assert counts(answers) == {
        'right': threads * CALLS,
        'wrong': 0,
        'failed': 0,
    }
    assert sessions() == before + 1
