# SPDX-License-Identifier: Apache-2.0
"""A Glance that answers what a test says, and an image in its words."""

from openstack import connection

from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests import fake_keystone

ID = '6d4c1a8f-5c1e-4d52-8b4b-3b1f4b8f0d4e'
IMAGE = {
    'id': ID,
    'name': 'web',
    'status': 'active',
    'size': 1000,
    'virtual_size': 4096,
    'disk_format': 'vmdk',
    'container_format': 'bare',
    'os_hash_algo': 'sha512',
    'os_hash_value': 'abc',
    'vmware_disktype': 'sparse',
}


class Cloud(FakeApi):
    """Keystone and Glance.

    * ``answers``: {(method, path of Glance's API): what it answers, or a list
      of what it answers one time after the other}
    * ``tokens``: how many Keystone has given
    """

    def __init__(self):
        self.answers = {}
        self.tokens = 0
        super().__init__(self._answer)

    def connect(self):
        return connection.Connection(
            auth_type='password',
            auth=fake_keystone.credentials(self.url),
            # So that it does not ask for versions.
            image_api_version='2',
            image_endpoint_override=f'{self.url}/v2',
        )

    def asked(self, method):
        """Return the requests to Glance by one method."""
        return [
            request
            for request in self.requests
            if request.method == method and request.path.startswith('/v2/')
        ]

    def _answer(self, request):
        path = request.path.rstrip('/')
        if path == '/v3':
            return in_json(fake_keystone.version(self.url))
        if path == '/v3/auth/tokens':
            self.tokens += 1
            token = {'X-Subject-Token': f'token-{self.tokens}'}
            return in_json(fake_keystone.token(), 201, token)
        answer = self.answers[request.method, path.removeprefix('/v2')]
        return answer.pop(0) if isinstance(answer, list) else answer


def image(**changes):
    return in_json({**IMAGE, **changes})
