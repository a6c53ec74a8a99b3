# SPDX-License-Identifier: Apache-2.0
"""Cinder's API as far as volumes are read.

Fake: it shows that paging, filters and shapes are used as documented, not that
Cinder has them, nor Cinder's policies.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import Request
from testbed.fake_api import in_json


class FakeCinder(FakeApi):
    """With these volumes."""

    def __init__(
        self, volumes: Iterable[Mapping[str, Any]], largest_page: int = 1000
    ) -> None:
        """Serve.

        :param volumes: as ``GET /volumes/detail`` shows them
        :param largest_page: osapi_max_limit
        """
        self._largest_page = largest_page
        self._volumes = {volume['id']: volume for volume in volumes}
        super().__init__(self._answer)

    def _answer(self, request: Request) -> Answer:
        if request.path.rstrip('/') == '/v3':
            return in_json(
                {
                    'versions': [
                        {
                            'id': 'v3.0',
                            'status': 'CURRENT',
                            'version': '3.71',
                            'min_version': '3.0',
                            'links': [
                                {'rel': 'self', 'href': f'{self.url}/v3/'}
                            ],
                        }
                    ]
                }
            )
        if request.headers.get('X-Auth-Token') != 'admin':
            return in_json({}, 401)
        _, _, name = request.path.rpartition('/')
        if name == 'detail':
            return in_json({'volumes': self._page(request.query)})
        if name in self._volumes:
            return in_json({'volume': self._volumes[name]})
        return in_json({'itemNotFound': {'message': name, 'code': 404}}, 404)

    def _page(self, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        if query.get('all_tenants') != 'true':
            return []
        found = [
            volume
            for volume in self._volumes.values()
            if volume['bootable'] == query.get('bootable', volume['bootable'])
        ]
        if 'marker' in query:
            ids = [volume['id'] for volume in found]
            found = found[ids.index(query['marker']) + 1 :]
        return found[: min(int(query['limit']), self._largest_page)]
