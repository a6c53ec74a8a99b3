# SPDX-License-Identifier: Apache-2.0
"""Ports on loopback for servers that are told theirs beforehand."""

import json
import pathlib
import random
import socket
from collections.abc import Callable, Mapping, Sequence

import psutil

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
    assert len(found) == count, f'fewer than {count} free: {_CANDIDATES}'
    _given.update(found)
    return found


def keep(
    path: pathlib.Path, names: Sequence[str], first: int | None
) -> dict[str, int]:
    """Return {name: port}, for the same file always the same.

    :param path: of the file that remembers them
    :param first: the first of consecutive ones, for a file that is not there
        yet; None for free ones
    """
    if path.exists():
        return json.loads(path.read_text())
    numbers = (
        free(len(names)) if first is None else range(first, first + len(names))
    )
    kept = dict(zip(names, numbers, strict=True))
    path.write_text(json.dumps(kept, indent=4))
    return kept


def is_served(port: int) -> bool:
    """Tell whether somebody listens."""
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
    except OSError:
        return False
    return True


def taken(
    ports: Mapping[str, int], is_own: Callable[[int], bool]
) -> list[str]:
    """Return what is to be said of those that somebody else listens on.

    :param ports: {what is to listen: port}
    :param is_own: tells of the number of a process whether it may listen
    """
    owners = {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections('tcp')
        if connection.status == psutil.CONN_LISTEN
    }
    said = []
    for name, port in ports.items():
        if _is_free(port):
            continue
        owner = _process(owners.get(port))
        if owner is None:
            # Of another user, who need not tell.
            said.append(f'port {port}, for {name}, is in use')
        elif not is_own(owner.pid):
            said.append(
                f'port {port}, for {name}, is in use by process {owner.pid} '
                f'({" ".join(owner.cmdline())})'
            )
    return said


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid else None
    except psutil.NoSuchProcess:
        return None


def _is_free(port: int) -> bool:
    try:
        socket.create_server(('127.0.0.1', port)).close()
    except OSError:
        return False
    return True
