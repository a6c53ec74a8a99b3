# SPDX-License-Identifier: Apache-2.0
"""Keeps every test on this machine."""

import ipaddress
import socket
import sys

LOOPBACK_NAMES = {None, '', 'localhost', socket.gethostname()}


def is_local(host: object) -> bool:
    """Tell whether this is a name or an address of the machine itself."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in LOOPBACK_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_network(event: str, args: tuple) -> None:
    """Raise where Python is about to look up or reach another machine.

    This is an audit hook since nova replaces the classes in ``socket`` when
    eventlet is on: below them it sees every call.
    """
    if event in ('socket.getaddrinfo', 'socket.gethostbyname'):
        host = args[0]
    elif event in ('socket.connect', 'socket.sendto'):
        sock, address = args
        if sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        if event == 'socket.connect' and sock.type == socket.SOCK_DGRAM:
            # Sends nothing: oslo.utils asks for its own address like this.
            return
        host = address[0]
    else:
        return
    if not is_local(host):
        raise RuntimeError(f'a test may not talk to {host}: {event}')


sys.addaudithook(refuse_network)
