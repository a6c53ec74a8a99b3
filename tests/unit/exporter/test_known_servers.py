# SPDX-License-Identifier: Apache-2.0
"""What the exporter knows of servers is what nova has, sooner or later."""

import dataclasses
import datetime

import pytest

from hypervisor_affinity.cloud.changes import Change
from hypervisor_affinity.cloud.changes import ChangingServers
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.exporter import known_servers
from hypervisor_affinity.exporter.known_servers import KnownServers
from tests import cloud_of_records as records

NOON = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
MINUTE = 60
ALL_AGAIN = 15 * MINUTE


@dataclasses.dataclass
class Row:
    """A server in nova's database.

    :ivar updated: by the clock of whoever wrote it; None if it was created
        and never written again
    """

    server: object
    updated: float | None
    deleted: bool = False


class Nova:
    """A database with nova's rules for what has changed.

    :ivar now: in seconds since noon, by the clock of this machine
    :ivar ahead: by how much nova's clock is before it
    :ivar asked: since when, of each reading; None for all
    :ivar fails: whether a reading fails after its first server
    """

    def __init__(self):
        self.now = 0.0
        self.ahead = 0.0
        self.asked = []
        self.fails = False
        self._rows = {}

    def time(self):
        return NOON.timestamp() + self.now

    def monotonic(self):
        return 1000 + self.now

    def write(self, name, host='kvm-1', **fields):
        server = records.server(name, records.QCOW2, host, **fields)
        self._rows[server.id] = Row(server, self.now + self.ahead)

    def delete(self, name):
        row = self._rows[f's-{name}']
        row.deleted, row.updated = True, self.now + self.ahead

    def archive(self, name):
        del self._rows[f's-{name}']

    def servers(self):
        return {
            key: row.server
            for key, row in self._rows.items()
            if not row.deleted
        }

    def server_changes(self, since):
        self.asked.append(since and (since - NOON).total_seconds())
        for key, row in self._rows.items():
            if since is not None and row.deleted and self._is_new(row, since):
                yield Change(key, None, None)
        for key, row in self._rows.items():
            if not row.deleted and (since is None or self._is_new(row, since)):
                at = NOON + datetime.timedelta(seconds=row.updated)
                yield Change(key, row.server, at)
                if self.fails:
                    raise SourceError('no answer')

    def _is_new(self, row, since):
        return row.updated >= (since - NOON).total_seconds()


@pytest.fixture
def nova(monkeypatch):
    nova = Nova()
    monkeypatch.setattr(known_servers, 'time', nova)
    nova.write('a')
    nova.write('b', 'vc-1')
    nova.write('c')
    return nova


@pytest.fixture
def known(nova):
    """Return the servers, read once."""
    known = KnownServers(nova)
    assert read(known) == nova.servers()
    assert nova.asked == [None]
    nova.now += 10 * MINUTE
    return known


def read(known):
    servers = list(known.read())
    ids = {server.id: server for server in servers}
    assert len(ids) == len(servers)
    return ids


def test_a_cloud_tells_what_changes_and_a_file_does_not():
    assert issubclass(CloudSource, ChangingServers)
    assert not isinstance(records.both(), ChangingServers)


def test_what_changes(nova, known):
    nova.write('new')
    nova.write('a', 'kvm-2')
    nova.delete('b')
    assert read(known) == nova.servers()
    assert nova.asked[1:] == [-5 * MINUTE]
    nova.now += MINUTE
    nova.delete('new')
    nova.write('c', status='ERROR', host=None)
    assert read(known) == nova.servers()
    # Five minutes before the last change that was seen.
    assert nova.asked[2:] == [5 * MINUTE]


def test_nothing_changes(nova, known):
    for _ in range(4):
        nova.now += MINUTE
        assert read(known) == nova.servers()
    assert None not in nova.asked[1:]


def test_what_changes_without_a_word_is_seen_later(nova, known):
    nova.delete('a')
    nova.archive('a')
    assert 's-a' in read(known)
    nova.now = ALL_AGAIN
    assert read(known) == nova.servers()
    assert nova.asked[-1] is None
    nova.now += MINUTE
    read(known)
    assert nova.asked[-1] is not None


@pytest.mark.parametrize('ahead', [-1e6, -4 * MINUTE, 4 * MINUTE, 1e6])
def test_a_clock_of_nova_that_is_wrong(nova, ahead):
    """One that all of nova has; of this machine's, it is the same."""
    nova.ahead = ahead
    for name in 'abc':
        nova.write(name)
    known = KnownServers(nova)
    read(known)
    for host in ('kvm-2', 'kvm-3', 'kvm-4'):
        nova.now += MINUTE
        nova.write('a', host)
        nova.write(host)
        assert read(known) == nova.servers()
    assert None not in nova.asked[1:]


@pytest.mark.parametrize('behind', [-4 * MINUTE, 0, 1e6])
def test_clocks_of_nova_that_differ(nova, known, behind):
    nova.ahead = behind
    nova.write('a', 'kvm-2')
    assert read(known) == nova.servers()
    nova.now += MINUTE
    nova.ahead = -4 * MINUTE
    nova.write('c', 'kvm-2')
    assert read(known) == nova.servers()


def test_a_reading_that_fails(nova, known):
    nova.fails = True
    for _ in range(3):
        nova.now += MINUTE
        nova.write('a', f'kvm-{nova.now}')
        nova.delete('b')
        with pytest.raises(SourceError):
            read(known)
    nova.fails = False
    nova.now += 10 * 60
    assert read(known) == nova.servers()


def test_a_first_reading_that_fails(nova):
    known = KnownServers(nova)
    nova.fails = True
    with pytest.raises(SourceError):
        read(known)
    nova.fails = False
    assert read(known) == nova.servers()
    assert nova.asked == [None, None]


def test_a_cloud_without_servers(nova):
    for name in 'abc':
        nova.archive(name)
    known = KnownServers(nova)
    assert read(known) == {}
    nova.now += MINUTE
    nova.write('first')
    assert read(known) == nova.servers()
    assert nova.asked == [None, -5 * MINUTE]


def test_equal_parts_are_kept_once(nova, known):
    nova.write('a', flavor=records.SMALL.__copy__())
    nova.write('c', flavor=records.SMALL.__copy__())
    found = read(known)
    assert found['s-a'].flavor is found['s-c'].flavor
    assert found['s-a'].image_properties is found['s-c'].image_properties
