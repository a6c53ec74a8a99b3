# SPDX-License-Identifier: Apache-2.0
"""What is served while a source is slow, or fails, and afterwards."""

import threading

import pytest

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.exporter import polling as readings
from hypervisor_affinity.exporter.export import NOVA
from testbed.processes import polling
from tests import cloud_of_records as records
from tests.prometheus import clouds
from tests.prometheus import exporting

# Of the clock that stands still it is never over, of the threads' at once.
INTERVAL = 0.01
KEPT = 5 * INTERVAL
BEGINNING = 1000.0
SECRET = 'password: s3cret'


class Clock:
    """A clock that stands still until somebody sets it."""

    def __init__(self):
        self.now = BEGINNING

    def monotonic(self):
        return self.now

    def time(self):
        return self.now


class Gate:
    """What every reading has to pass.

    :ivar waits: whether one stands before it
    :ivar error: what one gets that comes, its type; None for nothing
    """

    def __init__(self):
        self.waits = threading.Event()
        self.error = None
        self._open = threading.Event()
        self._open.set()

    def shut(self):
        """Let nobody pass; return when somebody waits."""
        self._open.clear()
        assert self.waits.wait(polling.TIMEOUT)

    def open(self):
        self._open.set()

    def pass_through(self):
        if not self._open.is_set():
            self.waits.set()
            self._open.wait()
        if self.error is not None:
            # Anew: one that is raised again grows a longer traceback.
            raise self.error(SECRET)


class Guarded(records.Records):
    """A cloud whose hosts are behind a gate."""

    gate = None

    def hosts(self):
        self.gate.pass_through()
        return super().hosts()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(readings, 'time', clock)
    return clock


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.error = None
    gate.open()


@pytest.fixture
def cloud(gate):
    """Return a cloud without vCenters."""
    cloud = Guarded(hosts=[records.kvm('kvm-1')])
    cloud.gate = gate
    return cloud


@pytest.fixture
def scrape(clock, cloud):
    """Return a function that scrapes an exporter that has read the cloud."""
    with exporting.exporting(cloud, interval=INTERVAL) as scrape:
        until_read(scrape, NOVA)
        yield scrape


def until_read(scrape, source):
    polling.until(
        lambda: scrape().value('read_success', source=source),
        f'a reading of {source}',
    )


def hosts(scrape):
    return scrape.value('hosts', hypervisor='kvm', state='up')


def failures(scrape):
    return scrape().of(NOVA)['read_errors_total']


def test_nothing_is_read_yet(clock, cloud, gate):
    gate._open.clear()
    with exporting.exporting(cloud, interval=INTERVAL) as scrape:
        gate.shut()
        first = scrape()
        assert first.of(NOVA) == {
            'read_success': 0,
            'read_errors_total': 0,
            'last_successful_read_timestamp_seconds': 0,
        }
        assert hosts(first) is None
        gate.open()
        until_read(scrape, NOVA)


def test_a_scrape_does_not_wait_for_a_reading(scrape, clock, cloud, gate):
    gate.shut()
    before = scrape()
    clock.now += KEPT
    during = scrape()
    assert during.samples == before.samples
    assert during.of(NOVA) == {
        'read_success': 1,
        'read_errors_total': 0,
        'last_successful_read_timestamp_seconds': BEGINNING,
    }
    assert hosts(during) == 1
    cloud._sections['hosts'].append(records.kvm('kvm-2'))
    gate.open()
    polling.until(lambda: hosts(scrape()) == 2, 'the new host')
    assert scrape().of(NOVA) == {
        'read_success': 1,
        'read_errors_total': 0,
        'last_successful_read_timestamp_seconds': clock.now,
    }


def test_what_is_not_read_again_is_forgotten(scrape, clock, gate):
    gate.shut()
    clock.now += KEPT
    assert hosts(scrape()) == 1
    clock.now += INTERVAL
    forgotten = scrape()
    assert hosts(forgotten) is None
    # That it is too old, nothing else tells.
    assert forgotten.of(NOVA) == {
        'read_success': 1,
        'read_errors_total': 0,
        'last_successful_read_timestamp_seconds': BEGINNING,
    }
    gate.open()
    polling.until(lambda: hosts(scrape()) == 1, 'the host')


def test_what_takes_long_to_read_is_kept_for_longer(clock, gate):
    takes = 100 * INTERVAL

    def read():
        gate.pass_through()
        clock.now += takes
        return 'a value'

    poller = readings.Poller('a', read, INTERVAL)
    poller.start()
    polling.until(lambda: poller.value, 'a value')
    gate.shut()
    clock.now += 5 * takes
    assert poller.value == 'a value'
    clock.now += INTERVAL
    assert poller.value is None
    gate.open()
    poller.stop()
    poller.join(polling.TIMEOUT)


@pytest.mark.parametrize('error', [SourceError, RuntimeError])
def test_a_source_fails_and_recovers(scrape, clock, gate, error):
    gate.error = error
    polling.until(lambda: failures(scrape) >= 1, 'a failure')
    clock.now += INTERVAL
    # And again: its thread goes on.
    polling.until(lambda: failures(scrape) >= 3, 'more failures')
    failed = scrape()
    assert failed.of(NOVA)['read_success'] == 0
    assert (
        failed.of(NOVA)['last_successful_read_timestamp_seconds'] == BEGINNING
    )
    assert hosts(failed) is None
    assert SECRET not in failed.text
    gate.error = None
    until_read(scrape, NOVA)
    again = scrape()
    assert hosts(again) == 1
    assert again.of(NOVA)['read_errors_total'] >= 3


def test_what_nobody_expected_is_in_no_message(clock, gate):
    gate.error = RuntimeError
    poller = readings.Poller('a', gate.pass_through, INTERVAL)
    poller.start()
    polling.until(lambda: poller.sample()['failures'], 'a failure')
    poller.stop()
    poller.join(polling.TIMEOUT)
    assert poller.error == 'a: RuntimeError'


def test_a_vcenter_that_hangs_holds_up_nothing_else(clock, gate):
    cloud = clouds.troubled()
    vcenter = next(cloud.vcenters())

    def read():
        gate.pass_through()
        return vcenter

    with exporting.exporting(
        cloud, [(vcenter.name, read)], INTERVAL
    ) as scrape:
        until_read(scrape, NOVA)
        gate.shut()
        clock.now += KEPT
        cloud._sections['hosts'].append(records.kvm('kvm-2'))
        polling.until(lambda: hosts(scrape()) == 2, 'the new host')
        # And what was read of the vCenter is still there.
        assert has_cluster(scrape())
        clock.now += INTERVAL
        assert not has_cluster(scrape())
        assert hosts(scrape()) == 2
        assert scrape().of(vcenter.name)['read_success'] == 1
        gate.open()
        polling.until(lambda: has_cluster(scrape()), 'the cluster')


def has_cluster(scrape):
    return any(
        ('cluster', 'production') in labels for _, labels in scrape.samples
    )


def test_a_vcenter_that_cannot_be_read(clock):
    cloud = clouds.troubled()
    with exporting.exporting(cloud, interval=INTERVAL) as scrape:
        until_read(scrape, clouds.VCENTER)
        until_read(scrape, NOVA)
        found = scrape()
        assert found.of(clouds.UNREADABLE)['read_success'] == 0
        assert found.of(clouds.UNREADABLE)['read_errors_total'] >= 1
        assert found.value('vcenter_info', vcenter=clouds.UNREADABLE) is None
        assert has_cluster(found)
