# SPDX-License-Identifier: Apache-2.0
"""What real services of today do not show: other catalogs, other novas.

The rest is in ``tests/integration``.
"""

import re

import pytest
from openstack import connection

from hypervisor_affinity.cloud.api import TIMEOUT
from hypervisor_affinity.cloud.openstack import CloudSource
from hypervisor_affinity.cloud.source import Missing
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests import fake_keystone
from tests.fake_keystone import REGION

IMAGE_ID = '6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e'
SERVER = {
    'id': '2c0f3f0a-9d8f-4a57-a8fb-3d1f0e9f1a11',
    'name': 'web',
    'status': 'ACTIVE',
    'tenant_id': 'blue',
    'image': {'id': IMAGE_ID},
    'flavor': {
        'original_name': 'm1.small',
        'vcpus': 1,
        'ram': 2048,
        'disk': 20,
        'ephemeral': 0,
        'swap': 0,
        'extra_specs': {},
    },
    'OS-EXT-SRV-ATTR:host': 'kvm-1',
    'OS-EXT-SRV-ATTR:hypervisor_hostname': 'kvm-1',
}


class Cloud(FakeApi):
    """Keystone and nova.

    * ``microversion``: the newest of nova; None for no word of it
    * ``services``: of the catalog
    * ``answers``: {path: what nova or Keystone answers; None for 404}
    * ``refuses``: whether Keystone gives no token
    """

    def __init__(self):
        self.microversion = '2.98'
        self.services = ('compute',)
        self.answers = {}
        self.refuses = False
        super().__init__(self._answer)

    def connect(self, **options):
        return connection.Connection(
            auth_type='password',
            auth=fake_keystone.credentials(
                self.url.replace('://', '://me:pass@')
            ),
            region_name=REGION,
            **options,
        )

    def asked(self, path):
        return [r for r in self.requests if r.path == path]

    def _answer(self, request):
        path = request.path.rstrip('/')
        if path == '/v3/auth/tokens' and self.refuses:
            return in_json({'error': {'message': 'no', 'code': 401}}, 401)
        if path == '/v3/auth/tokens':
            return in_json(self._token(), 201, {'X-Subject-Token': 'token'})
        if path == '/v3':
            return in_json(fake_keystone.version(self.url))
        if path == '/v2.1':
            return in_json(
                fake_keystone.version(
                    self.url,
                    path,
                    'v2.1',
                    version=self.microversion or '',
                    min_version='2.1' if self.microversion else '',
                )
            )
        # One page of all, and then an empty one.
        answer = self.answers[path]
        if answer is None:
            return in_json({'error': {'message': 'no', 'code': 404}}, 404)
        if 'marker' in request.query:
            answer = {name: [] for name in answer}
        return in_json(answer)

    def _token(self):
        return fake_keystone.token(
            fake_keystone.service(
                name,
                f'{self.url}/{"v3" if name == "identity" else "v2.1"}',
            )
            for name in self.services
        )


@pytest.fixture
def cloud():
    with Cloud() as cloud:
        yield cloud


def microversions(requests):
    return {r.headers.get('OpenStack-API-Version') for r in requests}


def test_name_has_no_credentials(cloud):
    source = CloudSource(cloud.connect())
    assert source.name == f'{cloud.url}/v3 ({REGION})'


@pytest.mark.parametrize(
    ('option', 'expected'), [({}, TIMEOUT), ({'api_timeout': 7}, 7)]
)
def test_timeout(cloud, option, expected):
    connection = cloud.connect(**option)
    CloudSource(connection)
    assert connection.session.timeout == expected


@pytest.mark.parametrize(
    ('newest', 'servers', 'hypervisors'),
    [
        ('2.61', '2.61', '2.61'),
        ('2.90', '2.90', '2.87'),
        ('2.104', '2.98', '2.87'),
        # A service that does not tell may be told what to do.
        (None, '2.98', '2.87'),
    ],
)
def test_microversions(cloud, newest, servers, hypervisors):
    cloud.microversion = newest
    cloud.answers = {
        '/v2.1/os-services': {'services': []},
        '/v2.1/os-hypervisors/detail': {'hypervisors': []},
        '/v2.1/servers/detail': {'servers': []},
    }
    source = CloudSource(cloud.connect())
    assert not list(source.hosts())
    assert not list(source.servers())
    for path, expected in (
        ('/v2.1/servers/detail', servers),
        ('/v2.1/os-hypervisors/detail', hypervisors),
    ):
        assert microversions(cloud.asked(path)) == {f'compute {expected}'}


@pytest.mark.parametrize(
    ('told', 'expected'),
    [
        # nova's way of writing UTC.
        ('2026-11-02T07:59:55.000000', '2026-11-02T07:59:55+00:00'),
        # Never, since its first heartbeat is to come.
        (None, ''),
        # Nor is that known of what is no time.
        ('yesterday', ''),
        ('2026-02-30T07:59:55.000000', ''),
    ],
)
def test_last_heartbeat_of_a_compute(cloud, told, expected):
    service = {'host': 'kvm-1', 'state': 'up', 'status': 'enabled'}
    cloud.answers = {
        '/v2.1/os-services': {'services': [{**service, 'updated_at': told}]},
        '/v2.1/os-hypervisors/detail': {'hypervisors': []},
    }
    (host,) = CloudSource(cloud.connect()).hosts()
    assert host.last_seen == expected


def test_a_project_by_its_id_or_name(cloud):
    cloud.services = ('identity',)
    blue = {'id': 'p-1', 'name': 'blue', 'enabled': True}
    cloud.answers = {
        '/v3/projects': {'projects': [blue]},
        '/v3/projects/p-1': {'project': blue},
        '/v3/projects/blue': None,
        '/v3/projects/bleu': None,
        # As one that a name must not leave.
        '/v3/projects/..%2Fusers': None,
    }
    source = CloudSource(cloud.connect())
    assert source.project('p-1') == source.project('blue') == 'p-1'
    (named,) = cloud.asked('/v3/projects')
    assert named.query == {'name': 'blue'}
    with pytest.raises(Missing, match=r"no project 'bleu'; did .* 'blue'"):
        source.project('bleu')
    with pytest.raises(Missing, match=r"no project '\.\./users'$"):
        source.project('../users')


@pytest.mark.parametrize(
    ('name', 'question'),
    [('wbe', "; did you mean 'web'?"), ('database', ''), (IMAGE_ID, '')],
)
def test_the_nearest_of_what_is_not_there(cloud, name, question):
    booted = {
        **SERVER,
        'image': '',
        # A volume that nobody asks for: there is no such service.
        'os-extended-volumes:volumes_attached': [{'id': IMAGE_ID}],
    }
    listed = '/v2.1/servers/detail'
    cloud.answers = {f'/v2.1/servers/{IMAGE_ID}': None, listed: None}
    cloud.answers[listed] = {'servers': [booted]}
    source = CloudSource(cloud.connect())
    with pytest.raises(Missing) as raised:
        source.server(name)
    assert str(raised.value) == (
        f'{source.name} has no server {name!r}{question}'
    )
    # An id is near to no other one: of many, all servers would be read twice.
    by_name = [r for r in cloud.asked(listed) if 'name' in r.query]
    assert (len(cloud.asked(listed)) > len(by_name)) is (name != IMAGE_ID)


def test_too_old(cloud):
    cloud.microversion = '2.60'
    with pytest.raises(SourceError, match=r'up to 2\.60; at least 2\.61'):
        list(CloudSource(cloud.connect()).flavors())


def test_older_nova_tells_no_image_properties(cloud):
    cloud.answers = {'/v2.1/servers/detail': {'servers': [SERVER]}}
    (server,) = CloudSource(cloud.connect()).servers()
    assert server.image == IMAGE_ID
    assert server.image_properties is None


@pytest.mark.parametrize(
    'options', [{}, {'has_block_storage': False}], ids=['catalog', 'options']
)
def test_no_block_storage(cloud, options):
    booted = {
        **SERVER,
        'image': '',
        'os-extended-volumes:volumes_attached': [{'id': IMAGE_ID}],
    }
    cloud.answers = {'/v2.1/servers/detail': {'servers': [booted]}}
    (server,) = CloudSource(cloud.connect(**options)).servers()
    assert server.volume
    assert server.image is None
    assert server.image_properties is None


def test_missing_service(cloud):
    cloud.services = ('image',)
    with pytest.raises(SourceError, match=r'nova, GET /: no endpoint .*north'):
        list(CloudSource(cloud.connect()).aggregates())


def test_no_keystone():
    with Cloud() as cloud:
        source = CloudSource(cloud.connect())
    # What the error is called depends on who has patched sockets.
    says = (
        r'^keystone, POST .*//127[^@]*/v3/auth/tokens \([^[]+\); see whether'
    )
    with pytest.raises(SourceError, match=says):
        list(source.aggregates())


def test_wrong_password(cloud):
    cloud.refuses = True
    with pytest.raises(SourceError, match='keystone refuses the credentials'):
        list(CloudSource(cloud.connect()).aggregates())
    assert len(cloud.asked('/v3/auth/tokens')) == 1


def without(name, thing):
    return {key: value for key, value in thing.items() if key != name}


@pytest.mark.parametrize(
    ('server', 'says'),
    [
        (
            without('OS-EXT-SRV-ATTR:host', SERVER),
            'policy rule os_compute_api:os-extended-server-attributes',
        ),
        (
            {**without('OS-EXT-SRV-ATTR:host', SERVER), 'status': 'UNKNOWN'},
            'its cell is down',
        ),
        (
            {**SERVER, 'flavor': without('extra_specs', SERVER['flavor'])},
            'policy rule os_compute_api:servers:show:flavor-extra-specs',
        ),
    ],
    ids=['hosts', 'cell', 'extra specs'],
)
def test_silence_is_no_answer(cloud, server, says):
    """Nova leaves out what the user may not see, without a word."""
    cloud.answers = {'/v2.1/servers/detail': {'servers': [server]}}
    with pytest.raises(SourceError, match=re.escape(says)):
        list(CloudSource(cloud.connect()).servers())


def test_more_than_a_snapshot_can_hold(cloud):
    flavor = {**SERVER['flavor'], 'ram': 2**31}
    cloud.answers = {
        '/v2.1/servers/detail': {'servers': [{**SERVER, 'flavor': flavor}]}
    }
    says = 'nova, GET /servers/detail: not a valid answer of nova .*2147483647'
    with pytest.raises(SourceError, match=says):
        list(CloudSource(cloud.connect()).servers())


def test_what_is_cited_has_an_end(cloud):
    server = {**without('OS-EXT-SRV-ATTR:host', SERVER), 'status': 'UNKNOWN'}
    server['id'] = 'long' * 2000
    cloud.answers = {'/v2.1/servers/detail': {'servers': [server]}}
    with pytest.raises(SourceError, match='its cell is down') as raised:
        list(CloudSource(cloud.connect()).servers())
    assert len(str(raised.value)) < 500


def test_flavors_without_extra_specs(cloud):
    flavor = {
        'id': '1',
        'name': 'm1.small',
        'vcpus': 1,
        'ram': 2048,
        'disk': 20,
        'swap': '',
        'OS-FLV-EXT-DATA:ephemeral': 0,
    }
    cloud.answers = {'/v2.1/flavors/detail': {'flavors': [flavor]}}
    with pytest.raises(SourceError, match='os-flavor-extra-specs:index'):
        list(CloudSource(cloud.connect()).flavors())
    flavor['extra_specs'] = {'hw:cpu_policy': 'shared'}
    (read,) = CloudSource(cloud.connect()).flavors()
    assert (read.swap_mb, read.extra_specs) == (0, flavor['extra_specs'])
