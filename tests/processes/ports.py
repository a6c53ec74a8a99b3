# SPDX-License-Identifier: Apache-2.0
"""Ports on loopback for servers that are told theirs beforehand."""

import random
import socket

# Above those that the system gives to outgoing connections: one of these
# could take a port between now and when the server wants it.
_CANDIDATES = range(61_000, 65_536)
_given: set[int] = set()


def free(count: int) -> list[int]:
    """Return as many ports that nobody listens on; none is given twice."""
    found = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if len(found) == count:
            break
        if port not in _given and _is_free(port):
            found.append(port)
    assert len(found) == count, f'no {count} free ports in {_CANDIDATES}'
    _given.update(found)
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server(('127.0.0.1', port)).close()
    except OSError:
        return False
    return True
