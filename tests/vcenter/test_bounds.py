# SPDX-License-Identifier: Apache-2.0
"""A vCenter, or a proxy before it, that never ends is left in time."""

import contextlib
import dataclasses
import gzip
import http.client
import os
import signal
import ssl
import time
import types

import pytest

from hypervisor_affinity.cloud.bounds import Bounds
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter import session as sessions
from hypervisor_affinity.cloud.vcenter.session import Session
from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from testbed.fake_api import Answer
from testbed.vcenter import inventory
from tests.vcenter.tls_server import TlsServer
from tests.vcenter.tls_server import always
from tests.vcenter.tls_server import in_calls

MIB = 1024**2
BOUNDS = Bounds(0.5, MIB)
# In seconds: far below how long any of the answers below would take.
SOON = 20
ENVELOPE = (
    '<soapenv:Envelope '
    'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns="urn:vim25"><soapenv:Body><RetrieveServiceContentResponse>'
    '<returnval><about><name>{}</name></about></returnval>'
    '</RetrieveServiceContentResponse></soapenv:Body></soapenv:Envelope>'
)
LONG = ENVELOPE.format('x' * 3 * MIB).encode()
_ADVICE = (
    '; see whether vCenter is up, or set a longer reading_deadline or a '
    'higher reading_limit in [hypervisor_affinity_vcenter]'
)
_NONE = 'the answer is incomplete, or not from vCenter (HTTPException)'


@pytest.fixture
def reach(authority, access_of):
    """Return a function that returns how to reach a server of ours."""
    with contextlib.ExitStack() as stack:

        def reach(answer, bounds=BOUNDS):
            server = stack.enter_context(TlsServer(authority.sign(), answer))
            place = types.SimpleNamespace(
                host='127.0.0.1',
                port=server.port,
                user='reader',
                password='swordfish',
                ca_file=authority.file,
            )
            return dataclasses.replace(access_of(place), bounds=bounds)

        yield reach


@pytest.fixture
def vcenter(start_vcenter):
    cluster = inventory.cluster('first', hosts=1)
    return start_vcenter(inventory.Inventory(clusters=[cluster]))


def ask(content):
    """Ask something that needs a session."""
    return content.rootFolder.childEntity[0].name


@pytest.mark.parametrize(
    'answer',
    [
        always(Answer(body=LONG, drip=0.02)),
        always(Answer(body=LONG, drip=0.02, drips_head=True)),
        in_calls(Answer(body=LONG, drip=0.02)),
        in_calls(Answer(500, LONG, drip=0.02)),
        in_calls(Answer(body=LONG, drip=0.02, drips_head=True)),
        in_calls(
            Answer(
                body=gzip.compress(os.urandom(1000)),
                headers={'Content-Encoding': 'gzip'},
                drip=0.02,
            )
        ),
    ],
    ids=['versions', 'head', 'call', 'fault', 'head of call', 'compressed'],
)
def test_who_drips(reach, answer):
    access = reach(answer)
    began = time.monotonic()
    with contextlib.closing(Session(access)) as session:
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                session.call(ask)
            assert str(caught.value) == (
                f'vCenter {access.name}: no complete answer within 0.5 '
                f's{_ADVICE}'
            )
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    'answer',
    [
        always(Answer(body=LONG)),
        in_calls(Answer(body=LONG)),
        in_calls(Answer(500, LONG)),
        in_calls(
            Answer(
                body=gzip.compress(LONG),
                headers={'Content-Encoding': 'gzip'},
            )
        ),
    ],
    ids=['versions', 'call', 'fault', 'compressed'],
)
def test_who_floods(reach, answer):
    access = reach(answer, Bounds(60, MIB))
    with (
        contextlib.closing(Session(access)) as session,
        pytest.raises(SourceError) as caught,
    ):
        session.call(ask)
    assert str(caught.value) == (
        f'vCenter {access.name}: the answer is larger than 1 MiB{_ADVICE}'
    )


BOMB = '<!DOCTYPE a [<!ENTITY a "xxxxxxxxxx">]>' + ENVELOPE.format('&a;' * 10)


@pytest.mark.parametrize(
    'body',
    [
        BOMB.encode(),
        f'<!-- {"x" * 5000} -->{BOMB}'.encode(),
        BOMB.encode('utf-16'),
        b'<x>' * 10**5,
        ENVELOPE.format('<x>' * 10**4 + '</x>' * 10**4).encode(),
    ],
    ids=['bomb', 'later', 'utf-16', 'deep', 'deep inside'],
)
def test_what_xml_may_not_be(reach, body):
    access = reach(in_calls(Answer(body=body)), Bounds(60, MIB))
    with (
        contextlib.closing(Session(access)) as session,
        pytest.raises(SourceError) as caught,
    ):
        session.call(ask)
    assert _NONE in str(caught.value)


def test_all_calls_of_a_reading_together(vcenter, access_of):
    access = access_of(vcenter)
    with contextlib.closing(
        Session(dataclasses.replace(access, bounds=Bounds(1, MIB)))
    ) as session:

        def ask_for_ever(content):
            while True:
                ask(content)
                time.sleep(0.01)

        with pytest.raises(SourceError, match='no complete answer within 1 s'):
            session.call(ask_for_ever)
        # The next reading has its own time.
        assert session.call(ask)
    with (
        contextlib.closing(
            Session(dataclasses.replace(access, bounds=Bounds(60, MIB // 4)))
        ) as session,
        pytest.raises(SourceError, match=r'answer is larger than 0\.25 MiB'),
    ):
        session.call(lambda content: [ask(content) for _ in range(10**5)])


def test_others_are_read_beside_one_that_drips(reach, vcenter, access_of):
    slow = reach(in_calls(Answer(body=LONG, drip=0.02)))
    with VCenters([slow, access_of(vcenter)]) as vcenters:
        first, second = vcenters.read()
    assert 'no complete answer within 0.5 s' in first.error
    assert second.error == ''
    assert [cluster.name for cluster in second.clusters] == ['first']


def test_nobody_waits_for_long_to_log_out(vcenter, access_of, monkeypatch):
    monkeypatch.setattr(sessions, '_PATIENCE', 0.5)
    session = Session(access_of(vcenter))
    assert session.call(ask)
    pid = vcenter._process.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        session.close()
        assert time.monotonic() - began < SOON
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_is_compressed_is_read(reach, vcenter, access_of):
    compressed = []

    def answer(request):
        connection = http.client.HTTPSConnection(
            vcenter.host,
            vcenter.port,
            context=ssl._create_unverified_context(),
        )
        with contextlib.closing(connection):
            connection.request(
                request.method,
                request.target,
                request.body,
                dict(request.headers),
            )
            found = connection.getresponse()
            body = found.read()
        headers = {'Set-Cookie': found.getheader('Set-Cookie', '')}
        if 'gzip' in request.headers.get('Accept-Encoding', ''):
            body = gzip.compress(body)
            headers['Content-Encoding'] = 'gzip'
            compressed.append(request)
        return Answer(found.status, body, headers)

    access = dataclasses.replace(
        reach(answer),
        user=vcenter.user,
        password=vcenter.password,
        bounds=Bounds(60, MIB),
    )
    with VCenters([access]) as vcenters:
        (record,) = vcenters.read()
    assert record.error == ''
    assert [cluster.name for cluster in record.clusters] == ['first']
    assert len(compressed) > 3
