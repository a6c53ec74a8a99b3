# SPDX-License-Identifier: Apache-2.0
import fixtures
import nova.conf
import pytest
from nova import objects
from nova import rpc
from nova.scheduler import request_filter
from oslo_config import fixture as config_fixture
from oslo_messaging import conffixture
from oslo_messaging.notify import _impl_test

from hypervisor_affinity import conf
from hypervisor_affinity import nova_in_memory
from testbed import example_conf
from tests.unit.scheduler import prefilter

objects.register_all()


@pytest.fixture
def options():
    """Set [hypervisor_affinity] options: ``options(tell_user=False)``."""
    fixture = config_fixture.Config(nova.conf.CONF)
    with fixture:
        nova.conf.CONF(
            [],
            project='nova',
            default_config_files=[],
            default_config_dirs=[],
        )
        conf.register_opts(nova.conf.CONF)

        def override(**values):
            fixture.config(group='hypervisor_affinity', **values)
            # As SIGHUP has it, for those who have read them already.
            nova.conf.CONF.mutate_config_files()

        yield override


@pytest.fixture
def log():
    """The log lines of the project at INFO and above: ``log.output``."""
    with fixtures.FakeLogger(
        'hypervisor_affinity', format='%(levelname)s %(message)s', level=20
    ) as logger:
        yield logger


@pytest.fixture
def settings():
    """What nova.conf sets in [filter_scheduler]; a module may have its own."""
    return example_conf.filter_scheduler()


@pytest.fixture
def build_host_manager(options, monkeypatch, settings):
    """Build nova's HostManager, which builds the filters; no database."""
    fixture = config_fixture.Config(nova.conf.CONF)
    # What an earlier scheduler of this process has installed is none of ours.
    monkeypatch.setattr(
        request_filter,
        'ALL_REQUEST_FILTERS',
        request_filter.ALL_REQUEST_FILTERS.copy(),
    )

    def build(*aggregates, **values):
        options(**values)
        fixture.config(
            group='filter_scheduler', track_instance_changes=False, **settings
        )
        return nova_in_memory.HostManager(aggregates)

    with fixture:
        yield build


@pytest.fixture
def start_prefilter(build_host_manager):
    """Start a scheduler with the pre-filter; return its host manager."""

    def start_prefilter(*aggregates, **options):
        options = {'placement_prefilter': True, **options}
        return build_host_manager(
            *(aggregates or (prefilter.kvm(), prefilter.vmware())), **options
        )

    return start_prefilter


@pytest.fixture
def messaging(options):
    """Have nova notify in memory: ``messaging(driver=[...])``."""
    options(decision_notifications=True, tell_user=False)
    conf = nova.conf.CONF
    fixture = config_fixture.Config(conf)
    with conffixture.ConfFixture(conf, transport_url='fake:/'), fixture:

        def start(notification_format='unversioned', driver=('test',)):
            fixture.config(
                group='notifications',
                notification_format=notification_format,
            )
            fixture.config(
                group='oslo_messaging_notifications', driver=list(driver)
            )
            rpc.init(conf)

        start()
        yield start
        rpc.cleanup()
        _impl_test.reset()
