# SPDX-License-Identifier: Apache-2.0
import pytest

from hypervisor_affinity_tempest_plugin import disks
from testbed.processes.small_cloud import SmallCloud
from tests.integration import content
from tests.integration.fake_cinder import FakeCinder


@pytest.fixture(scope='session')
def cloud(tmp_path_factory):
    """Nova, Placement and Glance with all of ``content``."""
    cloud = SmallCloud(tmp_path_factory.mktemp('cloud'))
    try:
        cloud.start(content.document())
        upload(cloud.connect().image)
        yield cloud
    finally:
        cloud.stop()


@pytest.fixture(scope='session')
def cinder():
    with FakeCinder(content.VOLUMES) as cinder:
        yield cinder


@pytest.fixture
def connect(cloud, cinder):
    """Connect to all of it, Cinder too, with other options."""

    def connect(**options):
        return cloud.connect(
            **{
                'has_block_storage': True,
                'block_storage_endpoint_override': f'{cinder.url}/v3',
                **options,
            }
        )

    return connect


def upload(glance):
    """Create the images, and upload what they are to hold."""
    for image in content.IMAGES:
        extras = content.IMAGE_EXTRAS.get(image.id, {})
        body = {
            'id': image.id,
            'name': image.name or None,
            'disk_format': image.disk_format,
            'container_format': image.container_format,
            **image.properties,
            **extras,
        }
        created = glance.post(
            '/images',
            json={name: value for name, value in body.items() if value},
        )
        assert created.status_code == 201, created.text
        if image.status == 'queued':
            continue
        stored = glance.put(
            f'/images/{image.id}/file',
            data=disks.IN_FORMAT[image.disk_format](),
            headers={'Content-Type': 'application/octet-stream'},
        )
        assert stored.status_code == 204, stored.text
        if image.status == 'deactivated':
            glance.post(f'/images/{image.id}/actions/deactivate')
