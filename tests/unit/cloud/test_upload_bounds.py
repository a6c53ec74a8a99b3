# SPDX-License-Identifier: Apache-2.0
"""An upload takes as long as it goes on, the answer to it does not."""

import io
import os
import time

import pytest

from hypervisor_affinity.cloud import api
from hypervisor_affinity.cloud.glance import Glance
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import Answer
from tests.unit.cloud.test_bounds import BIG
from tests.unit.cloud.test_bounds import DEADLINE
from tests.unit.cloud.test_bounds import SHORT
from tests.unit.cloud.test_bounds import SOON
from tests.unit.cloud.test_openstack import Cloud


@pytest.fixture
def cloud():
    with Cloud() as cloud:
        yield cloud


def test_an_upload_takes_as_long_as_it_goes_on(cloud, tmp_path):
    path = tmp_path / 'disk'
    path.write_bytes(os.urandom(1024**2))

    class Slowly(io.FileIO):
        def read(self, size):
            time.sleep(2 * SHORT)
            return super().read(size)

    def upload(request):
        return (
            Answer(204, delay=2 * SHORT)
            if request.method == 'PUT'
            else original(request)
        )

    original = cloud.answer
    cloud.answer = upload
    connection = cloud.connect(
        image_endpoint_override=f'{cloud.url}/v2',
        image_api_version='2',
        **{DEADLINE: SHORT},
    )
    with Slowly(path) as file:
        Glance(connection).send('1', file, lambda chunk: None)
    assert cloud.requests[-1].body == path.read_bytes()


def test_who_drips_after_an_upload(cloud, tmp_path, monkeypatch):
    monkeypatch.setattr(api, '_STORING', SHORT)
    path = tmp_path / 'disk'
    path.write_bytes(b'disk')
    original = cloud.answer
    cloud.answer = lambda request: (
        Answer(body=BIG, drip=0.02)
        if request.method == 'PUT'
        else original(request)
    )
    connection = cloud.connect(
        image_endpoint_override=f'{cloud.url}/v2',
        image_api_version='2',
        api_timeout=SHORT,
    )
    began = time.monotonic()
    with (
        path.open('rb') as file,
        pytest.raises(SourceError, match='no complete answer within 0'),
    ):
        Glance(connection).send('1', file, lambda chunk: None)
    assert time.monotonic() - began < SOON
