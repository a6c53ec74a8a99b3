# SPDX-License-Identifier: Apache-2.0
"""The servers of a cloud, of which only changes are read most of the time.

What nova tells by ``changes-since``: a server whose row in its database was
written since then. It does so for whatever happens to a server: it is booted,
moved, resized, rebuilt, deleted. Some things are not seen that way, and are
as they were until all servers are read again:

* that a deleted server was archived (``nova-manage db
  archive_deleted_rows``) before anybody asked for changes,
* that a server was deleted before nova-scheduler had found a host for it,
* volumes and their image metadata, which are Cinder's, and image properties
  that ``nova-manage image_property set`` changes,
* what was written while nova-api could not reach the cell, or by a host whose
  clock is slow by more than ``_OVERLAP``.
"""

import datetime
import sys
import time
from collections.abc import Collection

import msgspec

from hypervisor_affinity.cloud.changes import ChangingServers
from hypervisor_affinity.cloud.snapshot import Server

# In seconds, from the beginning of one reading of all servers to that of the
# next.
_ALL_AGAIN = 900.0
# By how much more is asked for than is new: each service of nova has a clock
# of its own, and a row is seen later than the time that is in it.
_OVERLAP = datetime.timedelta(minutes=5)


class KnownServers:
    """Remembers servers, and asks for what has changed."""

    def __init__(self, source: ChangingServers) -> None:
        """Read nothing yet."""
        self._source = source
        self._servers: dict[str, Server] = {}
        # By the monotonic clock; None for never.
        self._all_read_at: float | None = None
        # What to ask for next, less the overlap.
        self._since: datetime.datetime | None = None
        self._shared: dict[bytes, object] = {}

    def read(self) -> Collection[Server]:
        """Return the servers as they are now.

        :raises SourceError: if they cannot be read; the next time, what
            changed since the last success is asked for
        """
        if self._since is None or self._is_old():
            self._read_all()
        else:
            self._read_changes(self._since)
        return self._servers.values()

    def _is_old(self) -> bool:
        return (
            self._all_read_at is None
            or time.monotonic() - self._all_read_at >= _ALL_AGAIN
        )

    def _read_all(self) -> None:
        began, began_at = time.monotonic(), _now()
        self._shared = {}
        servers: dict[str, Server] = {}
        newest = None
        for change in self._source.server_changes(None):
            if change.server is not None:
                servers[change.id] = self._sharing(change.server)
            newest = _later(newest, change.at)
        self._servers, self._all_read_at = servers, began
        self._since = _earlier(began_at, newest)

    def _read_changes(self, since: datetime.datetime) -> None:
        began_at, newest = _now(), since
        for change in self._source.server_changes(since - _OVERLAP):
            if change.server is None:
                self._servers.pop(change.id, None)
            else:
                self._servers[change.id] = self._sharing(change.server)
            newest = _later(newest, change.at) or newest
        self._since = _earlier(began_at, newest)

    def _sharing(self, server: Server) -> Server:
        """Return an equal server, with parts that it shares with others.

        Of as many as there are, most have one of a few flavors, images and
        hosts: unshared they need three times the memory.
        """
        return msgspec.structs.replace(
            server,
            flavor=self._shared_part(server.flavor),
            image_properties=self._shared_part(server.image_properties),
            **{
                name: sys.intern(text)
                for name in ('project', 'status', 'host', 'node', 'image')
                if (text := getattr(server, name)) is not None
            },
        )

    def _shared_part(self, part: object) -> object:
        return self._shared.setdefault(msgspec.json.encode(part), part)


def _now() -> datetime.datetime:
    return datetime.datetime.fromtimestamp(time.time(), datetime.UTC)


def _later(
    one: datetime.datetime | None, other: datetime.datetime | None
) -> datetime.datetime | None:
    return max(filter(None, (one, other)), default=None)


def _earlier(
    ours: datetime.datetime, newest: datetime.datetime | None
) -> datetime.datetime:
    """Return what to ask for next: whichever clock is wrong, the earlier.

    :param ours: when the reading began, by the clock of this machine
    :param newest: the last change that was seen; None if no server has one
    """
    return ours if newest is None else min(ours, newest)
