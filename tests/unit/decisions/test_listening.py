# SPDX-License-Identifier: Apache-2.0
"""Listening on a bus in memory."""

import json
import logging
import pathlib
import threading
import types

import oslo_messaging
import pytest
from oslo_messaging._drivers import amqpdriver
from oslo_messaging._drivers import impl_rabbit

from hypervisor_affinity.core import decision
from hypervisor_affinity.decisions import bus as buses
from hypervisor_affinity.decisions import connection
from hypervisor_affinity.decisions.connection import News
from hypervisor_affinity.decisions.listening import Listener
from testbed.processes.polling import until
from tests import decision_records as records

POOL = 'mine'


class Publisher:
    """Sends as nova does."""

    def __init__(self, topics=('notifications',)):
        self._notifier = oslo_messaging.Notifier(
            buses.find([], url='fake:/').transport,
            records.SCHEDULER,
            driver='messagingv2',
            topics=list(topics),
        )

    def send(self, payload=None, event=decision.EVENT_TYPE, priority='info'):
        payload = records.payload() if payload is None else payload
        getattr(self._notifier, priority)({}, event, payload)


class Heard:
    """What a listener gave."""

    def __init__(self, topic=None, pool=POOL, take=None):
        self.records = []
        self.lines = []
        self.told = []
        self.failures = []
        self.listener = Listener(
            buses.find([], url='fake:/', topic=topic),
            pool,
            take or self._take,
            self.told.append,
            self.failures.append,
        )
        self.listener.start()
        until(lambda: self.listener.is_connected, 'the bus', seconds=10)

    def _take(self, record, line):
        self.records.append(record)
        self.lines.append(line)

    def wait(self, number):
        until(lambda: len(self.records) >= number, 'records', seconds=10)


@pytest.fixture
def hear():
    heard = []

    def hear(**options):
        heard.append(Heard(**options))
        return heard[-1]

    yield hear
    for each in heard:
        each.listener.stop()
    # The bus in memory is that of the whole process.
    buses.find([], url='fake:/').transport.cleanup()


def test_records_come_in_order(hear):
    heard = hear()
    publisher = Publisher()
    for number in range(50):
        publisher.send(records.payload(passed=number))
    heard.wait(50)
    assert [record.passed for record in heard.records] == list(range(50))
    found = json.loads(heard.lines[7])
    assert found.pop('message_id') == heard.records[7].message_id
    assert found.pop('scheduler') == records.SCHEDULER
    assert found == records.payload(passed=7)
    assert heard.told == ['connected to fake:///']


def test_other_notifications_are_left_alone(hear):
    heard = hear()
    publisher = Publisher()
    publisher.send(event='compute.instance.create.end', payload={})
    publisher.send(event=f'{decision.EVENT_TYPE}.later')
    publisher.send(event=f'my{decision.EVENT_TYPE}')
    publisher.send()
    heard.wait(1)
    assert len(heard.records) == 1
    assert len(heard.told) == 1


def test_each_pool_gets_all(hear):
    one, other = hear(pool='a'), hear(pool='b')
    publisher = Publisher()
    for _ in range(5):
        publisher.send()
    one.wait(5)
    other.wait(5)


def test_one_topic_of_several_is_enough(hear):
    heard = hear(topic='first')
    publisher = Publisher(topics=('first', 'second'))
    publisher.send()
    publisher.send()
    heard.wait(2)
    assert len({record.message_id for record in heard.records}) == 2


def test_what_is_no_record_is_said_once(hear):
    heard = hear()
    publisher = Publisher()
    for _ in range(3):
        publisher.send(records.payload(version='2.0'))
        publisher.send('x')
    publisher.send(records.payload(reason='\x1b[2J'))
    publisher.send()
    heard.wait(1)
    assert len(heard.records) == 1
    (_, version, none, escape) = heard.told
    assert version == (
        'a message is left out, as are others like it: it is of version 2.0; '
        'this release reads 1.x'
    )
    assert none.endswith('the payload is no mapping')
    assert 'reason' in escape
    assert escape.isprintable()


def test_lines_on_what_is_no_record_have_an_end(hear):
    heard = hear()
    publisher = Publisher()
    for number in range(300):
        publisher.send(records.payload(version=f'{number + 2}.0'))
    publisher.send()
    heard.wait(1)
    assert len(heard.told) < 150


def test_a_message_that_oslo_messaging_stumbles_over(hear):
    heard = hear()
    odd = types.SimpleNamespace(ctxt={}, message={'priority': 7})
    done = heard.listener._server.dispatcher.dispatch(odd)
    assert done == 'handled'
    assert heard.told[-1].endswith('it is no notification (AttributeError)')


def test_a_record_that_cannot_be_taken_ends_it(hear):
    taken = []

    def take(record, line):
        taken.append(record)
        raise OSError('full')

    heard = hear(take=take)
    publisher = Publisher()
    for _ in range(3):
        publisher.send()
    until(lambda: heard.failures, 'the failure', seconds=10)
    assert [str(error) for error in heard.failures] == ['full']
    heard.listener.stop()
    assert len(taken) == 1
    # It is still on the bus, as those that came behind it.
    again = hear()
    again.wait(3)


def test_it_ends_while_a_record_is_taken(hear):
    go = threading.Event()
    heard = hear(take=lambda record, line: go.wait(10))
    Publisher().send()
    threading.Timer(0.2, go.set).start()
    heard.listener.stop()


def test_logs_are_as_they_were(hear):
    loggers = [
        logging.getLogger(name)
        for name in ('oslo_messaging', 'oslo.messaging', 'amqp', 'kombu')
    ]

    def state():
        return [(x.level, x.propagate, list(x.handlers)) for x in loggers]

    before = state()
    heard = hear()
    assert state() != before
    heard.listener.stop()
    assert state() == before


DRIVER = 'oslo.messaging._drivers.impl_rabbit'
UUID = '[0f0e1070-79d0-4000-ab87-fec4a471e607] '


class TestNews:
    """Of the connection, by the lines of the libraries' logs."""

    @pytest.fixture
    def told(self):
        return []

    @pytest.fixture
    def news(self, told):
        news = News('rabbit://mq/', told.append, debug=False)
        with news.followed():
            yield news

    def log(self, text, name=DRIVER, level=logging.ERROR):
        logging.getLogger(name).log(level, text)

    def test_each_change_is_said_once(self, news, told):
        for _ in range(3):
            self.log('Connection failed: refused (retrying in 1 seconds)')
        assert not news.is_connected
        news.connected()
        assert news.is_connected
        for _ in range(3):
            self.log(f'{UUID}AMQP server on mq:5672 is unreachable: reset')
            self.log('Failed to ack', level=logging.WARNING)
        assert not news.is_connected
        self.log('Channel open', 'amqp', logging.DEBUG)
        self.log('Channel open', 'amqp', logging.DEBUG)
        assert told == [
            'no connection to rabbit://mq/, trying again: Connection failed: '
            'refused (retrying in 1 seconds)',
            'connected to rabbit://mq/',
            'lost rabbit://mq/, trying again: AMQP server on mq:5672 is '
            'unreachable: reset',
            'connected to rabbit://mq/',
        ]

    def test_other_lines_once_each(self, news, told):
        news.connected()
        for _ in range(3):
            self.log('odd\x1b', 'kombu.x', logging.WARNING)
        self.log('fine', 'kombu.x', logging.INFO)
        assert told[1:] == ['odd\x1b']

    @pytest.mark.parametrize(
        ('name', 'text'),
        [
            (DRIVER, 'Failed to process message ... skipping it.'),
            (
                'oslo.messaging._drivers.amqpdriver',
                'Failed to process incoming message, retrying..',
            ),
            (
                'oslo.messaging._drivers.amqpdriver',
                'ignoring duplicate message 1',
            ),
            (DRIVER, 'The broker has blocked the connection: low on memory'),
        ],
    )
    def test_what_is_wrong_with_a_message_is_no_loss(
        self, news, told, name, text
    ):
        news.connected()
        for _ in range(2):
            self.log(text, name)
        assert news.is_connected
        assert told == ['connected to rabbit://mq/', text]

    def test_words_of_a_message_are_oslo_messagings(self):
        source = ''.join(
            pathlib.Path(module.__file__).read_text()
            for module in (amqpdriver, impl_rabbit)
        )
        assert [
            words for words in connection.STAYS if words not in source
        ] == []

    def test_what_is_raised_is_not_said_beside_it(self, news, told):
        self.log('Failed to declare consumer for topic x: y')
        text = (
            'Unable to connect to AMQP server on mq:5672 after inf tries: '
            'Queue.declare: (406) PRECONDITION_FAILED - other'
        )
        self.log(text)
        assert told == []
        assert news.cannot(Exception(text)) == (
            'cannot listen on rabbit://mq/: Queue.declare: (406) '
            'PRECONDITION_FAILED - other'
        )

    def test_no_passwords(self, news, told):
        self.log('cannot reach amqp://nova:s3cret@mq:5672//')
        assert 's3cret' not in told[0]

    def test_at_its_end_it_is_silent(self, news, told):
        news.connected()
        news.end()
        self.log(f'{UUID}AMQP server on mq:5672 is unreachable: reset')
        assert len(told) == 1
