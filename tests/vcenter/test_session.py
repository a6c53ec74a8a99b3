# SPDX-License-Identifier: Apache-2.0
"""Sessions: when one begins, how long it lasts, and that it ends."""

import os
import signal
import socket
import threading
from concurrent import futures

import pytest
from pyVmomi import SoapStubAdapter

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import session as sessions
from hypervisor_affinity.cloud.vcenter.session import Session
from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from testbed.processes import polling
from testbed.vcenter import inventory
from tests.vcenter import properties
from tests.vcenter.administrator import Administrator


@pytest.fixture
def vcenter(start_vcenter):
    cluster = inventory.cluster('first', hosts=2)
    return start_vcenter(inventory.Inventory(clusters=[cluster]))


@pytest.fixture
def admin(vcenter):
    return Administrator(vcenter.connect())


@pytest.fixture
def session(vcenter, access_of):
    session = Session(access_of(vcenter))
    yield session
    session.close()


@pytest.fixture
def logins(monkeypatch):
    """What users log in, as it goes on."""
    users = []
    original = SoapStubAdapter.InvokeMethod

    def invoke(stub, managed, info, arguments, *others):
        if info.name == 'Login':
            users.append(arguments[0])
        return original(stub, managed, info, arguments, *others)

    monkeypatch.setattr(SoapStubAdapter, 'InvokeMethod', invoke)
    return users


def ask(content):
    """Ask something that needs a session."""
    return content.rootFolder.childEntity[0].name


def test_it_logs_in_when_it_is_used(session, admin, vcenter):
    assert admin.sessions() == []
    session.call(ask)
    assert [found.userName for found in admin.sessions()] == [vcenter.user]


def test_one_session_for_many_calls(session, admin, logins):
    for _ in range(3):
        session.call(ask)
    assert len(logins) == len(admin.sessions()) == 1


def test_close_logs_out(session, admin):
    session.call(ask)
    session.close()
    assert admin.sessions() == []
    session.close()


def test_close_without_a_session(session, admin):
    session.close()
    assert admin.sessions() == []


def test_after_close_it_logs_in_again(session, admin):
    session.call(ask)
    session.close()
    session.call(ask)
    assert len(admin.sessions()) == 1


def fail(content):
    ask(content)
    raise LookupError('no such thing')


def refuse(content):
    properties.read(content, content.rootFolder, 'nmae')


@pytest.mark.parametrize(
    ('broken', 'error'),
    [(fail, LookupError), (refuse, SourceError)],
)
def test_a_failure_leaves_one_session_until_close(
    session, admin, broken, error
):
    for _ in range(2):
        with pytest.raises(error):
            session.call(broken)
    assert len(admin.sessions()) == 1
    session.close()
    assert admin.sessions() == []


def test_all_are_logged_out_after_a_failure(vcenter, admin, access_of):
    with pytest.raises(LookupError), VCenters([access_of(vcenter)]) as all_:
        assert [found.error for found in all_.read()] == ['']
        assert len(admin.sessions()) == 1
        raise LookupError
    assert admin.sessions() == []


def test_an_administrator_ended_the_session(session, admin, logins):
    session.call(ask)
    assert admin.end_sessions() == 1
    assert session.call(ask)
    assert len(logins) == 2
    assert len(admin.sessions()) == 1


def test_close_after_an_administrator_ended_the_session(session, admin):
    session.call(ask)
    admin.end_sessions()
    session.close()
    assert admin.sessions() == []


def test_vcenter_was_started_again(session, vcenter):
    session.call(ask)
    vcenter.kill()
    vcenter.start()
    assert session.call(ask)
    assert len(Administrator(vcenter.connect()).sessions()) == 1


def test_vcenter_is_dead_for_a_while(session, vcenter):
    session.call(ask)
    vcenter.kill()
    for _ in range(2):
        with pytest.raises(SourceError, match='refused'):
            session.call(ask)
    vcenter.start()
    assert session.call(ask)
    assert len(Administrator(vcenter.connect()).sessions()) == 1


def test_the_record_says_that_vcenter_is_dead(vcenter, access_of):
    with VCenters([access_of(vcenter)]) as vcenters:
        (before,) = vcenters.read()
        vcenter.kill()
        (dead,) = vcenters.read()
        vcenter.start()
        (after,) = vcenters.read()
    assert before == after
    assert before.error == ''
    assert dead.error.startswith(f'vCenter 127.0.0.1:{vcenter.port}: ')
    assert 'refused' in dead.error
    assert dead.computes == before.computes
    assert (dead.uuid, dead.clusters) == ('', ())


def test_close_while_vcenter_is_dead(session, vcenter):
    session.call(ask)
    vcenter.kill()
    session.close()


@pytest.fixture
def halt(vcenter):
    """Return a function that has vCenter hang or, with False, go on."""
    pid = vcenter._process.process.pid

    def halt(is_on):
        os.kill(pid, signal.SIGSTOP if is_on else signal.SIGCONT)

    yield halt
    halt(False)


def test_vcenter_hangs_for_a_while(vcenter, access_of, halt):
    session = Session(access_of(vcenter), timeout=2)
    session.call(ask)
    asked = []
    halt(True)
    with pytest.raises(SourceError, match='no answer within 2 s'):
        session.call(lambda content: asked.append(content) or ask(content))
    assert len(asked) == 1
    halt(False)
    assert session.call(ask)
    session.close()
    admin = Administrator(vcenter.connect())
    assert admin.sessions() == []


@pytest.mark.parametrize('given', [(), (7,)])
def test_no_connection_waits_for_ever(vcenter, access_of, monkeypatch, given):
    waits = []
    original = socket.create_connection

    def create(address, timeout=None, *others):
        waits.append(timeout)
        return original(address, timeout, *others)

    monkeypatch.setattr(socket, 'create_connection', create)
    session = Session(access_of(vcenter), *given)
    session.call(ask)
    # The versions by one, the calls by another.
    assert len(waits) == 2
    assert set(waits) == set(given or [sessions.TIMEOUT])
    session.close()


def test_one_call_at_a_time(session, admin):
    running = []
    barrier = threading.Barrier(2)

    def alone(content):
        running.append(content)
        names = [ask(content) for _ in range(5)]
        names += [str(len(running))]
        running.remove(content)
        return names

    def work():
        barrier.wait()
        return [session.call(alone) for _ in range(10)]

    with futures.ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(work) for _ in range(2)]
        (datacenter,) = {admin.content.rootFolder.childEntity[0].name}
        expected = [[datacenter] * 5 + ['1']] * 10
        assert [answer.result() for answer in answers] == [expected] * 2
    assert len(admin.sessions()) == 1


def test_close_does_not_wait_for_a_call(session, monkeypatch):
    monkeypatch.setattr(sessions, '_PATIENCE', 0.01)
    asked, closed = threading.Event(), threading.Event()

    def wait(content):
        asked.set()
        assert closed.wait(polling.TIMEOUT)
        return ask(content)

    with futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.call, wait)
        assert asked.wait(polling.TIMEOUT)
        session.close()
        closed.set()
        assert answer.result()
