# SPDX-License-Identifier: Apache-2.0
"""How servers that changed are asked for; nova's part is in integration."""

import datetime

import pytest

from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import SourceError
from tests.unit.cloud.test_openstack import SERVER
from tests.unit.cloud.test_openstack import Cloud

SINCE = datetime.datetime(
    *(2026, 11, 2, 13, 0, 7, 900),
    tzinfo=datetime.timezone(datetime.timedelta(hours=1)),
)
GONE = '7f0e8a11-2222-4e0e-8f3c-1b7d5c9e0a44'
CHANGED_AT = datetime.datetime(2026, 11, 2, 12, 3, tzinfo=datetime.UTC)


def volume(number):
    return f'00000000-0000-4000-8000-{number:012}'


def on_volume(number):
    return {
        **SERVER,
        'id': f'10000000-0000-4000-8000-{number:012}',
        'image': '',
        'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
        'os-extended-volumes:volumes_attached': [{'id': volume(number)}],
    }


def cinders(number):
    return {
        'id': volume(number),
        'bootable': 'true',
        'attachments': [{'device': '/dev/vda'}],
        'volume_image_metadata': {'os_distro': f'distribution-{number}'},
    }


@pytest.fixture
def cloud():
    with Cloud() as cloud:
        cloud.services = ('compute', 'block-storage')
        cloud.answers = {
            '/v2.1/servers': {'servers': [{'id': GONE}]},
            '/v2.1/servers/detail': {
                'servers': [{**SERVER, 'updated': '2026-11-02T12:03:00Z'}]
            },
        }
        yield cloud


def changes(cloud, since=SINCE):
    return list(CloudSource(cloud.connect()).server_changes(since))


def test_deleted_ones_and_others(cloud):
    gone, changed = changes(cloud)
    assert gone == (GONE, None, None)
    assert (changed.id, changed.at) == (SERVER['id'], CHANGED_AT)
    assert changed.server.host == 'kvm-1'
    for path, deleted in (
        ('/v2.1/servers', 'true'),
        ('/v2.1/servers/detail', 'false'),
    ):
        query = cloud.asked(path)[0].query
        assert query['changes-since'] == '2026-11-02T12:00:07Z'
        assert (query['deleted'], query['all_tenants']) == (deleted, 'true')


def test_all(cloud):
    [found] = changes(cloud, None)
    assert (found.id, found.at) == (SERVER['id'], CHANGED_AT)
    assert not cloud.asked('/v2.1/servers')
    query = cloud.asked('/v2.1/servers/detail')[0].query
    assert not {'changes-since', 'deleted'} & set(query)


@pytest.mark.parametrize('status', ['DELETED', 'SOFT_DELETED'])
def test_a_policy_that_lets_nobody_tell_them_apart(cloud, status):
    # nova then leaves out the filter `deleted`, and does not say so.
    cloud.answers['/v2.1/servers'] = {'servers': [{'id': SERVER['id']}]}
    deleted = {**SERVER, 'id': GONE, 'status': status}
    cloud.answers['/v2.1/servers/detail'] = {'servers': [SERVER, deleted]}
    last = {change.id: change.server for change in changes(cloud)}
    assert last[GONE] is None
    assert last[SERVER['id']].status == 'ACTIVE'


@pytest.mark.parametrize(
    'updated', [None, '', 'today', '0001-01-01T00:00:00Z', '2026-99-01']
)
def test_a_time_that_is_none(cloud, updated):
    server = {**SERVER, 'updated': updated}
    cloud.answers['/v2.1/servers/detail'] = {'servers': [server]}
    assert changes(cloud)[-1].at is None


def test_volumes_of_a_few_are_read_one_by_one(cloud):
    numbers = range(3)
    cloud.answers['/v2.1/servers/detail'] = {
        'servers': list(map(on_volume, numbers))
    }
    for number in numbers:
        path = f'/v2.1/volumes/{volume(number)}'
        cloud.answers[path] = {'volume': cinders(number)}
    _, *found = changes(cloud)
    assert [each.server.image_properties for each in found] == [
        {'os_distro': f'distribution-{number}'} for number in numbers
    ]
    assert not cloud.asked('/v2.1/volumes/detail')


def test_volumes_of_many_are_read_in_pages(cloud):
    numbers = range(150)
    cloud.answers['/v2.1/servers/detail'] = {
        'servers': list(map(on_volume, numbers))
    }
    cloud.answers['/v2.1/volumes/detail'] = {
        'volumes': list(map(cinders, numbers))
    }
    for number in numbers:
        path = f'/v2.1/volumes/{volume(number)}'
        cloud.answers[path] = {'volume': cinders(number)}
    _, *found = changes(cloud)
    assert [each.server.image_properties for each in found] == [
        {'os_distro': f'distribution-{number}'} for number in numbers
    ]
    single = [
        r for r in cloud.requests if r.path.startswith('/v2.1/volumes/0')
    ]
    assert len(single) == 100
    # And an empty page.
    assert len(cloud.asked('/v2.1/volumes/detail')) == 2


def test_an_answer_that_is_none(cloud):
    cloud.answers['/v2.1/servers'] = {'error': 'none'}
    with pytest.raises(SourceError, match='GET /servers'):
        changes(cloud)
