# SPDX-License-Identifier: Apache-2.0
"""Images in a Glance, for ``image audit``."""

import io
import json

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json

IN_ORDER = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'paraVirtual',
    'vmware_ostype': 'ubuntu64Guest',
}

# One finding that a change fixes, of each severity but info.
WRONG = {**IN_ORDER, 'os_distro': 'ubuntu', 'vmware_ostype': 'ubuntu64Guest'}
LINE = 'nova-manage image_property set SERVER --property '


class Glance(FakeApi):
    """Glance, with images that somebody may not change.

    * ``images``: {id: what it tells of it}
    * ``contents``: {id: bytes}
    * ``protected``: ids of those that may not be changed
    * ``forgetful``: whether it says that it changed what it did not
    """

    def __init__(self):
        self.images = {}
        self.contents = {}
        self.protected = set()
        self.forgetful = False
        super().__init__(self._answer)

    def add(self, name, content=b'', **properties):
        image_id = f'1a000000-0000-4000-8000-{len(self.images):012}'
        self.images[image_id] = {
            'id': image_id,
            'name': name,
            'status': 'active',
            'disk_format': 'vmdk',
            'container_format': 'bare',
            'size': len(content),
            'visibility': 'public',
            **properties,
        }
        self.contents[image_id] = content
        return image_id

    def changes(self):
        return [r for r in self.requests if r.method == 'PATCH']

    def _answer(self, request):
        parts = request.path.strip('/').split('/')
        if parts == ['v2']:
            link = {'rel': 'self', 'href': f'{self.url}/v2/'}
            version = {'id': 'v2.17', 'status': 'CURRENT', 'links': [link]}
            return in_json({'versions': [version]}, 300)
        if parts == ['v2', 'images']:
            shown = request.query['os_hidden'] == 'false'
            listed = shown and 'marker' not in request.query
            name = request.query.get('name')
            return in_json(
                {
                    'images': [
                        image
                        for image in self.images.values()
                        if listed and name in (None, image['name'])
                    ]
                }
            )
        image = self.images.get(parts[2])
        if image is None:
            return in_json({}, 404)
        if parts[3:] == ['file']:
            return self._part(request, self.contents[image['id']])
        if request.method == 'PATCH':
            return self._change(request, image)
        return in_json(image)

    def _part(self, request, content):
        first, last = map(
            int, request.headers['Range'].removeprefix('bytes=').split('-')
        )
        span = f'bytes {first}-{last}/{len(content)}'
        return Answer(206, content[first : last + 1], {'Content-Range': span})

    def _change(self, request, image):
        if image['id'] in self.protected:
            return Answer(403, b'{"message": "not yours"}')
        for step in json.loads(request.body) if not self.forgetful else ():
            name = step['path'].removeprefix('/')
            if step['op'] == 'remove':
                del image[name]
            else:
                image[name] = step['value']
        return in_json(image)


class Terminal(io.StringIO):
    """What an operator types."""

    def isatty(self):
        return True


def checks(done):
    return [(row['Name'], row['Check']) for row in done.json()]
