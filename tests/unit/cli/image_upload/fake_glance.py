# SPDX-License-Identifier: Apache-2.0
"""A Glance that keeps what it is sent, in memory."""

import hashlib
import json
import uuid

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json

FITTING = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'ide',
}


class FakeGlance(FakeApi):
    """Glance.

    * ``images``: {id: image as Glance answers}
    * ``faults``: {(method, last part of the path): what it does instead}
    * ``hash_algorithm``: [DEFAULT] hashing_algorithm
    * ``converts_to``: the format that an import ends in; None for no plugin
    * ``import_methods``: that are enabled
    * ``spoil``: what becomes of content on its way
    """

    def __init__(self):
        self.images = {}
        self.faults = {}
        self.hash_algorithm = 'sha512'
        self.converts_to = None
        self.import_methods = ['glance-direct', 'web-download']
        self.spoil = lambda body: body
        super().__init__(self._answer)

    def add(self, **attributes):
        """Add an image; return its id."""
        image = {
            'id': str(uuid.uuid4()),
            'status': 'queued',
            'disk_format': 'vmdk',
            'container_format': 'bare',
            **attributes,
        }
        self.images[image['id']] = image
        return image['id']

    def _answer(self, request):
        last = request.path.rpartition('/')[2]
        if request.path == '/':
            links = [{'rel': 'self', 'href': f'{self.url}/v2/'}]
            version = {'id': 'v2.17', 'status': 'CURRENT', 'links': links}
            return in_json({'versions': [version]}, 300)
        if fault := self.faults.get((request.method, last)):
            return fault(request)
        if last == 'import' and request.method == 'GET':
            value = {'value': self.import_methods}
            return in_json({'import-methods': value})
        if last == 'images' and request.method == 'POST':
            image_id = self.add(**json.loads(request.body))
            return in_json(self.images[image_id], 201)
        if last == 'images':
            return in_json({'images': []})
        if last == 'tasks':
            return in_json({'tasks': []})
        image = self.images.get(request.path.split('/')[3])
        if image is None:
            return in_json({}, 404)
        if request.method == 'DELETE':
            del self.images[image['id']]
            return Answer(204)
        if request.method != 'GET':
            self._change(image, last, request.body)
            return Answer(204)
        return in_json(image)

    def _change(self, image, action, body):
        if action == 'stage':
            image.update(status='uploading', size=len(body), staged=body.hex())
            return
        if action == 'import':
            body = bytes.fromhex(image.pop('staged'))
            image['disk_format'] = self.converts_to or image['disk_format']
        body = self.spoil(body)
        image.update(
            status='active',
            size=len(body),
            os_hash_algo=self.hash_algorithm,
            os_hash_value=hashlib.new(self.hash_algorithm, body).hexdigest(),
        )
