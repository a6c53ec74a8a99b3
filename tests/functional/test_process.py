# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler as the program that operators start, reload and stop."""

import contextlib
import importlib.metadata
import re
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from testbed.processes import broker as brokers
from testbed.processes import nova_conf
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes.client import Client
from testbed.processes.databases import KVM_AGGREGATE
from testbed.processes.databases import KVM_HOST
from testbed.processes.databases import VMWARE_HOST
from testbed.processes.databases import Databases
from testbed.processes.placement import Placement
from testbed.processes.scheduler import Mode
from testbed.processes.scheduler import Scheduler
from testbed.processes.supervisor import Supervisor
from tests import installed

WORKERS = 2

VMDK = {'disk_format': 'vmdk'}
QCOW2 = {'disk_format': 'qcow2'}
# Either hypervisor boots it.
ISO = {'disk_format': 'iso'}
IMPOSSIBLE = {'disk_format': 'qcow2', 'hypervisor_type': 'vmware'}

OUR_REASON = (
    'No valid host was found. The image needs VMware '
    '(hypervisor_type=vmware), which cannot boot an image with '
    'disk_format=qcow2: convert it to VMDK'
)
NOVAS_REASON = 'No valid host was found. There are not enough hosts available.'
NO_PLACEMENT = 'Fatal error initializing placement client'


class ControlPlane(NamedTuple):
    """All but nova-scheduler."""

    options: Mapping
    client: Client

    def place(self, image):
        """Have every worker place such a server; return all answers."""
        # RabbitMQ deals requests out in turn.
        return {self.client.place(**image) for _ in range(WORKERS)}


# Of the module, so that all tests of one mode come in a row: they share a
# nova-scheduler.
@pytest.fixture(
    scope='module',
    params=[
        pytest.param(
            mode,
            id=mode.name.lower(),
            marks=pytest.mark.skipif(
                not mode.is_there(),
                reason=f'this nova has no {mode.name.lower()} mode',
            ),
        )
        for mode in Mode
    ],
)
def mode(request):
    return request.param


@pytest.fixture(scope='module')
def broker(tmp_path_factory):
    installed.skip_without(brokers.SERVER)
    folder = tmp_path_factory.mktemp('broker')
    programs = Supervisor(folder)
    numbers = ports.free(len(brokers.PORTS))
    broker = brokers.Broker(
        folder / 'rabbitmq',
        programs,
        dict(zip(brokers.PORTS, numbers, strict=True)),
    )
    broker.start()
    yield broker
    programs.kill()


@pytest.fixture(scope='module')
def placement(tmp_path_factory):
    placement = Placement(tmp_path_factory.mktemp('placement'))
    yield placement
    placement.stop()


@pytest.fixture(scope='module')
def databases(tmp_path_factory):
    return Databases(tmp_path_factory.mktemp('databases'))


@pytest.fixture(scope='module')
def client(broker, databases, tmp_path_factory):
    client = Client(
        tmp_path_factory.mktemp('client'),
        nova_conf.merge(broker.options, databases.options),
    )
    yield client
    client.stop()


@pytest.fixture(scope='module')
def control_plane(broker, placement, databases, client):
    endpoint = placement.wait()
    databases.add_hosts(endpoint)
    broker.wait()
    options = nova_conf.merge(broker.options, databases.options, endpoint)
    return ControlPlane(options, client)


@pytest.fixture
def launch(tmp_path, databases):
    """Start nova-scheduler with options, where there is no Placement."""
    rest = {'DEFAULT': {'transport_url': 'fake:/'}, **databases.options}
    with contextlib.ExitStack() as stack:

        def launch(mode, options):
            scheduler = Scheduler(tmp_path, mode, WORKERS, {**rest, **options})
            stack.callback(scheduler.kill)
            return scheduler

        yield launch


class Running:
    """The one nova-scheduler that takes requests."""

    def __init__(self, new_folder, options):
        """Start none.

        :param new_folder: returns a folder for one, other each time
        """
        self._new_folder = new_folder
        self._options = options
        self._kind = None
        self._scheduler = None

    def start(self, mode, workers=WORKERS):
        """Start one, in place of any other, and wait until it serves."""
        self.kill()
        self._scheduler = Scheduler(
            self._new_folder(), mode, workers, self._options
        )
        self._scheduler.wait()
        assert mode.is_logged_in(self._scheduler.log())
        assert self._scheduler.starts() == workers
        return self._scheduler

    @contextlib.contextmanager
    def lend(self, mode, workers=WORKERS, **options):
        """Return one with options of ours, and nothing left of other tests.

        What an error leaves behind serves no other test.
        """
        kind = (mode, workers)
        if not (self._kind == kind and self._has_reset(options)):
            self.start(mode, workers).reset(ours(**options))
            self._kind = kind
        try:
            yield self._scheduler
        except BaseException:
            self.kill()
            raise

    def _has_reset(self, options):
        if not self._scheduler.is_whole():
            return False
        try:
            self._scheduler.reset(ours(**options))
        except (ChildProcessError, TimeoutError):
            return False
        return True

    def kill(self):
        """End it, if there is one."""
        if self._scheduler:
            self._scheduler.kill()
            self._kind = self._scheduler = None


@pytest.fixture(scope='module')
def running(control_plane, tmp_path_factory):
    running = Running(
        lambda: tmp_path_factory.mktemp('scheduler'), control_plane.options
    )
    yield running
    running.kill()


def ours(**options):
    return {'hypervisor_affinity': options}


def leave_where_nova_fails(release, mode, failing_mode):
    """End a test before what one nova is known not to do."""
    version = importlib.metadata.version('nova')
    if version.startswith(f'{release}.') and mode is failing_mode:
        pytest.xfail(f'nova {version} fails here in {mode.name} mode')


def test_it_places_servers_until_sigterm(control_plane, running, mode):
    scheduler = running.start(mode)
    assert control_plane.place(VMDK) == {VMWARE_HOST}
    assert scheduler.asked() == WORKERS
    assert control_plane.place(QCOW2) == {KVM_HOST}
    assert control_plane.place(IMPOSSIBLE) == {OUR_REASON}
    leave_where_nova_fails('33', mode, Mode.EVENTLET)
    assert scheduler.stop() == 0
    assert not scheduler.has_left_workers()


def test_sighup_changes_options(control_plane, running, mode):
    with running.lend(mode) as scheduler:
        assert control_plane.place(ISO) == {KVM_HOST}
        scheduler.reload(
            ours(preferred_hypervisors='vmware,kvm', tell_user=False)
        )
        assert control_plane.place(ISO) == {VMWARE_HOST}
        assert control_plane.place(IMPOSSIBLE) == {NOVAS_REASON}
        # In threading mode, oslo.service has the workers replaced.
        replaced = WORKERS if mode is Mode.THREADING else 0
        assert scheduler.starts() == replaced


def test_sighup_turns_the_prefilter_on(control_plane, running, mode):
    with running.lend(mode) as scheduler:
        assert control_plane.place(VMDK) == {VMWARE_HOST}
        assert 'Starting with 2 host(s)' in scheduler.log()
        assert 'Starting with 1 host(s)' not in scheduler.log()
        scheduler.reload(ours(placement_prefilter=True))
        before = scheduler.log().count('Starting with 2 host(s)')
        assert control_plane.place(VMDK) == {VMWARE_HOST}
        assert 'Starting with 1 host(s)' in scheduler.log()
        assert scheduler.log().count('Starting with 2 host(s)') == before


# What is written, and what an ERROR says of it. On reading a reference to
# nothing, oslo.config raises what is no ValueError.
wrong_values = pytest.mark.parametrize(
    ('wrong', 'cited'),
    [
        pytest.param('sometimes', "'sometimes'", id='value'),
        pytest.param('$nope', "vmdk_images = '$…'", id='reference'),
        pytest.param('$vmdk_images', "vmdk_images = '$…'", id='circle'),
    ],
)


@wrong_values
def test_sighup_with_a_wrong_option_leaves_all_in_force(
    control_plane, running, mode, wrong, cited
):
    with running.lend(mode, vmdk_images='flexible') as scheduler:
        assert control_plane.place(VMDK) == {KVM_HOST}
        scheduler.reload(ours(vmdk_images=wrong, tell_user=False))
        leave_where_nova_fails('32', mode, Mode.THREADING)
        assert control_plane.place(VMDK) == {KVM_HOST}
        assert control_plane.place(IMPOSSIBLE) == {OUR_REASON}
        # Each process that reloads says it once.
        count = 1 if mode is Mode.THREADING else WORKERS + 1
        errors = scheduler.errors()
        assert len(errors) == count
        assert all('vmdk_images' in line and cited in line for line in errors)
        assert control_plane.place(VMDK) == {KVM_HOST}
        assert scheduler.errors() == errors
        # And it still reloads.
        scheduler.reload(ours(vmdk_images='vmware'))
        assert control_plane.place(VMDK) == {VMWARE_HOST}
        assert scheduler.errors() == errors


@wrong_values
def test_sighup_with_a_wrong_option_leaves_a_lone_worker(
    control_plane, running, wrong, cited
):
    """With eventlet, oslo.service then logs all options in the worker."""
    with running.lend(
        Mode.EVENTLET, workers=1, vmdk_images='flexible'
    ) as scheduler:
        assert control_plane.place(VMDK) == {KVM_HOST}
        scheduler.reload(ours(vmdk_images=wrong))
        assert control_plane.place(VMDK) == {KVM_HOST}
        (error,) = scheduler.errors()
        assert cited in error


def test_sighup_and_aggregates_that_changed_since_the_start(
    control_plane, running, mode
):
    """nova reads aggregates in the process that starts the workers.

    What changed since is told to the workers only, and in threading mode
    SIGHUP replaces these.
    """
    with running.lend(mode) as scheduler, required(control_plane):
        scheduler.reload(ours(tell_user=False))
        remembered = {
            Mode.EVENTLET: VMWARE_HOST,
            Mode.THREADING: KVM_HOST,
        }
        assert control_plane.place(ISO) == {remembered[mode]}


@contextlib.contextmanager
def required(control_plane):
    """Have the workers know that the KVM host takes none but its own."""
    client = control_plane.client

    def until_heard(host):
        polling.until(
            lambda: control_plane.place(ISO) == {host},
            'the workers hearing of the aggregate',
        )

    client.set_metadata(
        KVM_AGGREGATE, {'hypervisor_affinity_admit': 'required'}
    )
    try:
        until_heard(VMWARE_HOST)
        yield
    finally:
        client.set_metadata(KVM_AGGREGATE, {'hypervisor_affinity_admit': None})
    until_heard(KVM_HOST)


@pytest.mark.parametrize(
    ('wrong', 'named'),
    [
        ('maybe', ['flexible_placement', "'maybe'", 'prefer, strict']),
        ('$nope', ["flexible_placement = '$…'", 'nova.conf', 'Correct']),
        ('$flexible_placement', ['refers to itself', 'nova.conf', 'Correct']),
    ],
    ids=['value', 'reference', 'circle'],
)
def test_a_wrong_option_stops_the_start_and_is_named(
    launch, mode, wrong, named
):
    refused = launch(mode, ours(flexible_placement=wrong))
    assert refused.wait_for_end() != 0
    (last_words,) = re.findall('ERROR: .*|CRITICAL nova .*', refused.log())
    for word in named:
        assert word in last_words
    assert NO_PLACEMENT not in refused.log()


def test_with_a_right_option_the_start_comes_further(launch, mode):
    """It is the option that stops those above."""
    stopped = launch(mode, ours(flexible_placement='strict'))
    assert stopped.wait_for_end() != 0
    assert NO_PLACEMENT in stopped.log()
