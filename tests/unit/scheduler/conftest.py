# SPDX-License-Identifier: Apache-2.0
import fixtures
import nova.conf
import pytest
from oslo_config import fixture as config_fixture

from hypervisor_affinity import conf


@pytest.fixture
def options():
    """Set [hypervisor_affinity] options: ``options(tell_user=False)``."""
    fixture = config_fixture.Config(nova.conf.CONF)
    with fixture:
        nova.conf.CONF([], project='nova', default_config_files=[])
        conf.register_opts(nova.conf.CONF)

        def override(**values):
            fixture.config(group='hypervisor_affinity', **values)

        yield override


@pytest.fixture
def log():
    """The log lines of the project at INFO and above: ``log.output``."""
    with fixtures.FakeLogger(
        'hypervisor_affinity', format='%(levelname)s %(message)s', level=20
    ) as logger:
        yield logger
