# SPDX-License-Identifier: Apache-2.0
"""nova-scheduler as the program that operators start, reload and stop."""

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
    'No valid host was found. image needs VMware (hypervisor_type=vmware), '
    'which cannot run disk_format=qcow2: convert it to VMDK'
)
NOVAS_REASON = 'No valid host was found. There are not enough hosts available.'
NO_PLACEMENT = 'Fatal error initializing placement client'

in_both_modes = pytest.mark.parametrize(
    'mode',
    [
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


class ControlPlane(NamedTuple):
    """All but nova-scheduler."""

    options: Mapping
    client: Client

    def place(self, image):
        """Have every worker place such a server; return all answers."""
        # RabbitMQ deals requests out in turn.
        return {self.client.place(**image) for _ in range(2 * WORKERS)}


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
def launch(tmp_path):
    """Start nova-scheduler with more options than the example nova.conf."""
    launched = []

    def launch(mode, options, workers=WORKERS):
        folder = tmp_path / str(len(launched))
        folder.mkdir()
        launched.append(Scheduler(folder, mode, workers, options))
        return launched[-1]

    yield launch
    for scheduler in launched:
        scheduler.kill()


@pytest.fixture
def start(launch, control_plane):
    """Start nova-scheduler with options of ours, and wait until it serves."""

    def start(mode, workers=WORKERS, **options):
        scheduler = launch(
            mode, {**control_plane.options, **ours(**options)}, workers
        )
        scheduler.wait()
        assert mode.is_logged_in(scheduler.log())
        return scheduler

    return start


def ours(**options):
    return {'hypervisor_affinity': options}


def leave_where_nova_fails(release, mode, failing_mode):
    """End a test before what one nova is known not to do."""
    version = importlib.metadata.version('nova')
    if version.startswith(f'{release}.') and mode is failing_mode:
        pytest.xfail(f'nova {version} fails here in {mode.name} mode')


@in_both_modes
def test_it_places_servers_until_sigterm(control_plane, start, mode):
    scheduler = start(mode)
    assert control_plane.place(VMDK) == {VMWARE_HOST}
    assert control_plane.place(QCOW2) == {KVM_HOST}
    assert control_plane.place(IMPOSSIBLE) == {OUR_REASON}
    leave_where_nova_fails('33', mode, Mode.EVENTLET)
    assert scheduler.stop() == 0
    assert not scheduler.has_left_workers()


@in_both_modes
def test_sighup_changes_options(control_plane, start, mode):
    scheduler = start(mode)
    assert control_plane.place(ISO) == {KVM_HOST}
    assert scheduler.starts() == WORKERS
    scheduler.reload(ours(preferred_hypervisors='vmware,kvm', tell_user=False))
    assert control_plane.place(ISO) == {VMWARE_HOST}
    assert control_plane.place(IMPOSSIBLE) == {NOVAS_REASON}
    # In threading mode, oslo.service has the workers replaced.
    replaced = WORKERS if mode is Mode.THREADING else 0
    assert scheduler.starts() == WORKERS + replaced


@in_both_modes
def test_sighup_turns_the_prefilter_on(control_plane, start, mode):
    scheduler = start(mode)
    assert control_plane.place(VMDK) == {VMWARE_HOST}
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
@in_both_modes
def test_sighup_with_a_wrong_option_leaves_all_in_force(
    control_plane, start, mode, wrong, cited
):
    scheduler = start(mode)
    scheduler.reload(ours(vmdk_images='flexible'))
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
    control_plane, start, wrong, cited
):
    """With eventlet, oslo.service then logs all options in the worker."""
    scheduler = start(Mode.EVENTLET, workers=1)
    scheduler.reload(ours(vmdk_images='flexible'))
    assert control_plane.place(VMDK) == {KVM_HOST}
    scheduler.reload(ours(vmdk_images=wrong))
    assert control_plane.place(VMDK) == {KVM_HOST}
    (error,) = scheduler.errors()
    assert cited in error


@in_both_modes
def test_sighup_and_aggregates_that_changed_since_the_start(
    control_plane, start, mode
):
    """nova reads aggregates in the process that starts the workers.

    What changed since is told to the workers only, and in threading mode
    SIGHUP replaces these.
    """
    scheduler = start(mode)
    client = control_plane.client
    client.set_metadata(
        KVM_AGGREGATE, {'hypervisor_affinity_admit': 'required'}
    )
    try:
        polling.until(
            lambda: control_plane.place(ISO) == {VMWARE_HOST},
            'the workers hearing of the aggregate',
        )
        scheduler.reload(ours(tell_user=False))
        remembered = {
            Mode.EVENTLET: VMWARE_HOST,
            Mode.THREADING: KVM_HOST,
        }
        assert control_plane.place(ISO) == {remembered[mode]}
    finally:
        client.set_metadata(KVM_AGGREGATE, {'hypervisor_affinity_admit': None})


@in_both_modes
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
    databases, launch, mode, wrong, named
):
    rest = {'DEFAULT': {'transport_url': 'fake:/'}, **databases.options}
    refused = launch(mode, {**rest, **ours(flexible_placement=wrong)})
    assert refused.wait_for_end() != 0
    (last_words,) = re.findall('ERROR: .*|CRITICAL nova .*', refused.log())
    for word in named:
        assert word in last_words
    # It is the option that stops it: with a right one, it comes further.
    assert NO_PLACEMENT not in refused.log()
    refused = launch(mode, {**rest, **ours(flexible_placement='strict')})
    assert refused.wait_for_end() != 0
    assert NO_PLACEMENT in refused.log()
