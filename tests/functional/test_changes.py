# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a server, nova lists it among those that changed.

The exporter relies on that: see ``exporter/known_servers.py``. One cloud is
enough for all that can happen.
"""

import datetime
import time

import pytest


@pytest.fixture
def cloud(two_of_each):
    return two_of_each


@pytest.fixture
def small(cloud):
    return cloud.flavors.create('small', memory_mb=512)


@pytest.fixture
def image(cloud):
    return cloud.images.create('qcow2', 'qcow2')


@pytest.fixture
def server(cloud, image, small):
    server = cloud.boot(image, flavor=small, host='kvm-1')
    assert server.status == 'ACTIVE', server.fault
    return server


@pytest.fixture
def after(cloud):
    """Return a function that tells what changed while another one ran."""

    def after(act, **options):
        # nova's times are whole seconds.
        time.sleep(1.1)
        began = datetime.datetime.now(datetime.UTC)
        text = began.strftime('%Y-%m-%dT%H:%M:%SZ')
        assert cloud.servers.changed_since(text) == []
        outcome = act()
        if outcome is not None:
            assert outcome.succeeded, outcome.error
        return cloud.servers.changed_since(text, **options)

    return after


def test_moves(cloud, server, after):
    def host():
        return cloud.servers.get(server).host

    actions = cloud.actions
    large = cloud.flavors.create('large', memory_mb=2048)
    assert after(lambda: actions.live_migrate(server)) == [server.id]
    assert host() == 'kvm-2'
    assert after(lambda: actions.resize(server, large)) == [server.id]
    assert host() == 'kvm-1'
    assert after(lambda: actions.confirm_resize(server)) == [server.id]
    assert after(lambda: actions.cold_migrate(server)) == [server.id]
    assert host() == 'kvm-2'
    assert after(lambda: actions.revert_resize(server)) == [server.id]
    assert host() == 'kvm-1'
    assert after(lambda: actions.shelve(server)) == [server.id]
    assert host() is None
    assert after(lambda: actions.unshelve(server)) == [server.id]
    cloud.hosts.fail(host())
    assert after(lambda: actions.evacuate(server)) == [server.id]


def test_from_the_first_to_the_last(cloud, server, small, after):
    other = cloud.images.create('other', 'qcow2')
    huge = cloud.flavors.create('huge', memory_mb=2**20)
    booted = []

    def boot():
        booted.append(cloud.boot(other, flavor=small))
        booted.append(cloud.boot(other, flavor=huge))

    found = after(boot)
    assert [each.status for each in booted] == ['ACTIVE', 'ERROR']
    assert set(found) == {each.id for each in booted}
    rebuilt = after(lambda: cloud.actions.rebuild(server, other))
    assert rebuilt == [server.id]
    both = [server, booted[1]]
    gone = after(lambda: cloud.servers.delete(both), deleted=True)
    assert set(gone) == {each.id for each in both}
