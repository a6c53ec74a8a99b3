# SPDX-License-Identifier: Apache-2.0
"""Call nova-scheduler as nova-conductor and nova-api do.

Takes the arguments of any of nova's programs. Each line of standard input is
a call [function, {argument: value}]; a line with its result answers it.
"""

import json
import sys

import oslo_messaging
from nova import config
from nova import context
from nova import exception
from nova import objects
from nova.scheduler.client import query
from oslo_utils import uuidutils

_FORMATS = ('disk_format', 'container_format')


def _request_spec(admin, image):
    # Formats apart from properties, as nova.image.glance reads an image.
    meta = {name: image[name] for name in _FORMATS if name in image}
    meta['properties'] = {
        name: value for name, value in image.items() if name not in _FORMATS
    }
    flavor = objects.Flavor(
        flavorid='1',
        name='m1.tiny',
        memory_mb=512,
        vcpus=1,
        root_gb=1,
        ephemeral_gb=0,
        swap=0,
        extra_specs={},
    )
    return objects.RequestSpec.from_components(
        admin,
        instance_uuid=uuidutils.generate_uuid(),
        image=objects.ImageMeta.from_dict(meta),
        flavor=flavor,
        numa_topology=None,
        pci_requests=None,
        filter_properties={},
        instance_group=None,
        availability_zone=None,
    )


class _Calls:
    def __init__(self):
        self._admin = context.RequestContext('user', 'project', is_admin=True)
        self._client = query.SchedulerQueryClient()

    def place(self, image):
        spec = _request_spec(self._admin, image)
        try:
            [[selection]] = self._client.select_destinations(
                self._admin, spec, [spec.instance_uuid], return_objects=True
            )
        except exception.NoValidHost as error:
            # What becomes the server's fault.
            return error.format_message()
        except oslo_messaging.MessagingTimeout:
            return 'nobody answered'
        return selection.service_host

    def set_metadata(self, name, metadata):
        (aggregate,) = [
            one
            for one in objects.AggregateList.get_all(self._admin)
            if one.name == name
        ]
        aggregate.update_metadata(metadata)
        self._client.update_aggregates(self._admin, [aggregate])


def main():
    config.parse_args(sys.argv)
    objects.register_all()
    calls = _Calls()
    for line in sys.stdin:
        function, arguments = json.loads(line)
        result = getattr(calls, function)(**arguments)
        sys.stdout.write(json.dumps(result) + '\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
