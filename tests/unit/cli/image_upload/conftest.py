# SPDX-License-Identifier: Apache-2.0

import os

import pytest

from tests import disk_files
from tests.installed import skip_without
from tests.unit.cli.image_upload.fake_glance import FakeGlance


@pytest.fixture
def glance(monkeypatch):
    with FakeGlance() as glance:
        for name, value in {
            'OS_AUTH_TYPE': 'admin_token',
            'OS_TOKEN': 'any',
            'OS_ENDPOINT': 'http://127.0.0.1:9',
            'OS_IMAGE_ENDPOINT_OVERRIDE': glance.url,
        }.items():
            monkeypatch.setenv(name, value)
        yield glance


@pytest.fixture
def no_cloud(monkeypatch):
    """No cloud is named, so that none can be asked."""
    for name in os.environ:
        if name.startswith('OS_'):
            monkeypatch.delenv(name)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    skip_without('qemu-img')
    folder = tmp_path_factory.mktemp('disks')
    for subformat in ('streamOptimized', 'monolithicFlat'):
        disk_files.vmdk(folder, subformat)
    return folder


@pytest.fixture
def disk(made):
    return made / 'streamOptimized.vmdk'


@pytest.fixture
def upload(run, disk):
    """Return a function that runs ``image upload DISK ARGUMENT...``."""
    return lambda *arguments, path=disk: run(
        'image', 'upload', path, *arguments, '-f', 'json'
    )
