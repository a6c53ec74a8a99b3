# SPDX-License-Identifier: Apache-2.0

import pytest

from hypervisor_affinity.cloud.glance import Glance
from tests import disk_files
from tests.installed import skip_without
from tests.integration import content
from tests.integration.images.uploads import MIB
from tests.integration.images.uploads import OVF
from tests.unit.cli.program import Run


@pytest.fixture(scope='module')
def disks(tmp_path_factory):
    """A folder with a disk of each kind, named after it."""
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    disk_files.every_kind(folder)
    stream = (folder / 'streamOptimized.vmdk').read_bytes()
    ovf = OVF.format(size=len(stream), capacity=16 * MIB)
    disk_files.archive(
        folder / 'appliance.ova', {'a.ovf': ovf.encode(), 'disk.vmdk': stream}
    )
    return folder


@pytest.fixture
def glance(cloud):
    """Glance, which has the same images again when the test is over."""
    sdk = cloud.connect().image
    yield Glance(cloud.connect())
    before = {image.id for image in content.IMAGES}
    for image in sdk.images():
        if image.id not in before:
            sdk.delete_image(image)


@pytest.fixture
def names(cloud):
    """Return a function that tells which images there are beside."""

    def names():
        before = {image.id for image in content.IMAGES}
        images = cloud.connect().image.images()
        return [image.name for image in images if image.id not in before]

    return names


@pytest.fixture
def upload(cloud, glance, capsys, monkeypatch):
    """Return a function that runs ``image upload ARGUMENT...``.

    :param url: of Glance, if it is not the usual one
    """
    monkeypatch.setenv('OS_AUTH_TYPE', 'admin_token')
    monkeypatch.setenv('OS_TOKEN', 'admin')
    monkeypatch.setenv('OS_ENDPOINT', 'http://127.0.0.1:9')

    def upload(*arguments, url=None):
        url = url or cloud.site.url('glance')
        monkeypatch.setenv('OS_IMAGE_ENDPOINT_OVERRIDE', url)
        return Run(capsys, 'image', 'upload', *arguments, '-f', 'json')

    return upload


@pytest.fixture
def stream(disks):
    return disks / 'streamOptimized.vmdk'
