# SPDX-License-Identifier: Apache-2.0
import logging

import nova.conf
import pytest
from nova.scheduler import request_filter


@pytest.fixture(autouse=True)
def nova_as_it_was(monkeypatch):
    """Undo what a scheduler does to its process, which is this one here."""
    monkeypatch.setattr(
        request_filter,
        'ALL_REQUEST_FILTERS',
        request_filter.ALL_REQUEST_FILTERS.copy(),
    )
    logger = logging.getLogger('hypervisor_affinity.scheduler')
    monkeypatch.setattr(logger, 'handlers', [])
    monkeypatch.setattr(logger, 'propagate', True)
    level = logger.level
    yield
    logger.setLevel(level)
    nova.conf.CONF.reset()
