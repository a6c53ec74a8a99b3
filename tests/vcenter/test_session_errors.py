# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is said in one line, which shows no password."""

import contextlib
import logging
import os
import pathlib
import signal
import socket
import traceback
import types

import pytest
from pyVmomi import SoapStubAdapter
from pyVmomi import vim
from pyVmomi import vmodl

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter.session import Session
from hypervisor_affinity.cloud.vcenter.vcenters import VCenters
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.processes import ports
from testbed.vcenter import inventory
from testbed.vcenter.certificates import Authority
from testbed.vcenter.simulator import VCenter
from tests.vcenter.tls_server import TlsServer
from tests.vcenter.tls_server import always
from tests.vcenter.tls_server import in_calls

PASSWORD = 'swordfish-&-5f3a'
# In seconds, for what hangs.
SHORT = 0.2
PAGE = b'<!DOCTYPE html><html><p>Welcome<br></html>'
XHTML = b'<html><body><p>Welcome</p></body></html>'
_NO_CERTIFICATE = 'its certificate is not trusted ('
_CA_FILE = '); set ca_file to the certificate of its CA'
_NONE = 'is not from a vCenter of a known release; check host_ip and host_port'


@pytest.fixture(autouse=True)
def password(monkeypatch):
    """What the password is, everywhere in this module."""
    monkeypatch.setattr(VCenter, 'password', PASSWORD)


class Site:
    """What there is to be reached; each method returns how."""

    def __init__(self, start_vcenter, access_of, authority, folder, stack):
        self._start = start_vcenter
        self._access_of = access_of
        self._stack = stack
        self.authority = authority
        self.folder = folder

    def start(self, pair=None):
        cluster = inventory.cluster('first', hosts=1)
        return self._start(inventory.Inventory(clusters=[cluster]), pair)

    def vcenter(self, pair=None, **values):
        return self._access_of(self.start(pair), **values)

    def other(self):
        return Authority(self.folder, 'other')

    def killed(self):
        vcenter = self.start()
        vcenter.kill()
        return self._access_of(vcenter)

    def halted(self):
        vcenter = self.start()
        pid = vcenter._process.process.pid
        os.kill(pid, signal.SIGSTOP)
        self._stack.callback(os.kill, pid, signal.SIGCONT)
        return self._access_of(vcenter)

    def http(self):
        return self._at(
            self._stack.enter_context(FakeApi(always(Answer()))).port
        )

    def tls(self, answer):
        server = TlsServer(self.authority.sign(), answer)
        return self._at(self._stack.enter_context(server).port)

    def closed(self):
        return self._at(*ports.free(1))

    def mute(self):
        server = socket.create_server(('127.0.0.1', 0))
        return self._at(self._stack.enter_context(server).getsockname()[1])

    def _at(self, port):
        place = types.SimpleNamespace(
            host='127.0.0.1',
            port=port,
            user='reader',
            password=PASSWORD,
            ca_file=self.authority.file,
        )
        return self._access_of(place)


@pytest.fixture
def site(start_vcenter, access_of, authority, tmp_path):
    with contextlib.ExitStack() as stack:
        yield Site(start_vcenter, access_of, authority, tmp_path, stack)


def ask(content):
    """Ask something that needs a session."""
    return content.rootFolder.childEntity[0].name


def empty(site):
    path = site.folder / 'empty.pem'
    path.write_text('none\n')
    return path


# {what is wrong: (how it comes about, what is said of it)}
CASES = {
    'password': (
        lambda site: site.vcenter(host_password=f'{PASSWORD}-other'),
        "it refuses user 'administrator@vsphere.local' or the password; "
        'check host_username and host_password',
    ),
    'user': (
        lambda site: site.vcenter(host_username='nobody'),
        "it refuses user 'nobody' or the password; "
        'check host_username and host_password',
    ),
    'other authority': (
        lambda site: site.vcenter(site.other().sign()),
        f'{_NO_CERTIFICATE}unable to get local issuer certificate{_CA_FILE}',
    ),
    'no ca_file': (
        lambda site: site.vcenter(ca_file=None),
        f'{_NO_CERTIFICATE}unable to get local issuer certificate{_CA_FILE}',
    ),
    'other name': (
        lambda site: site.vcenter(site.authority.sign('vc.example.org')),
        f'{_NO_CERTIFICATE}IP address mismatch, certificate is not valid for '
        "'127.0.0.1'",
    ),
    'expired': (
        lambda site: site.vcenter(site.authority.sign_expired()),
        f'{_NO_CERTIFICATE}certificate has expired',
    ),
    'ca_file is missing': (
        lambda site: site.vcenter(ca_file=site.folder / 'missing.pem'),
        'missing.pem cannot be used: No such file or directory',
    ),
    'ca_file has none': (
        lambda site: site.vcenter(ca_file=empty(site)),
        'empty.pem cannot be used: ',
    ),
    'ca_file is a folder': (
        lambda site: site.vcenter(ca_file=site.folder),
        ' cannot be used: ',
    ),
    'dead': (
        lambda site: site.killed(),
        'Connection refused; see whether vCenter is up and can be reached',
    ),
    'closed port': (
        lambda site: site.closed(),
        'Connection refused; see whether vCenter is up and can be reached',
    ),
    'halted': (
        lambda site: site.halted(),
        f'no answer within {SHORT} s; see whether vCenter is up',
    ),
    'mute': (
        lambda site: site.mute(),
        f'no answer within {SHORT} s; see whether vCenter is up',
    ),
    'plain HTTP': (
        lambda site: site.http(),
        'no TLS connection (WRONG_VERSION_NUMBER); check host_port',
    ),
    'not found': (
        lambda site: site.tls(always(Answer(404))),
        f'(404 Not Found) {_NONE}',
    ),
    'page': (
        lambda site: site.tls(always(Answer(200, PAGE))),
        f'(200 OK) {_NONE}',
    ),
    'broken XML': (
        lambda site: site.tls(always(Answer(200, b'<namespaces>'))),
        f'(200 OK) {_NONE}',
    ),
    'XML bomb': (
        lambda site: site.tls(
            always(Answer(200, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'))
        ),
        f'(200 OK) {_NONE}',
    ),
    'cut off': (
        lambda site: site.tls(always(Answer(200, XHTML, cut=True))),
        'the answer is incomplete, or not from vCenter (IncompleteRead)',
    ),
    'calls are not found': (
        lambda site: site.tls(in_calls(Answer(404))),
        'the answer is incomplete, or not from vCenter (HTTPException)',
    ),
    'calls are unavailable': (
        lambda site: site.tls(in_calls(Answer(503, PAGE))),
        'the answer is incomplete, or not from vCenter (HTTPException)',
    ),
    'calls answer with a page': (
        lambda site: site.tls(in_calls(Answer(200, PAGE))),
        'the answer is incomplete, or not from vCenter',
    ),
    'calls answer with XHTML': (
        lambda site: site.tls(in_calls(Answer(200, XHTML))),
        'or not from vCenter',
    ),
    'calls fail with a page': (
        lambda site: site.tls(in_calls(Answer(500, PAGE))),
        'the answer is incomplete, or not from vCenter',
    ),
    'calls fail with XHTML': (
        lambda site: site.tls(in_calls(Answer(500, XHTML))),
        'or not from vCenter',
    ),
    'calls answer with nothing': (
        lambda site: site.tls(in_calls(Answer(200))),
        'the answer is incomplete, or not from vCenter',
    ),
    'calls answer with no gzip': (
        lambda site: site.tls(
            in_calls(Answer(200, PAGE, {'Content-Encoding': 'gzip'}))
        ),
        'or not from vCenter',
    ),
    'calls are cut off': (
        lambda site: site.tls(in_calls(Answer(200, XHTML, cut=True))),
        'or not from vCenter',
    ),
}
# The others must not be thought dead on a machine that is busy.
HANGS = {'halted', 'mute'}


def all_that_is_shown(error, access, session, caplog):
    command = pathlib.Path('/proc/self/cmdline').read_text()
    return '\n'.join(
        [
            *traceback.format_exception(error),
            repr(error),
            repr(access),
            str(access),
            repr(session),
            repr(VCenters([access])),
            repr(VCenters([access]).each),
            caplog.text,
            command,
        ]
    )


@pytest.mark.parametrize('name', CASES)
def test_errors(site, caplog, name):
    caplog.set_level(logging.DEBUG)
    reach, says = CASES[name]
    access = reach(site)
    timeout = SHORT if name in HANGS else 60
    with contextlib.closing(Session(access, timeout)) as session:
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                session.call(ask)
            text = str(caught.value)
            assert text.startswith(f'vCenter 127.0.0.1:{access.port}: ')
            assert says in text
            assert '\n' not in text
        shown = all_that_is_shown(caught.value, access, session, caplog)
        assert access.name in shown
        assert PASSWORD not in shown


@pytest.mark.parametrize(
    ('fault', 'says'),
    [
        (
            vim.fault.NoPermission(privilegeId='System.View'),
            "user 'administrator@vsphere.local' lacks the privilege "
            'System.View; give it the role Read-only at the top of the '
            'inventory',
        ),
        (
            vim.fault.NoPermission(),
            'lacks the privilege System.Read',
        ),
        (
            vmodl.fault.SystemError(msg='A general\n system  error.'),
            'A general system error (SystemError); see the log of vpxd',
        ),
        (vmodl.RuntimeFault(), 'RuntimeFault; see the log of vpxd'),
    ],
    ids=['right', 'a right', 'words', 'no words'],
)
def test_faults(site, caplog, monkeypatch, fault, says):
    caplog.set_level(logging.DEBUG)
    original = SoapStubAdapter.InvokeMethod

    def invoke(stub, managed, info, arguments, *others):
        if info.name == 'CreateContainerView':
            # Imitated: the simulator's only user may do everything.
            raise fault
        return original(stub, managed, info, arguments, *others)

    monkeypatch.setattr(SoapStubAdapter, 'InvokeMethod', invoke)
    with VCenters([site.vcenter()]) as vcenters:
        (record,) = vcenters.read()
    assert record.error.startswith(f'vCenter {record.name}: ')
    assert says in record.error
    assert '\n' not in record.error
    assert PASSWORD not in record.error + caplog.text


@pytest.mark.parametrize(
    'sign',
    [
        lambda site: site.other().sign(),
        lambda site: site.authority.sign('vc.example.org'),
        lambda site: site.authority.sign_expired(),
    ],
    ids=['authority', 'name', 'time'],
)
def test_insecure(site, sign):
    pair = sign(site)
    access = site.vcenter(pair, ca_file=None, insecure=True)
    with VCenters([access]) as vcenters:
        (record,) = vcenters.read()
    assert record.error == ''
    assert not record.verified
    assert [cluster.name for cluster in record.clusters] == ['first']


def test_no_password_while_all_is_well(site, caplog):
    caplog.set_level(logging.DEBUG)
    access = site.vcenter()
    with VCenters([access]) as vcenters:
        (record,) = vcenters.read()
        shown = f'{record!r}{vcenters!r}{vcenters.each!r}{access!r}'
    assert record.verified
    assert access.name in shown
    assert PASSWORD not in shown + caplog.text
