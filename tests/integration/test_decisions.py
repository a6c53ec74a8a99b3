# SPDX-License-Identifier: Apache-2.0
"""``decisions`` on a RabbitMQ that others read, too, and that goes away."""

import contextlib
import json
import signal
import subprocess
import sys

import amqp
import pytest

from testbed.processes import broker as brokers
from testbed.processes import polling
from testbed.processes import ports
from testbed.processes.supervisor import CHECKOUT
from testbed.processes.supervisor import Supervisor
from tests import installed
from tests.unit.cli import program

pytestmark = pytest.mark.long

# The queue of whoever names no pool, as Ceilometer.
OTHERS = 'notifications.info'


class RabbitMQ:
    """One, with a nova.conf that names it."""

    def __init__(self, folder):
        self._programs = Supervisor(folder)
        numbers = ports.free(len(brokers.PORTS))
        self._broker = brokers.Broker(
            folder / 'rabbitmq',
            self._programs,
            dict(zip(brokers.PORTS, numbers, strict=True)),
        )
        self.url = self._broker.options['DEFAULT']['transport_url']
        self.place = f'rabbit://127.0.0.1:{numbers[0]}/nova'
        self.nova_conf = folder / 'nova.conf'
        self.nova_conf.write_text(f'[DEFAULT]\ntransport_url = {self.url}\n')

    def start(self):
        self._broker.start()
        self._broker.wait()

    def kill(self):
        self._programs['rabbitmq'].kill()

    def end(self):
        self._programs.kill()

    def send(self, first, last):
        command = [sys.executable, '-W', 'ignore', '-m']
        command += ['tests.integration.notify', self.url]
        command += [str(first), str(last)]
        subprocess.run(command, check=True, cwd=CHECKOUT, timeout=120)

    @contextlib.contextmanager
    def channel(self):
        host = self.url.partition('@')[2].partition('/')[0]
        with amqp.Connection(
            host, userid='nova', password='loopback', virtual_host='nova'
        ) as connection:
            yield connection.channel()

    def others(self):
        """Take all that waits for others; return the event types."""
        with self.channel() as channel:
            found = []
            while message := channel.basic_get(OTHERS, no_ack=True):
                body = json.loads(json.loads(message.body)['oslo.message'])
                found.append(body['event_type'])
            return found

    def waiting(self, queue):
        with self.channel() as channel:
            return channel.queue_declare(queue, passive=True).message_count


@pytest.fixture(scope='module')
def rabbitmq(tmp_path_factory):
    installed.skip_without(brokers.SERVER)
    rabbitmq = RabbitMQ(tmp_path_factory.mktemp('decisions'))
    rabbitmq.start()
    yield rabbitmq
    rabbitmq.end()


@pytest.fixture
def start(rabbitmq):
    """Return a function that starts ``decisions``."""
    processes = []

    def start(*arguments):
        process = program.start(
            *(*program.PROGRAM, 'decisions'),
            *('--nova-conf', rabbitmq.nova_conf, *map(str, arguments)),
            cwd=CHECKOUT,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def numbers(path):
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)['passed'] for line in lines]


def written(path, last):
    polling.until(lambda: last - 1 in numbers(path), f'record {last - 1}')
    return numbers(path)


def end(process):
    """End it; return what it said."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, '')
    return err.splitlines()


def said(process, text):
    line = process.stderr.readline()
    assert text in line, line + process.stderr.read()
    return line


def test_others_get_all_as_before(rabbitmq, start, tmp_path):
    path = tmp_path / 'decisions.jsonl'
    process = start('--output', path, '--pool', 'beside')
    said(process, f'connected to {rabbitmq.place}')
    rabbitmq.send(0, 300)
    assert written(path, 300) == list(range(300))
    assert end(process) == []
    decision = 'hypervisor_affinity.decision'
    assert rabbitmq.others() == ['compute.instance.update', *[decision] * 300]
    assert rabbitmq.waiting('beside') == 0


def test_what_comes_while_nobody_listens_waits(rabbitmq, start, tmp_path):
    path = tmp_path / 'decisions.jsonl'
    process = start('--output', path, '--pool', 'waits')
    said(process, 'connected')
    end(process)
    rabbitmq.send(0, 250)
    process = start('--output', path, '--pool', 'waits')
    assert written(path, 250) == list(range(250))
    end(process)


def test_the_broker_goes_and_comes(rabbitmq, start, tmp_path):
    path = tmp_path / 'decisions.jsonl'
    process = start('--output', path, '--pool', 'stays')
    said(process, 'connected')
    rabbitmq.send(0, 10)
    written(path, 10)
    rabbitmq.kill()
    said(process, f'decisions: lost {rabbitmq.place}, trying again: ')
    rabbitmq.start()
    said(process, f'decisions: connected to {rabbitmq.place}\n')
    rabbitmq.send(10, 20)
    # One that was written as the broker went may come again.
    assert sorted(set(written(path, 20))) == list(range(20))
    assert end(process) == []


def test_the_broker_is_away_at_first(rabbitmq, start, tmp_path):
    rabbitmq.kill()
    path = tmp_path / 'decisions.jsonl'
    process = start('--output', path, '--pool', 'late')
    line = said(process, f'decisions: no connection to {rabbitmq.place}, ')
    assert 'Connection refused' in line
    ended = start('--output', path)
    said(ended, 'no connection')
    assert end(ended) == []
    rabbitmq.start()
    said(process, 'connected')
    rabbitmq.send(0, 3)
    assert written(path, 3) == [0, 1, 2]
    assert end(process) == []


def test_a_record_that_cannot_be_written_stays(rabbitmq, start, tmp_path):
    folder = tmp_path / 'log'
    folder.mkdir()
    path = folder / 'decisions.jsonl'
    process = start('--output', path, '--pool', 'keeps')
    said(process, 'connected')
    rabbitmq.send(0, 3)
    written(path, 3)
    folder.rename(tmp_path / 'moved')
    rabbitmq.send(3, 120)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err == f'decisions: {path}: No such file or directory\n'
    folder.mkdir()
    process = start('--output', path, '--pool', 'keeps')
    assert sorted(written(path, 120)) == list(range(3, 120))
    end(process)


def fails(process):
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (3, '')
    (line,) = err.splitlines()
    assert 'loopback' not in line
    return line


def test_wrong_credentials_end_it(rabbitmq, start):
    url = rabbitmq.url.replace('loopback', 's3cret')
    line = fails(start('--transport-url', url))
    assert line.startswith(
        f'decisions: cannot listen on {rabbitmq.place}: (403) ACCESS_REFUSED'
    )
    assert 's3cret' not in line


def test_a_virtual_host_that_is_not_there_ends_it(rabbitmq, start):
    line = fails(start('--transport-url', f'{rabbitmq.url}-2'))
    assert 'vhost nova-2 not found' in line


def test_a_queue_with_other_options_ends_it(rabbitmq, start):
    with rabbitmq.channel() as channel:
        channel.queue_declare(
            'taken', auto_delete=False, arguments={'x-max-length': 5}
        )
    line = fails(start('--pool', 'taken'))
    assert "PRECONDITION_FAILED - inequivalent arg 'x-max-length'" in line
