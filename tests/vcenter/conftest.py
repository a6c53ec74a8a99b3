# SPDX-License-Identifier: Apache-2.0
import contextlib
import functools

import pytest

from testbed.vcenter import simulator
from testbed.vcenter.certificates import Authority
from testbed.vcenter.simulator import VCenter
from tests.installed import skip_without
from tests.real_threads import real_threads  # noqa: F401  (a fixture)
from tests.vcenter import conf_files


@pytest.fixture(scope='session')
def simulator_program(tmp_path_factory):
    """The simulator, built."""
    skip_without(simulator.GO, simulator.GOVMOMI)
    return simulator.build(tmp_path_factory.mktemp('simulator'))


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    """Who signs the certificates of vCenters."""
    return Authority(tmp_path_factory.mktemp('authority'), 'authority')


@pytest.fixture(scope='session')
def make_vcenter(simulator_program, authority, tmp_path_factory):
    """Return a function that returns a vCenter, not started yet.

    It is a context manager, for fixtures of any scope.
    """

    def make(inventory, pair=None):
        return VCenter(
            simulator_program,
            tmp_path_factory.mktemp('vcenter'),
            inventory,
            pair or authority.sign(),
            authority.file,
        )

    return make


@pytest.fixture
def start_vcenter(make_vcenter):
    """Return a function that starts a vCenter, which ends with the test."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, **keywords):
            return stack.enter_context(make_vcenter(*arguments, **keywords))

        yield start


@pytest.fixture
def access_of(tmp_path):
    """Return a function that returns how to reach a vCenter."""
    return functools.partial(conf_files.access, tmp_path / 'nova.conf')
