# SPDX-License-Identifier: Apache-2.0
"""The program counts what comes over a real RabbitMQ, which is killed."""

import collections

import oslo_messaging
import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.core.decision import EVENT_TYPE
from hypervisor_affinity.decisions import bus
from testbed.processes import broker
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes.supervisor import Supervisor
from tests import core_decisions as records
from tests.installed import skip_without
from tests.prometheus import clouds
from tests.prometheus import programs
from tests.prometheus import web
from tests.prometheus.exporting import Scrape

OBSERVED = {'hypervisor_affinity_mode': 'observe'}
# What is decided, and the labels that it is to be counted under.
DECISIONS = [
    (
        records.payload(records.VMDK, records.host('vmware')),
        ('vmware', 'passed', 'suitable', 'enforce'),
    ),
    (
        records.payload(records.VMDK, records.host('kvm')),
        ('vmware', 'refused', 'other_hypervisor', 'enforce'),
    ),
    (
        records.payload(records.VMDK, records.host('kvm', **OBSERVED)),
        ('vmware', 'would_be_refused', 'other_hypervisor', 'observe'),
    ),
    (
        records.payload(records.ISO, records.host('vmware')),
        ('any', 'passed', 'suitable', 'enforce'),
    ),
    (
        {
            **records.payload(
                records.QCOW2,
                records.host('kvm'),
                underneath=frozenset(),
                kind='move',
            ),
            'look_up': 'not_found',
        },
        ('undetermined', 'refused', 'undetermined_server', 'enforce'),
    ),
]
LABELS = ('hypervisor', 'outcome', 'reason', 'mode')


class Stage:
    """A RabbitMQ, an exporter that listens there, and who sends as nova does.

    :ivar rabbitmq: the program
    """

    def __init__(self, folder, supervisor):
        self.rabbit = broker.Broker(
            folder / 'rabbitmq',
            supervisor,
            dict(
                zip(broker.PORTS, ports.free(len(broker.PORTS)), strict=True)
            ),
        )
        self.rabbitmq = supervisor['rabbitmq']
        self._url = self.rabbit.options['DEFAULT']['transport_url']
        self._folder = folder
        self._conf = folder / 'nova.conf'
        self._conf.write_text(f'[DEFAULT]\ntransport_url = {self._url}\n')
        files.save(clouds.of_size(1), folder / 'cloud.json')
        self._exporter = None
        self._sent = collections.Counter()

    def start_rabbit(self):
        self.rabbit.start()
        self.rabbit.wait()

    def start_exporter(self):
        self._exporter = programs.Exporter(
            self._folder / 'cloud.json',
            self._folder / 'exporter.log',
            *('--notifications', '--nova-conf', self._conf),
        )
        self._exporter.wait()

    def stop_exporter(self):
        assert self._exporter.stop() == 0
        # The next one counts from 0.
        self._sent.clear()

    def scrape(self):
        return Scrape(web.read(f'http://{self._exporter.address}/metrics'))

    def until_connected(self, connected=1):
        polling.until(
            lambda: self.scrape().value('message_bus_connected') == connected,
            f'connected: {connected}',
        )

    def send(self, times=1):
        """Send all decisions, with other messages between them."""
        notifier = oslo_messaging.Notifier(
            bus.find([], self._url).transport,
            'nova-scheduler:s',
            driver='messagingv2',
            topics=['notifications'],
        )
        for _ in range(times):
            for payload, labels in DECISIONS:
                notifier.info({}, EVENT_TYPE, payload)
                notifier.info({}, 'compute.instance.update', {})
                self._sent[labels] += 1
        notifier.info({}, EVENT_TYPE, {'version': '2.0'})

    def until_counted(self):
        """Wait for all that was sent; fail if there is more or other."""
        polling.until(
            lambda: sum(self.counted().values()) >= self._sent.total(),
            'the records',
        )
        assert self.counted() == self._sent

    def counted(self):
        return {
            tuple(map(dict(labels).get, LABELS)): value
            for (name, labels), value in self.scrape().samples.items()
            if name == 'decisions_total' and value
        }

    def log(self):
        return self._exporter.log()

    def kill(self):
        if self._exporter is not None:
            self._exporter.kill()


@pytest.fixture
def stage(tmp_path):
    skip_without(broker.SERVER)
    supervisor = Supervisor(tmp_path)
    stage = None
    try:
        stage = Stage(tmp_path, supervisor)
        yield stage
    finally:
        if stage is not None:
            stage.kill()
        supervisor.kill()


def test_rabbitmq_is_killed_and_started_again(stage):
    stage.start_exporter()
    # All else is served without it.
    polling.until(
        lambda: stage.scrape().value('read_success', source='openstack'),
        'the cloud',
    )
    stage.until_connected(0)
    stage.start_rabbit()
    stage.until_connected()
    stage.send(times=10)
    stage.until_counted()
    found = stage.scrape()
    assert found.value('order_not_followed_total', hypervisor='kvm') == 10
    assert found.value('undetermined_requests_total') == 10
    assert found.value('move_look_ups_failed_total') == 10
    assert found.value('unreadable_records_total') == 1
    assert found.value('last_record_timestamp_seconds') > 0

    stage.rabbitmq.kill()
    stage.until_connected(0)
    stage.until_counted()
    polling.until(
        lambda: stage.scrape().value('read_success', source='openstack'),
        'the cloud',
    )
    stage.start_rabbit()
    stage.until_connected()
    stage.send()
    stage.until_counted()
    stage.stop_exporter()
    assert 'loopback' not in stage.log()


def test_what_is_decided_while_the_exporter_is_away_is_counted(stage):
    stage.start_rabbit()
    stage.start_exporter()
    stage.until_connected()
    stage.stop_exporter()
    stage.send(times=2)
    stage.start_exporter()
    stage.until_counted()
