# SPDX-License-Identifier: Apache-2.0
"""nova's services and a Placement, assembled from nova's test fixtures.

Private to this package: users see ``cloud.EmbeddedCloud``. The class below
is a unittest case only because nova's fixtures and ``start_service`` expect
one; no test runner ever sees it.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from unittest import mock

import fixtures
import jsonschema
import nova.test
from nova.api.openstack.compute import routes
from nova.conf import CONF
from nova.scheduler import request_filter
from nova.tests import fixtures as nova_fixtures
from nova.tests.functional import fixtures as nova_functional_fixtures
from oslo_config import cfg
from oslo_versionedobjects.base import VersionedObject

from testbed.embedded_cloud import cells
from testbed.embedded_cloud import logs
from testbed.embedded_cloud import messaging
from testbed.embedded_cloud import preparation
from testbed.embedded_cloud import volumes

Options = Mapping[str, Mapping[str, Any]]

# Our defaults, each beside its reason; a user's options come on top.
_OPTIONS: Options = {
    # Checking every response against its schema is nova's own business.
    'api': {'response_validation': 'ignore'},
    # Nobody listens: do not build and serialise notification payloads.
    'notifications': {'notification_format': 'unversioned'},
    'oslo_messaging_notifications': {'driver': ['noop']},
    'DEFAULT': {
        # A large multi-create is one long RPC on a slow, shared CPU.
        'rpc_response_timeout': 600,
        'long_rpc_timeout': 1800,
        # Offload at once, so that shelving ends in one state only.
        'shelved_offload_time': 0,
        # No power states to learn from drivers that invent them.
        'sync_power_state_interval': -1,
    },
    # Instances report themselves to the scheduler anyway.
    'filter_scheduler': {'track_instance_changes': True},
}


class ControlPlane(nova.test.TestCase):
    """API, conductor, scheduler and Placement; computes are added later.

    ``assemble()`` starts them, ``dismantle()`` undoes all of it, also after
    an ``assemble()`` that failed half-way.
    """

    def __init__(
        self,
        options: Options,
        register_options: Iterable[Callable[[cfg.ConfigOpts], Any]],
        cells: int,
        randomize_candidates: bool,
    ) -> None:
        super().__init__('runTest')
        self.NUMBER_OF_CELLS = cells
        self._options = options
        self._register_options = tuple(register_options)
        self._randomize_candidates = randomize_candidates
        # Of options that changed later: group, name and the value before.
        self._replaced: list[tuple[str, str, Any]] = []

    def runTest(self) -> None:
        """Demanded by unittest; never called."""

    def _fake_logs(self) -> None:
        """Keep oslotest from installing a handler on stderr."""

    def assemble(self) -> None:
        """Start everything but compute services."""
        with mock.patch.multiple(
            nova_fixtures,
            StandardLogging=logs.NoStandardLogging,
            CellDatabases=cells.SteadyCellDatabases,
            # The rules of nova's tests are replaced at once, and are many.
            PolicyFixture=nova_fixtures.RealPolicyFixture,
        ):
            # nova.test.TestCase.setUp: configuration, RPC, databases, cells.
            self.setUp()
        self._configure()
        self._fake_other_services()
        self._start_placement()
        self.useFixture(messaging.PromptDelivery())
        self.useFixture(
            fixtures.MockPatchObject(
                VersionedObject, 'obj_attr_is_set', new=_attribute_is_set
            )
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova.scheduler.client.report.SchedulerReportClient'
                '.get_allocations_for_provider_tree',
                _no_allocations,
            )
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'placement.util.jsonschema.validate', _validate
            )
        )
        # Of a plug-in that puts its own into nova's list, none is to stay.
        self.useFixture(
            fixtures.MockPatchObject(
                request_filter,
                'ALL_REQUEST_FILTERS',
                new=request_filter.ALL_REQUEST_FILTERS.copy(),
            )
        )
        self.compute_api = self._start_api()
        self.start_service('conductor')
        self.start_scheduler()

    def _start_api(self) -> nova_fixtures.OSAPIFixture:
        # It serves v2 and v2.1 by routers that are the same, and each of them
        # is hundreds of controllers.
        router = functools.cache(
            functools.partial(routes.APIRouterV21.factory, {})
        )
        with mock.patch.object(
            routes.APIRouterV21, 'factory', lambda *_, **__: router()
        ):
            return self.useFixture(
                nova_fixtures.OSAPIFixture(api_version='v2.1')
            )

    def start_scheduler(self) -> None:
        """Start one, which knows what is in the databases."""
        self.scheduler = self.start_service('scheduler')

    def change_options(self, options: Options) -> None:
        """Override options while the services run, as a reload does."""
        for group, values in options.items():
            found = CONF if group == 'DEFAULT' else getattr(CONF, group, None)
            for name, value in values.items():
                before = getattr(found, name, None)
                set_options({group: {name: value}})
                self._replaced.append((group, name, before))
        CONF.mutate_config_files()

    def count_changes(self) -> int:
        """Return how many options have changed so far."""
        return len(self._replaced)

    def undo_changes(self, count: int) -> None:
        """Give options the values from when so many had changed."""
        if len(self._replaced) == count:
            return
        while len(self._replaced) > count:
            group, name, before = self._replaced.pop()
            set_options({group: {name: before}})
        CONF.mutate_config_files()

    def dismantle(self) -> list[Exception]:
        """Stop and undo everything; return what went wrong meanwhile."""
        errors = []
        # As unittest's doCleanups, which would swallow the exceptions.
        while self._cleanups:
            function, args, kwargs = self._cleanups.pop()
            try:
                function(*args, **kwargs)
            except Exception as error:
                errors.append(error)
        return errors

    def _configure(self) -> None:
        # nova.test switches this weigher off; a stock nova has it on.
        CONF.clear_override(
            'build_failure_weight_multiplier', 'filter_scheduler'
        )
        CONF.set_override(
            'api_paste_config', preparation.find_api_paste(), 'wsgi'
        )
        set_options(_OPTIONS)
        for register in self._register_options:
            register(CONF)
        set_options(self._options)

    def _fake_other_services(self) -> None:
        # No quota at all is cheaper than a high one, which is counted.
        self.useFixture(nova_fixtures.NoopQuotaDriverFixture())
        self.neutron = self.useFixture(nova_fixtures.NeutronFixture(self))
        self.glance = self.useFixture(nova_fixtures.GlanceFixture(self))
        self.cinder = self.useFixture(volumes.CinderWithVolumes(self))
        # Otherwise each API call asks every cell how old its services are.
        self.useFixture(nova_fixtures.AllServicesCurrent())

    def _start_placement(self) -> None:
        self.placement = self.useFixture(
            nova_functional_fixtures.PlacementFixture()
        )
        # Placement reads this option at each request.
        self.placement.conf_fixture.config(
            group='placement',
            randomize_allocation_candidates=self._randomize_candidates,
        )


def set_options(options: Options) -> None:
    """Override options of nova.conf until the cloud is dismantled.

    Raises ValueError, naming the option, when nova has no such option or
    does not take the value.
    """
    for group, values in options.items():
        # oslo.config's name for [DEFAULT] is None.
        group_name = None if group == 'DEFAULT' else group
        for name, value in values.items():
            try:
                CONF.set_override(name, value, group_name)
            except (cfg.NoSuchOptError, cfg.NoSuchGroupError) as error:
                raise ValueError(
                    f'nova.conf has no option [{group}] {name}; if a package'
                    ' defines it, pass its function in register_options'
                ) from error
            except ValueError as error:
                raise ValueError(
                    f'nova.conf [{group}] {name} = {value!r}: {error}'
                ) from error


_any_attribute_is_set = VersionedObject.obj_attr_is_set


def _attribute_is_set(self, name: str) -> bool:
    """Do what the original does, without a list of all fields each time.

    nova asks for every field of every object that it saves or sends: the
    list is a tenth of all the work in a boot.
    """
    if name in self.fields:
        return hasattr(self, f'_obj_{name}')
    return _any_attribute_is_set(self, name)


# Schemas that are in order, by identity.
_checked: dict[int, object] = {}


def _validate(instance, schema, *args, **kwargs) -> None:
    """Do what jsonschema's does, which examines the schema each time.

    Placement's are constants; to examine them took longer than what a
    request asks for.
    """
    kind = jsonschema.validators.validator_for(schema)
    if _checked.get(id(schema)) is not schema:
        kind.check_schema(schema)
        _checked[id(schema)] = schema
    found = kind(schema, *args, **kwargs).iter_errors(instance)
    error = jsonschema.exceptions.best_match(found)
    if error is not None:
        raise error


def _no_allocations(self, context, nodename) -> dict:
    """Stand in for asking Placement for all allocations on a host.

    nova does that at every single claim, with one HTTP request per server
    on the host, in case the driver wants to reshape its providers or tracks
    PCI devices in Placement. Ours do neither; for one vCenter host of 300
    servers this would be 45,000 requests.
    """
    return {}
