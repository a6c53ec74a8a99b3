# SPDX-License-Identifier: Apache-2.0
"""The thread that sends records, whatever the message broker does."""

import os
import sys
import threading

import pytest
from nova import rpc
from oslo_context import context as oslo_context

from hypervisor_affinity.scheduler import decision_notifier
from hypervisor_affinity.scheduler import filters
from hypervisor_affinity.scheduler.decision_notifier import DecisionNotifier
from hypervisor_affinity.scheduler.notices import Notices
from testbed.processes.polling import until
from tests.unit.scheduler import nova_objects as build
from tests.unit.scheduler.test_filters import kvm

QCOW2 = {'disk_format': 'qcow2'}


class Stuck:
    """A notifier whose broker is away."""

    def __init__(self):
        self.back = threading.Event()
        self.sent = []

    def prepare(self, publisher_id):
        return self

    def info(self, context, event_type, payload):
        self.back.wait()
        self.sent.append(payload)


@pytest.fixture
def stuck(monkeypatch, messaging):
    notifier = Stuck()
    monkeypatch.setattr(rpc, 'LEGACY_NOTIFIER', notifier)
    yield notifier
    notifier.back.set()


def test_nobody_waits_while_the_broker_is_away(stuck, log):
    one = DecisionNotifier(Notices(), most_waiting=10)
    request, decision = some_decision()
    for _ in range(100):
        one.send(request, decision)
    assert log.output.count('Records of decisions are left out') == 1
    stuck.back.set()
    until(lambda: 'were left out' in log.output, 'the records', seconds=10)
    for _ in range(5):
        one.send(request, decision)
    # One is with the notifier while ten wait.
    until(lambda: len(stuck.sent) in (15, 16), 'the records', seconds=10)


def test_a_full_queue_is_no_error_in_the_log(stuck, monkeypatch):
    handled = []
    monkeypatch.setattr(
        decision_notifier.LOG,
        'warning',
        # As oslo.log's %(error_summary)s.
        lambda *args: handled.append(sys.exc_info()[1]),
    )
    one = DecisionNotifier(Notices(), most_waiting=1)
    for _ in range(9):
        one.send(*some_decision())
    assert handled == [None]


def some_decision():
    one = filters.HypervisorAffinityFilter()
    request = one._requests.read(build.request_spec(QCOW2))
    judgement = one._judge.judge_all([kvm()], request)
    return request, filters.decide(
        request.demand,
        request.policy,
        judgement.distinct,
        judgement.counts(),
        1,
    )


def test_a_process_that_is_forked_sends_by_itself(stuck, monkeypatch):
    stuck.back.set()
    one = DecisionNotifier(Notices())
    request, decision = some_decision()
    one.send(request, decision)
    until(lambda: len(stuck.sent) == 1, 'the records', seconds=10)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        one.send(request, decision)
        until(lambda: len(stuck.sent) == 2, 'the records', seconds=10)
        os.write(write, b'sent')
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 4) == b'sent'


@pytest.mark.filterwarnings('ignore:Exception in thread')
def test_a_thread_that_has_ended_is_replaced(stuck):
    def leave(*args):
        raise SystemExit

    stuck.info = leave
    one = DecisionNotifier(Notices())
    one.send(*some_decision())
    until(lambda: not one._sender.is_working, 'the end', seconds=10)
    stuck.info = lambda *args: stuck.sent.append(args)
    one.send(*some_decision())
    until(lambda: stuck.sent, 'the records', seconds=10)


def test_whatever_it_raises_the_request_is_answered(
    messaging, log, monkeypatch
):
    def fail():
        raise RuntimeError

    monkeypatch.setattr(oslo_context, 'get_current', fail)
    assert filters.HypervisorAffinityFilter().filter_all(
        [kvm()], build.request_spec(QCOW2)
    )
    assert 'ERROR Cannot record a decision' in log.output


def test_a_record_that_cannot_be_sent_ends_nothing(stuck, log):
    def fail(*args):
        raise RuntimeError

    stuck.info = fail
    one = DecisionNotifier(Notices())
    for _ in range(3):
        one.send(*some_decision())
    until(
        lambda: 'ERROR Cannot send a record' in log.output,
        'the records',
        seconds=10,
    )
    stuck.info = lambda *args: stuck.sent.append(args)
    one.send(*some_decision())
    until(lambda: stuck.sent, 'the records', seconds=10)
    assert decision_notifier.EVENT_TYPE in stuck.sent[0]
