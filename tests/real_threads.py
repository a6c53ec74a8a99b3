# SPDX-License-Identifier: Apache-2.0
"""Tests that need the threads of the system.

nova's own tests, and what imports them, have eventlet replace the threads of
the whole process as soon as they are collected; a thread that waits for
another then may wait for ever.
"""

import sys

import pytest


@pytest.fixture(autouse=True, scope='session')
def real_threads():
    """Fail at once where they were replaced."""
    patcher = sys.modules.get('eventlet.patcher')
    if patcher is not None and patcher.is_monkey_patched('thread'):
        pytest.fail(
            'these tests need a process of their own: tox run -e vcenter',
            pytrace=False,
        )
