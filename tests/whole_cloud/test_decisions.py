# SPDX-License-Identifier: Apache-2.0
"""Records of decisions, compared with what nova did.

nova keeps a request id for each action on a server: each action for which a
host was looked for has one record, with that id. The variable
``HYPERVISOR_AFFINITY_EACH`` says how many servers of each kind there are.
"""

import collections
import contextlib
import os
import re
import threading

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from hypervisor_affinity.decisions import bus
from hypervisor_affinity.decisions.listening import Listener
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes import soak
from testbed.processes.broker import PORTS
from testbed.processes.broker import Broker
from testbed.processes.control import ONLY_DECISIONS
from testbed.processes.control import SCHEDULERS
from testbed.processes.site import ADMIN
from tests.whole_cloud.tenant import NO_HOST
from tests.whole_cloud.tenant import Tenant
from tests.whole_cloud.tenant import disabled

EACH = int(os.environ.get('HYPERVISOR_AFFINITY_EACH', '2'))
# Requests of no server, that the schedulers refuse while the broker is away.
ASKED = 10 * EACH
# In bytes, of both schedulers: each has at most 1000 records that wait.
GROWTH = 64 * 1024**2

HYPERVISOR_TYPE = 'hypervisor_affinity:hypervisor_type'
NOVAS_REASON = 'There are not enough hosts available.'
# nova's own ImagePropertiesFilter refuses it too.
NOWHERE = {'disk_format': 'raw', 'hypervisor_type': 'hyperv'}
OBSERVED = {'hypervisor_affinity_mode': 'observe'}
LEFT_OUT = re.compile(r'sent again; (\d+) were left out')
# oslo.messaging's line on a record that it tried to send for some seconds, as
# happens with some.
GIVEN_UP = 'Could not send notification to notifications'

# {kind: (image, extra specs, its aggregate; None for any)}
RUN = {
    'kvm': ({'disk_format': 'qcow2'}, {}, 'kvm'),
    'vmware': (
        {'disk_format': 'vmdk', 'vmware_disktype': 'streamOptimized'},
        {},
        'vmware',
    ),
    'any': ({'disk_format': 'iso'}, {}, None),
}
REFUSED = {
    'by image': ({**NOWHERE, 'disk_format': 'qcow2'}, {}, None),
    'by flavor': ({'disk_format': 'iso'}, {HYPERVISOR_TYPE: 'hyperv'}, None),
}
KINDS = {**RUN, **REFUSED}
# For which the scheduler is asked.
ACTIONS = {'create', 'migrate', 'resize'}


class Records:
    """What comes on the bus; a context manager."""

    def __init__(self, cloud, pool):
        """Connect to nothing yet."""
        conf = cloud.folder / 'nova' / SCHEDULERS[0] / 'nova.conf'
        self._lock = threading.Lock()
        self._records = []
        self._wrong = []
        self._listener = Listener(
            bus.find([str(conf)]),
            pool,
            self._take,
            lambda line: None,
            self._wrong.append,
        )

    def __enter__(self):
        """Begin, and wait until it listens."""
        self._listener.start()
        polling.until(lambda: self._listener.is_connected, 'the bus')
        return self

    def __exit__(self, kind, error, traceback):
        """End."""
        self._listener.stop()

    def _take(self, record, line):
        with self._lock:
            self._records.append(record)

    def all(self):
        """Return what has come so far."""
        assert self._wrong == []
        with self._lock:
            return list(self._records)

    def of(self, actions):
        """Wait for the record of each action, and return {action: record}."""

        def found():
            return [
                (key, record)
                for record in self.all()
                if (key := (record.server, record.request_id)) in actions
            ]

        polling.until(
            lambda: len(found()) >= len(actions), f'{len(actions)} records'
        )
        records = dict(found())
        assert records.keys() == actions.keys()
        assert len(found()) == len(actions), 'one came twice'
        return records


class Trial:
    """Servers of all kinds, of an administrator."""

    def __init__(self, tenant):
        """Create images and flavors."""
        self.tenant = tenant
        self._requests = {
            kind: {
                'flavor': tenant.flavor(extra_specs),
                'image_id': tenant.image(**image),
            }
            for kind, (image, extra_specs, _) in KINDS.items()
        }

    def boot(self, each, kinds=KINDS):
        """Boot so many of each kind; return {kind: [server]}."""
        kinds = list(kinds) * each
        booted = collections.defaultdict(list)
        servers = self.tenant.boot_all(map(self._requests.get, kinds))
        for kind, server in zip(kinds, servers, strict=True):
            booted[kind].append(server)
        return booted

    def move(self, booted):
        """Migrate servers, and resize others to what they cannot run on.

        :returns: the servers of both
        """
        compute = self.tenant.admin.compute
        migrated = [server.id for server in booted['kvm']]
        refused = [server.id for server in booted['any']]
        for server in migrated:
            compute.migrate_server(server)
        self.tenant.settled(migrated, 'VERIFY_RESIZE')
        flavor = self.tenant.flavor({HYPERVISOR_TYPE: 'hyperv'}, ram=192)
        for server in refused:
            compute.resize_server(server, flavor)
        return migrated, refused

    def actions(self, servers):
        """Return {(server, request id): action}, by nova."""
        compute = self.tenant.admin.compute
        return {
            (server, action.request_id): action
            for server in servers
            for action in compute.server_actions(server)
            if action.action in ACTIONS
        }


@pytest.fixture(scope='module', autouse=True)
def without_vc_1(whole_cloud):
    """Leave the vCenter that boots everything: a real one does not."""
    with disabled(whole_cloud, 'vc-1'):
        yield


@pytest.fixture(scope='module')
def client(whole_cloud, tmp_path_factory):
    client = whole_cloud.scheduler_client(tmp_path_factory.mktemp('client'))
    yield client
    client.stop()


@pytest.fixture
def tenant(whole_cloud):
    with Tenant(whole_cloud, ADMIN) as tenant:
        yield tenant


@pytest.fixture
def trial(tenant):
    return Trial(tenant)


@pytest.fixture
def records(whole_cloud):
    with Records(whole_cloud, 'tests') as records:
        yield records


def ids(booted):
    return [server.id for servers in booted.values() for server in servers]


def outcomes(records):
    return collections.Counter(
        (record.kind, record.outcome) for record in records.values()
    )


def test_enforced(trial, records):
    booted = trial.boot(EACH)
    migrated, refused = trial.move(booted)
    actions = trial.actions(ids(booted))
    assert len(actions) == len(KINDS) * EACH + 2 * EACH
    found = records.of(actions)

    for kind, servers in booted.items():
        *_, aggregate = KINDS[kind]
        for server in servers:
            if kind in RUN:
                assert (server.status, server.fault) == ('ACTIVE', None)
                assert aggregate in (None, server.side)
            else:
                assert (server.status, server.host) == ('ERROR', None)
                assert server.fault.startswith(NO_HOST)
                assert NOVAS_REASON not in server.fault
    assert outcomes(found) == {
        ('boot', 'passed'): len(RUN) * EACH,
        ('boot', 'refused'): len(REFUSED) * EACH,
        ('move', 'passed'): len(migrated),
        ('move', 'refused'): len(refused),
    }
    for key, record in found.items():
        assert record.modes == ('enforce',)
        assert record.look_up == (
            'found' if actions[key].action != 'create' else None
        )
        assert (record.outcome == 'passed') == bool(record.passed)
        assert sum(record.hosts.values()) >= record.passed
    assert {record.scheduler for record in found.values()} == {
        f'nova-scheduler:{name}' for name in SCHEDULERS
    }


@pytest.fixture
def observed(whole_cloud, client):
    """Have both schedulers withhold nothing."""
    compute = whole_cloud.admin.compute
    aggregates = list(compute.aggregates())

    def tell(metadata):
        for aggregate in aggregates:
            compute.set_aggregate_metadata(aggregate, metadata)
        polling.until(
            lambda: (
                {
                    client.place(**NOWHERE).endswith(NOVAS_REASON)
                    for _ in range(2 * len(SCHEDULERS))
                }
                == {metadata == OBSERVED}
            ),
            'the schedulers hearing of the mode',
        )

    tell(OBSERVED)
    yield
    tell(dict.fromkeys(OBSERVED))


@pytest.mark.usefixtures('observed')
def test_observed(trial, records):
    # nova would boot a qcow2 image on vCenter, which has more room.
    kinds = [kind for kind in KINDS if kind != 'kvm']
    booted = trial.boot(EACH, kinds)
    actions = trial.actions(ids(booted))
    found = records.of(actions)
    assert outcomes(found) == {
        ('boot', 'passed'): (len(RUN) - 1) * EACH,
        ('boot', 'would_be_refused'): len(REFUSED) * EACH,
    }
    enabled = 3
    for record in found.values():
        assert (record.modes, record.passed) == (('observe',), enabled)
    # What nova makes of them is nova's.
    for server in booted['by image']:
        assert server.fault == NO_HOST + NOVAS_REASON
    for kind in ('vmware', 'any', 'by flavor'):
        for server in booted[kind]:
            assert (server.status, server.fault) == ('ACTIVE', None)


def test_the_request_id_is_what_nova_api_returned(tenant, records):
    compute = tenant.admin.compute
    flavor = tenant.flavor()
    image = tenant.image('iso')
    answer = compute.post(
        '/servers',
        json={
            'server': {
                'name': 'one',
                'flavorRef': flavor,
                'imageRef': image,
                'networks': 'none',
            }
        },
    )
    server = answer.json()['server']['id']
    try:
        key = (server, answer.headers['x-openstack-request-id'])
        records.of({key: None})
        polling.until(
            lambda: compute.get_server(server).status == 'ACTIVE', 'a server'
        )
    finally:
        compute.delete_server(server)
        compute.wait_for_delete(compute.get_server(server), wait=60)


@pytest.fixture
def own_broker(whole_cloud, tmp_path):
    """A broker for records only, which nova does not need."""
    broker = Broker(
        tmp_path / 'rabbitmq',
        whole_cloud.programs,
        dict(zip(PORTS, ports.free(len(PORTS)), strict=True)),
        prefix='records-',
    )
    with contextlib.ExitStack() as stack:
        stack.callback(broker.remove)
        broker.start()
        broker.wait()
        stack.callback(whole_cloud.restart_schedulers)
        whole_cloud.restart_schedulers(
            {
                'oslo_messaging_notifications': {
                    'driver': ONLY_DECISIONS,
                    'transport_url': broker.url,
                },
                # Else it may take half a minute to connect again.
                'oslo_messaging_rabbit': {'rabbit_interval_max': 1},
            }
        )
        yield broker


def states(booted):
    return {
        kind: [server.status for server in servers]
        for kind, servers in booted.items()
    }


def memory(cloud):
    return sum(soak.memory(cloud, name) for name in SCHEDULERS)


def lost(cloud):
    """Return how many records were not sent, by the schedulers' logs."""
    logs = [cloud.programs[name].log() for name in SCHEDULERS]
    return sum(
        log.count(GIVEN_UP) + sum(map(int, LEFT_OUT.findall(log)))
        for log in logs
    )


def test_the_broker_is_away(whole_cloud, trial, client, own_broker):
    with Records(whole_cloud, None) as records:
        before = trial.boot(EACH)
        records.of(trial.actions(ids(before)))

        own_broker.kill()
        booted = trial.boot(EACH)
        assert states(booted) == states(before)
        began = memory(whole_cloud)
        for _ in range(ASKED):
            assert NOVAS_REASON not in client.place(**NOWHERE)
        assert memory(whole_cloud) - began < GROWTH

        seen = len(records.all())
        own_broker.start()
        own_broker.wait()
        waiting = len(ids(booted)) + ASKED
        polling.until(
            lambda: len(records.all()) - seen + lost(whole_cloud) >= waiting,
            'the records that waited',
        )
        again = trial.boot(1)
        records.of(trial.actions(ids(again)))
        came = len(records.all()) - seen - len(KINDS)
        assert 0 < came == waiting - lost(whole_cloud)
