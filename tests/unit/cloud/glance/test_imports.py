# SPDX-License-Identifier: Apache-2.0
"""Waiting until Glance has made an image of what was staged."""

import types

import pytest

from hypervisor_affinity.cloud import glance as glances
from hypervisor_affinity.cloud.api_errors import Refused
from hypervisor_affinity.cloud.source import SourceError
from testbed.fake_api import in_json
from tests.unit.cloud.glance.fake_glance import ID
from tests.unit.cloud.glance.fake_glance import image


@pytest.fixture
def pauses(monkeypatch):
    """What was slept, in seconds, on a clock that only so goes on."""
    pauses = []
    clock = types.SimpleNamespace(
        sleep=pauses.append, monotonic=lambda: sum(pauses)
    )
    monkeypatch.setattr(glances, 'time', clock)
    return pauses


def task(status, created_at='2026-11-22T10:00:00', message=''):
    return {
        'status': status,
        'created_at': created_at,
        'updated_at': created_at,
        'message': message,
    }


def test_an_import_is_waited_for(cloud, glance, pauses):
    cloud.answers = {
        ('GET', f'/images/{ID}'): [
            image(status='uploading'),
            image(status='importing'),
            image(os_glance_import_task='t'),
            image(),
        ],
        ('GET', f'/images/{ID}/tasks'): in_json(
            {
                'tasks': [
                    task('processing', '2026-11-22T12:00:00'),
                    task('failure', '2026-11-21T12:00:00'),
                ]
            }
        ),
    }
    assert glance.wait(ID).status == 'active'
    # Seldom for what takes long.
    assert pauses == [0.1, 0.2, 0.4]


def test_an_import_that_failed(cloud, glance, pauses):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status='importing'),
        ('GET', f'/images/{ID}/tasks'): in_json(
            {'tasks': [task('failure', message='No space left')]}
        ),
    }
    with pytest.raises(Refused, match=r'importing \(No space left\)'):
        glance.wait(ID)


@pytest.mark.parametrize('status', ['killed', 'deleted'])
def test_an_image_that_never_will_be(cloud, glance, pauses, status):
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status=status),
        ('GET', f'/images/{ID}/tasks'): in_json({}, 404),
    }
    with pytest.raises(SourceError, match=f'which is {status}; see the log'):
        glance.wait(ID)


def test_nothing_happens(cloud, glance, pauses, monkeypatch):
    monkeypatch.setattr(glances, '_PATIENCE', 60)
    cloud.answers = {
        ('GET', f'/images/{ID}'): image(status='importing'),
        ('GET', f'/images/{ID}/tasks'): in_json({'tasks': []}),
    }
    with pytest.raises(SourceError, match='is importing, without progress'):
        glance.wait(ID)
    assert 60 < sum(pauses) <= 70
    assert max(pauses) == 10


def test_an_import_that_always_goes_on(cloud, glance, pauses, monkeypatch):
    monkeypatch.setattr(glances, '_LONGEST_IMPORT', 600)
    shown = ('GET', f'/images/{ID}')
    cloud.answers = {
        shown: [image(status='importing', virtual_size=i) for i in range(99)],
        ('GET', f'/images/{ID}/tasks'): in_json({'tasks': []}),
    }
    with pytest.raises(
        SourceError, match='is still importing after 600 s; see'
    ):
        glance.wait(ID)
    assert 600 < sum(pauses) <= 620


def test_no_way_to_import(cloud, glance):
    cloud.answers['GET', '/info/import'] = in_json({}, 404)
    assert glance.import_methods() == []
