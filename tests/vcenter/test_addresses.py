# SPDX-License-Identifier: Apache-2.0
"""A vCenter is reached by name and by IPv6, and its certificate fits."""

import select
import socket
import socketserver
import threading

import pytest

from testbed.vcenter import inventory
from tests.vcenter.conf_files import read_once


@pytest.fixture
def start(start_vcenter, authority):
    """Return a function that starts a vCenter with a certificate."""
    described = inventory.Inventory(clusters=[inventory.cluster('first', 1)])
    return lambda address: start_vcenter(described, authority.sign(address))


class _Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    target: tuple[str, int]


class _Relay(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.create_connection(self.server.target) as behind:
            other = {self.request: behind, behind: self.request}
            while True:
                for ready in select.select(other, (), ())[0]:
                    part = ready.recv(65_536)
                    if not part:
                        return
                    other[ready].sendall(part)


@pytest.fixture
def relay():
    """Return a function that has IPv6 lead to a port, and returns its own."""
    try:
        server = _Server(('::1', 0), _Relay)
    except OSError as error:
        pytest.skip(f'no IPv6 on loopback: {error}')
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()

    def relay(host, port):
        server.target = host, port
        return server.server_address[1]

    yield relay
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_name(start, access_of):
    vcenter = start('localhost')
    record = read_once(access_of(vcenter, host_ip='localhost'))
    assert (record.error, record.verified) == ('', True)
    assert record.name == f'localhost:{vcenter.port}'
    assert [cluster.name for cluster in record.clusters] == ['first']


def test_ipv6(start, access_of, relay):
    vcenter = start('::1')
    port = relay(vcenter.host, vcenter.port)
    record = read_once(access_of(vcenter, host_ip='::1', host_port=port))
    assert (record.error, record.verified) == ('', True)
    assert record.name == f'[::1]:{port}'
    assert [cluster.name for cluster in record.clusters] == ['first']


def test_ipv6_of_another(start, access_of, relay):
    vcenter = start('::2')
    port = relay(vcenter.host, vcenter.port)
    record = read_once(access_of(vcenter, host_ip='::1', host_port=port))
    assert "not valid for '::1'" in record.error
