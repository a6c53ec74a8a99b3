# SPDX-License-Identifier: Apache-2.0
"""Schedulers in this process, for which the product has one of their own."""

import contextlib
import logging
from collections.abc import Iterator
from unittest import mock

import nova.conf
from nova.scheduler import request_filter


@contextlib.contextmanager
def nova_as_it_was() -> Iterator[None]:
    """Undo what a scheduler does to its process."""
    logger = logging.getLogger('hypervisor_affinity.scheduler')
    level = logger.level
    installed = request_filter.ALL_REQUEST_FILTERS.copy()
    with (
        mock.patch.object(request_filter, 'ALL_REQUEST_FILTERS', installed),
        mock.patch.object(logger, 'handlers', []),
        mock.patch.object(logger, 'propagate', True),
    ):
        try:
            yield
        finally:
            logger.setLevel(level)
            nova.conf.CONF.reset()
