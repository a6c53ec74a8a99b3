# SPDX-License-Identifier: Apache-2.0
"""A cloud is read as it was filled."""

import re

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.exporter.known_servers import KnownServers
from testbed.fake_api import FakeApi
from testbed.fake_api import forward
from tests.integration import content
from tests.integration.fake_cinder import FakeCinder

pytest.importorskip('glance', reason='the extra `cloud` is not installed')


@pytest.fixture
def source(connect):
    return CloudSource(connect())


def by_id(things):
    """Return {id: thing}, and that none is there twice."""
    found = list(things)
    ids = {thing.id: thing for thing in found}
    assert len(ids) == len(found)
    return ids


def test_hosts(source):
    assert tuple(source.hosts()) == content.HOSTS


def test_aggregates(source):
    assert tuple(source.aggregates()) == content.AGGREGATES


def test_flavors(source):
    assert by_id(source.flavors()) == by_id(content.FLAVORS)


def test_images(source):
    assert by_id(source.images()) == by_id(content.IMAGES)


def test_servers(source):
    assert by_id(source.servers()) == by_id(content.SERVERS)


def test_servers_that_are_remembered(source):
    known = KnownServers(source)
    for _ in ('all', 'what has changed'):
        assert by_id(known.read()) == by_id(content.SERVERS)


def test_without_cinder(cloud):
    servers = by_id(CloudSource(cloud.connect()).servers())
    for expected in content.SERVERS:
        properties = servers[expected.id].image_properties
        assert properties == (
            None if expected.volume else expected.image_properties
        )


@pytest.mark.parametrize(
    ('service', 'section', 'path', 'size'),
    [
        ('nova', 'hosts', '/v2.1/os-hypervisors/detail', 4),
        ('nova', 'flavors', '/v2.1/flavors/detail', 2),
        ('nova', 'servers', '/v2.1/servers/detail', 60),
        ('glance', 'images', '/v2/images', 3),
    ],
)
def test_pages(cloud, service, section, path, size):
    expected = list(getattr(CloudSource(cloud.connect()), section)())
    real = cloud.site.url(service)
    with FakeApi(lambda request: forward(request, real)) as proxy:
        connection = cloud.connect(
            compute_endpoint_override=f'{proxy.url}/v2.1',
            image_endpoint_override=proxy.url,
        )
        read = getattr(CloudSource(connection, page_size=size), section)
        assert list(read()) == expected
        pages = [r.query for r in proxy.requests if r.path == path]
    assert {query['limit'] for query in pages} == {str(size)}
    assert len(pages) > len(expected) / size


def test_pages_of_volumes(connect):
    # A service may give less than it is asked for.
    with FakeCinder(content.VOLUMES, largest_page=2) as cinder:
        url = f'{cinder.url}/v3'
        source = CloudSource(connect(block_storage_endpoint_override=url))
        servers = by_id(source.servers())
        pages = [r for r in cinder.requests if r.path == '/v3/volumes/detail']
    assert servers == by_id(content.SERVERS)
    # And an empty one at the end.
    assert len(pages) == 4


@pytest.mark.parametrize('suffix', ['.json', '.yaml'])
def test_snapshot(source, tmp_path, suffix):
    path = tmp_path / f'cloud{suffix}'
    counts = files.save(source, path)
    saved = FileSource(path)
    for section in snapshot.SECTIONS:
        expected = getattr(content, section.upper())
        found = list(getattr(saved, section)())
        assert counts[section] == len(found) == len(expected)
        assert all(record in found for record in expected)


def test_no_secret_is_read(source, connect, tmp_path):
    connection = connect()
    given = {
        'servers': connection.compute.get(
            '/servers/detail?all_tenants=1', microversion='2.98'
        ).content,
        'images': connection.image.get('/images').content,
        'volumes': connection.block_storage.get(
            '/volumes/detail?all_tenants=true&limit=9'
        ).content,
    }
    secrets = [content.SECRET.encode(), content.ENCODED_SECRET.encode()]
    assert all(secrets[0] in answer for answer in given.values())
    assert secrets[1] in given['servers']
    path = tmp_path / 'cloud.json'
    files.save(source, path)
    saved = path.read_bytes()
    assert not [secret for secret in secrets if secret in saved]
    assert b'os_command_line' not in saved


@pytest.mark.parametrize(
    'image',
    [image for image in content.IMAGES if image.name not in ('', 'twice')],
    ids=lambda image: image.name,
)
def test_one_image(source, image):
    assert source.image(image.id) == image
    assert source.image(image.name) == image


def test_images_of_one_name(source):
    with pytest.raises(SourceError, match="2 images named 'twice'"):
        source.image('twice')


@pytest.mark.parametrize('name', ['none', '', 'UBUNTU', content.SERVERS[0].id])
def test_no_such_image(source, name):
    with pytest.raises(SourceError, match='has no image'):
        source.image(name)


@pytest.mark.parametrize('flavor', content.FLAVORS, ids=lambda one: one.name)
def test_one_flavor(source, flavor):
    assert source.flavor(flavor.id) == flavor
    assert source.flavor(flavor.name) == flavor


@pytest.mark.parametrize(
    'server',
    [server for server in content.SERVERS[299:] if server.name != 'same name'],
    ids=lambda server: server.name,
)
def test_one_server(source, server):
    assert source.server(server.id) == server
    assert source.server(server.name) == server


def test_one_server_does_not_read_all(connect, cinder, cloud):
    seen = len(cinder.requests)
    real = cloud.site.url('nova')
    with FakeApi(lambda request: forward(request, real)) as proxy:
        source = CloudSource(
            connect(compute_endpoint_override=f'{proxy.url}/v2.1')
        )
        source.server('special-5')
        sizes = [
            len(forward(request, real).body)
            for request in proxy.requests
            if request.path == '/v2.1/servers/detail'
        ]
    assert len(sizes) == 2
    assert max(sizes) < 10_000
    assert not [
        request
        for request in cinder.requests[seen:]
        if request.path.endswith('/detail')
    ]


def test_servers_of_one_name(source):
    with pytest.raises(SourceError, match="2 servers named 'same name'"):
        source.server('same name')


@pytest.mark.parametrize('name', ['web-00.', '', content.IMAGES[0].id, 'none'])
def test_no_such_server(source, name):
    with pytest.raises(SourceError, match='has no server'):
        source.server(name)


@pytest.mark.parametrize(
    ('section', 'rule'),
    [
        ('hosts', 'os_compute_api:os-services:list'),
        ('aggregates', 'os_compute_api:os-aggregates:index'),
        ('servers', 'os_compute_api:servers:detail:get_all_tenants'),
    ],
)
def test_without_the_right(connect, section, rule):
    source = CloudSource(connect(token='reader'))
    with pytest.raises(SourceError, match=re.escape(rule)):
        list(getattr(source, section)())
