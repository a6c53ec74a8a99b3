# SPDX-License-Identifier: Apache-2.0
"""Listening goes on, whatever the broker says."""

import threading

import pytest

from hypervisor_affinity.decisions.bus import BusError
from hypervisor_affinity.exporter.decision_metrics import DecisionCounts
from hypervisor_affinity.exporter.decision_reading import DecisionReading
from testbed.processes import polling
from tests import core_decisions as records

INTERVAL = 0.01


class Listeners:
    """Those that were made.

    :ivar refuse: what each is told when it begins; None for nothing
    """

    def __init__(self):
        self.made = []
        self.refuse = None

    def __call__(self, bus, pool, take, tell, failed, *, left_out, debug):
        made = Listener(self.refuse, take, failed, left_out)
        self.made.append(made)
        return made


class Listener:
    def __init__(self, refuse, take, failed, left_out):
        self.take = take
        self.left_out = left_out
        self.is_connected = False
        self.running = False
        self._refuse = refuse
        self._failed = failed

    def start(self):
        self.running = True
        self.is_connected = self._refuse is None
        if self._refuse is not None:
            threading.Thread(
                target=self._failed, args=(BusError(self._refuse),)
            ).start()

    def stop(self):
        self.running = False


@pytest.fixture
def listeners():
    return Listeners()


@pytest.fixture
def make(listeners):
    """Return a function that makes what is tested; end it."""
    made = []

    def make(interval=INTERVAL):
        reading = DecisionReading(
            None, 'p', DecisionCounts(()), interval, listener=listeners
        )
        made.append(reading)
        return reading

    yield make
    for each in made:
        each.stop()


def value(reading, name):
    """Return the sum of the samples of one metric."""
    return sum(
        sample.value
        for metric in reading.metrics()
        for sample in metric.samples
        if sample.name == f'hypervisor_affinity_{name}'
    )


def test_what_comes_is_counted(make, listeners):
    reading = make()
    assert value(reading, 'message_bus_connected') == 0
    reading.start()
    assert value(reading, 'message_bus_connected') == 1
    (listener,) = listeners.made
    found = records.read(records.payload(records.VMDK, records.host('kvm')))
    listener.take(found, b'')
    listener.left_out()
    assert value(reading, 'decisions_total') == 1
    assert value(reading, 'unreadable_records_total') == 1


def test_who_was_refused_tries_again(make, listeners, caplog):
    listeners.refuse = 'cannot listen: wrong password\n'
    reading = make()
    reading.start()
    polling.until(lambda: len(listeners.made) > 3, 'more of them')
    assert value(reading, 'message_bus_connected') == 0
    assert caplog.messages == ['cannot listen: wrong password\\n']
    listeners.refuse = None
    polling.until(
        lambda: value(reading, 'message_bus_connected'),
        'a connection',
    )
    *others, last = listeners.made
    assert not any(each.running for each in others)
    # What was counted before stays.
    for each in (others[0], last):
        each.left_out()
    assert value(reading, 'unreadable_records_total') == 2


def test_who_was_told_to_end_does_not_try_again(make, listeners):
    listeners.refuse = 'no'
    reading = make(interval=60)
    reading.start()
    polling.until(lambda: not listeners.made[0].running, 'the first one')
    reading.stop()
    assert len(listeners.made) == 1
